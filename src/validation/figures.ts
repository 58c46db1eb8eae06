/** Figures of cases in the shape of the results. Pure: all statistics are those of `evidence/`. */
import { clopperPearson, countsAt, predictiveAt, ratesOf } from '../evidence/accuracy.ts';
import { delong, type Scored } from '../evidence/roc.ts';
import type { AtPrevalence, Figures, OperatingPoint, Pair } from './types.ts';

/** Name → threshold, in the order of the manifest. */
export type Thresholds = readonly (readonly [name: string, threshold: number])[];

/** Of an interval, or of what has its ends where it is determined. */
export const pair = (of: { low: number | null; high: number | null } | null | undefined): Pair | null =>
  of && of.low !== null && of.high !== null ? [of.low, of.high] : null;

export function pointOf(cases: readonly Scored[], name: string, threshold: number): OperatingPoint {
  const counts = countsAt(cases, threshold);
  const { tp, fp, tn, fn } = counts;
  const { sensitivity, specificity, ppv, npv } = ratesOf(counts);
  return {
    name,
    threshold,
    ...{ tp, fp, tn, fn },
    sensitivity: sensitivity.value,
    sensitivityCi: pair(sensitivity),
    sensitivityExactCi: pair(clopperPearson(tp, tp + fn)),
    specificity: specificity.value,
    specificityCi: pair(specificity),
    specificityExactCi: pair(clopperPearson(tn, tn + fp)),
    ppv: ppv.value,
    ppvCi: pair(ppv),
    npv: npv.value,
    npvCi: pair(npv),
  };
}

export function figuresOf(cases: readonly Scored[], thresholds: Thresholds): Figures {
  const area = delong(cases);
  return {
    n: cases.length,
    positives: cases.filter(({ positive }) => positive).length,
    auc: area?.auc ?? null,
    aucCi: pair(area),
    operatingPoints: thresholds.map(([name, threshold]) => pointOf(cases, name, threshold)),
  };
}

export function atPrevalence(point: OperatingPoint, prevalence: number): AtPrevalence {
  const { ppv, npv } = predictiveAt(point, prevalence);
  return { prevalence, ppv: ppv.value, ppvCi: pair(ppv), npv: npv.value, npvCi: pair(npv) };
}
