/** Groups under way. */
const AT_ONCE = 2;

/**
 * Group commit: work that arrives while commits are under way waits and goes together in the next one, so that many pay for
 * one directory sync and one transaction. Two groups may be under way, so that one is written while the disk confirms the
 * other; nobody gets a result before all earlier groups have theirs. Without company nothing waits.
 */
export class Batcher<T, R> {
  readonly #work: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #limit: number;
  #waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  #underWay = 0;
  /** Settles when the latest group has its results. */
  #last: Promise<void> = Promise.resolve();

  /** `work` gets at most `limit` items and gives as many results, in order. */
  constructor(work: (items: readonly T[]) => Promise<readonly R[]>, limit = 256) {
    this.#work = work;
    this.#limit = limit;
  }

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#underWay < AT_ONCE) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#underWay += 1;
    // Lets those in that became ready in the same turn of the event loop.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#limit);
      const before = this.#last;
      const { promise, resolve: told } = Promise.withResolvers<void>();
      this.#last = promise;
      try {
        const results = await this.#work(group.map(({ item }) => item));
        // What this group found there, as a duplicate, may still be on its way to the disk.
        await before;
        group.forEach(({ resolve }, i) => resolve(results[i] as R));
      } catch (error) {
        await before;
        if (group.length === 1) group[0]?.reject(error);
        else await this.#singly(group);
      }
      told();
    }
    this.#underWay -= 1;
  }

  /** One item must not take its company down. */
  async #singly(
    group: readonly { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[],
  ): Promise<void> {
    for (const { item, resolve, reject } of group) {
      await this.#work([item]).then(([result]) => resolve(result as R), reject);
    }
  }
}
