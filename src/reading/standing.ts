/** For the labelling queue: whether a study is reported on, and whether a person was shown what a tool says of it. */
import type { Db, Store } from '../store/types.ts';
import type { ReadingTables } from './tables.ts';

const UID_CHUNK = 500;

export interface StudyStanding {
  /** Its report is signed and in force. */
  signed: boolean;
  /** What this person was shown of this tool: null, its result, or its result and then they signed. */
  exposure: 'saw-ai' | 'signed-with-ai' | null;
}

/** Studies without a row in the answer: never signed, never shown. */
export async function standingOf(
  store: Pick<Store, 'read'>,
  { personId, modelId, studyUids }: { personId: string; modelId: string; studyUids: readonly string[] },
): Promise<Map<string, StudyStanding>> {
  const read = store.read as unknown as Db<ReadingTables>;
  const found = new Map<string, StudyStanding>();
  const of = (uid: string): StudyStanding => {
    const known = found.get(uid) ?? { signed: false, exposure: null };
    found.set(uid, known);
    return known;
  };
  for (let start = 0; start < studyUids.length; start += UID_CHUNK) {
    const uids = studyUids.slice(start, start + UID_CHUNK);
    const [states, shown, seen, signed] = await Promise.all([
      read
        .selectFrom('reading_state')
        .select(['study_uid', 'reopened_at'])
        .where('study_uid', 'in', uids)
        .execute(),
      read
        .selectFrom('ai_shown')
        .innerJoin('reading_run', 'reading_run.run_id', 'ai_shown.run_id')
        .select('ai_shown.study_uid')
        .where('ai_shown.person_id', '=', personId)
        .where('reading_run.model_id', '=', modelId)
        .where('ai_shown.study_uid', 'in', uids)
        .execute(),
      read
        .selectFrom('ai_seen')
        .select('study_uid')
        .where('person_id', '=', personId)
        .where('model_id', '=', modelId)
        .where('study_uid', 'in', uids)
        .execute(),
      read
        .selectFrom('report')
        .select('study_uid')
        .where('person_id', '=', personId)
        .where('study_uid', 'in', uids)
        .execute(),
    ]);
    for (const row of states) of(row.study_uid).signed = row.reopened_at === null;
    for (const row of seen) of(row.study_uid).exposure = 'saw-ai';
    const own = new Set(signed.map((row) => row.study_uid));
    // Before the signature it is shown on the reading page alone: who then signed, signed with AI in view.
    for (const row of shown)
      of(row.study_uid).exposure = own.has(row.study_uid) ? 'signed-with-ai' : 'saw-ai';
  }
  return found;
}

/** Remembers that a person was shown what a tool says of studies. Once: later times say nothing more. */
export async function noteSeen(
  store: Pick<Store, 'write' | 'read'>,
  personId: string,
  seen: readonly { studyUid: string; modelId: string }[],
  at: number,
): Promise<void> {
  const read = store.read as unknown as Db<ReadingTables>;
  for (let start = 0; start < seen.length; start += UID_CHUNK) {
    const part = seen.slice(start, start + UID_CHUNK);
    const known = await read
      .selectFrom('ai_seen')
      .select(['study_uid', 'model_id'])
      .where('person_id', '=', personId)
      .where(
        'study_uid',
        'in',
        part.map(({ studyUid }) => studyUid),
      )
      .execute();
    const has = new Set(known.map((row) => `${row.study_uid} ${row.model_id}`));
    const fresh = part.filter(({ studyUid, modelId }) => !has.has(`${studyUid} ${modelId}`));
    if (fresh.length === 0) continue;
    await store.write<ReadingTables, unknown>((tx) =>
      tx
        .insertInto('ai_seen')
        .values(
          fresh.map(({ studyUid, modelId }) => ({
            person_id: personId,
            study_uid: studyUid,
            model_id: modelId,
            at,
          })),
        )
        .onConflict((c) => c.columns(['person_id', 'study_uid', 'model_id']).doNothing())
        .execute(),
    );
  }
}
