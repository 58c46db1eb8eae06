/** What readers do with what the tool says: overruling it, following it, changing their mind. Pure. */
import type { Uncertain } from '../figures.ts';
import { proportion, quartiles } from '../statistics.ts';
import { REJECT_REASONS, type RejectReason } from '../types.ts';
import { saidBy, truthOf } from './paired.ts';
import type { JudgedRow } from './rows.ts';
import type { Automation, Overrides, Spread } from './types.ts';

/** Signed with the result in view: what was signed, what the tool said, what is so. */
const judged = (row: JudgedRow, uncertain: Uncertain) => ({
  row,
  signed: saidBy('with', row, uncertain),
  ai: row.aiPositive,
  truth: truthOf(row, uncertain),
});

export const OVERRIDES = {
  'marked-signed-no': (row: JudgedRow, uncertain: Uncertain) =>
    row.aiPositive && saidBy('with', row, uncertain) === false,
  'unmarked-signed-yes': (row: JudgedRow, uncertain: Uncertain) =>
    !row.aiPositive && saidBy('with', row, uncertain) === true,
  'followed-wrong': (row: JudgedRow, uncertain: Uncertain) => {
    const { signed, ai, truth } = judged(row, uncertain);
    return truth !== null && ai !== truth && signed === ai;
  },
  'followed-right': (row: JudgedRow, uncertain: Uncertain) => {
    const { signed, ai, truth } = judged(row, uncertain);
    return truth !== null && ai === truth && signed === ai;
  },
  'toward-wrong': (row: JudgedRow, uncertain: Uncertain) => toward(row, uncertain, false),
  'toward-right': (row: JudgedRow, uncertain: Uncertain) => toward(row, uncertain, true),
} as const;

/** Whether a conclusion changed to what the tool says, and is right or wrong now. */
function toward(row: JudgedRow, uncertain: Uncertain, right: boolean): boolean {
  const { signed, ai, truth } = judged(row, uncertain);
  const alone = saidBy('alone', row, uncertain);
  if (signed === null || truth === null || alone === null || alone === signed) return false;
  return signed === ai && (signed === truth) === right;
}

export function overridesOf(rows: readonly JudgedRow[], uncertain: Uncertain): Overrides {
  const shown = rows.map((row) => judged(row, uncertain)).filter(({ signed }) => signed !== null);
  const rate = (marked: boolean) => {
    const of = shown.filter(({ ai }) => ai === marked);
    return proportion(of.filter(({ signed }) => signed !== marked).length, of.length);
  };
  const overruled = shown.filter(({ signed, ai, truth }) => signed !== ai && truth !== null);
  const inView = rows.filter((row) => row.shown === true);
  const rejected = inView.reduce((sum, row) => sum + row.rejected, 0);
  const counts = new Map<RejectReason, number>();
  for (const { rejectedFor } of inView) {
    if (rejectedFor === '') continue;
    const said = JSON.parse(rejectedFor) as Partial<Record<RejectReason, number>>;
    for (const reason of REJECT_REASONS) counts.set(reason, (counts.get(reason) ?? 0) + (said[reason] ?? 0));
  }
  const told = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return {
    markedSignedNo: rate(true),
    unmarkedSignedYes: rate(false),
    overruledToolRight: proportion(
      overruled.filter(({ ai, truth }) => ai === truth).length,
      overruled.length,
    ),
    marks: inView.reduce((sum, row) => sum + row.marks, 0),
    rejected,
    reasons: [
      ...REJECT_REASONS.map((reason) => ({ reason, marks: counts.get(reason) ?? 0 })),
      { reason: 'none' as const, marks: rejected - told },
    ]
      .filter(({ marks }) => marks > 0)
      .sort((a, b) => b.marks - a.marks),
  };
}

export function automationOf(rows: readonly JudgedRow[], uncertain: Uncertain): Automation {
  const shown = rows.map((row) => judged(row, uncertain)).filter(({ signed }) => signed !== null);
  const known = shown.filter(({ truth }) => truth !== null);
  const followed = (right: boolean) => {
    const of = known.filter(({ ai, truth }) => (ai === truth) === right);
    return proportion(of.filter(({ signed, ai }) => signed === ai).length, of.length);
  };
  const before = known.flatMap((of) => {
    const alone = saidBy('alone', of.row, uncertain);
    return alone === null ? [] : [{ ...of, alone }];
  });
  const changed = before.filter(({ alone, signed }) => alone !== signed);
  const count = (toward: boolean, right: boolean) =>
    changed.filter(({ signed, ai, truth }) => (signed === ai) === toward && (signed === truth) === right)
      .length;
  const spread = (same: boolean): Spread =>
    quartiles(
      shown.flatMap(({ row, signed, ai }) =>
        (signed === ai) === same && row.readingMs !== null ? [row.readingMs] : [],
      ),
    );
  return {
    studies: known.length,
    followedWrong: followed(false),
    followedRight: followed(true),
    changes: {
      n: before.length,
      towardWrong: count(true, false),
      towardRight: count(true, true),
      awayRight: count(false, true),
      awayWrong: count(false, false),
    },
    readingMs: { followed: spread(true), overruled: spread(false) },
  };
}
