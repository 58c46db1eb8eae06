/**
 * How many cases until the lower bound of a proportion lies above a threshold, with some probability. Pure; exact binomial
 * probabilities, no normal approximation.
 */
import { betaCdf, normalQuantile } from '../distributions.ts';

/** `wilson`: the interval that the pages show and the gates use; `exact`: Clopper–Pearson. */
export type Bound = 'wilson' | 'exact';
export interface LowerBound {
  /** The bound has to lie above. 0 … 1, exclusive. */
  threshold: number;
  bound?: Bound;
  /** One-sided: 0.025 is the lower bound of a two-sided 95 % interval. */
  alpha?: number;
}
/** Beyond it no practice collects cases. */
export const MOST_CASES = 20_000;

export const demandRates = (...rates: number[]): void => {
  if (!rates.every((rate) => rate > 0 && rate < 1)) throw new RangeError('rates between 0 and 1 are needed');
};

/** P(X ≥ k) of a binomial: DLMF 8.17.5. */
export const binomialTail = (k: number, n: number, p: number): number =>
  k <= 0 ? 1 : k > n ? 0 : betaCdf(p, k, n - k + 1);

/**
 * The fewest successes of n whose lower bound lies above the threshold. Wilson's bound does when the score statistic exceeds its
 * quantile (that is how it is made); Clopper–Pearson's when so many successes at the threshold have a probability below α.
 *
 * @param n whole, ≥ 1
 * @returns n + 1 when not even n of n suffice
 */
export function fewestSuccesses(
  n: number,
  { threshold, bound = 'wilson', alpha = 0.025 }: LowerBound,
): number {
  demandRates(threshold, alpha);
  if (bound === 'wilson') {
    const z = normalQuantile(1 - alpha);
    return Math.min(n + 1, Math.floor(n * threshold + z * Math.sqrt(n * threshold * (1 - threshold))) + 1);
  }
  // Wilson's is a few successes away at most.
  let k = Math.max(0, fewestSuccesses(n, { threshold, alpha }) - 1);
  while (k > 0 && binomialTail(k, n, threshold) < alpha) k -= 1;
  while (k <= n && binomialTail(k, n, threshold) >= alpha) k += 1;
  return k;
}

/** Probability that n cases of a tool that is right with probability `truth` put the lower bound above the threshold. */
export function lowerBoundPower(n: number, truth: number, of: LowerBound): number {
  demandRates(truth);
  return binomialTail(fewestSuccesses(n, of), n, truth);
}

/**
 * The fewest cases from which on the power stays at the one that is asked for: it goes up in saw teeth, since successes are whole
 * numbers, and a number on top of a tooth would promise what the next one does not keep.
 *
 * @param power 0 … 1, exclusive
 * @returns null when `MOST_CASES` do not suffice, or the truth does not lie above the threshold
 */
export function casesForLowerBound(truth: number, power: number, of: LowerBound): number | null {
  demandRates(truth, power, of.threshold);
  if (truth <= of.threshold) return null;
  const { threshold, alpha = 0.025 } = of;
  const za = normalQuantile(1 - alpha);
  const zb = normalQuantile(power);
  // Fleiss J. L., Levin B., Paik M. C., Statistical Methods for Rates and Proportions, 3rd ed., 2.19, doi:10.1002/0471445428: near enough to begin from.
  const near =
    ((za * Math.sqrt(threshold * (1 - threshold)) + zb * Math.sqrt(truth * (1 - truth))) /
      (truth - threshold)) **
    2;
  const enough = (n: number): boolean => lowerBoundPower(n, truth, of) >= power;
  if (near > MOST_CASES) return null;
  // Some teeth further on the power lies above for good.
  let n = Math.ceil(1.25 * near + 20 / (truth - threshold));
  while (n > 1 && enough(n - 1)) n -= 1;
  return n > MOST_CASES ? null : n;
}
