import { giveBack } from './lent.ts';

/** What a handler reads. One that stops early does not end the message: the rest has still to be read over. */
export class Body implements AsyncIterable<Uint8Array> {
  failure: unknown;
  /** Resolves when nothing more comes: read to its end, or broken off. */
  readonly ended: Promise<void>;
  readonly #data: AsyncGenerator<Uint8Array, void, undefined>;
  readonly #lends: boolean;
  #lent: Uint8Array | undefined;
  #end!: () => void;

  /** @param lends whoever reads copies what it keeps: each piece is given back when the next one is asked for */
  constructor(data: AsyncGenerator<Uint8Array, void, undefined>, lends = false) {
    this.#data = data;
    this.#lends = lends;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  async #next(): Promise<IteratorResult<Uint8Array, void>> {
    try {
      if (this.#lent) giveBack(this.#lent);
      this.#lent = undefined;
      const result = await this.#data.next();
      if (result.done) this.#end();
      else if (this.#lends) this.#lent = result.value;
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
