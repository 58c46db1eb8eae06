/**
 * What a sequential hypothesis costs: exact, since the e-value after n cases depends on the successes among them alone, so that
 * the bounds are whole numbers and the chances of being between them are carried on case by case.
 */
import { NEEDED_ODDS } from '../gates/judge.ts';
import { eProcessRule } from '../sequential.ts';
import { MINIMUM_CASES } from '../statistics.ts';
import { demandRates } from './proportion.ts';

export interface SequentialPlan {
  /** After each case, from the first: the probability of having passed, and of having stopped for futility. */
  passed: Float64Array;
  stopped: Float64Array;
  /** Cases on average, when it ends at the latest with the last. */
  expected: number;
}

/** After n = 1, 2, … cases the fewest successes whose e-value reaches what is needed; n + 1 where none do. */
export function boundaries(accepted: number, most: number): Int32Array {
  const { start, next } = eProcessRule(accepted);
  const bounds = new Int32Array(most);
  let logs = start();
  let k = 0;
  let found = false;
  for (let n = 1; n <= most; n += 1) {
    if (found) {
      // One more case moves the bound by one or not at all: a success only ever raises the e-value.
      const failed = [...logs];
      if (next(failed, false) >= NEEDED_ODDS) logs = failed;
      else {
        next(logs, true);
        k += 1;
      }
    } else {
      k += 1;
      found = next(logs, true) >= NEEDED_ODDS;
    }
    bounds[n - 1] = found ? k : n + 1;
  }
  return bounds;
}

/**
 * @param truth probability that the tool is right; `threshold` the one that is to be exceeded
 * @param most cases at the latest
 * @param futility whether it stops, too, once the same odds speak against it
 */
export function sequentialPlan(
  truth: number,
  threshold: number,
  most: number,
  futility = false,
): SequentialPlan {
  demandRates(truth, threshold);
  const pass = boundaries(threshold, most);
  const fail = futility ? boundaries(1 - threshold, most) : null;
  const passed = new Float64Array(most);
  const stopped = new Float64Array(most);
  // chance[k]: still going on, with k successes so far.
  const chance = new Float64Array(most + 2);
  chance[0] = 1;
  let low = 0;
  let high = 0;
  let expected = 0;
  let going = 1;
  for (let n = 1; n <= most; n += 1) {
    expected += going;
    high += 1;
    for (let k = high; k > low; k -= 1) chance[k] = chance[k]! * (1 - truth) + chance[k - 1]! * truth;
    chance[low] = chance[low]! * (1 - truth);
    let ended = 0;
    let against = 0;
    if (n >= MINIMUM_CASES) {
      for (let k = high; k >= low && k >= pass[n - 1]!; k -= 1) {
        ended += chance[k]!;
        chance[k] = 0;
        high = k - 1;
      }
      if (fail)
        for (let k = low; k <= high && n - k >= fail[n - 1]!; k += 1) {
          against += chance[k]!;
          chance[k] = 0;
          low = k + 1;
        }
    }
    passed[n - 1] = (passed[n - 2] ?? 0) + ended;
    stopped[n - 1] = (stopped[n - 2] ?? 0) + against;
    going = 1 - passed[n - 1]! - stopped[n - 1]!;
    // What is too improbable to matter is no longer carried along.
    while (low < high && chance[low]! < 1e-18) low += 1;
    if (high < low) high = low;
  }
  return { passed, stopped, expected };
}

/** The fewest cases at the latest with which it passes with this probability; null when `most` do not suffice. */
export function casesForSequential(
  truth: number,
  threshold: number,
  power: number,
  { futility = false, most = 5000 }: { futility?: boolean; most?: number } = {},
): { cases: number; expected: number } | null {
  if (truth <= threshold) return null;
  const { passed } = sequentialPlan(truth, threshold, most, futility);
  const at = passed.findIndex((chance) => chance >= power);
  if (at < 0) return null;
  return { cases: at + 1, expected: sequentialPlan(truth, threshold, at + 1, futility).expected };
}
