/** Intervals by resampling, where no formula exists. Pure: the same seed gives the same interval on every machine. */
import type { Interval } from './accuracy.ts';
import { normalCdf, normalQuantile } from './distributions.ts';
import { quantile } from './statistics.ts';

/**
 * xoshiro128**, its state filled by a Weyl sequence through the finaliser of MurmurHash3: uniform integers of 32 bits. Blackman D. and Vigna S., ACM Trans Math Softw 2021;47:36,
 * doi:10.1145/3460772.
 */
export function generator(seed: number): () => number {
  let mixed = seed >>> 0;
  const mix = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
  // Four numbers and no array: intervals take millions of draws.
  let [a, b, c, d] = [mix(), mix(), mix(), mix()];
  return () => {
    const product = Math.imul(b, 5);
    const answer = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
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
  options: BootstrapOptions = {},
): Interval | undefined {
  const values = drawn(n, statistic, options);
  return values && { low: quantile(values, 0.025)!, high: quantile(values, 0.975)! };
}

/**
 * Bias-corrected and accelerated interval (95 %), the acceleration by leaving out one unit after the other. Efron B., J Am Stat Assoc
 * 1987;82:171, doi:10.1080/01621459.1987.10478410; Efron B., Tibshirani R., An Introduction to the Bootstrap, 1993, 14.3.
 *
 * @returns undefined where `bootstrap` gives none, or the units themselves do not determine the statistic
 */
export function bca(
  n: number,
  statistic: (indices: Uint32Array) => number | null,
  options: BootstrapOptions = {},
): Interval | undefined {
  const whole = statistic(Uint32Array.from({ length: n }, (_, i) => i));
  const values = drawn(n, statistic, options);
  if (whole === null || !values || n < 2) return undefined;
  if (values[0] === values.at(-1)) return { low: values[0]!, high: values[0]! };
  // Draws that give the very estimate are half below it: a median often is one of its own draws.
  const below = values.filter((value) => value < whole).length + values.filter((value) => value === whole).length / 2; // prettier-ignore
  const bias = normalQuantile(Math.min(1 - 0.5 / values.length, Math.max(0.5 / values.length, below / values.length))); // prettier-ignore
  const without = Array.from({ length: n }, (_, left) =>
    statistic(Uint32Array.from({ length: n - 1 }, (_, i) => (i < left ? i : i + 1))),
  ).filter((value) => value !== null);
  const mean = without.reduce((sum, value) => sum + value, 0) / without.length;
  const [squares, cubes] = [2, 3].map((power) =>
    without.reduce((sum, value) => sum + (mean - value) ** power, 0),
  ) as [number, number];
  const acceleration = squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
  const at = (p: number): number => {
    const z = bias + normalQuantile(p);
    return normalCdf(bias + z / (1 - acceleration * z));
  };
  return { low: quantile(values, at(0.025))!, high: quantile(values, at(0.975))! };
}

/** The statistic of each draw, ascending. */
function drawn(
  n: number,
  statistic: (indices: Uint32Array) => number | null,
  { rounds = 2000, seed = 1, strata }: BootstrapOptions,
): number[] | undefined {
  const next = generator(seed);
  const indices = new Uint32Array(n);
  const groups = Map.groupBy(indices.keys(), (i) => strata?.[i] ?? 0);
  // Of each unit the units that it may be replaced by.
  const among = Array.from(indices, (_, i) => groups.get(strata?.[i] ?? 0)!);
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // 32 bits scaled to the length: the bias is below length / 2³².
    for (let i = 0; i < n; i += 1) {
      const units = among[i]!;
      indices[i] = units[Math.floor((next() / 2 ** 32) * units.length)]!;
    }
    const value = statistic(indices);
    if (value !== null) values.push(value);
  }
  if (n === 0 || values.length < rounds / 2) return undefined;
  return values.sort((a, b) => a - b);
}
