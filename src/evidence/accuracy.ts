/**
 * A test with a threshold against a reference standard: counts, proportions with intervals, predictive values at another
 * prevalence, and two tests on the same cases. Pure. Checked against R and SciPy in accuracy.test.ts.
 */
import { betaQuantile, binomialHalf, Z95 } from './distributions.ts';
import type { Scored } from './roc.ts';
import { proportion } from './statistics.ts';
import type { Proportion } from './types.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Cases by what the test says and what is so. */
export interface Counts {
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
}

/** A case is called positive when its score is at or above the threshold. */
export function countsAt(cases: readonly Scored[], threshold: number): Counts {
  let [tp, fp, tn, fn] = [0, 0, 0, 0];
  for (const { score, positive } of cases)
    if (score >= threshold) positive ? (tp += 1) : (fp += 1);
    else positive ? (fn += 1) : (tn += 1);
  return { tp, fp, tn, fn };
}

/** Sensitivity, specificity and predictive values as they are in these cases, with Wilson intervals. */
export function ratesOf({ tp, fp, tn, fn }: Counts): {
  sensitivity: Proportion;
  specificity: Proportion;
  ppv: Proportion;
  npv: Proportion;
} {
  return {
    sensitivity: proportion(tp, tp + fn),
    specificity: proportion(tn, tn + fp),
    ppv: proportion(tp, tp + fp),
    npv: proportion(tn, tn + fn),
  };
}

/**
 * Exact 95 % interval of a binomial proportion: never covers less than it says, and is mostly wider than Wilson's for it.
 * Clopper C. J. and Pearson E. S., Biometrika 1934;26:404, doi:10.1093/biomet/26.4.404, by quantiles of the beta distribution.
 *
 * @param k successes, 0 … n
 * @returns undefined for n = 0
 * @throws RangeError unless k and n are integers with 0 ≤ k ≤ n
 */
export function clopperPearson(k: number, n: number): Interval | undefined {
  if (!Number.isInteger(k) || !Number.isInteger(n) || k < 0 || k > n)
    throw new RangeError('clopperPearson: integers with 0 ≤ k ≤ n are needed');
  if (n === 0) return undefined;
  return {
    low: k === 0 ? 0 : betaQuantile(0.025, k, n - k + 1),
    high: k === n ? 1 : betaQuantile(0.975, k + 1, n - k),
  };
}

/** A predictive value at a prevalence that is known from elsewhere; null where the cases do not determine it. */
export interface Predictive {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Positive and negative predictive value where the prevalence is another than among the cases: Bayes' theorem, with logit
 * intervals that take sensitivity and specificity as measured and the prevalence as known. Mercaldo N. D., Lau K. F., Zhou X. H.,
 * Stat Med 2007;26:2170, doi:10.1002/sim.2677: the standard interval, and where one of the counts is 0 their adjusted one, which
 * adds z²/2 to each count for the interval only.
 *
 * @param prevalence above 0 and below 1
 */
export function predictiveAt(counts: Counts, prevalence: number): { ppv: Predictive; npv: Predictive } {
  if (!(prevalence > 0 && prevalence < 1)) throw new RangeError('a prevalence lies between 0 and 1');
  const { tp, fp, tn, fn } = counts;
  if (tp + fn === 0 || tn + fp === 0) {
    const unknown = { value: null, low: null, high: null };
    return { ppv: unknown, npv: unknown };
  }
  const add = [tp, fp, tn, fn].includes(0) ? Z95 ** 2 / 2 : 0;
  const [a, b, c, d] = [tp + add, fp + add, tn + add, fn + add];
  const odds = prevalence / (1 - prevalence);
  const [n1, n0] = [a + d, b + c];
  const interval = (logit: number, variance: number): Interval => {
    const half = Z95 * Math.sqrt(variance);
    return { low: expit(logit - half), high: expit(logit + half) };
  };
  // logit PPV = ln(odds · se / (1 − sp)), var = (1 − se) / (se n1) + sp / ((1 − sp) n0); likewise for the NPV.
  const positive = interval(Math.log((odds * (a / n1)) / (b / n0)), d / (a * n1) + c / (b * n0));
  const negative = interval(Math.log(c / n0 / (odds * (d / n1))), a / (d * n1) + b / (c * n0));
  const value = (hit: number, miss: number): number | null => (hit + miss === 0 ? null : hit / (hit + miss));
  const [se, sp] = [tp / (tp + fn), tn / (tn + fp)];
  return {
    ppv: enclosing(value(se * prevalence, (1 - sp) * (1 - prevalence)), positive),
    npv: enclosing(value(sp * (1 - prevalence), (1 - se) * prevalence), negative),
  };
}

const expit = (x: number): number => 1 / (1 + Math.exp(-x));

/** An interval that was made with adjusted counts leaves an estimate at its edge outside; no reader could make sense of that. */
const enclosing = (value: number | null, { low, high }: Interval): Predictive => ({
  value,
  low: value === null ? low : Math.min(low, value),
  high: value === null ? high : Math.max(high, value),
});

export interface McNemar {
  /** Cases on which the first test alone, and the second alone, is right (or whatever the pairs are about). */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided; null without a discordant pair. */
  readonly exact: number | null;
  readonly midP: number | null;
}

/**
 * McNemar's test of two tests on the same cases: exact, and with the mid-P correction, which keeps its level without being as
 * conservative. McNemar Q., Psychometrika 1947;12:153, doi:10.1007/BF02295996; Fagerland M. W. et al., BMC Med Res Methodol
 * 2013;13:91, doi:10.1186/1471-2288-13-91.
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  if (![onlyFirst, onlySecond].every((n) => Number.isInteger(n) && n >= 0))
    throw new RangeError('mcnemar: counts are needed');
  const n = onlyFirst + onlySecond;
  if (n === 0) return { onlyFirst, onlySecond, exact: null, midP: null };
  const fewer = Math.min(onlyFirst, onlySecond);
  let tail = 0;
  for (let k = 0; k <= fewer; k += 1) tail += binomialHalf(k, n);
  const at = binomialHalf(fewer, n);
  const exact = Math.min(1, 2 * tail);
  return { onlyFirst, onlySecond, exact, midP: onlyFirst === onlySecond ? 1 - at / 2 : 2 * tail - at };
}
