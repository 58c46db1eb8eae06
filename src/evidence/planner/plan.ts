/** How long? From a target, a prevalence and a volume to cases, days, a power curve, and what is left where it is not attainable. Pure. */
import { casesForLowerBound, lowerBoundPower, type Bound } from './proportion.ts';
import {
  nonInferiorityPairedPower,
  pairedPower,
  pairsForDifference,
  pairsForNonInferiority,
} from './paired.ts';
import { casesForSequential, sequentialPlan } from './sequential.ts';
import { groupsForNonInferiority, nonInferiorityPower } from './unpaired.ts';
import { thresholdOf } from '../gates/judge.ts';
import type { Measure } from '../gates/types.ts';

/** Rates 0 … 1. */
export type Question =
  /** Lower bound of a rate above `target` − `margin`, on a number of cases or looked at after each. */
  | { design: 'fixed'; bound: Bound; truth: number; target: number; margin: number }
  | { design: 'sequential'; truth: number; target: number; margin: number; futility: boolean }
  /** A difference between two ways of reading the same studies: shares in which one alone is right. */
  | { design: 'difference'; firstOnly: number; secondOnly: number }
  | { design: 'non-inferiority-paired'; firstOnly: number; secondOnly: number; margin: number }
  /** Two groups of studies of the same size. */
  | { design: 'non-inferiority'; first: number; second: number; margin: number };
export interface PlanForm {
  question: Question;
  /** Which studies are its cases: those with the finding, or those without. */
  measure: Measure;
  power: number;
  prevalence: number;
  /** Studies a day that the tool runs on and that are reported on. */
  perDay: number;
  /** Days that the practice is ready to wait. */
  horizon: number;
}
export interface Plan {
  /** Null: no number of cases shows it. */
  cases: number | null;
  /** Of a sequential design on average; else the same as `cases`. */
  expectedCases: number | null;
  /** Studies in which that many cases are to be expected, and the days in which these come. */
  studies: number | null;
  days: number | null;
  attainable: boolean;
  /** Power by number of cases, up to half as many again. */
  curve: { cases: number; power: number }[];
  /** Where it is not attainable within the horizon. */
  instead: {
    /** Studies already in the archive that a labelling queue would have to find, to answer at once. */
    retrospective: number | null;
    /** Practices of this volume that together answer in time. */
    practices: number | null;
    /** The highest threshold that the cases of the horizon show with the same power, in steps of one point; and with how many. */
    weaker: { threshold: number; cases: number } | null;
    /** Cases that come within the horizon. */
    casesInTime: number;
  } | null;
}

const POINTS = 24;
const MOST_SEQUENTIAL = 5000;
/** @throws RangeError for rates that are none */
export function plan(form: PlanForm): Plan {
  const { question, power, prevalence, perDay, horizon, measure } = form;
  if (!(power > 0 && power < 1 && prevalence > 0 && prevalence < 1 && perDay > 0 && horizon > 0))
    throw new RangeError(
      'a power and a prevalence between 0 and 1, a volume and a horizon above 0 are needed',
    );
  const share = measure === 'sensitivity' ? prevalence : 1 - prevalence;
  const { cases, expected, powerAt } = asked(question, power);
  // Two groups: the cases of both have to come.
  const groups = question.design === 'non-inferiority' ? 2 : 1;
  const studiesFor = (n: number): number => Math.ceil((groups * n) / share);
  const studies = cases === null ? null : studiesFor(cases);
  const days = studies === null ? null : Math.ceil(studies / perDay);
  const attainable = days !== null && days <= horizon;
  const most =
    cases === null ? Math.max(2, Math.floor((horizon * perDay * share) / groups)) : Math.ceil(cases * 1.5);
  const curve = Array.from({ length: POINTS }, (_, i) => Math.max(1, Math.round(((i + 1) * most) / POINTS)))
    .filter((n, i, all) => n !== all[i - 1])
    .map((n) => ({ cases: n, power: powerAt(n) }));
  const casesInTime = Math.floor((horizon * perDay * share) / groups);
  return {
    cases,
    expectedCases: expected === null ? null : Math.ceil(expected),
    studies,
    days,
    attainable,
    curve,
    instead: attainable
      ? null
      : {
          retrospective: studies,
          practices: days === null ? null : Math.ceil(days / horizon),
          weaker: weakerThan(question, power, casesInTime),
          casesInTime,
        },
  };
}

function asked(
  question: Question,
  power: number,
): { cases: number | null; expected: number | null; powerAt: (n: number) => number } {
  switch (question.design) {
    case 'fixed': {
      const of = { threshold: thresholdOf(question), bound: question.bound };
      const cases = casesForLowerBound(question.truth, power, of);
      return { cases, expected: cases, powerAt: (n) => lowerBoundPower(n, question.truth, of) };
    }
    case 'sequential': {
      const threshold = thresholdOf(question);
      const { truth, futility } = question;
      const found = casesForSequential(truth, threshold, power, { futility, most: MOST_SEQUENTIAL });
      const { passed } = sequentialPlan(
        truth,
        threshold,
        found ? Math.ceil(found.cases * 1.5) : MOST_SEQUENTIAL,
        futility,
      );
      return {
        cases: found?.cases ?? null,
        expected: found?.expected ?? null,
        powerAt: (n) => passed[Math.min(n, passed.length) - 1]!,
      };
    }
    case 'difference': {
      const cases = pairsForDifference(question, { power });
      return { cases, expected: cases, powerAt: (n) => pairedPower(n, question) };
    }
    case 'non-inferiority-paired': {
      const cases = pairsForNonInferiority(question, question.margin, { power });
      return {
        cases,
        expected: cases,
        powerAt: (n) => nonInferiorityPairedPower(n, question, question.margin),
      };
    }
    case 'non-inferiority': {
      const { first, second, margin } = question;
      const cases = groupsForNonInferiority(first, second, margin, { power });
      return { cases, expected: cases, powerAt: (n) => nonInferiorityPower(n, first, second, margin) };
    }
  }
}

/** What the cases of the horizon can show of a rate. */
function weakerThan(question: Question, power: number, most: number): NonNullable<Plan['instead']>['weaker'] {
  if (question.design !== 'fixed' && question.design !== 'sequential') return null;
  const { truth, target, margin } = question;
  const bound = question.design === 'fixed' ? question.bound : 'wilson';
  const highest = Math.floor(Math.min(thresholdOf({ target, margin }), truth) * 100 + 1e-9);
  for (let percent = highest; percent >= 50; percent -= 1) {
    const threshold = percent / 100;
    if (threshold >= truth || most < 1 || lowerBoundPower(most, truth, { threshold, bound }) < power)
      continue;
    const cases = casesForLowerBound(truth, power, { threshold, bound });
    if (cases !== null && cases <= most) return { threshold, cases };
  }
  return null;
}
