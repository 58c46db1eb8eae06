/**
 * Scores of a sample whose images were drawn with unequal, known chances (all that a tool marked, a part of the others): each
 * counts with its weight, one over its chance. Pure. Checked against scikit-learn in weightedScores.test.ts.
 */
import type { Interval } from './accuracy.ts';
import { bootstrap, type BootstrapOptions } from './bootstrap.ts';
import type { Scored } from './roc.ts';

/** `weight` above 0. */
export interface WeightedScored extends Scored {
  readonly weight: number;
}
export interface Weighted {
  /** Null where the sample does not determine it. */
  readonly value: number | null;
  /**
   * 95 %, bootstrap: drawn anew within the images of equal weight, as the sample was. Null where it is not determined, or where no
   * draw differs from another, which says nothing of other images.
   */
  readonly interval: Interval | null;
}
export interface WeightedRates {
  readonly sensitivity: Weighted;
  readonly specificity: Weighted;
  readonly ppv: Weighted;
  readonly npv: Weighted;
}

const mustWeigh = (cases: readonly WeightedScored[]): void => {
  for (const { weight } of cases)
    if (!(weight > 0 && Number.isFinite(weight))) throw new RangeError('a weight is a number above 0');
};

const asWeighted = (
  cases: readonly WeightedScored[],
  statistic: (times: ArrayLike<number>) => number | null,
  options: BootstrapOptions,
): Weighted => {
  const times = new Uint32Array(cases.length);
  const interval = bootstrap(
    cases.length,
    (indices) => {
      times.fill(0);
      for (const i of indices) times[i]! += 1;
      return statistic(times);
    },
    { ...options, strata: cases.map(({ weight }) => weight) },
  );
  return {
    value: statistic(new Uint32Array(cases.length).fill(1)),
    interval: interval && interval.low < interval.high ? interval : null,
  };
};

/**
 * The weighted area under the ROC curve: Σ wᵢ wⱼ over pairs of a positive and a negative case in the right order (ties half), by
 * the sum over all pairs.
 */
export function weightedAuc(cases: readonly WeightedScored[], options: BootstrapOptions = {}): Weighted {
  mustWeigh(cases);
  const order = cases.map((_, i) => i).sort((a, b) => cases[a]!.score - cases[b]!.score);
  return asWeighted(
    cases,
    (times) => {
      let [below, right, positives] = [0, 0, 0];
      for (let i = 0; i < order.length;) {
        let [tiedPositive, tiedNegative] = [0, 0];
        const { score } = cases[order[i]!]!;
        for (; i < order.length && cases[order[i]!]!.score === score; i += 1) {
          const { positive, weight } = cases[order[i]!]!;
          if (positive) tiedPositive += weight * times[order[i]!]!;
          else tiedNegative += weight * times[order[i]!]!;
        }
        right += tiedPositive * (below + tiedNegative / 2);
        below += tiedNegative;
        positives += tiedPositive;
      }
      return positives > 0 && below > 0 ? right / (positives * below) : null;
    },
    options,
  );
}

/** Rates at a threshold, as shares of weights: those of the whole from which the sample was drawn. */
export function weightedRates(
  cases: readonly WeightedScored[],
  threshold: number,
  options: BootstrapOptions = {},
): WeightedRates {
  mustWeigh(cases);
  const share = (
    of: (marked: boolean, positive: boolean) => boolean,
    right: (marked: boolean, positive: boolean) => boolean,
  ): Weighted =>
    asWeighted(
      cases,
      (times) => {
        let [all, good] = [0, 0];
        cases.forEach(({ score, positive, weight }, i) => {
          const marked = score >= threshold;
          if (!of(marked, positive)) return;
          all += weight * times[i]!;
          if (right(marked, positive)) good += weight * times[i]!;
        });
        return all > 0 ? good / all : null;
      },
      options,
    );
  return {
    sensitivity: share((_, positive) => positive, (marked) => marked),
    specificity: share((_, positive) => !positive, (marked) => !marked),
    ppv: share((marked) => marked, (_, positive) => positive),
    npv: share((marked) => !marked, (_, positive) => !positive),
  }; // prettier-ignore
}
