/** Two groups compared by ranks, within strata. Pure. Checked against R in ranks.test.ts. */
import type { Interval } from './accuracy.ts';
import { twoSided, Z95 } from './distributions.ts';

/** Values of the two groups in one stratum, in any order. */
export interface Stratum {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface Sorted {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** 1 / (n + m + 1): van Elteren's locally best weight. */
  readonly weight: number;
}
const sortedOf = ({ x, y }: Stratum): Sorted => ({
  x: Float64Array.from(x).sort(),
  y: Float64Array.from(y).sort(),
  weight: 1 / (x.length + y.length + 1),
});

/** Pairs with x − y above `shift`, and half of those equal to it: the Mann–Whitney count, in one walk over both. */
function above({ x, y }: Sorted, shift: number): number {
  let below = 0;
  let upTo = 0;
  let count = 0;
  for (const value of x) {
    while (below < y.length && y[below]! < value - shift) below += 1;
    while (upTo < y.length && y[upTo]! <= value - shift) upTo += 1;
    count += (below + upTo) / 2;
  }
  return count;
}

/** Σ (t³ − t) over groups of t equal values. */
function tiesOf({ x, y }: Sorted): number {
  const all = new Float64Array(x.length + y.length);
  all.set(x);
  all.set(y, x.length);
  all.sort();
  let sum = 0;
  for (let i = 0; i < all.length;) {
    let end = i + 1;
    while (end < all.length && all[end] === all[i]) end += 1;
    const t = end - i;
    sum += t ** 3 - t;
    i = end;
  }
  return sum;
}

export interface Ranked {
  /** By how much x lies above y (Hodges–Lehmann): the shift at which the weighted count is as without a difference. */
  readonly shift: number;
  readonly interval: Interval;
  /** Two-sided, of no difference in any stratum. */
  readonly p: number;
  readonly z: number;
  /** Share of pairs with x above y, over all strata with their weights; ½ without a difference. */
  readonly above: number;
}

/**
 * Difference between two groups within strata: van Elteren's test, which weighs each stratum by 1 / (n + m + 1), and the
 * Hodges–Lehmann shift that belongs to it with the 95 % interval that its inversion gives. With one stratum these are the
 * Wilcoxon test and the Hodges–Lehmann estimator. Normal approximation without continuity correction, variance corrected for ties
 * in the test. Van Elteren P., Bull Inst Int Stat 1960;37:351; Hodges J. L., Lehmann E. L., Ann Math Stat 1963;34:598,
 * doi:10.1214/aoms/1177704172; Lehmann E. L., Nonparametrics, 1975, 3.3 and 2.5.
 *
 * @param strata each with at least one value on both sides; others say nothing and are left out
 * @returns undefined when no stratum has both
 */
export function vanElteren(strata: readonly Stratum[]): Ranked | undefined {
  const used = strata.filter(({ x, y }) => x.length > 0 && y.length > 0).map(sortedOf);
  if (used.length === 0) return undefined;
  const pairs = (of: Sorted): number => of.x.length * of.y.length;
  const expected = used.reduce((sum, of) => sum + (of.weight * pairs(of)) / 2, 0);
  const variance = (corrected: boolean): number =>
    used.reduce((sum, of) => {
      const n = of.x.length + of.y.length;
      const ties = corrected && n > 1 ? tiesOf(of) / (n * (n - 1)) : 0;
      return sum + (of.weight ** 2 * pairs(of) * (n + 1 - ties)) / 12;
    }, 0);
  const at = (shift: number): number => used.reduce((sum, of) => sum + of.weight * above(of, shift), 0);

  let low = Infinity;
  let high = -Infinity;
  for (const { x, y } of used) {
    low = Math.min(low, x[0]! - y.at(-1)!);
    high = Math.max(high, x.at(-1)! - y[0]!);
  }
  /** The weighted count falls from its most to 0 as the shift grows: the shift at which it passes `level`. */
  const crossing = (level: number): number => {
    let [from, to] = [low, high];
    for (let i = 0; i < 200 && to - from > 1e-12 * Math.max(1, Math.abs(from), Math.abs(to)); i += 1) {
      const middle = (from + to) / 2;
      if (at(middle) > level) from = middle;
      else to = middle;
    }
    return (from + to) / 2;
  };
  // Where the count stands at the level over a whole span, the middle of it, as the median of an even number of differences is.
  const small = 1e-9 * Math.max(1, expected);
  const shift = (crossing(expected + small) + crossing(expected - small)) / 2;
  const half = Z95 * Math.sqrt(variance(false));
  const spread = Math.sqrt(variance(true));
  const z = spread === 0 ? 0 : (at(0) - expected) / spread;
  return {
    shift,
    interval: { low: crossing(expected + half), high: crossing(expected - half) },
    z,
    p: spread === 0 ? 1 : twoSided(z),
    above: at(0) / (2 * expected),
  };
}
