/** Bits of a parameter set: ITU-T H.264 7.2, 9.1. */
export class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++)
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    return value;
  }

  /** ue(v): an unsigned Exp-Golomb number. */
  unsigned(): number {
    let zeros = 0;
    while (zeros < 32 && this.bits(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v). */
  signed(): number {
    const value = this.unsigned();
    return value % 2 ? (value + 1) / 2 : -value / 2;
  }
}

/** The payload of a NAL unit without the bytes that keep it from looking like a start code: 7.4.1. */
export function withoutEmulation(nal: Uint8Array): Uint8Array {
  return nal.filter((byte, i) => !(byte === 3 && i >= 2 && nal[i - 1] === 0 && nal[i - 2] === 0));
}
