/** How often a watch calls a false alarm, and how soon it finds what it is for. */
import { cusumRule, eProcessRule } from '../../../src/evidence/sequential.ts';
import { cusumRunLength } from '../../../src/evidence/runLength.ts';
import { drawFrom } from './draw.ts';

/** Share of streams in which the e-value ever reaches `threshold`, looked at after each of `cases` cases. */
export function everReached(
  accepted: number,
  rate: number,
  { streams = 10_000, cases = 2000, threshold = 20, seed = 7 } = {},
): number {
  const rule = eProcessRule(accepted);
  let reached = 0;
  for (let i = 0; i < streams; i += 1) {
    const { chance } = drawFrom(seed * 1_000_003 + i);
    const logs = rule.start();
    for (let k = 0; k < cases; k += 1)
      if (rule.next(logs, chance(rate)) >= threshold) {
        reached += 1;
        break;
      }
  }
  return reached / streams;
}

/** Mean cases until the alarm of the chart, simulated, beside its Markov chain. */
export function runLengths(
  accepted: number,
  rate: number,
  { runs = 10_000, budget = 1000, seed = 3 } = {},
): { simulated: number; error: number; chain: number } {
  const rule = cusumRule({ accepted, budget });
  let [sum, squares] = [0, 0];
  for (let i = 0; i < runs; i += 1) {
    const { chance } = drawFrom(seed * 1_000_003 + i);
    const state = rule.start();
    while (rule.next(state, chance(rate)).alarmSince === undefined);
    sum += state.cases;
    squares += state.cases ** 2;
  }
  const simulated = sum / runs;
  const error = Math.sqrt((squares / runs - simulated ** 2) / runs);
  return { simulated, error, chain: cusumRunLength({ accepted, budget }, rate) };
}
