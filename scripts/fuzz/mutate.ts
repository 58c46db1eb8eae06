/** Mutations of bytes: the same seed and number give the same input again. */
import { mutateJson } from './mutateJson.ts';

/** A seeded generator (mulberry32): 0 to 1. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const NUMBERS = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
];
const MUTATIONS = 6;
/** What six insertions can add. */
const ROOM = MUTATIONS * 512;

/** Makes inputs of `seeds`, in place: a new buffer for each would cost more than what is tried with it. */
export class Mutator {
  readonly #seeds: readonly Buffer[];
  readonly #seed: number;
  readonly #scratch: Buffer;

  constructor(seeds: readonly Buffer[], seed: number) {
    this.#seeds = seeds;
    this.#seed = seed;
    this.#scratch = Buffer.alloc(Math.max(...seeds.map(({ length }) => length)) + ROOM);
  }

  /** Input number `n`; a buffer of its own. `tree`: every other input is JSON that `mutateJson` changed. */
  input(n: number, tree = false): Buffer {
    const next = random(this.#seed ^ Math.imul(n + 1, 0x9e3779b1));
    const below = (limit: number): number => Math.floor(next() * limit);
    const bytes = this.#scratch;
    if (tree && n % 2 === 0) {
      const json: unknown = JSON.parse(this.#seeds[below(this.#seeds.length)]!.toString());
      return Buffer.from(JSON.stringify(mutateJson(json, below)) ?? '');
    }
    let length = this.#seeds[below(this.#seeds.length)]!.copy(bytes);
    // Most of what matters stands at the beginning.
    const place = (): number => below(next() < 0.7 ? Math.min(length, 2048) : length);
    // Mostly one: the deeper code is reached by what is nearly right.
    for (let times = 1 + below(1 + below(MUTATIONS)); times > 0 && length > 0; times--) {
      const at = place();
      switch (below(15)) {
        case 0:
        case 1:
          bytes[at]! ^= 1 << below(8);
          break;
        case 2:
        case 3:
          bytes[at] = below(256);
          break;
        case 4:
        case 5: {
          const value = NUMBERS[below(NUMBERS.length)]!;
          if (at + 4 <= length) bytes.writeUInt32LE(value, at);
          break;
        }
        case 6: {
          const value = NUMBERS[below(NUMBERS.length)]!;
          if (at + 4 <= length) bytes.writeUInt32BE(value, at);
          break;
        }
        case 7:
        case 8:
          if (at + 2 <= length) bytes.writeUInt16LE(NUMBERS[below(8)]! & 0xffff, at);
          break;
        case 9:
          // Rare: a file that is cut off is refused for that, whatever else was done to it.
          length = at;
          break;
        case 10:
        case 11: {
          const behind = Math.min(length, at + below(64));
          bytes.copyWithin(at, behind, length);
          length -= behind - at;
          break;
        }
        case 12: {
          const from = place();
          const size = Math.min(length - from, below(256));
          const part = Buffer.from(bytes.subarray(from, from + size));
          bytes.copyWithin(at + size, at, length);
          part.copy(bytes, at);
          length += size;
          break;
        }
        default: {
          const other = this.#seeds[below(this.#seeds.length)]!;
          const from = below(other.length);
          const size = other.copy(bytes, at, from, from + below(512));
          length = Math.max(length, at + size);
        }
      }
    }
    return Buffer.from(bytes.subarray(0, length));
  }
}
