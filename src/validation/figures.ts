/** Figures of cases in the shape of the results. Pure: all statistics are those of `evidence/`. */
import { clopperPearson, countsAt, type Interval, predictiveAt, ratesOf } from '../evidence/accuracy.ts';
import { delong, type Scored } from '../evidence/roc.ts';
import type { Proportion } from '../evidence/types.ts';
import type { AtPrevalence, Figures, OperatingPoint, Pair } from './types.ts';

/** Name → threshold, in the order of the manifest. */
export type Thresholds = readonly (readonly [name: string, threshold: number])[];

export const pair = (interval: Interval | undefined): Pair | null =>
  interval ? [interval.low, interval.high] : null;
const wilsonOf = ({ low, high }: Proportion): Pair | null =>
  low === null || high === null ? null : [low, high];

export function pointOf(cases: readonly Scored[], name: string, threshold: number): OperatingPoint {
  const counts = countsAt(cases, threshold);
  const { tp, fp, tn, fn } = counts;
  const { sensitivity, specificity, ppv, npv } = ratesOf(counts);
  return {
    name,
    threshold,
    ...{ tp, fp, tn, fn },
    sensitivity: sensitivity.value,
    sensitivityCi: wilsonOf(sensitivity),
    sensitivityExactCi: pair(clopperPearson(tp, tp + fn)),
    specificity: specificity.value,
    specificityCi: wilsonOf(specificity),
    specificityExactCi: pair(clopperPearson(tn, tn + fp)),
    ppv: ppv.value,
    ppvCi: wilsonOf(ppv),
    npv: npv.value,
    npvCi: wilsonOf(npv),
  };
}

export function figuresOf(cases: readonly Scored[], thresholds: Thresholds): Figures {
  const area = delong(cases);
  return {
    n: cases.length,
    positives: cases.filter(({ positive }) => positive).length,
    auc: area?.auc ?? null,
    aucCi: area && area.low !== null && area.high !== null ? [area.low, area.high] : null,
    operatingPoints: thresholds.map(([name, threshold]) => pointOf(cases, name, threshold)),
  };
}

export function atPrevalence(point: OperatingPoint, prevalence: number): AtPrevalence {
  const { ppv, npv } = predictiveAt(point, prevalence);
  const both = ({ low, high }: { low: number | null; high: number | null }): Pair | null =>
    low === null || high === null ? null : [low, high];
  return { prevalence, ppv: ppv.value, ppvCi: both(ppv), npv: npv.value, npvCi: both(npv) };
}
