import type { ReadingFact } from '../../evidence/types.ts';
import type { Principal } from '../../people/types.ts';
import type { Rooms } from '../../rooms.ts';
import { MOST_CASES, type CaseRow } from './contract.ts';

/**
 * Cases behind a number, with their exams: the newest `MOST_CASES`. Who asks for them is not blind to what the tool says of them
 * any more.
 *
 * @param facts newest first
 */
export async function caseRows(
  { archive, reading }: Pick<Rooms, 'archive' | 'reading'>,
  facts: readonly ReadingFact[],
  by: Principal,
): Promise<CaseRow[]> {
  const shown = facts.slice(0, MOST_CASES);
  const found = await archive.studies(shown.map(({ studyUid }) => studyUid));
  const studies = new Map(found.map((study) => [study.studyUid, study]));
  await reading.noteSeen(shown, by);
  return shown.flatMap((fact) => {
    const study = studies.get(fact.studyUid);
    return study ? [{ fact, study }] : [];
  });
}
