import { Z95 } from './distributions.ts';
import type { Proportion } from './types.ts';

/**
 * Below this number of cases no percentage is shown, only counts: with 30 cases a Wilson 95 % interval around 0.9 still spans
 * 0.74 to 0.97, with fewer the figure says more about chance than about the tool.
 */
export const MINIMUM_CASES = 30;

/**
 * Score interval of a binomial proportion without continuity correction.
 * Wilson E. B., J Am Stat Assoc 1927;22:209, doi:10.1080/01621459.1927.10502953; method 3 in Newcombe R. G., Stat Med
 * 1998;17:857.
 *
 * @param k successes, 0 … n
 * @param n trials, an integer ≥ 0
 * @returns bounds within [0, 1] that enclose k / n; undefined for n = 0
 * @throws RangeError unless k and n are integers with 0 ≤ k ≤ n
 */
export function wilson(k: number, n: number): { low: number; high: number } | undefined {
  if (!Number.isInteger(k) || !Number.isInteger(n) || k < 0 || k > n)
    throw new RangeError('wilson: integers with 0 ≤ k ≤ n are needed');
  if (n === 0) return undefined;
  const p = k / n;
  const z2 = Z95 * Z95;
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  // At k = 0 and k = n a bound is exactly 0 or 1; rounding must not carry it past, nor away from, the estimate.
  return {
    low: k === 0 ? 0 : Math.max(0, Math.min(p, middle - half)),
    high: k === n ? 1 : Math.min(1, Math.max(p, middle + half)),
  };
}

/** k of n with its interval. `enough` says whether there are cases enough to show a percentage. */
export function proportion(k: number, n: number, minimum = MINIMUM_CASES): Proportion {
  const interval = wilson(k, n);
  return {
    k,
    n,
    value: n === 0 ? null : k / n,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    enough: n >= minimum,
  };
}

/**
 * Sample quantile by linear interpolation between order statistics: type 7 in Hyndman R. J. and Fan Y., Am Stat
 * 1996;50:361, doi:10.2307/2684934.
 *
 * @param sorted ascending, without NaN
 * @param p 0 … 1
 * @returns null for an empty sample
 */
export function quantile(sorted: readonly number[], p: number): number | null {
  if (sorted.length === 0) return null;
  const h = (sorted.length - 1) * p;
  const below = sorted[Math.floor(h)]!;
  const above = sorted[Math.ceil(h)]!;
  return below + (h - Math.floor(h)) * (above - below);
}

export interface Quartiles {
  n: number;
  q1: number | null;
  median: number | null;
  q3: number | null;
}
/** Quartiles of durations in any order, in their own unit. */
export function quartiles(values: readonly number[]): Quartiles {
  const sorted = Float64Array.from(values).sort() as unknown as readonly number[];
  return {
    n: values.length,
    q1: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    q3: quantile(sorted, 0.75),
  };
}

/** Events per 100 studies; null without studies. */
export const per100 = (events: number, studies: number): number | null =>
  studies === 0 ? null : (100 * events) / studies;
