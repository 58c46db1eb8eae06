/** The forward DCT of a block of 8 × 8 (ISO/IEC 10918-1 A.3.3) on vectors, as code of WebAssembly: jfdctint.c of libjpeg. */
import { type Code, i16x8, i32, i32x4, i8x16, v128, type Variable } from './wasm.ts';

/** Lanes of 16 bits of two vectors in turn, from their lower or upper halves. */
const interleaved = (a: Code, b: Code, upper: boolean): number[] =>
  i8x16.shuffle(
    a,
    b,
    Array.from({ length: 16 }, (_, i) => (i & 1) + (i & 2 ? 16 : 0) + 2 * (i >> 2) + (upper ? 8 : 0)),
  );

/** Constants of jfdctint.c: cosines times 2^13. */
const CONST_BITS = 13;
const PASS1_BITS = 2;
const C = {
  _0_298: 2446,
  _0_390: 3196,
  _0_541: 4433,
  _0_765: 6270,
  _0_899: 7373,
  _1_175: 9633,
  _1_501: 12299,
  _1_847: 15137,
  _1_961: 16069,
  _2_053: 16819,
  _2_562: 20995,
  _3_072: 25172,
} as const;

/** The vectors of a block, and as many for `room`. */
export const BLOCK_VECTORS = Object.fromEntries(
  ['d', 't'].flatMap((group) => Array.from({ length: 8 }, (_, i) => [`${group}${i}`, 'v128'])),
) as Readonly<Record<`${'d' | 't'}${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`, 'v128'>>;

/** One pass over eight vectors, in place, the even and the odd part as there; `t` is room. */
export function dctPass(d: readonly Variable[], t: readonly Variable[], second: boolean): number[] {
  const [d0, d1, d2, d3, d4, d5, d6, d7] = d as Eight8;
  const [t0, t1, t2, t3, t4, t5, t6, t7] = t as Eight8;
  const { add: plus, sub: minus } = i16x8;
  const down = second ? CONST_BITS + PASS1_BITS : CONST_BITS - PASS1_BITS;
  const scaled = (sum: Code): number[] =>
    second
      ? i16x8.shrS(plus(sum, i16x8.splat(i32.const(1 << (PASS1_BITS - 1)))), PASS1_BITS)
      : i16x8.shl(sum, PASS1_BITS);
  const rounded = (sum: Code): number[] =>
    i32x4.shrS(i32x4.add(sum, i32x4.splat(i32.const(1 << (down - 1)))), down);
  const pair = (a: number, b: number): number[] =>
    v128.const([...new Uint8Array(Int16Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? a : b)).buffer)]);
  /** Sums of products, a * x + b * y in each lane, of two or four terms, brought back to 16 bits. */
  const products = (...terms: [x: Code, y: Code, a: number, b: number][]): number[] => {
    const half = (upper: boolean): number[] =>
      terms
        .map(([x, y, a, b]) => i32x4.dot(interleaved(x, y, upper), pair(a, b)))
        .reduce((sum, each) => i32x4.add(sum, each));
    return i16x8.narrow(rounded(half(false)), rounded(half(true)));
  };
  const butterfly = (sum: Variable, difference: Variable, a: Variable, b: Variable): number[] => [
    ...sum.set(plus(a.get, b.get)),
    ...difference.set(minus(a.get, b.get)),
  ];
  const even = [
    ...butterfly(d4, d5, t0, t3), // 10 and 13
    ...butterfly(d6, d7, t1, t2), // 11 and 12
    ...d0.set(scaled(plus(d4.get, d6.get))),
    ...t0.set(scaled(minus(d4.get, d6.get))),
    ...d2.set(products([d5.get, d7.get, C._0_541 + C._0_765, C._0_541])),
    ...d6.set(products([d5.get, d7.get, C._0_541, C._0_541 - C._1_847])),
    ...d4.set(t0.get),
  ];
  const [z3, z4] = [t0, t1];
  const both = (a: number, b: number): [Code, Code, number, number] => [z3.get, z4.get, a, b];
  const ofZ3 = both(C._1_175 - C._1_961, C._1_175);
  const ofZ4 = both(C._1_175, C._1_175 - C._0_390);
  const odd = [
    ...z3.set(plus(t4.get, t6.get)),
    ...z4.set(plus(t5.get, t7.get)),
    ...d7.set(products([t4.get, t7.get, C._0_298 - C._0_899, -C._0_899], ofZ3)),
    ...d5.set(products([t5.get, t6.get, C._2_053 - C._2_562, -C._2_562], ofZ4)),
    ...d3.set(products([t5.get, t6.get, -C._2_562, C._3_072 - C._2_562], ofZ3)),
    ...d1.set(products([t4.get, t7.get, -C._0_899, C._1_501 - C._0_899], ofZ4)),
  ];
  return [
    ...butterfly(t0, t7, d0, d7),
    ...butterfly(t1, t6, d1, d6),
    ...butterfly(t2, t5, d2, d5),
    ...butterfly(t3, t4, d3, d4),
    ...even,
    ...odd,
  ];
}
type Eight8 = [Variable, Variable, Variable, Variable, Variable, Variable, Variable, Variable];

/** 8 × 8 lanes of 16 bits from `d`, which is room, to `t`: each step puts one bit of the lane's number into the vector's. */
export function transpose(d: readonly Variable[], t: readonly Variable[]): number[] {
  const step = (from: readonly Variable[], to: readonly Variable[], apart: number): number[] =>
    from.flatMap((first, i) => {
      if (i & apart) return [];
      const second = from[i + apart]!;
      return [
        ...to[i]!.set(interleaved(first.get, second.get, false)),
        ...to[i + apart]!.set(interleaved(first.get, second.get, true)),
      ];
    });
  return [...step(d, t, 4), ...step(t, d, 2), ...step(d, t, 1)];
}
