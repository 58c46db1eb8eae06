/** From the cases of a queue to its figures. Pure. */
import type { Interval } from '../accuracy.ts';
import { agreement } from '../agreement.ts';
import { isPositive, type Uncertain } from '../figures.ts';
import { MINIMUM_CASES, proportion } from '../statistics.ts';
import type { Answer } from '../types.ts';
import {
  beggGreenes,
  bootstrapAccuracy,
  MINIMUM_WRONG,
  NOTHING,
  sensitivityBound,
  specificityBound,
  stratumOf,
  weightedAccuracy,
  type Estimate,
  type Verified,
} from '../weighted.ts';
import { readingsOf, type GivenLabel } from './needs.ts';
import type {
  Corrected,
  Frame,
  Origin,
  QueueCase,
  QueueFigureKey,
  QueueFigures,
  QueueOverview,
} from './types.ts';

/** A case that was drawn, with its labels and where it stands. */
export interface DrawnCase {
  studyUid: string;
  marked: boolean;
  /** Chosen for a second reading whatever the first says. */
  twice: boolean;
  need: 'reading' | 'consensus' | 'adjudication' | 'none';
  answer: Answer | null;
  origin: Origin | null;
  labels: readonly GivenLabel[];
}

/** The answered of the marked or of the unmarked studies, of `total` in the frame. */
function verified(
  cases: readonly DrawnCase[],
  marked: boolean,
  total: number,
  uncertain: Uncertain,
): Verified {
  const of = cases.filter((each) => each.marked === marked && each.answer !== null);
  const positive = of.filter(({ answer }) => isPositive(answer, uncertain)).length;
  return { total, positive, negative: of.length - positive };
}

const corrected = (
  estimate: Estimate,
  bound: { atLeast: number; atMostMissed: number } | null,
  resampled: () => Interval | null,
  wrong: number,
): Corrected => {
  if (wrong >= MINIMUM_WRONG && estimate.value !== null && estimate.interval)
    return { kind: 'estimate', value: estimate.value, ...estimate.interval, resampled: resampled(), wrong };
  // "At least 0 %" says nothing.
  if (bound && bound.atLeast > 0)
    return { kind: 'bound', atLeast: bound.atLeast, atMostWrong: bound.atMostMissed, wrong };
  return { kind: 'none', wrong };
};

/** One way of counting the uncertain. */
export function figuresOf(cases: readonly DrawnCase[], frame: Frame, uncertain: Uncertain): QueueFigures {
  return accuracyFrom(
    verified(cases, true, frame.marked, uncertain),
    verified(cases, false, frame.unmarked, uncertain),
  );
}

/** From the answered studies of the marked and of the unmarked, each a part of so many. */
export function accuracyFrom(marked: Verified, unmarked: Verified): QueueFigures {
  const truths = marked.positive + unmarked.positive;
  const normals = marked.negative + unmarked.negative;
  const strata = [stratumOf(marked, true), stratumOf(unmarked, false)];
  const estimate = beggGreenes(marked, unmarked);
  // The one thing here that takes time, and only an estimate says it.
  let drawn: ReturnType<typeof bootstrapAccuracy> | undefined;
  const resampled = (name: 'sensitivity' | 'specificity') => () =>
    (drawn ??= bootstrapAccuracy(strata, { rounds: 1000 }))[name];
  // Only figures on enough cases; a bound is right with any number.
  const enough = (n: number, of: Estimate): Estimate => (n >= MINIMUM_CASES ? of : NOTHING);
  const { prevalence } = weightedAccuracy(strata);
  return {
    naive: {
      sensitivity: proportion(marked.positive, truths),
      specificity: proportion(unmarked.negative, normals),
    },
    corrected: {
      sensitivity: corrected(
        enough(truths, estimate.sensitivity),
        sensitivityBound(marked, unmarked),
        resampled('sensitivity'),
        unmarked.positive,
      ),
      specificity: corrected(
        enough(normals, estimate.specificity),
        specificityBound(marked, unmarked),
        resampled('specificity'),
        marked.negative,
      ),
    },
    positivePredictive: proportion(marked.positive, marked.positive + marked.negative),
    negativePredictive: proportion(unmarked.negative, unmarked.positive + unmarked.negative),
    prevalence:
      prevalence.value !== null && prevalence.interval && truths + normals >= MINIMUM_CASES
        ? { value: prevalence.value, ...prevalence.interval }
        : null,
  };
}
const ANSWERS: readonly Answer[] = ['yes', 'no', 'uncertain'];

/** How far the first and the second reader agree, corrected for which cases had a second one. */
export function readersOf(cases: readonly DrawnCase[], part: boolean) {
  const pairs = cases.map(({ labels, twice }) => ({ twice, readings: readingsOf(labels) }));
  // Of the no only those chosen by chance: another one had its second reading for another reason than its answer.
  const counted = pairs.filter(
    ({ readings, twice }) => readings.length > 1 && (!part || twice || readings[0]!.answer !== 'no'),
  );
  const of = (answer: Answer) => ANSWERS.indexOf(answer);
  const table = ANSWERS.map(() => ANSWERS.map(() => 0));
  for (const { readings } of counted) table[of(readings[0]!.answer)]![of(readings[1]!.answer)]! += 1;
  const first = ANSWERS.map(
    (answer) => pairs.filter(({ readings }) => readings[0]?.answer === answer).length,
  );
  return { ...agreement(table, part ? first : undefined), table };
}

/** Whether the tool's mark agrees with labels by those who had seen it. */
export function apartOf(cases: readonly DrawnCase[]) {
  const labels = cases.flatMap(({ labels, marked }) =>
    labels.filter(({ exposure }) => exposure !== null).map(({ answer }) => ({ answer, marked })),
  );
  const said = (answer: Answer) => labels.filter((label) => label.answer === answer);
  return {
    labels: labels.length,
    positive: proportion(said('yes').filter(({ marked }) => marked).length, said('yes').length),
    negative: proportion(said('no').filter(({ marked }) => !marked).length, said('no').length),
  };
}

export function overviewFigures(
  cases: readonly DrawnCase[],
  frame: Frame,
  part: boolean,
): NonNullable<QueueOverview['figures']> {
  const group = (marked: boolean) => {
    const of = cases.filter((each) => each.marked === marked);
    return { drawn: of.length, answered: of.filter(({ answer }) => answer !== null).length };
  };
  const uncertain = cases.filter(({ answer }) => answer === 'uncertain').length;
  const uncertainAsPositive = figuresOf(cases, frame, 'positive');
  return {
    marked: group(true),
    unmarked: group(false),
    uncertain,
    uncertainAsPositive,
    uncertainAsNegative: uncertain === 0 ? uncertainAsPositive : figuresOf(cases, frame, 'negative'),
    apart: apartOf(cases),
    readers: readersOf(cases, part),
  };
}

/** Whether a case stands behind a figure, counted either way. */
export function behindQueue(figure: QueueFigureKey, of: QueueCase): boolean {
  const yes = of.answer === 'yes' || of.answer === 'uncertain';
  const no = of.answer === 'no' || of.answer === 'uncertain';
  switch (figure) {
    case 'answered':
      return of.answer !== null;
    case 'found':
      return of.marked && yes;
    case 'missed':
      return !of.marked && yes;
    case 'false-alarms':
      return of.marked && no;
    case 'left-alone':
      return !of.marked && no;
    case 'uncertain':
      return of.answer === 'uncertain';
    case 'apart':
      return of.labels.some(({ exposure }) => exposure !== null);
    case 'disagreed':
      return new Set(readingsOf(of.labels).map(({ answer }) => answer)).size > 1;
  }
}
