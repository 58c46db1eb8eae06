/**
 * Group commit: work that arrives while a commit is under way waits and goes together in the next one, so that many pay
 * for one directory sync and one transaction. Without company nothing waits.
 */
export class Batcher<T, R> {
  readonly #work: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #limit: number;
  #waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  #running = false;

  /** `work` gets at most `limit` items and gives as many results, in order. */
  constructor(work: (items: readonly T[]) => Promise<readonly R[]>, limit = 256) {
    this.#work = work;
    this.#limit = limit;
  }

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Lets those in that became ready in the same turn of the event loop.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#limit);
      try {
        const results = await this.#work(group.map(({ item }) => item));
        group.forEach(({ resolve }, i) => resolve(results[i] as R));
      } catch (error) {
        if (group.length === 1) group[0]?.reject(error);
        else await this.#singly(group);
      }
    }
    this.#running = false;
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
