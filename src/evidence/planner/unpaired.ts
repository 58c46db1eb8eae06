/** How many cases in each of two groups to show that the first is right at most a margin more rarely than the second. */
import { normalCdf, normalQuantile } from '../distributions.ts';
import { demandRates } from './proportion.ts';

/**
 * Restricted maximum likelihood of two rates whose difference is `difference`: the root of a cubic in closed form. Farrington C. P.,
 * Manning G., Stat Med 1990;9:1447, doi:10.1002/sim.4780091208, appendix.
 *
 * @param ratio cases of the second group for each of the first
 */
export function restricted(first: number, second: number, difference: number, ratio = 1): [number, number] {
  const a = 1 + ratio;
  const b = -(1 + ratio + first + ratio * second + difference * (ratio + 2));
  const c = difference ** 2 + difference * (2 * first + ratio + 1) + first + ratio * second;
  const d = -first * difference * (1 + difference);
  const v = b ** 3 / (27 * a ** 3) - (b * c) / (6 * a ** 2) + d / (2 * a);
  const u = Math.sign(v || 1) * Math.sqrt(Math.max(0, b ** 2 / (9 * a ** 2) - c / (3 * a)));
  const w = (Math.PI + Math.acos(u === 0 ? 0 : Math.min(1, Math.max(-1, v / u ** 3)))) / 3;
  const one = 2 * u * Math.cos(w) - b / (3 * a);
  return [one, one - difference];
}

function spreadsOf(first: number, second: number, margin: number, ratio: number) {
  const [one, other] = restricted(first, second, -margin, ratio);
  const variance = (p: number, q: number): number => p * (1 - p) + (q * (1 - q)) / ratio;
  return {
    null: Math.sqrt(Math.max(0, variance(one, other))),
    truth: Math.sqrt(variance(first, second)),
    distance: first - second + margin,
  };
}

/**
 * @param alpha one-sided
 * @returns cases in the first group; the second has `ratio` times as many. Null when the first is worse by the margin or more
 */
export function groupsForNonInferiority(
  first: number,
  second: number,
  margin: number,
  { alpha = 0.025, power = 0.8, ratio = 1 }: { alpha?: number; power?: number; ratio?: number } = {},
): number | null {
  demandRates(first, second, margin, alpha, power);
  const spread = spreadsOf(first, second, margin, ratio);
  if (spread.distance <= 0) return null;
  const root =
    (normalQuantile(1 - alpha) * spread.null + normalQuantile(power) * spread.truth) / spread.distance;
  return Math.ceil(root ** 2 - 1e-9);
}
export function nonInferiorityPower(
  n: number,
  first: number,
  second: number,
  margin: number,
  { alpha = 0.025, ratio = 1 }: { alpha?: number; ratio?: number } = {},
): number {
  demandRates(first, second, margin, alpha);
  const spread = spreadsOf(first, second, margin, ratio);
  return normalCdf((spread.distance * Math.sqrt(n) - normalQuantile(1 - alpha) * spread.null) / spread.truth);
}
