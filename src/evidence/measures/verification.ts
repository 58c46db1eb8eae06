/** Whether the studies with a stronger reference are others than those without, and what follows. Pure. */
import { isPositive, type Uncertain } from '../figures.ts';
import { accuracyFrom } from '../labelling/figures.ts';
import { sensitivityBound, type Verified } from '../weighted.ts';
import type { JudgedRow } from './rows.ts';
import type { Verification } from './types.ts';

/** Stronger than one reading: two that agree, what was settled, or follow-up. */
const STRONG = 2;
/** From so many times the share on, one group counts as verified far more often than the other. */
const UNEVEN = 2;
/** What a random sample should be able to show: a sensitivity of at least so much, if nothing in it was missed. */
const TO_SHOW = 0.85;
const SIZES = [30, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1000, 1500, 2000] as const;

export const isVerified = (row: JudgedRow): boolean => row.refRank >= STRONG;
/** The verdict that the reference speaks of. */
const markedOf = (row: JudgedRow): boolean => (row.ref === null ? row.aiPositive : row.refAiPositive);

export function verificationOf(rows: readonly JudgedRow[], uncertain: Uncertain): Verification {
  const group = (marked: boolean): Verified => {
    const of = rows.filter((row) => markedOf(row) === marked);
    const verified = of.filter(isVerified);
    const positive = verified.filter(({ ref }) => isPositive(ref, uncertain)).length;
    return { total: of.length, positive, negative: verified.length - positive };
  };
  const [marked, unmarked] = [group(true), group(false)];
  const count = ({ positive, negative }: Verified) => positive + negative;
  const share = (of: Verified) => (of.total === 0 ? 0 : count(of) / of.total);
  const { naive, corrected } = accuracyFrom(marked, unmarked);
  const uneven =
    count(marked) + count(unmarked) > 0 &&
    unmarked.total > 0 &&
    count(unmarked) < unmarked.total &&
    share(marked) > UNEVEN * share(unmarked);
  return {
    marked: { studies: marked.total, verified: count(marked) },
    unmarked: { studies: unmarked.total, verified: count(unmarked) },
    uneven,
    uncorrected: naive,
    corrected,
    proposal: uneven ? proposalOf(marked, unmarked) : null,
  };
}

/** The smallest sample that can show enough, if it holds nothing that was missed; all, where no sample can. */
function proposalOf(marked: Verified, unmarked: Verified): Verification['proposal'] {
  const of = unmarked.total;
  const shows = (sample: number) =>
    sensitivityBound(marked, { total: of, positive: 0, negative: sample })?.atLeast ?? null;
  for (const sample of SIZES) {
    if (sample >= of) break;
    const atLeast = shows(sample);
    if (atLeast !== null && atLeast >= TO_SHOW) return { sample, of, atLeast };
  }
  const sample = Math.min(of, SIZES.at(-1)!);
  return { sample, of, atLeast: shows(sample) };
}
