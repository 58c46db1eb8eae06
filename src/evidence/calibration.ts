/**
 * Whether scores can be read as probabilities. Pure. Checked against scikit-learn in calibration.test.ts.
 */
import type { Scored } from './roc.ts';

/** Cases whose scores lie in [from, to); the last bin includes 1. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly n: number;
  readonly positives: number;
  /** Null in an empty bin. */
  readonly meanScore: number | null;
}

/**
 * Mean squared difference between score and truth (0 or 1): 0 is perfect; always saying the prevalence p gives p(1 − p).
 * Brier G. W., Mon Weather Rev 1950;78:1, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2 (half of his original, as usual).
 *
 * @returns undefined without cases
 * @throws RangeError for a score outside 0 … 1: such a score is no probability
 */
export function brier(cases: readonly Scored[]): number | undefined {
  mustBeProbabilities(cases);
  if (cases.length === 0) return undefined;
  return cases.reduce((sum, { score, positive }) => sum + (score - Number(positive)) ** 2, 0) / cases.length;
}

/** Equal parts of 0 … 1, empty ones too. Throws as `brier`. */
export function reliability(cases: readonly Scored[], bins = 10): ReliabilityBin[] {
  mustBeProbabilities(cases);
  const sums = Array.from({ length: bins }, () => ({ n: 0, positives: 0, score: 0 }));
  for (const { score, positive } of cases) {
    const bin = sums[binOf(score, bins)]!;
    bin.n += 1;
    bin.positives += Number(positive);
    bin.score += score;
  }
  return sums.map(({ n, positives, score }, i) => ({
    from: i / bins,
    to: (i + 1) / bins,
    n,
    positives,
    meanScore: n === 0 ? null : score / n,
  }));
}

/** `score * bins` can round up to the next edge although the score lies below it. */
function binOf(score: number, bins: number): number {
  const bin = Math.min(bins - 1, Math.floor(score * bins));
  return score < bin / bins ? bin - 1 : bin;
}

/**
 * Expected calibration error: mean over the bins of |observed frequency − mean score|, weighted by their cases. Naeini M. P. et
 * al., AAAI 2015, doi:10.1609/aaai.v29i1.9602. It depends on the bins and is biased upwards in small samples.
 *
 * @returns undefined without cases. Throws as `brier`.
 */
export function expectedCalibrationError(cases: readonly Scored[], bins = 10): number | undefined {
  if (cases.length === 0) return undefined;
  return reliability(cases, bins).reduce(
    (sum, { n, positives, meanScore }) =>
      sum + (meanScore === null ? 0 : Math.abs(positives - n * meanScore) / cases.length),
    0,
  );
}

function mustBeProbabilities(cases: readonly Scored[]): void {
  for (const { score } of cases)
    if (!(score >= 0 && score <= 1)) throw new RangeError('a score outside 0 … 1 is no probability');
}
