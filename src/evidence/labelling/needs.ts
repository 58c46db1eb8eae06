/** What a case still needs, and what is the reference of it: pure, from its labels alone. */
import type { Answer } from '../types.ts';
import type { Exposure, LabelKind, Origin, SecondReading, Settling } from './types.ts';

/** A label that was not taken back. */
export interface GivenLabel {
  kind: LabelKind;
  answer: Answer;
  exposure: Exposure | null;
  personId: string;
  at: number;
}
export interface Policy {
  second: SecondReading;
  settling: Settling;
}
export interface CaseState {
  need: 'reading' | 'consensus' | 'adjudication' | 'none';
  /** Independent readings still to come; 0 unless `need` is `reading`. */
  missing: number;
  /**
   * As it stands now. While a second reading is awaited it is that of the first: otherwise positives alone, which wait for one,
   * would be missing from figures of a queue under way. Between two that differ it is uncertain.
   */
  answer: Answer | null;
  origin: Origin | null;
}

/** Readings that count: given by people who had not been shown what the tool says. */
export const readingsOf = <T extends Pick<GivenLabel, 'kind' | 'exposure' | 'at'>>(
  labels: readonly T[],
): T[] =>
  labels.filter(({ kind, exposure }) => kind === 'reading' && exposure === null).sort((a, b) => a.at - b.at);

/**
 * @param twice the case was chosen for a second reading whatever the first says
 * @param labels those not taken back, in any order
 */
export function stateOf(labels: readonly GivenLabel[], twice: boolean, policy: Policy): CaseState {
  const counted = labels.filter(({ exposure }) => exposure === null);
  const last = (kind: LabelKind) =>
    counted.filter((label) => label.kind === kind).sort((a, b) => b.at - a.at)[0];
  const readings = readingsOf(labels);
  const settled = (answer: Answer, origin: Origin): CaseState => ({
    need: 'none',
    missing: 0,
    answer,
    origin,
  });

  const followUp = last('follow-up');
  if (followUp) return settled(followUp.answer, 'follow-up');
  const decided = last('adjudication');
  if (decided) return settled(decided.answer, 'adjudication');

  const [first] = readings;
  const wanted =
    policy.second === 'all' ||
    (policy.second === 'part' && (twice || readings.some(({ answer }) => answer !== 'no')))
      ? 2
      : 1;
  const missing = Math.max(0, wanted - readings.length);
  if (!first) return { need: 'reading', missing, answer: null, origin: null };
  const differ = readings.some(({ answer }) => answer !== first.answer);
  if (differ) {
    const halves = counted.filter(({ kind }) => kind === 'consensus');
    const agreed = halves.length >= 2 && halves.every(({ answer }) => answer === halves[0]!.answer);
    if (agreed) return settled(halves[0]!.answer, 'consensus');
    const together = policy.settling === 'consensus' && halves.length < 2;
    return {
      need: together ? 'consensus' : 'adjudication',
      missing: 0,
      answer: 'uncertain',
      origin: 'second-reading',
    };
  }
  const origin: Origin = readings.length > 1 ? 'second-reading' : 'reading';
  return { need: missing > 0 ? 'reading' : 'none', missing, answer: first.answer, origin };
}
