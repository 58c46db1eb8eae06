/** Intervals by resampling, where no formula exists. Pure: the same seed gives the same interval on every machine. */
import type { Interval } from './accuracy.ts';
import { quantile } from './statistics.ts';

/**
 * xoshiro128**, its state filled by a Weyl sequence through the finaliser of MurmurHash3: uniform integers of 32 bits. Blackman D. and Vigna S., ACM Trans Math Softw 2021;47:36,
 * doi:10.1145/3460772.
 */
export function generator(seed: number): () => number {
  let mixed = seed >>> 0;
  const state = Uint32Array.from({ length: 4 }, () => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  });
  const rotated = (x: number, by: number): number => ((x << by) | (x >>> (32 - by))) >>> 0;
  return () => {
    const answer = Math.imul(rotated(Math.imul(state[1]!, 5) >>> 0, 7), 9) >>> 0;
    const shifted = state[1]! << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = rotated(state[3]!, 11);
    return answer;
  };
}

export interface BootstrapOptions {
  readonly rounds?: number;
  readonly seed?: number;
  /** Of each unit: a draw takes a unit of the same stratum. Without: of all. */
  readonly strata?: readonly (string | number)[];
}

/**
 * Percentile interval (95 %): `n` units are drawn with replacement `rounds` times, and `statistic` is asked of each draw. Units
 * are what is independent (images, not the lesions in them). Efron B., Ann Stat 1979;7:1, doi:10.1214/aos/1176344552.
 *
 * @param statistic of the units with these indices; null where the draw does not determine it (that draw is left out)
 * @returns undefined when less than half of the draws determine it
 */
export function bootstrap(
  n: number,
  statistic: (indices: Uint32Array) => number | null,
  { rounds = 2000, seed = 1, strata }: BootstrapOptions = {},
): Interval | undefined {
  const next = generator(seed);
  const indices = new Uint32Array(n);
  const groups = strata && Map.groupBy(indices.keys(), (i) => strata[i]!);
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // 32 bits scaled to the length: the bias is below length / 2³².
    for (let i = 0; i < n; i += 1) {
      const among = groups?.get(strata![i]!);
      const at = Math.floor((next() / 2 ** 32) * (among?.length ?? n));
      indices[i] = among ? among[at]! : at;
    }
    const value = statistic(indices);
    if (value !== null) values.push(value);
  }
  if (n === 0 || values.length < rounds / 2) return undefined;
  values.sort((a, b) => a - b);
  return { low: quantile(values, 0.025)!, high: quantile(values, 0.975)! };
}
