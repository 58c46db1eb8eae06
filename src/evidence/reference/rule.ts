/** Which of several references of a study rules. Pure. */
import { METHODS, RANKS, type Reference, type Ruling } from './types.ts';

const strength = ({ method }: Reference): number => (method === null ? -1 : METHODS.indexOf(method));

/**
 * The highest rank rules; among follow-ups the strongest method, then the newest. Single readings by different people count
 * together: where they agree they are two independent readings (rank 2), where they differ the study is *uncertain* until
 * somebody settles it.
 *
 * Only what was fixed without AI in view is asked: agreement with a report that was written with it is no accuracy.
 *
 * @param without a person whose own readings are left out, and everything they took part in settling: what a reader is compared
 * with must not be that reader
 * @returns null where nothing is left
 */
export function rulingOf(references: readonly Reference[], without?: string): Ruling | null {
  const counted = references.filter(
    ({ withoutAi, persons }) => withoutAi && (without === undefined || !persons.includes(without)),
  );
  const best = counted.reduce((most, { origin }) => Math.max(most, RANKS[origin]), 0);
  if (best === 0) return null;
  const top = counted
    .filter(({ origin }) => RANKS[origin] === best)
    .sort((a, b) => strength(b) - strength(a) || b.at - a.at);
  const first = top[0]!;
  if (best > 1)
    return {
      answer: first.answer,
      origin: first.origin,
      rank: best as Ruling['rank'],
      method: first.method,
    };
  // A person who read the study twice is one reader: the first reading, before they could know more, counts.
  const readers = new Map<string, Reference>();
  for (const reference of [...top].sort((a, b) => a.at - b.at)) {
    const who = reference.persons.join(' ');
    if (!readers.has(who)) readers.set(who, reference);
  }
  const readings = [...readers.values()];
  const one = readings[0]!;
  if (readings.some(({ answer, origin }) => origin === 'disagreement' || answer !== one.answer))
    return { answer: 'uncertain', origin: 'disagreement', rank: 1, method: null };
  return readings.length > 1
    ? { answer: one.answer, origin: 'second-reading', rank: 2, method: null }
    : { answer: one.answer, origin: one.origin, rank: 1, method: null };
}
