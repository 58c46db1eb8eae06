import { describe, expect, test } from 'vitest';
import { bca, bootstrap } from './bootstrap.ts';

/** Rainfall of 30 American cities: the first of R's data set `precip`. */
const RAIN = [67, 54.7, 7, 48.5, 14, 17.2, 20.7, 13, 43.4, 40.2, 38.9, 54.5, 59.8, 48.3, 22.9, 11.5, 34.4, 35.1, 38.7, 30.8, 30.6, 43.1, 56.8, 40.8, 41.8, 42.5, 31, 31.7, 30.2, 25.9]; // prettier-ignore
const of = (statistic: (values: number[]) => number) => (indices: Uint32Array) =>
  statistic([...indices].map((i) => RAIN[i]!));
const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: number[]): number =>
  values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1);

describe('intervals of R’s package boot 1.3-28.1, 200,000 draws', () => {
  const rounds = 20_000;
  // Between seeds the ends of 20,000 draws move by about 0.1 (mean) and 2 (variance).
  test('mean: percentile 30.51 to 41.15, BCa 30.48 to 41.13', () => {
    const plain = bootstrap(30, of(mean), { rounds })!;
    const corrected = bca(30, of(mean), { rounds })!;
    expect(Math.abs(plain.low - 30.51)).toBeLessThan(0.2);
    expect(Math.abs(plain.high - 41.15)).toBeLessThan(0.2);
    expect(Math.abs(corrected.low - 30.48)).toBeLessThan(0.2);
    expect(Math.abs(corrected.high - 41.13)).toBeLessThan(0.2);
  });
  test('variance, which is biased and skewed: percentile 132.2 to 323.4, BCa 152.8 to 357.2', () => {
    const plain = bootstrap(30, of(variance), { rounds })!;
    const corrected = bca(30, of(variance), { rounds })!;
    expect(Math.abs(plain.low - 132.2)).toBeLessThan(4);
    expect(Math.abs(plain.high - 323.4)).toBeLessThan(4);
    expect(Math.abs(corrected.low - 152.8)).toBeLessThan(4);
    expect(Math.abs(corrected.high - 357.2)).toBeLessThan(6);
  });
});

test('what is constant has no width; what is not determined has no interval', () => {
  expect(bca(10, () => 3)).toEqual({ low: 3, high: 3 });
  expect(bca(10, () => null)).toBeUndefined();
  expect(bca(0, () => 1)).toBeUndefined();
});
