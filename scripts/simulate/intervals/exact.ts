/** What an interval of a proportion covers, counted over all outcomes: nothing is simulated. Pure. */
import type { Interval } from '../../../src/evidence/accuracy.ts';
import { logChoose, Z95 } from '../../../src/evidence/distributions.ts';

export type IntervalOf = (k: number, n: number) => Interval | undefined;

/** P(X = k) of a binomial. */
export const binomial = (k: number, n: number, p: number): number =>
  p === 0
    ? Number(k === 0)
    : p === 1
      ? Number(k === n)
      : Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));

/** Probability that the interval holds p when k of n are successes at p. */
export function coverageAt(interval: IntervalOf, n: number, p: number): number {
  let sum = 0;
  for (let k = 0; k <= n; k += 1) {
    const { low, high } = interval(k, n)!;
    if (low <= p && p <= high) sum += binomial(k, n, p);
  }
  return sum;
}

/** Mean over p uniform on [0, 1], on a grid of midpoints. */
export function meanCoverage(interval: IntervalOf, n: number, points = 2000): number {
  let sum = 0;
  for (let i = 0; i < points; i += 1) sum += coverageAt(interval, n, (i + 0.5) / points);
  return sum / points;
}

/** Lowest over p within [from, to]: it lies just outside an end of an interval, so only ends are looked at. */
export function lowestCoverage(
  interval: IntervalOf,
  n: number,
  from = 0,
  to = 1,
): { p: number; coverage: number } {
  let lowest = { p: NaN, coverage: 1 };
  for (let k = 0; k <= n; k += 1)
    for (const end of Object.values(interval(k, n)!))
      for (const p of [end - 1e-9, end + 1e-9]) {
        if (!(p > from && p < to)) continue;
        const coverage = coverageAt(interval, n, p);
        if (coverage < lowest.coverage) lowest = { p, coverage };
      }
  return lowest;
}

/** The interval of textbooks, p ± z √(p q / n): here only to check the counting against what was published about it. */
export const wald: IntervalOf = (k, n) => {
  const half = Z95 * Math.sqrt(((k / n) * (1 - k / n)) / n);
  return { low: k / n - half, high: k / n + half };
};
