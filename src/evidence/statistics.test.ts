import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MINIMUM_CASES, per100, proportion, quantile, quartiles, wilson } from './statistics.ts';

describe('Wilson interval', () => {
  // Newcombe 1998, Stat Med 17:857, table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%d of %d lies in %d–%d', (k, n, low, high) => {
    const interval = wilson(k, n)!;
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  it('encloses the estimate, stays in [0, 1], mirrors, and narrows with more cases', () => {
    const counts = fc
      .integer({ min: 1, max: 100_000 })
      .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(counts, ([k, n]) => {
        const { low, high } = wilson(k, n)!;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(k / n);
        expect(high).toBeGreaterThanOrEqual(k / n);
        expect(high).toBeGreaterThan(low);
        const mirror = wilson(n - k, n)!;
        expect(mirror.low).toBeCloseTo(1 - high, 10);
        expect(mirror.high).toBeCloseTo(1 - low, 10);
        const tenfold = wilson(10 * k, 10 * n)!;
        expect(tenfold.high - tenfold.low).toBeLessThan(high - low);
      }),
    );
  });

  it('solves the score equation |p̂ − p| = z √(p(1 − p)/n) at both bounds', () => {
    const counts = fc
      .integer({ min: 2, max: 5000 })
      .chain((n) => fc.tuple(fc.integer({ min: 1, max: n - 1 }), fc.constant(n)));
    fc.assert(
      fc.property(counts, ([k, n]) => {
        const { low, high } = wilson(k, n)!;
        for (const p of [low, high])
          expect(Math.abs(k / n - p) / Math.sqrt((p * (1 - p)) / n)).toBeCloseTo(1.959963984540054, 6);
      }),
    );
  });

  it('has none for no cases and refuses impossible counts', () => {
    expect(wilson(0, 0)).toBeUndefined();
    expect(() => wilson(3, 2)).toThrow(RangeError);
    expect(() => wilson(-1, 2)).toThrow(RangeError);
    expect(() => wilson(0.5, 2)).toThrow(RangeError);
  });
});

describe('proportion', () => {
  it('says when there are not enough cases', () => {
    expect(proportion(5, MINIMUM_CASES - 1).enough).toBe(false);
    expect(proportion(5, MINIMUM_CASES).enough).toBe(true);
    expect(proportion(0, 0)).toEqual({ k: 0, n: 0, value: null, low: null, high: null, enough: false });
  });
});

describe('quantiles', () => {
  // R: quantile(c(1, 2, 4, 8, 16, 32), c(.25, .5, .75), type = 7) gives 2.5, 6, 14.
  it('are of type 7', () => {
    expect(quartiles([32, 1, 16, 2, 8, 4])).toEqual({ n: 6, q1: 2.5, median: 6, q3: 14 });
    expect(quartiles([7])).toEqual({ n: 1, q1: 7, median: 7, q3: 7 });
    expect(quartiles([])).toEqual({ n: 0, q1: null, median: null, q3: null });
  });

  it('lie in the sample, rise with p, and move with the sample', () => {
    const sample = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1, maxLength: 60 });
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(sample, part, part, (values, p, q) => {
        const sorted = [...values].sort((a, b) => a - b);
        const [low, high] = p <= q ? [p, q] : [q, p];
        const at = (x: number) => quantile(sorted, x)!;
        expect(at(low)).toBeLessThanOrEqual(at(high) + 1e-6);
        expect(at(0)).toBe(sorted[0]);
        expect(at(1)).toBe(sorted.at(-1));
        expect(
          quantile(
            sorted.map((value) => value + 10),
            p,
          )!,
        ).toBeCloseTo(at(p) + 10, 6);
      }),
    );
  });
});

it('per 100 studies', () => {
  expect(per100(3, 12)).toBe(25);
  expect(per100(0, 0)).toBeNull();
});
