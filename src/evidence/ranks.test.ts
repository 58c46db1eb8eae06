import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vanElteren, type Stratum } from './ranks.ts';

/** Hollander M., Wolfe D. A., Nonparametric Statistical Methods, 1973, p. 69: the example of R's `wilcox.test`. */
const X = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const Y = [1.15, 0.88, 0.9, 0.74, 1.21];
const STRATA: Stratum[] = [
  { x: [12, 30, 25, 41, 8], y: [22, 35, 60, 18] },
  { x: [100, 90, 150, 210, 55, 77], y: [130, 220, 170] },
  { x: [5, 9, 14], y: [7, 16, 21, 30, 12] },
];

describe('one stratum is the Wilcoxon test', () => {
  test('R 4.2.2, wilcox.test(x, y, exact = FALSE, correct = FALSE, conf.int = TRUE)', () => {
    const found = vanElteren([{ x: X, y: Y }])!;
    expect(found.p).toBeCloseTo(0.220671361919847, 10);
    expect(found.above).toBeCloseTo(35 / 50, 12);
    // The estimator by its definition: the median of all differences (R's root finder stops at 0.30251, within the same step).
    expect(found.shift).toBeCloseTo(0.305, 8);
    expect(found.interval.low).toBeCloseTo(-0.15, 6);
    expect(found.interval.high).toBeCloseTo(0.76, 6);
  });

  test('with ties: R, wilcox.test of ozone in May and August (airquality), p = 0.000116377260044', () => {
    const may = [41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37]; // prettier-ignore
    const august = [39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85]; // prettier-ignore
    const found = vanElteren([{ x: may, y: august }])!;
    expect(found.p).toBeCloseTo(0.000116377260044, 12);
    expect(found.above * 26 * 26).toBeCloseTo(127.5, 9);
  });
});

describe('within strata', () => {
  test('R package coin 1.4-2: independence_test with ranks / (n + 1) in blocks, z = -2.07423215296414', () => {
    const found = vanElteren(STRATA)!;
    expect(found.z).toBeCloseTo(-2.07423215296414, 10);
    expect(found.p).toBeCloseTo(0.0380577554594321, 10);
    // The permutation test of a million draws lies close: 0.0371.
    expect(Math.abs(found.p - 0.037132)).toBeLessThan(0.002);
    expect(found.interval.high).toBeLessThan(0);
    expect(found.interval.low).toBeLessThan(found.shift);
  });

  test('a shift by c moves the estimate and its interval by c, and a change of sides turns the sign', () => {
    const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 12 });
    const strata = fc.array(fc.record({ x: values, y: values }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(strata, fc.integer({ min: -500, max: 500 }), (of, c) => {
        const one = vanElteren(of)!;
        const moved = vanElteren(of.map(({ x, y }) => ({ x: x.map((value) => value + c), y })))!;
        const turned = vanElteren(of.map(({ x, y }) => ({ x: y, y: x })))!;
        expect(moved.shift).toBeCloseTo(one.shift + c, 5);
        expect(moved.interval.low).toBeCloseTo(one.interval.low + c, 5);
        expect(turned.shift).toBeCloseTo(-one.shift, 5);
        expect(turned.p).toBeCloseTo(one.p, 10);
        expect(one.interval.low).toBeLessThanOrEqual(one.shift + 1e-6);
        expect(one.interval.high).toBeGreaterThanOrEqual(one.shift - 1e-6);
      }),
    );
  });

  test('what mixes the strata is no difference: the crowded hours are slow on both sides', () => {
    const slow = { x: [100, 110, 120, 130, 140, 150], y: [105, 115, 125, 135, 145] };
    const fast = { x: [10, 20], y: [5, 15, 25, 8, 12, 18, 22, 28, 14] };
    expect(Math.abs(vanElteren([slow, fast])!.shift)).toBeLessThan(6);
    const pooled = vanElteren([{ x: [...slow.x, ...fast.x], y: [...slow.y, ...fast.y] }])!;
    expect(pooled.shift).toBeGreaterThan(30);
  });

  test('an empty side says nothing', () => {
    expect(vanElteren([])).toBeUndefined();
    expect(vanElteren([{ x: [1], y: [] }])).toBeUndefined();
    expect(vanElteren([...STRATA, { x: [], y: [1, 2] }])).toEqual(vanElteren(STRATA));
  });

  test('no value differs: no shift, p = 1', () => {
    expect(vanElteren([{ x: [5, 5, 5], y: [5, 5] }])).toMatchObject({ shift: 0, p: 1 });
  });
});
