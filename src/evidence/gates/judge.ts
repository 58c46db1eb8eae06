/**
 * From cases to what a gate says. Pure. A case is a success when the tool was right: it marked a study with the finding
 * (sensitivity), or left alone one without it (specificity).
 */
import { eProcess } from '../sequential.ts';
import { MINIMUM_CASES, wilson } from '../statistics.ts';
import type { Uncertain } from '../figures.ts';
import type { GateReason, Hypothesis, ProtocolForm, Subgroup, Verdict } from './types.ts';

/**
 * One-sided α 0.025, as of the lower bound of a 95 % interval: odds of 1 : 40. A sequential hypothesis holds once the e-value
 * reaches it; that a tool at the threshold ever does has a probability of at most 0.025 (Ville's inequality, see sequential.ts).
 */
export const NEEDED_ODDS = 40;

/** Not before as many cases as a percentage needs: fewer looks make it no less valid. */
const reached = (odds: number, i: number): boolean => i + 1 >= MINIMUM_CASES && odds >= NEEDED_ODDS;

/** The threshold that the lower bound has to lie above. */
export const thresholdOf = ({ target, margin }: Pick<Hypothesis, 'target' | 'margin'>): number =>
  // 0.9 − 0.05 is not 0.85 in binary: what people wrote with a few decimals is meant.
  Math.round((target - margin) * 1e9) / 1e9;

/** Counted, with its bounds: of a sample as it is, or corrected for how it was drawn. */
export interface Counted {
  /** Cases that the interval rests on. */
  n: number;
  k?: number | undefined;
  value: number | null;
  low: number | null;
  high: number | null;
}
export const counted = (successes: readonly boolean[]): Counted => {
  const k = successes.filter(Boolean).length;
  const n = successes.length;
  const interval = wilson(k, n);
  return { k, n, value: n === 0 ? null : k / n, low: interval?.low ?? null, high: interval?.high ?? null };
};

/**
 * A hypothesis of a fixed number of cases: nothing is said before they are there, and later cases change nothing, so that looking
 * often does not raise the chance of passing. Both ways of counting the uncertain have to hold; the worse one is told.
 *
 * @param ways of each way of counting the uncertain, the first `hypothesis.cases` cases
 */
export function judgeFixed(hypothesis: Hypothesis, ways: Readonly<Record<Uncertain, Counted>>): GateReason {
  const { measure, cases: wanted } = hypothesis;
  const threshold = thresholdOf(hypothesis);
  const each = (['positive', 'negative'] as const).map((uncertain) => ({ uncertain, ...ways[uncertain] }));
  const fewest = each.reduce((a, b) => (b.n < a.n ? b : a));
  const told = (of: (typeof each)[number]) => ({
    measure,
    uncertain: of.uncertain,
    ...(of.k === undefined ? {} : { k: of.k }),
    n: of.n,
    wanted,
    value: of.value,
    low: of.low,
    high: of.high,
    threshold,
  });
  if (fewest.n < wanted) return { code: 'cases', verdict: 'not-yet', ...told(fewest) };
  const worst = each.reduce((a, b) => ((b.low ?? 0) < (a.low ?? 0) ? b : a));
  return { code: 'bound', verdict: (worst.low ?? 0) > threshold ? 'pass' : 'fail', ...told(worst) };
}

/**
 * A sequential hypothesis: looked at after every case, up to `hypothesis.cases`.
 *
 * @param ways of each way of counting the uncertain, the cases in order
 */
export function judgeSequential(
  hypothesis: Hypothesis,
  ways: Readonly<Record<Uncertain, readonly boolean[]>>,
  futility: boolean,
): GateReason {
  const { measure, cases: wanted } = hypothesis;
  const threshold = thresholdOf(hypothesis);
  const verdicts = (['positive', 'negative'] as const).map((uncertain): GateReason => {
    const successes = ways[uncertain].slice(0, wanted);
    const better = eProcess(successes, threshold);
    const worse = futility
      ? eProcess(
          successes.map((right) => !right),
          1 - threshold,
        )
      : [];
    const passed = better.findIndex(reached);
    const failed = worse.findIndex(reached);
    // Whichever came first; afterwards nothing is looked at any more.
    const ends = [passed, failed].filter((at) => at >= 0);
    const end = ends.length > 0 ? Math.min(...ends) : successes.length - 1;
    const verdict: Verdict =
      ends.length === 0
        ? successes.length >= wanted
          ? 'fail'
          : 'not-yet'
        : passed >= 0 && passed === end
          ? 'pass'
          : 'fail';
    const against = verdict === 'fail' && failed >= 0 && failed === end;
    return {
      code: verdict === 'not-yet' ? 'cases' : 'evidence',
      verdict,
      measure,
      uncertain,
      ...counted(successes.slice(0, end + 1)),
      wanted,
      threshold,
      odds: (against ? worse : better)[end] ?? 1,
      needed: NEEDED_ODDS,
      ...(against ? { futility: true } : {}),
    };
  });
  const order: readonly Verdict[] = ['fail', 'not-yet', 'pass'];
  return verdicts.reduce((a, b) => {
    const [x, y] = [order.indexOf(a.verdict), order.indexOf(b.verdict)];
    return y < x || (y === x && (b.odds ?? 0) < (a.odds ?? 0)) ? b : a;
  });
}

/** A group: nothing is said of it below its minimum; with it, its estimate must not lie below the floor, whichever way counted. */
export function judgeSubgroup(subgroup: Subgroup, ways: Readonly<Record<Uncertain, Counted>>): GateReason {
  const { by, value: group, measure, floor: threshold, minimum: wanted } = subgroup;
  const each = (['positive', 'negative'] as const).map((uncertain) => ({ uncertain, ...ways[uncertain] }));
  const fewest = each.reduce((a, b) => (b.n < a.n ? b : a));
  const told = ({ uncertain, k, n, value, low, high }: (typeof each)[number]) => ({
    code: 'subgroup' as const,
    by,
    group,
    measure,
    uncertain,
    ...(k === undefined ? {} : { k }),
    n,
    wanted,
    value,
    low,
    high,
    threshold,
  });
  if (fewest.n < wanted) return { ...told(fewest), verdict: 'not-yet' };
  const worst = each.reduce((a, b) => ((b.value ?? 0) < (a.value ?? 0) ? b : a));
  return { ...told(worst), verdict: (worst.value ?? 0) >= threshold ? 'pass' : 'fail' };
}

/** One failure fails it; else anything that waits makes it wait; it passes when every reason does. */
export const verdictOf = (reasons: readonly GateReason[]): Verdict =>
  reasons.some(({ verdict }) => verdict === 'fail')
    ? 'fail'
    : reasons.length === 0 || reasons.some(({ verdict }) => verdict === 'not-yet')
      ? 'not-yet'
      : 'pass';

/** The time that a protocol gives itself: when it is over, what still waits for cases has failed. */
export function overTime(
  reasons: readonly GateReason[],
  { days }: Pick<ProtocolForm, 'days'>,
  since: number,
  now: number,
): GateReason[] {
  const DAY = 86_400_000;
  if (days === null || now < since + days * DAY || verdictOf(reasons) !== 'not-yet') return [...reasons];
  return [...reasons, { code: 'time', verdict: 'fail', wanted: days }];
}
