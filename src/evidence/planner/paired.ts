/** How many pairs to find a difference between two ways of reading the same studies, or that there is none worth speaking of. */
import { normalCdf, normalQuantile } from '../distributions.ts';

/** Of pairs, the share in which the first alone was right, and the second alone. */
export interface Discordant {
  firstOnly: number;
  secondOnly: number;
}
const demand = ({ firstOnly, secondOnly }: Discordant): void => {
  if (!(firstOnly >= 0 && secondOnly >= 0 && firstOnly + secondOnly > 0 && firstOnly + secondOnly <= 1))
    throw new RangeError('shares of pairs that add up to at most 1 are needed');
};

/**
 * Pairs for McNemar's test. Connor R. J., Biometrics 1987;43:207, doi:10.2307/2531961. `miettinen`: conditional on the discordant
 * pairs, Miettinen O. S., Biometrics 1968;24:339, doi:10.2307/2528039; a little smaller.
 *
 * @param alpha two-sided
 * @returns whole pairs; null without a difference
 */
export function pairsForDifference(
  discordant: Discordant,
  {
    alpha = 0.05,
    power = 0.8,
    method = 'connor',
  }: { alpha?: number; power?: number; method?: 'connor' | 'miettinen' } = {},
): number | null {
  demand(discordant);
  const all = discordant.firstOnly + discordant.secondOnly;
  const difference = Math.abs(discordant.firstOnly - discordant.secondOnly);
  if (difference === 0) return null;
  const za = normalQuantile(1 - alpha / 2);
  const zb = normalQuantile(power);
  const n =
    method === 'connor'
      ? ((za * Math.sqrt(all) + zb * Math.sqrt(all - difference ** 2)) / difference) ** 2
      : (za * all + zb * Math.sqrt(all ** 2 - (difference ** 2 * (3 + all)) / 4)) ** 2 /
        (all * difference ** 2);
  return Math.ceil(n - 1e-9);
}
/** Connor's power with n pairs. */
export function pairedPower(n: number, discordant: Discordant, alpha = 0.05): number {
  demand(discordant);
  const all = discordant.firstOnly + discordant.secondOnly;
  const difference = Math.abs(discordant.firstOnly - discordant.secondOnly);
  const spread = Math.sqrt(all - difference ** 2);
  if (spread === 0) return 1;
  return normalCdf((difference * Math.sqrt(n) - normalQuantile(1 - alpha / 2) * Math.sqrt(all)) / spread);
}

/** Standard deviations of a difference of rates from one pair: at the margin (restricted estimate), and as it is. */
function spreadsOf({ firstOnly, secondOnly }: Discordant, margin: number) {
  const difference = firstOnly - secondOnly;
  // Tango T., Stat Med 1998;17:891: the restricted maximum likelihood of the second alone, at first − second = −margin.
  const at = -margin;
  const b = -firstOnly - secondOnly + (2 - difference) * at;
  const c = -secondOnly * at * (1 - at);
  const restricted = (Math.sqrt(b * b - 8 * c) - b) / 4;
  return {
    null: Math.sqrt(2 * restricted + at - at * at),
    truth: Math.sqrt(firstOnly + secondOnly - difference ** 2),
    distance: difference + margin,
  };
}

/**
 * Pairs to show that the first is right at most `margin` more rarely than the second, by Tango's score test. Liu J.-P. et al., Stat
 * Med 2002;21:231, doi:10.1002/sim.1012 (with the restricted maximum likelihood estimate).
 *
 * @param alpha one-sided
 * @returns whole pairs; null when the first is worse by the margin or more
 */
export function pairsForNonInferiority(
  discordant: Discordant,
  margin: number,
  { alpha = 0.025, power = 0.8 }: { alpha?: number; power?: number } = {},
): number | null {
  demand(discordant);
  if (!(margin > 0 && margin < 1)) throw new RangeError('a margin between 0 and 1 is needed');
  const spread = spreadsOf(discordant, margin);
  if (spread.distance <= 0) return null;
  const root =
    (normalQuantile(1 - alpha) * spread.null + normalQuantile(power) * spread.truth) / spread.distance;
  return Math.ceil(root ** 2 - 1e-9);
}
export function nonInferiorityPairedPower(
  n: number,
  discordant: Discordant,
  margin: number,
  alpha = 0.025,
): number {
  demand(discordant);
  const spread = spreadsOf(discordant, margin);
  return normalCdf((spread.distance * Math.sqrt(n) - normalQuantile(1 - alpha) * spread.null) / spread.truth);
}
