/** Huffman tables and entropy-coded bits, shared by the DCT and the lossless process (ISO/IEC 10918-1 Annexes C and F). */
import { PixelsUndecodable } from './types.ts';

export interface Huffman {
  /** For every next 8 bits: code length << 8 | value, or 0 for longer codes. */
  fast: Uint16Array;
  /** F.2.2.3: per code length the largest code, and what turns a code into the index of its value. */
  maxCode: Int32Array;
  offset: Int32Array;
  values: Uint8Array;
}

/** A DHT segment's body (B.2.4.2) into `dc` and `ac`. */
export function readHuffman(
  body: Uint8Array,
  dc: (Huffman | undefined)[],
  ac: (Huffman | undefined)[],
): void {
  for (let at = 0; at + 17 <= body.length;) {
    const where = body[at]!;
    const counts = body.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, n) => sum + n, 0);
    at += 17;
    if (total > 256 || at + total > body.length) throw new PixelsUndecodable('a Huffman table is cut off');
    (where >> 4 ? ac : dc)[where & 15] = huffmanTable(counts, body.slice(at, at + total));
    at += total;
  }
}

function huffmanTable(counts: Uint8Array, values: Uint8Array): Huffman {
  const fast = new Uint16Array(256);
  const maxCode = new Int32Array(17).fill(-1);
  const offset = new Int32Array(17);
  for (let size = 1, code = 0, k = 0; size <= 16; size++, code <<= 1) {
    const n = counts[size - 1]!;
    offset[size] = k - code;
    if (n > 0) maxCode[size] = code + n - 1;
    for (let i = 0; i < n && size <= 8; i++) {
      const first = (code + i) << (8 - size);
      fast.fill((size << 8) | values[k + i]!, first, first + (1 << (8 - size)));
    }
    code += n;
    k += n;
    if (code > 1 << size) throw new PixelsUndecodable('a Huffman table holds more codes than fit');
  }
  return { fast, maxCode, offset, values };
}

/** Bits of one entropy-coded segment, F.2.2.5. Bits that the stream does not hold are an error, never zeros. */
export class BitReader {
  readonly #bytes: Uint8Array;
  /** Where the next byte is read; behind the scan this is where its marker stands. */
  position: number;
  #buffer = 0;
  #left = 0;
  #padding = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.position = position;
  }

  #fill(): void {
    while (this.#left <= 16) {
      const byte = this.#bytes[this.position];
      if (byte === undefined || (byte === 0xff && this.#bytes[this.position + 1] !== 0)) {
        this.#buffer = (this.#buffer << 8) & 0xffffff;
        this.#padding += 8;
      } else {
        this.#buffer = ((this.#buffer << 8) | byte) & 0xffffff;
        this.position += byte === 0xff ? 2 : 1;
      }
      this.#left += 8;
    }
  }

  #drop(count: number): void {
    this.#left -= count;
    if (this.#left < this.#padding) throw new PixelsUndecodable('the JPEG stream ends too early');
  }

  bit(): number {
    return this.bits(1);
  }

  /** Up to 16 bits. */
  bits(count: number): number {
    if (count === 0) return 0;
    if (this.#left < count) this.#fill();
    const value = (this.#buffer >> (this.#left - count)) & ((1 << count) - 1);
    this.#drop(count);
    return value;
  }

  /** F.2.2.1 RECEIVE and EXTEND. */
  signedBits(count: number): number {
    if (count === 0) return 0;
    const value = this.bits(count);
    return value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
  }

  symbol(table: Huffman | undefined): number {
    if (!table) throw new PixelsUndecodable('a Huffman table is missing');
    if (this.#left < 16) this.#fill();
    const entry = table.fast[(this.#buffer >> (this.#left - 8)) & 0xff]!;
    if (entry !== 0) {
      this.#drop(entry >> 8);
      return entry & 0xff;
    }
    const next = (this.#buffer >> (this.#left - 16)) & 0xffff;
    for (let size = 9; size <= 16; size++) {
      const code = next >> (16 - size);
      if (code > table.maxCode[size]!) continue;
      this.#drop(size);
      return table.values[code + table.offset[size]!] ?? 0;
    }
    throw new PixelsUndecodable('the JPEG stream holds an invalid Huffman code');
  }

  /** Moves behind the restart marker that has to follow here. */
  restart(): void {
    // What is buffered is the rest of the last byte: a marker always stops #fill.
    this.#left = this.#padding = this.#buffer = 0;
    const bytes = this.#bytes;
    while (bytes[this.position] === 0xff && bytes[this.position + 1] === 0xff) this.position++;
    const marker = bytes[this.position + 1] ?? 0;
    if (bytes[this.position] !== 0xff || marker < 0xd0 || marker > 0xd7)
      throw new PixelsUndecodable('a JPEG restart marker is missing');
    this.position += 2;
  }
}
