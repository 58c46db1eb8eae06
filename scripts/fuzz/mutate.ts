/** A seeded generator (mulberry32) and mutations of bytes: the same seed and number give the same input again. */
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

/** Input number `n` of a run. */
export function input(seeds: readonly Buffer[], seed: number, n: number): Buffer {
  const next = random(seed ^ Math.imul(n + 1, 0x9e3779b1));
  const below = (limit: number): number => Math.floor(next() * limit);
  let bytes = Buffer.from(seeds[below(seeds.length)]!);
  // Most of what matters stands at the beginning.
  const place = (): number => below(next() < 0.7 ? Math.min(bytes.length, 2048) : bytes.length);
  for (let times = 1 + below(6); times > 0 && bytes.length > 0; times--) {
    const at = place();
    switch (below(8)) {
      case 0:
        bytes[at]! ^= 1 << below(8);
        break;
      case 1:
        bytes[at] = below(256);
        break;
      case 2: {
        const value = NUMBERS[below(NUMBERS.length)]!;
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(value, at);
        break;
      }
      case 3:
        if (at + 2 <= bytes.length) bytes.writeUInt16LE(NUMBERS[below(8)]! & 0xffff, at);
        break;
      case 4:
        bytes = bytes.subarray(0, at);
        break;
      case 5: {
        const length = below(64);
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      }
      case 6: {
        const from = place();
        const part = bytes.subarray(from, from + below(256));
        bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
        break;
      }
      default: {
        const other = seeds[below(seeds.length)]!;
        const from = below(other.length);
        const part = other.subarray(from, from + below(512));
        bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + part.length)]);
      }
    }
  }
  return bytes;
}
