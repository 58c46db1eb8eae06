/** What this room says about deleting a study, and what it forgets once nothing is left of one. */
import type { Db, Store, Tx } from '../store/types.ts';
import type { ReadingTx } from './context.ts';
import type { ReadingTables } from './tables.ts';

const CONSUMER = 'reading.forget';
const UID_CHUNK = 500;

/** When the latest report of each of these studies was signed. For the archive, inside the transaction that deletes. */
export async function signedAt(
  given: Tx<any>,
  studyUids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const tx = given as unknown as ReadingTx;
  const found = new Map<string, number>();
  for (let from = 0; from < studyUids.length; from += UID_CHUNK) {
    const rows = await tx
      .selectFrom('reading_state')
      .select(['study_uid', 'signed_at'])
      .where('study_uid', 'in', studyUids.slice(from, from + UID_CHUNK))
      .execute();
    for (const row of rows) found.set(row.study_uid, Number(row.signed_at));
  }
  return found;
}

/** Of these instances those that are documents of a signed report. For the archive, when its index is made anew. */
export async function knownDocuments(
  store: Pick<Store, 'read'>,
  sopInstanceUids: readonly string[],
): Promise<Map<string, { kind: 'report' }>> {
  if (sopInstanceUids.length === 0) return new Map();
  const rows = await (store.read as unknown as Db<ReadingTables>)
    .selectFrom('report_document')
    .select('sop_instance_uid')
    .where('sop_instance_uid', 'in', sopInstanceUids)
    .execute();
  return new Map(rows.map((row) => [row.sop_instance_uid, { kind: 'report' }]));
}

const BY_STUDY = [
  'claim',
  'opinion',
  'ai_shown',
  'ai_seen',
  'finding',
  'mark',
  'draft',
  'discrepancy',
  'reading_run',
  'reading_state',
] as const satisfies (keyof ReadingTables)[];
const BY_REPORT = ['addendum', 'report_document', 'report_run'] as const satisfies (keyof ReadingTables)[];

/**
 * Erased for good: reports, drafts, marks and opinions go with the study. The facts of evidence stay, in a room of their own: they
 * hold no patient, only that there was a reading and how it agreed.
 */
export async function forgetStudy(tx: ReadingTx, studyUid: string): Promise<void> {
  const reports = await tx.selectFrom('report').select('id').where('study_uid', '=', studyUid).execute();
  const ids = reports.map(({ id }) => id);
  for (const table of BY_STUDY) await tx.deleteFrom(table).where('study_uid', '=', studyUid).execute();
  if (ids.length === 0) return;
  for (const table of BY_REPORT) await tx.deleteFrom(table).where('report_id', 'in', ids).execute();
  await tx.deleteFrom('report').where('id', 'in', ids).execute();
}

export function startForgetting(store: Pick<Store, 'events'>): void {
  store.events.consume(
    CONSUMER,
    async (tx, event) => {
      if (event.payload?.gone === true && event.study_uid)
        await forgetStudy(tx as unknown as ReadingTx, event.study_uid);
    },
    { kinds: ['archive.erased'] },
  );
}
