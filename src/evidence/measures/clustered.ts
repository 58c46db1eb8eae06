/** Proportions of studies of which several may be of one patient. Pure. Checked against R's `survey` in clustered.test.ts. */
import type { Interval } from '../accuracy.ts';
import { twoSided, Z95 } from '../distributions.ts';
import { MINIMUM_CASES, wilson } from '../statistics.ts';
import type { Clustered } from './types.ts';

/** A study: whose, and whether the judgement was right. '' for a patient who is not known. */
export interface Judgement {
  patient: string;
  right: boolean;
}

/** Sums by patient; each study without a known one by itself. */
function sums<T extends { patient: string }>(studies: readonly T[], value: (study: T) => number) {
  const patients = new Map<string, { n: number; sum: number }>();
  studies.forEach((study, i) => {
    const key = study.patient === '' ? ` ${i}` : study.patient;
    const of = patients.get(key) ?? { n: 0, sum: 0 };
    of.n += 1;
    of.sum += value(study);
    patients.set(key, of);
  });
  return [...patients.values()];
}

/** Variance of Σ value / n over clusters: the linearised ratio, m / (m − 1) Σ (xᵢ − r nᵢ)² / n². */
function ratioVariance(clusters: readonly { n: number; sum: number }[], n: number, ratio: number): number {
  const m = clusters.length;
  return (m / (m - 1)) * clusters.reduce((total, of) => total + ((of.sum - ratio * of.n) / n) ** 2, 0);
}

/** Wilson's interval for a proportion p of n, where n need not be whole: an effective number of studies. */
export function wilsonAt(p: number, n: number): Interval {
  const z2 = Z95 * Z95;
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return {
    low: p === 0 ? 0 : Math.max(0, Math.min(p, middle - half)),
    high: p === 1 ? 1 : Math.min(1, Math.max(p, middle + half)),
  };
}

/**
 * A proportion with its interval. Where no patient counts twice it is Wilson's; otherwise Wilson's with as many studies as theirs
 * are worth, n divided by the design effect: the variance of the ratio over patients by that of as many independent studies. Rao
 * J. N. K. and Scott A. J., Biometrics 1992;48:577, doi:10.2307/2532311. An effect below 1 is taken for chance and counts as 1;
 * where all are right or all are wrong it cannot be seen, and each patient counts once.
 */
export function clusteredProportion(studies: readonly Judgement[], minimum = MINIMUM_CASES): Clustered {
  const n = studies.length;
  const k = studies.filter(({ right }) => right).length;
  const clusters = sums(studies, ({ right }) => Number(right));
  const clustered = clusters.length < n;
  const base = {
    k,
    n,
    value: n === 0 ? null : k / n,
    enough: n >= minimum,
    patients: clusters.length,
    clustered,
  };
  if (n === 0) return { ...base, low: null, high: null };
  if (!clustered) return { ...base, ...wilson(k, n)! };
  const p = k / n;
  if (k === 0 || k === n || clusters.length < 2) return { ...base, ...wilsonAt(p, clusters.length) };
  const effect = ratioVariance(clusters, n, p) / ((p * (1 - p)) / n);
  return { ...base, ...wilsonAt(p, n / Math.max(1, effect)) };
}

/**
 * The difference of two judgements on the same studies, first − second, where patients count more than once: symmetric interval
 * and two-sided P from the variance over patients. Obuchowski N. A., Stat Med 1998;17:1495,
 * doi:10.1002/(SICI)1097-0258(19980715)17:13<1495::AID-SIM863>3.0.CO;2-I.
 *
 * @returns null with fewer than two patients
 */
export function clusteredDifference(
  studies: readonly { patient: string; first: boolean; second: boolean }[],
): { value: number; low: number; high: number; variance: number; p: number | null } | null {
  const n = studies.length;
  const clusters = sums(studies, ({ first, second }) => Number(first) - Number(second));
  if (clusters.length < 2) return null;
  const value = clusters.reduce((total, { sum }) => total + sum, 0) / n;
  const variance = ratioVariance(clusters, n, value);
  const error = Math.sqrt(variance);
  return {
    value,
    low: Math.max(-1, value - Z95 * error),
    high: Math.min(1, value + Z95 * error),
    variance,
    p: error < 1e-12 ? null : twoSided(value / error),
  };
}
