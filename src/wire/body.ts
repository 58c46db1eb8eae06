/** What a handler reads. One that stops early does not end the message: the rest has still to be read over. */
export class Body implements AsyncIterable<Uint8Array> {
  failure: unknown;
  /** Resolves when nothing more comes: read to its end, or broken off. */
  readonly ended: Promise<void>;
  readonly #data: AsyncGenerator<Uint8Array, void, undefined>;
  #end!: () => void;

  constructor(data: AsyncGenerator<Uint8Array, void, undefined>) {
    this.#data = data;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  async #next(): Promise<IteratorResult<Uint8Array, void>> {
    try {
      const result = await this.#data.next();
      if (result.done) this.#end();
      return result;
    } catch (error) {
      this.failure ??= error;
      this.#end();
      throw error;
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, undefined> {
    return { next: () => this.#next() };
  }

  /** Reads over what is left; never rejects. */
  async skip(): Promise<void> {
    try {
      while (!(await this.#next()).done);
    } catch {
      // `failure` says it
    }
  }
}
