/**
 * How long a chart runs until its alarm, on average: what a watch costs while all is well, and the delay it is designed for. Pure.
 * Markov chain of Brook D. and Evans D. A., Biometrika 1972;59:539, doi:10.1093/biomet/59.3.539: the sum is cut into states,
 * and (I − R) L = 1 gives the mean number of cases from each of them, R being the transitions that stay below the limit.
 */
import { cusumRule, type CusumRule } from './sequential.ts';

const STATES = 400;

/**
 * @param limit the alarm stands at or above it; the sum begins at 0 and never falls below
 * @param cdf distribution function of one step of the sum
 * @param states more are more exact; the work grows with their cube
 * @returns mean number of cases until the alarm
 */
export function runLengthOf(limit: number, cdf: (step: number) => number, states = STATES): number {
  const width = (2 * limit) / (2 * states - 1);
  return solved(states, (i, add) => {
    // State j holds sums within half a width of j · width; state 0 also what would fall below.
    let below = 0;
    for (let j = 0; j < states; j += 1) {
      const upTo = cdf((j - i + 0.5) * width);
      add(j, upTo - below);
      below = upTo;
    }
  });
}

/**
 * Of the chart of failures (`cusumRule`) when they happen at `rate`. A step that ends between two states is shared between them, so
 * that its mean is kept; within 1 % of simulation (runLength.test.ts).
 *
 * @param rate true rate of failures, 0 … 1
 * @returns mean number of cases until the alarm; Infinity where none can come
 */
export function cusumRunLength(rule: CusumRule, rate: number, states = STATES): number {
  const { limit, next } = cusumRule(rule);
  if (!(rate >= 0 && rate <= 1)) throw new RangeError('a rate lies between 0 and 1');
  if (rate === 0) return Infinity;
  const step = (from: number, failed: boolean): number => next({ cases: 0, sum: from, began: 0 }, failed).sum;
  const width = limit / states;
  return solved(states, (i, add) => {
    for (const [failed, chance] of [
      [true, rate],
      [false, 1 - rate],
    ] as const) {
      const at = step(i * width, failed) / width;
      const low = Math.floor(at);
      add(low, chance * (1 - (at - low)));
      add(low + 1, chance * (at - low));
    }
  });
}

/** Mean steps from state 0 until a transition leaves the states: Gaussian elimination with pivots. */
function solved(
  states: number,
  transitions: (from: number, add: (to: number, chance: number) => void) => void,
): number {
  const rows = Array.from({ length: states }, (_, i) => {
    const row = new Float64Array(states + 1);
    row[i] = 1;
    row[states] = 1;
    transitions(i, (to, chance) => {
      if (to < states) row[to]! -= chance;
    });
    return row;
  });
  for (let k = 0; k < states; k += 1) {
    let best = k;
    for (let i = k + 1; i < states; i += 1) if (Math.abs(rows[i]![k]!) > Math.abs(rows[best]![k]!)) best = i;
    [rows[k], rows[best]] = [rows[best]!, rows[k]!];
    const pivot = rows[k]!;
    for (let i = k + 1; i < states; i += 1) {
      const row = rows[i]!;
      const factor = row[k]! / pivot[k]!;
      if (factor === 0) continue;
      for (let j = k; j <= states; j += 1) row[j]! -= factor * pivot[j]!;
    }
  }
  const means = new Float64Array(states);
  for (let i = states - 1; i >= 0; i -= 1) {
    const row = rows[i]!;
    let rest = row[states]!;
    for (let j = i + 1; j < states; j += 1) rest -= row[j]! * means[j]!;
    means[i] = rest / row[i]!;
  }
  return means[0]!;
}
