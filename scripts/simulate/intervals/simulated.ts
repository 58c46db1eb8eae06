/** How often an interval holds the truth, counted over repetitions. */
import { drawFrom } from './draw.ts';
import type { Design } from './designs.ts';

/** What 95 % intervals are held to over 10,000 repetitions: three of their standard errors (0.22 points) about 95 %. */
export const GOAL = { low: 0.943, high: 0.957 };

export interface Covered {
  readonly repetitions: number;
  /** Repetitions in which the method gave an interval. */
  readonly given: number;
  /** Of those, how many held the truth. */
  readonly coverage: number;
  /** Of those, how many lay wholly below, and wholly above the truth. */
  readonly below: number;
  readonly above: number;
  readonly width: number;
}

export function covered(design: Design, repetitions: number, seed = 1): Covered {
  let [given, below, above, width] = [0, 0, 0, 0];
  for (let i = 0; i < repetitions; i += 1) {
    const found = design.interval(drawFrom(seed * 1_000_003 + i), seed * 1_000_003 + i + 500_000_000);
    if (!found) continue;
    const { low, high, truth = design.truth } = found;
    given += 1;
    width += high - low;
    if (high < truth) below += 1;
    else if (low > truth) above += 1;
  }
  return {
    repetitions,
    given,
    coverage: 1 - (below + above) / given,
    below: below / given,
    above: above / given,
    width: width / given,
  };
}

/** Three standard errors of a share that is counted over so many repetitions. */
export const margin = (share: number, repetitions: number): number =>
  3 * Math.sqrt((share * (1 - share)) / repetitions);
