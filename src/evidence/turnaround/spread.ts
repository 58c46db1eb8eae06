import type { Interval } from '../accuracy.ts';
import { bca } from '../bootstrap.ts';
import { Z95 } from '../distributions.ts';
import { quantile } from '../statistics.ts';
import type { Spread } from './types.ts';

/** Up to here the interval of a median is drawn; beyond it order statistics give the same without drawing. */
export const MOST_DRAWN = 500;
/** With fewer even the outermost values enclose the median with less than 95 %: 1 − 2 · ½⁶ = 0.969, with 5 it is 0.9375. */
const FEWEST = 6;

/**
 * Interval (95 %) of the median of ascending values: BCa of 2000 draws up to `MOST_DRAWN`, beyond it between the order statistics
 * n/2 ± 1.96 √n / 2, which enclose it whatever the distribution (Conover W. J., Practical Nonparametric Statistics, 1999, 3.2).
 */
export function medianInterval(sorted: readonly number[] | Float64Array): Interval | null {
  const n = sorted.length;
  if (n < FEWEST) return null;
  if (n > MOST_DRAWN) {
    const half = (Z95 * Math.sqrt(n)) / 2;
    return {
      low: sorted[Math.max(0, Math.floor(n / 2 - half) - 1)]!,
      high: sorted[Math.min(n - 1, Math.ceil(n / 2 + half))]!,
    };
  }
  const counts = new Uint32Array(n);
  // Indices of ascending values are their ranks: the median of a draw is found by counting.
  const median = (indices: Uint32Array): number => {
    counts.fill(0);
    for (const i of indices) counts[i]! += 1;
    const lower = Math.floor((indices.length - 1) / 2);
    const upper = Math.floor(indices.length / 2);
    let seen = 0;
    let from = -1;
    for (let i = 0; ; i += 1) {
      seen += counts[i]!;
      if (from < 0 && seen > lower) from = i;
      if (seen > upper) return (sorted[from]! + sorted[i]!) / 2;
    }
  };
  return bca(n, median) ?? null;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const of = sorted as unknown as readonly number[];
  return {
    n: values.length,
    median: quantile(of, 0.5),
    interval: medianInterval(sorted),
    q1: quantile(of, 0.25),
    q3: quantile(of, 0.75),
  };
}
