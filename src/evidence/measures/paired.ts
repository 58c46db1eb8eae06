/** Two judgements on the same studies, whose truth somebody else fixed without AI. Pure. */
import { mcnemar } from '../accuracy.ts';
import { isPositive, type Uncertain } from '../figures.ts';
import { proportion, wilson } from '../statistics.ts';
import { clusteredDifference } from './clustered.ts';
import type { JudgedRow } from './rows.ts';
import type { Arm, Comparison, Effect, Pair, Paired } from './types.ts';

/**
 * Difference of two proportions measured on the same cases, first − second, 95 %: the square-and-add interval with the correction
 * of its correlation, method 10 of Newcombe R. G., Stat Med 1998;17:2635,
 * doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C. Checked against R in paired.test.ts.
 *
 * @param both both right, `onlyFirst`, `onlySecond`, `neither`: integers ≥ 0
 * @returns null without a case
 */
export function pairedDifference(
  both: number,
  onlyFirst: number,
  onlySecond: number,
  neither: number,
): { value: number; low: number; high: number } | null {
  const n = both + onlyFirst + onlySecond + neither;
  if (n === 0) return null;
  const [k1, k2] = [both + onlyFirst, both + onlySecond];
  const [p1, p2] = [k1 / n, k2 / n];
  const [w1, w2] = [wilson(k1, n)!, wilson(k2, n)!];
  const margins = k1 * (n - k1) * k2 * (n - k2);
  const cross = both * neither - onlyFirst * onlySecond;
  const phi =
    margins === 0 ? 0 : (cross > n / 2 ? cross - n / 2 : cross >= 0 ? 0 : cross) / Math.sqrt(margins);
  const half = (a: number, b: number): number => Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
  const value = p1 - p2;
  return {
    value,
    low: Math.max(-1, value - half(p1 - w1.low, w2.high - p2)),
    high: Math.min(1, value + half(w1.high - p1, p2 - w2.low)),
  };
}

/** One study: which of two was right. */
export interface RightOf {
  patient: string;
  first: boolean;
  second: boolean;
}
export function pairOf(studies: readonly RightOf[]): Pair {
  const count = (first: boolean, second: boolean) =>
    studies.filter((study) => study.first === first && study.second === second).length;
  const [both, onlyFirst, onlySecond, neither] = [
    count(true, true),
    count(true, false),
    count(false, true),
    count(false, false),
  ];
  const n = studies.length;
  const known = studies.filter(({ patient }) => patient !== '');
  const patients = new Set(known.map(({ patient }) => patient)).size + (n - known.length);
  const over = patients < n ? clusteredDifference(studies) : null;
  const { exact, midP } = mcnemar(onlyFirst, onlySecond);
  return {
    n,
    both,
    onlyFirst,
    onlySecond,
    neither,
    first: proportion(both + onlyFirst, n),
    second: proportion(both + onlySecond, n),
    difference: over
      ? { value: over.value, low: over.low, high: over.high }
      : pairedDifference(both, onlyFirst, onlySecond, neither),
    exact,
    midP,
    clustered: over ? { patients, p: over.p } : null,
  };
}

/** What an arm says of a study: true for positive; null where it says nothing. */
export function saidBy(arm: Arm, row: JudgedRow, uncertain: Uncertain): boolean | null {
  switch (arm) {
    case 'alone':
      return isPositive(row.blind, uncertain);
    // With a conclusion before AI, the tool's verdict of then.
    case 'ai':
      return row.blind === null ? row.aiPositive : row.blindAiPositive;
    case 'with':
      return row.shown === true ? isPositive(row.conclusion, uncertain) : null;
  }
}
/** The truth by somebody else than the reader, fixed without AI. */
export const truthOf = (row: JudgedRow, uncertain: Uncertain): boolean | null =>
  isPositive(row.own, uncertain);

export const PAIRS: readonly (readonly [Arm, Arm])[] = [
  ['alone', 'ai'],
  ['with', 'alone'],
  ['with', 'ai'],
];

/** Rows that both arms and the truth speak of. */
export function pairRows(
  rows: readonly JudgedRow[],
  first: Arm,
  second: Arm,
  truth: boolean,
  uncertain: Uncertain,
) {
  return rows.flatMap((row) => {
    if (truthOf(row, uncertain) !== truth) return [];
    const [a, b] = [saidBy(first, row, uncertain), saidBy(second, row, uncertain)];
    if (a === null || b === null) return [];
    return [{ row, patient: row.patient, first: a === truth, second: b === truth }];
  });
}

export function pairedOf(rows: readonly JudgedRow[], uncertain: Uncertain): Paired {
  const comparisons = PAIRS.map(([first, second]): Comparison => {
    const [yes, no] = [true, false].map((truth) => pairRows(rows, first, second, truth, uncertain));
    return {
      first,
      second,
      studies: yes!.length + no!.length,
      sensitivity: pairOf(yes!),
      specificity: pairOf(no!),
    };
  });
  const count = (which: keyof typeof EFFECTS) => rows.filter((row) => EFFECTS[which](row, uncertain)).length;
  const effect: Effect = {
    caught: count('caught'),
    caughtTaken: count('caught-taken'),
    wouldLose: count('would-lose'),
    wouldAdd: count('would-add'),
    madeWorse: count('made-worse'),
    madeBetter: count('made-better'),
    withBoth: rows.filter(
      (row) =>
        truthOf(row, uncertain) !== null &&
        saidBy('alone', row, uncertain) !== null &&
        saidBy('with', row, uncertain) !== null,
    ).length,
  };
  return { comparisons, effect };
}

type Test = (row: JudgedRow, uncertain: Uncertain) => boolean;
const judged = (row: JudgedRow, uncertain: Uncertain) => ({
  truth: truthOf(row, uncertain),
  alone: saidBy('alone', row, uncertain),
  ai: saidBy('ai', row, uncertain),
  signed: saidBy('with', row, uncertain),
});
/** Each number of `Effect` as the question that its studies answer. */
export const EFFECTS = {
  caught: (row, uncertain) => {
    const { truth, alone, ai } = judged(row, uncertain);
    return truth === true && alone === false && ai === true;
  },
  'caught-taken': (row, uncertain) => {
    const { truth, alone, ai, signed } = judged(row, uncertain);
    return truth === true && alone === false && ai === true && signed === true;
  },
  'would-lose': (row, uncertain) => {
    const { truth, alone, ai } = judged(row, uncertain);
    return truth === true && alone === true && ai === false;
  },
  'would-add': (row, uncertain) => {
    const { truth, alone, ai } = judged(row, uncertain);
    return truth === false && alone === false && ai === true;
  },
  'made-worse': (row, uncertain) => {
    const { truth, alone, signed } = judged(row, uncertain);
    return truth !== null && alone === truth && signed !== null && signed !== truth;
  },
  'made-better': (row, uncertain) => {
    const { truth, alone, signed } = judged(row, uncertain);
    return truth !== null && alone !== null && alone !== truth && signed === truth;
  },
} as const satisfies Record<string, Test>;
