/** All references of some studies. */
import type { Db, Tx } from '../../store/types.ts';
import type { LabellingTables } from '../labelling/tables.ts';
import type { EvidenceTables } from '../tables.ts';
import type { ReferenceTables } from './tables.ts';
import type { Reference } from './types.ts';

export type CollectTables = EvidenceTables & LabellingTables & ReferenceTables;
type Reader = Pick<Db<CollectTables>, 'selectFrom'> | Pick<Tx<CollectTables>, 'selectFrom'>;
/** Below the limits of parameters of both databases. */
export const CHUNK = 400;

export interface KnownReference extends Reference {
  studyUid: string;
}

/**
 * Of one tool's question. A queue's results count once it is closed: until then they would tell those who still label in it what
 * others said. Entries that a newer one replaced do not count.
 */
export async function collect(
  db: Reader,
  modelId: string,
  studyUids: readonly string[],
): Promise<KnownReference[]> {
  const read = db as Db<CollectTables>;
  const found: KnownReference[] = [];
  for (let start = 0; start < studyUids.length; start += CHUNK) {
    const uids = studyUids.slice(start, start + CHUNK);
    const entries = await read
      .selectFrom('reference_entry')
      .selectAll()
      .where('model_id', '=', modelId)
      .where('study_uid', 'in', uids)
      .execute();
    const replaced = new Set(entries.map(({ replaces }) => replaces));
    for (const entry of entries) {
      if (entry.answer === null || replaced.has(entry.id)) continue;
      found.push({
        studyUid: entry.study_uid,
        origin: 'follow-up',
        answer: entry.answer,
        method: entry.method,
        withoutAi: entry.with_ai === 0,
        persons: [],
        at: Number(entry.at),
      });
    }

    const facts = await read
      .selectFrom('reading_fact')
      .select(['study_uid', 'reader_id', 'conclusion', 'blind_conclusion', 'shown', 'signed_at'])
      .where('model_id', '=', modelId)
      .where('study_uid', 'in', uids)
      .execute();
    for (const fact of facts) {
      const of = {
        studyUid: fact.study_uid,
        method: null,
        persons: [fact.reader_id],
        at: Number(fact.signed_at),
      };
      if (fact.blind_conclusion)
        found.push({ ...of, origin: 'blind-conclusion', answer: fact.blind_conclusion, withoutAi: true });
      // A report that AI was not shown for is its reader's blind conclusion, said once.
      if (fact.conclusion && fact.shown !== 0)
        found.push({ ...of, origin: 'signed-report', answer: fact.conclusion, withoutAi: false });
    }

    const cases = await read
      .selectFrom('label_case')
      .innerJoin('label_queue', 'label_queue.id', 'label_case.queue_id')
      .select([
        'label_case.study_uid as study_uid',
        'label_case.queue_id as queue_id',
        'label_case.need as need',
        'label_case.answer as answer',
        'label_case.origin as origin',
        'label_queue.closed_at as closed_at',
      ])
      .where('label_queue.model_id', '=', modelId)
      .where('label_queue.closed_at', 'is not', null)
      .where('label_case.study_uid', 'in', uids)
      .where('label_case.answer', 'is not', null)
      .execute();
    if (cases.length === 0) continue;
    const labels = await read
      .selectFrom('label')
      .select(['queue_id', 'study_uid', 'person_id', 'given_at'])
      .where('queue_id', 'in', [...new Set(cases.map(({ queue_id }) => queue_id))])
      .where('study_uid', 'in', uids)
      .where('undone_at', 'is', null)
      .where('exposure', 'is', null)
      .execute();
    for (const each of cases) {
      const own = labels.filter(
        ({ queue_id, study_uid }) => queue_id === each.queue_id && study_uid === each.study_uid,
      );
      const unsettled = each.need === 'consensus' || each.need === 'adjudication';
      found.push({
        studyUid: each.study_uid,
        origin: unsettled ? 'disagreement' : each.origin!,
        answer: each.answer!,
        method: each.origin === 'follow-up' ? 'clinical' : null,
        withoutAi: true,
        persons: [...new Set(own.map(({ person_id }) => person_id))].sort(),
        at: own.reduce((most, { given_at }) => Math.max(most, Number(given_at)), 0),
      });
    }
  }
  return found;
}
