/** Chance from a seed: the same on every machine. */
import { generator } from '../../../src/evidence/bootstrap.ts';

export interface Draw {
  /** Uniform in (0, 1). */
  uniform(): number;
  chance(p: number): boolean;
  /** Successes among n. */
  successes(n: number, p: number): number;
  /** Standard normal: Box G. E. P. and Muller M. E., Ann Math Stat 1958;29:610, doi:10.1214/aoms/1177706645. */
  normal(): number;
}

export function drawFrom(seed: number): Draw {
  const next = generator(seed);
  // 53 bits of two numbers: 32 leave visible steps in the tails of the normal.
  const uniform = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6) + 0.5) / 2 ** 53;
  const chance = (p: number) => uniform() < p;
  return {
    uniform,
    chance,
    successes(n, p) {
      let count = 0;
      for (let i = 0; i < n; i += 1) count += Number(chance(p));
      return count;
    },
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
