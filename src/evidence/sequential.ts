/**
 * Watching failures one by one, with a stated price of false alarms. Pure: each function takes the failures in the order in which
 * they happened (true: the tool was wrong).
 */

/** Odds of p times `ratio`. */
const timesOdds = (p: number, ratio: number): number => (ratio * p) / (1 - p + ratio * p);
const demandRate = (p: number): void => {
  if (!(p > 0 && p < 1)) throw new RangeError('a rate of failures between 0 and 1 is needed');
};

export interface Cusum {
  /** The sum after each case; it starts again at 0 after an alarm. */
  readonly path: readonly number[];
  /** Index of each case that made it reach the limit. */
  readonly alarms: readonly number[];
  /** For each alarm, the index of the case with which the sum began to rise. */
  readonly since: readonly number[];
  readonly limit: number;
}

/** Where a CUSUM stands: `began` is the case with which the sum began to rise. Survives JSON. */
export interface CusumState {
  cases: number;
  sum: number;
  began: number;
}
export interface CusumRule {
  /** Rate of failures, between 0 and 1. */
  readonly accepted: number;
  readonly ratio?: number;
  readonly budget?: number;
}

/**
 * Bernoulli CUSUM: adds up the log likelihood ratio of `ratio` times the odds against the accepted rate, never below 0. Page E. S.,
 * Biometrika 1954;41:100, doi:10.1093/biomet/41.1-2.100; Steiner S. H. et al., Biostatistics 2000;1:441,
 * doi:10.1093/biostatistics/1.4.441.
 *
 * While failures are no more frequent than accepted, a false alarm comes at most once in `budget` cases on average: the limit is
 * ln(budget), by Lorden G., Ann Math Stat 1971;42:1897, doi:10.1214/aoms/1177693055.
 *
 * @returns `next` changes the state by one case: the sum reached, and at an alarm the case with which it began to rise; after an
 * alarm the sum starts again at 0
 * @throws RangeError for parameters that are none
 */
export function cusumRule({ accepted, ratio = 2, budget = 1000 }: CusumRule): {
  limit: number;
  start: () => CusumState;
  next: (state: CusumState, failed: boolean) => { sum: number; alarmSince: number | undefined };
} {
  demandRate(accepted);
  if (!(ratio > 1 && budget > 1)) throw new RangeError('ratio and budget lie above 1');
  const worse = timesOdds(accepted, ratio);
  const [up, down] = [Math.log(worse / accepted), Math.log((1 - worse) / (1 - accepted))];
  const limit = Math.log(budget);
  return {
    limit,
    start: () => ({ cases: 0, sum: 0, began: 0 }),
    next(state, failed) {
      if (state.sum === 0) state.began = state.cases;
      const sum = Math.max(0, state.sum + (failed ? up : down));
      state.cases += 1;
      const alarm = sum >= limit;
      state.sum = alarm ? 0 : sum;
      return { sum, alarmSince: alarm ? state.began : undefined };
    },
  };
}

/** `cusumRule` over all failures at once. */
export function cusum(failures: readonly boolean[], rule: CusumRule): Cusum {
  const { limit, start, next } = cusumRule(rule);
  const path: number[] = [];
  const alarms: number[] = [];
  const since: number[] = [];
  const state = start();
  failures.forEach((failed, i) => {
    const { sum, alarmSince } = next(state, failed);
    path.push(sum);
    if (alarmSince === undefined) return;
    alarms.push(i);
    since.push(alarmSince);
  });
  return { path, alarms, since, limit };
}

/** How many times the odds the alternatives are; equal parts of the stake. */
const ALTERNATIVES = [1.25, 1.5, 2, 3, 4, 6, 8, 12, 16] as const;

/**
 * Evidence, after each case, that failures are more frequent than accepted: the mean of likelihood ratios over several
 * alternatives. While the rate is at most the accepted one it is a non-negative supermartingale from 1, so that it ever exceeds
 * 1/α with a probability of at most α, however often one looks. Ville J., Étude critique de la notion de collectif, 1939; Ramdas
 * A. et al., Stat Sci 2023;38:576, doi:10.1214/23-STS894.
 *
 * @param accepted rate of failures, between 0 and 1
 * @returns `next` changes the state (logarithms of the ratios) by one case and gives the e-value: 20 is reached by chance in at
 * most 1 of 20 tools, over all time
 * @throws RangeError for a rate that is none
 */
export function eProcessRule(accepted: number): {
  start: () => number[];
  next: (logs: number[], failed: boolean) => number;
} {
  demandRate(accepted);
  const steps = ALTERNATIVES.map((ratio) => {
    const rate = timesOdds(accepted, ratio);
    return [Math.log(rate / accepted), Math.log((1 - rate) / (1 - accepted))] as const;
  });
  return {
    start: () => ALTERNATIVES.map(() => 0),
    next(logs, failed) {
      steps.forEach(([up, down], k) => (logs[k]! += failed ? up : down));
      // By logarithms: after thousands of cases a ratio is beyond what a number holds.
      const most = Math.max(...logs);
      return Math.exp(
        most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length),
      );
    },
  };
}

/** `eProcessRule` over all failures at once: the e-value after each. */
export function eProcess(failures: readonly boolean[], accepted: number): number[] {
  const { start, next } = eProcessRule(accepted);
  const logs = start();
  return failures.map((failed) => next(logs, failed));
}
