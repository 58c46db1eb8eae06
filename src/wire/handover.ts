/**
 * From one who has to one who wants, in order: `give` waits while `room` things are not yet taken, so that the maker is
 * never far ahead. One taker.
 */
export class Handover<T> implements AsyncIterable<T> {
  readonly #room: number;
  #things: T[] = [];
  #over: { readonly error?: unknown } | undefined;
  #discarding = false;
  #wakeTaker: (() => void) | undefined;
  #wakeGiver: (() => void) | undefined;

  constructor(room: number) {
    this.#room = room;
  }

  get ended(): boolean {
    return this.#over !== undefined;
  }

  async give(thing: T): Promise<void> {
    if (this.#discarding || this.#over) return;
    this.#things.push(thing);
    this.#wakeTaker?.();
    if (this.#things.length < this.#room) return;
    await new Promise<void>((resolve) => (this.#wakeGiver = resolve));
  }

  /** Nothing more comes; with an error the taker gets it after what is there. The first end stays. */
  end(error?: unknown): void {
    this.#over ??= error === undefined ? {} : { error };
    this.#wakeTaker?.();
    this.#wakeGiver?.();
  }

  /** Nobody takes any more: what is there and what still comes is forgotten. */
  discard(): void {
    this.#discarding = true;
    this.#things = [];
    this.#wakeGiver?.();
  }

  /** Resolves once it has ended. */
  async whole(): Promise<void> {
    while (!this.#over) await new Promise<void>((resolve) => (this.#wakeTaker = resolve));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.#things.length > 0) {
        const thing = this.#things.shift()!;
        this.#wakeGiver?.();
        yield thing;
      } else if (this.#over) {
        if ('error' in this.#over) throw this.#over.error;
        return;
      } else await new Promise<void>((resolve) => (this.#wakeTaker = resolve));
    }
  }
}
