/**
 * Accuracy from a sample with known inclusion probabilities: all studies that a tool marked, and a random part of those it did
 * not. Pure functions over counts; a study counts once, with its reference answer.
 */
import type { Interval } from './accuracy.ts';
import { generator } from './bootstrap.ts';
import { logChoose, Z95 } from './distributions.ts';
import { quantile } from './statistics.ts';

/** Studies of one stratum that have a reference answer. They are a simple random sample without replacement of `size` studies. */
export interface Stratum {
  /** Studies of the stratum, with or without an answer: an integer ≥ the sum of the four. */
  size: number;
  truePositive: number;
  falsePositive: number;
  falseNegative: number;
  trueNegative: number;
}

/** An estimate with its standard error and its 95 % interval; null where the counts do not allow it. */
export interface Estimate {
  value: number | null;
  error: number | null;
  interval: Interval | null;
}
export interface WeightedAccuracy {
  sensitivity: Estimate;
  specificity: Estimate;
  positivePredictive: Estimate;
  negativePredictive: Estimate;
  prevalence: Estimate;
}

const CELLS = ['truePositive', 'falsePositive', 'falseNegative', 'trueNegative'] as const;
type Cell = (typeof CELLS)[number];
type Counts = Readonly<Record<Cell, number>>;

export const answered = (of: Counts): number => CELLS.reduce((sum, cell) => sum + of[cell], 0);

/** What each measure is a ratio of: cells of the numerator among cells of the denominator. */
const RATIOS: Readonly<Record<keyof WeightedAccuracy, readonly [readonly Cell[], readonly Cell[]]>> = {
  sensitivity: [['truePositive'], ['truePositive', 'falseNegative']],
  specificity: [['trueNegative'], ['trueNegative', 'falsePositive']],
  positivePredictive: [['truePositive'], ['truePositive', 'falsePositive']],
  negativePredictive: [['trueNegative'], ['trueNegative', 'falseNegative']],
  prevalence: [['truePositive', 'falseNegative'], CELLS],
};
export const NOTHING: Estimate = { value: null, error: null, interval: null };

const checked = (strata: readonly Stratum[]): Stratum[] => {
  for (const stratum of strata) {
    const counts = [stratum.size, ...CELLS.map((cell) => stratum[cell])];
    if (!counts.every((count) => Number.isInteger(count) && count >= 0) || answered(stratum) > stratum.size)
      throw new RangeError('a stratum needs integers ≥ 0, no more of them answered than it holds');
  }
  return strata.filter(({ size }) => size > 0);
};

/**
 * Interval of a proportion on the logit scale, from its standard error: within (0, 1), and closer to the nominal coverage than
 * the symmetric one. Agresti A., Categorical Data Analysis, 3rd ed. 2013, 3.1. Null at 0 and 1, where the logit has no value.
 */
export function logitInterval(value: number, error: number): Interval | null {
  if (!(value > 0 && value < 1)) return null;
  const centre = Math.log(value / (1 - value));
  const half = (Z95 * error) / (value * (1 - value));
  const back = (logit: number) => 1 / (1 + Math.exp(-logit));
  return { low: back(centre - half), high: back(centre + half) };
}

/**
 * Horvitz–Thompson totals of the four cells: each study with the weight 1 / inclusion probability, `size / answered` of its
 * stratum. Horvitz D. G. and Thompson D. J., J Am Stat Assoc 1952;47:663, doi:10.1080/01621459.1952.10483446.
 *
 * @returns null when a stratum that holds studies has no answer yet: its part of the total is unknown
 */
export function weightedTotals(strata: readonly Stratum[]): Record<Cell, number> | null {
  const totals = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };
  for (const stratum of checked(strata)) {
    const n = answered(stratum);
    if (n === 0) return null;
    for (const cell of CELLS) totals[cell] += (stratum[cell] * stratum.size) / n;
  }
  return totals;
}

/**
 * The measures of the studies *of the frame itself*, as ratios of weighted totals, with standard errors by Taylor linearisation
 * and the finite population correction: a stratum that is answered whole adds no error. The same as `svyratio` of R's `survey`.
 * Särndal C.-E., Swensson B., Wretman J., Model Assisted Survey Sampling, 1992, 5.6 and 7.3.
 *
 * @throws RangeError for counts that cannot be
 */
export function weightedAccuracy(given: readonly Stratum[]): WeightedAccuracy {
  const strata = checked(given);
  const totals = weightedTotals(strata);
  const ratio = ([over, under]: readonly [readonly Cell[], readonly Cell[]]): Estimate => {
    if (!totals) return NOTHING;
    const denominator = under.reduce((sum, cell) => sum + totals[cell], 0);
    if (denominator === 0) return NOTHING;
    const value = over.reduce((sum, cell) => sum + totals[cell], 0) / denominator;
    let variance = 0;
    for (const stratum of strata) {
      const n = answered(stratum);
      if (n === stratum.size) continue;
      if (n < 2) return { value, error: null, interval: null };
      // Residual of a study of each cell; their spread within the stratum is what another sample would change.
      const residual = (cell: Cell) => (over.includes(cell) ? 1 : 0) - (under.includes(cell) ? value : 0);
      const mean = CELLS.reduce((sum, cell) => sum + residual(cell) * stratum[cell], 0) / n;
      const squares = CELLS.reduce((sum, cell) => sum + (residual(cell) - mean) ** 2 * stratum[cell], 0);
      variance += (1 - n / stratum.size) * (stratum.size / denominator) ** 2 * (squares / (n - 1) / n);
    }
    const error = Math.sqrt(variance);
    return { value, error, interval: logitInterval(value, error) };
  };
  const result = {} as WeightedAccuracy;
  for (const name of Object.keys(RATIOS) as (keyof WeightedAccuracy)[]) result[name] = ratio(RATIOS[name]);
  return result;
}

/** Studies by the tool's verdict: how many there are, and how many of them have the answer yes and no. */
export interface Verified {
  total: number;
  positive: number;
  negative: number;
}

/**
 * Sensitivity and specificity of the tool *on such patients*, corrected for verification bias: whether a study got an answer
 * depends on the tool's verdict alone. Estimate: Begg C. B. and Greenes R. A., Biometrics 1983;39:207, doi:10.2307/2530820;
 * variance, with that of the share of marked studies: Zhou X.-H., Commun Stat Theory Methods 1993;22:3177,
 * as coded in R's PVBcorrect. The estimate equals the weighted one; its error also holds what another period would change.
 *
 * @throws RangeError for counts that cannot be
 */
export function beggGreenes(
  marked: Verified,
  unmarked: Verified,
): { sensitivity: Estimate; specificity: Estimate } {
  checked([stratumOf(marked, true), stratumOf(unmarked, false)]);
  const n1 = marked.total;
  const n0 = unmarked.total;
  const v1 = marked.positive + marked.negative;
  const v0 = unmarked.positive + unmarked.negative;
  if (v1 === 0 || v0 === 0) return { sensitivity: NOTHING, specificity: NOTHING };
  const share = (n1 + n0) / (n1 * n0);
  const corrected = (right: number, wrong: number, first: [number, number], second: [number, number]) => {
    if (right + wrong === 0) return NOTHING;
    const value = right / (right + wrong);
    if (first[0] === 0 || second[0] === 0) return { value, error: null, interval: null };
    // Of the logit: the odds are a product of three independent odds.
    const variance =
      share +
      first[1] / (first[0] * (first[0] + first[1])) +
      second[1] / (second[0] * (second[0] + second[1]));
    const error = value * (1 - value) * Math.sqrt(variance);
    return { value, error, interval: logitInterval(value, error) };
  };
  return {
    sensitivity: corrected(
      (n1 * marked.positive) / v1,
      (n0 * unmarked.positive) / v0,
      [marked.positive, marked.negative],
      [unmarked.positive, unmarked.negative],
    ),
    specificity: corrected(
      (n0 * unmarked.negative) / v0,
      (n1 * marked.negative) / v1,
      [unmarked.negative, unmarked.positive],
      [marked.negative, marked.positive],
    ),
  };
}

export const stratumOf = ({ total, positive, negative }: Verified, marked: boolean): Stratum => ({
  size: total,
  truePositive: marked ? positive : 0,
  falsePositive: marked ? negative : 0,
  falseNegative: marked ? 0 : positive,
  trueNegative: marked ? 0 : negative,
});

/** P(X ≤ x) of positives among `n` drawn without replacement from `size` studies, `positives` of them positive. */
export function hypergeometric(x: number, size: number, positives: number, n: number): number {
  let sum = 0;
  for (let i = Math.max(0, n - (size - positives)); i <= Math.min(x, positives, n); i++)
    sum += Math.exp(logChoose(positives, i) + logChoose(size - positives, n - i) - logChoose(size, n));
  return Math.min(1, sum);
}

/**
 * Exact one-sided limits of how many of `size` studies are positive when `k` of `n` drawn are: the largest (smallest) number
 * that a test at level `alpha` does not reject. Buonaccorsi J. P., Am Stat 1987;41:215.
 */
export function mostPositives(k: number, n: number, size: number, alpha: number): number {
  // The probability falls as the number grows: bisection between what is known and what is possible.
  let low = k;
  let high = size - (n - k);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (hypergeometric(k, size, middle, n) > alpha) low = middle;
    else high = middle - 1;
  }
  return low;
}
export const fewestPositives = (k: number, n: number, size: number, alpha: number): number =>
  size - mostPositives(n - k, n, size, alpha);

/** Below so many answered studies in which the tool was wrong, a corrected estimate says more about chance than about the tool. */
export const MINIMUM_WRONG = 5;

/**
 * Where too few misses were found to estimate the sensitivity: what it is at least on the studies of the frame, with 95 %
 * confidence (exact; the error is halved between the two groups unless one is answered whole).
 * Why so: Cronin A. M. and Vickers A. J., BMC Med Res Methodol 2008;8:75, doi:10.1186/1471-2288-8-75.
 *
 * @returns the bound, and the most misses that it stands on; null without answers in both groups
 */
export function sensitivityBound(
  marked: Verified,
  unmarked: Verified,
): { atLeast: number; atMostMissed: number } | null {
  checked([stratumOf(marked, true), stratumOf(unmarked, false)]);
  const n1 = marked.positive + marked.negative;
  const n0 = unmarked.positive + unmarked.negative;
  if ((marked.total > 0 && n1 === 0) || (unmarked.total > 0 && n0 === 0)) return null;
  const alpha = n1 === marked.total || n0 === unmarked.total ? 0.05 : 0.025;
  const found = fewestPositives(marked.positive, n1, marked.total, alpha);
  const missed = mostPositives(unmarked.positive, n0, unmarked.total, alpha);
  return found + missed === 0 ? null : { atLeast: found / (found + missed), atMostMissed: missed };
}
/** The same of the specificity: wrong are the marked studies that have nothing. */
export function specificityBound(
  marked: Verified,
  unmarked: Verified,
): { atLeast: number; atMostMissed: number } | null {
  const turned = ({ total, positive, negative }: Verified): Verified => ({
    total,
    positive: negative,
    negative: positive,
  });
  return sensitivityBound(turned(unmarked), turned(marked));
}

/**
 * Percentile intervals by resampling within each stratum and, between strata, their sizes: the check of the formulas above.
 * Efron B. and Tibshirani R. J., An Introduction to the Bootstrap, 1993, 13.3. The same seed gives the same interval.
 *
 * @param rounds how many samples; 2,000 make the ends steady to about half a percentage point
 */
export function bootstrapAccuracy(
  given: readonly Stratum[],
  options: { seed?: number; rounds?: number } = {},
): Record<'sensitivity' | 'specificity', Interval | null> {
  const strata = checked(given);
  const next = generator(options.seed ?? 1);
  const random = () => next() / 2 ** 32;
  const whole = strata.reduce((sum, { size }) => sum + size, 0);
  const values = { sensitivity: [] as number[], specificity: [] as number[] };
  for (let round = 0; round < (options.rounds ?? 2000); round++) {
    const sizes = resample(
      strata.map(({ size }) => size),
      whole,
      random,
    );
    const again = strata.map((stratum, h) => {
      const counts = resample(
        CELLS.map((cell) => stratum[cell]),
        answered(stratum),
        random,
      );
      return { n: answered(stratum), size: sizes[h]!, counts };
    });
    const total = (cell: Cell) =>
      again.reduce(
        (sum, { n, size, counts }) => sum + (n ? (counts[CELLS.indexOf(cell)]! * size) / n : 0),
        0,
      );
    for (const name of ['sensitivity', 'specificity'] as const) {
      const [over, under] = RATIOS[name];
      const denominator = under.reduce((sum, cell) => sum + total(cell), 0);
      if (denominator > 0) values[name].push(total(over[0]!) / denominator);
    }
  }
  const ends = (list: number[]): Interval | null => {
    if (list.length < 100) return null;
    list.sort((a, b) => a - b);
    return { low: quantile(list, 0.025)!, high: quantile(list, 0.975)! };
  };
  return { sensitivity: ends(values.sensitivity), specificity: ends(values.specificity) };
}

/** Counts of a sample of n with replacement from counts: binomial one after the other, each of what the ones before have left. */
function resample(counts: readonly number[], n: number, random: () => number): number[] {
  let among = counts.reduce((total, count) => total + count, 0);
  let left = among === 0 ? 0 : n;
  return counts.map((count) => {
    const drawn = among === 0 ? 0 : binomial(left, count / among, random);
    among -= count;
    left -= drawn;
    return drawn;
  });
}

/**
 * Successes in n trials, by the geometric gaps between them: as many draws as the rarer outcome happens, where a frame has tens of
 * thousands of studies and few of them are marked. Devroye L., Non-Uniform Random Variate Generation, 1986, X.4, first waiting
 * time method.
 */
function binomial(n: number, p: number, random: () => number): number {
  if (p > 0.5) return n - binomial(n, 1 - p, random);
  if (p <= 0) return 0;
  const miss = Math.log1p(-p);
  let successes = 0;
  for (let at = gap(); at < n; at += 1 + gap()) successes += 1;
  return successes;

  function gap(): number {
    return Math.floor(Math.log(1 - random()) / miss);
  }
}
