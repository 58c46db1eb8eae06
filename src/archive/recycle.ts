/**
 * Deleting with a way back. What is deleted moves, in one transaction, from the rows that every door asks to those of the
 * recycle bin, and its files stay. It can be put back whole until its days are over; then the files go, and after them the rows.
 */
import { randomUUID } from 'node:crypto';
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import type { Store, Tx } from '../store/types.ts';
import { demand, nameOf } from './acting.ts';
import { readPolicy, retentionEnds, type SignedAt } from './policy.ts';
import { INBOX_JOB } from './record.ts';
import { recount } from './recount.ts';
import { syncWords } from './studyIndex.ts';
import { noteSurplus, removeSurplus } from './surplus.ts';
import type { ArchiveTables, InstanceTable, SeriesTable, StudyTable } from './tables.ts';
import type { RecycledRow, Recycle, Scope } from './types.ts';

const AT_ONCE = 500;
const INSERTED_AT_ONCE = 50;
const MAX_REASON = 500;
type Row = ArchiveTables['recycled'];
type Correction = ArchiveTables['correction'];

export interface RecycleDependencies {
  store: Store;
  now: () => number;
  /** When the study's report was signed, for those that have one: asked inside the transaction that deletes. */
  signedAt: SignedAt;
}

export interface Removal extends Scope {
  reason: string;
  cause: RecycledRow['cause'];
  /** The study has a signed report whose retention is not over, and a person was told so and decided all the same. */
  despiteReport?: boolean;
}

const absent = (): NegatoscopeError =>
  new NegatoscopeError('recycled-not-found', 'This is no longer in the recycle bin.', { status: 404 });
const nothing = (): NegatoscopeError =>
  new NegatoscopeError('nothing-to-delete', 'There is no such study, series or instance here.', {
    status: 404,
  });

/** Why something is deleted, as it is kept. */
export function checkedReason(reason: string): string {
  const text = reason.replaceAll('\0', '').trim().slice(0, MAX_REASON);
  if (text === '') throw new NegatoscopeError('reason-missing', 'Say why this is deleted.');
  return text;
}

/** Moves a study, a series or an instance to the bin. Call inside `store.write`. Gives the id of its row. */
export async function remove(
  tx: Tx<ArchiveTables>,
  { store, now, signedAt }: RecycleDependencies,
  what: Removal,
  by: { name: string; personId: string | null; actor: string },
): Promise<string> {
  const reason = checkedReason(what.reason);
  const policy = await readPolicy(tx);
  const at = now();
  const signed = (await signedAt(tx, [what.studyUid])).get(what.studyUid);
  const ends = signed === undefined ? undefined : retentionEnds(signed, policy);
  if (ends !== undefined && ends > at && !what.despiteReport) {
    throw new NegatoscopeError(
      'report-in-retention',
      'This study has a signed report that has to be kept. Confirm once more if it has to go all the same.',
      { status: 409, details: { until: ends } },
    );
  }
  const study = await tx
    .selectFrom('study')
    .selectAll()
    .where('study_uid', '=', what.studyUid)
    .executeTakeFirst();
  if (!study) throw nothing();
  const series = await tx.selectFrom('series').selectAll().where('study_uid', '=', what.studyUid).execute();
  const id = randomUUID();
  const moved = await moveInstances(tx, id, what);
  if (moved.instances === 0) throw nothing();
  const left = await recount(tx, what.studyUid);
  let corrections: Correction[] = [];
  if (left === 0) {
    corrections = await tx
      .selectFrom('correction')
      .selectAll()
      .where('study_uid', '=', what.studyUid)
      .execute();
    await tx.deleteFrom('correction').where('study_uid', '=', what.studyUid).execute();
  }
  const row: Row = {
    id,
    state: 'kept',
    study_uid: what.studyUid,
    series_uid: what.seriesUid ?? null,
    sop_instance_uid: what.sopInstanceUid ?? null,
    whole: left === 0 ? 1 : 0,
    reason,
    cause: what.cause,
    by_name: by.name,
    by_person: by.personId,
    at,
    erase_after: at + policy.recycleDays * 86_400_000,
    despite_report: what.despiteReport && ends !== undefined && ends > at ? 1 : 0,
    instances: moved.instances,
    bytes: moved.bytes,
    study: JSON.stringify(study),
    series: JSON.stringify(series),
    corrections: JSON.stringify(corrections),
  };
  await tx.insertInto('recycled').values(row).execute();
  await store.events.append(tx, {
    kind: 'archive.deleted',
    studyUid: what.studyUid,
    subject: id,
    actor: by.actor,
    payload: { instances: moved.instances, cause: what.cause, whole: left === 0 },
  });
  return id;
}

async function moveInstances(
  tx: Tx<ArchiveTables>,
  id: string,
  { studyUid, seriesUid, sopInstanceUid }: Scope,
): Promise<{ instances: number; bytes: number }> {
  const moved = { instances: 0, bytes: 0 };
  for (;;) {
    let query = tx.selectFrom('instance').selectAll().where('study_uid', '=', studyUid);
    if (seriesUid !== undefined) query = query.where('series_uid', '=', seriesUid);
    if (sopInstanceUid !== undefined) query = query.where('sop_instance_uid', '=', sopInstanceUid);
    const rows = await query.limit(AT_ONCE).execute();
    if (rows.length === 0) return moved;
    const uids = rows.map((row) => row.sop_instance_uid);
    const headers = await tx
      .selectFrom('instance_header')
      .selectAll()
      .where('sop_instance_uid', 'in', uids)
      .execute();
    const small = await tx.selectFrom('inbox').selectAll().where('sop_instance_uid', 'in', uids).execute();
    const json = new Map(headers.map((row) => [row.sop_instance_uid, row.json]));
    const bytes = new Map(small.map((row) => [row.sop_instance_uid, row.bytes]));
    const values = rows.map((row) => ({
      recycled_id: id,
      sop_instance_uid: row.sop_instance_uid,
      sha256: row.sha256,
      blob: row.blob,
      row: JSON.stringify(row),
      json: json.get(row.sop_instance_uid) ?? '{}',
      bytes: bytes.get(row.sop_instance_uid) ?? null,
    }));
    for (let from = 0; from < values.length; from += INSERTED_AT_ONCE) {
      await tx
        .insertInto('recycled_instance')
        .values(values.slice(from, from + INSERTED_AT_ONCE))
        .execute();
    }
    for (const table of ['instance_header', 'inbox', 'instance'] as const)
      await tx.deleteFrom(table).where('sop_instance_uid', 'in', uids).execute();
    moved.instances += rows.length;
    moved.bytes += rows.reduce((sum, row) => sum + Number(row.size), 0);
  }
}

/** Puts back what `remove` took. Call inside `store.write`. Gives references to files that are not needed any more. */
async function restore(
  tx: Tx<ArchiveTables>,
  { store, now }: RecycleDependencies,
  found: Row,
  actor: string,
): Promise<string[]> {
  const before = await tx
    .selectFrom('study')
    .selectAll()
    .where('study_uid', '=', found.study_uid)
    .executeTakeFirst();
  const surplus: string[] = [];
  if (!before) {
    const study = JSON.parse(found.study) as StudyTable;
    await tx.insertInto('study').values(study).execute();
    await syncWords(tx, undefined, study);
    for (const row of JSON.parse(found.corrections) as Correction[])
      await tx
        .insertInto('correction')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
  }
  for (const row of JSON.parse(found.series) as SeriesTable[])
    await tx
      .insertInto('series')
      .values(row)
      .onConflict((conflict) => conflict.columns(['study_uid', 'series_uid']).doNothing())
      .execute();

  let small = false;
  for (let after = ''; ;) {
    const rows = await tx
      .selectFrom('recycled_instance')
      .selectAll()
      .where('recycled_id', '=', found.id)
      .where('sop_instance_uid', '>', after)
      .orderBy('sop_instance_uid')
      .limit(AT_ONCE)
      .execute();
    if (rows.length === 0) break;
    after = rows.at(-1)!.sop_instance_uid;
    const present = await tx
      .selectFrom('instance')
      .select(['sop_instance_uid', 'sha256'])
      .where(
        'sop_instance_uid',
        'in',
        rows.map((row) => row.sop_instance_uid),
      )
      .execute();
    const here = new Map(present.map((row) => [row.sop_instance_uid, row.sha256]));
    for (const { sop_instance_uid, sha256, row, json, bytes, blob } of rows) {
      const known = here.get(sop_instance_uid);
      if (known !== undefined && known !== sha256) {
        throw new NegatoscopeError(
          'restore-conflict',
          'An instance of the same identifier, with other content, came meanwhile. Delete that one first.',
          { status: 409, details: { sopInstanceUid: sop_instance_uid } },
        );
      }
      if (known !== undefined) {
        // It was sent again: the same bytes are here already.
        if (blob !== null) surplus.push(blob);
        continue;
      }
      await tx
        .insertInto('instance')
        .values(JSON.parse(row) as InstanceTable)
        .execute();
      await tx.insertInto('instance_header').values({ sop_instance_uid, json }).execute();
      if (bytes === null) continue;
      small = true;
      await tx.insertInto('inbox').values({ sop_instance_uid, bytes }).execute();
    }
  }
  if (small) await store.jobs.enqueue(tx, { kind: INBOX_JOB, key: 'all', runAfter: now() });
  await tx.deleteFrom('recycled_instance').where('recycled_id', '=', found.id).execute();
  await tx.deleteFrom('recycled').where('id', '=', found.id).execute();
  await recount(tx, found.study_uid);
  await noteSurplus(store, tx, found.id, surplus);
  await store.events.append(tx, {
    kind: 'archive.restored',
    studyUid: found.study_uid,
    subject: found.id,
    actor,
    payload: { instances: Number(found.instances) },
  });
  return surplus;
}

/**
 * Erases for good: says so in the row first, so that nobody restores what is half gone; then the files; then the rows. A crash
 * in between is taken up by the next call. Kept is who deleted what kind of thing, when and why, without the patient.
 */
export async function erase(
  { store, signedAt, now }: RecycleDependencies,
  id: string,
  actor: string,
): Promise<boolean> {
  const db = store.read.withTables<ArchiveTables>();
  const begun = await store.write<ArchiveTables, Row | undefined>(async (tx) => {
    const row = await tx.selectFrom('recycled').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row || row.state === 'erased') return undefined;
    if (row.state === 'kept' && Number(row.despite_report) === 0) {
      // Signed after it was deleted, by whoever had it open: it is kept until that report's time is over.
      const signed = (await signedAt(tx, [row.study_uid])).get(row.study_uid);
      const ends = signed === undefined ? 0 : retentionEnds(signed, await readPolicy(tx));
      if (ends > now()) {
        await tx.updateTable('recycled').set({ erase_after: ends }).where('id', '=', id).execute();
        return undefined;
      }
    }
    await tx.updateTable('recycled').set({ state: 'erasing' }).where('id', '=', id).execute();
    return row;
  });
  if (!begun) return false;
  for (let after = ''; ;) {
    const rows = await db
      .selectFrom('recycled_instance')
      .select(['sop_instance_uid', 'blob'])
      .where('recycled_id', '=', id)
      .where('sop_instance_uid', '>', after)
      .orderBy('sop_instance_uid')
      .limit(AT_ONCE)
      .execute();
    if (rows.length === 0) break;
    after = rows.at(-1)!.sop_instance_uid;
    for (const { blob } of rows) if (blob !== null) await store.blobs.remove(blob);
  }
  await store.write<ArchiveTables, void>(async (tx) => {
    await tx.deleteFrom('recycled_instance').where('recycled_id', '=', id).execute();
    const changed = await tx
      .updateTable('recycled')
      .set({ state: 'erased', study: '{}', series: '[]', corrections: '[]' })
      .where('id', '=', id)
      .where('state', '=', 'erasing')
      .executeTakeFirst();
    if (changed.numUpdatedRows === 0n) return;
    const present = await tx
      .selectFrom('study')
      .select('study_uid')
      .where('study_uid', '=', begun.study_uid)
      .executeTakeFirst();
    const elsewhere = await tx
      .selectFrom('recycled')
      .select('id')
      .where('study_uid', '=', begun.study_uid)
      .where('state', '!=', 'erased')
      .executeTakeFirst();
    const gone = !present && !elsewhere;
    if (gone) await forgetPayloads(tx, store, begun.study_uid);
    await store.events.append(tx, {
      kind: 'archive.erased',
      studyUid: begun.study_uid,
      subject: id,
      actor,
      // Other rooms forget what they know of the study when nothing of it is left.
      payload: { instances: Number(begun.instances), gone },
    });
  });
  return true;
}

/** What the log carried of the study's life here; that there were events stays, and the chain holds. */
async function forgetPayloads(tx: Tx<ArchiveTables>, store: Store, studyUid: string): Promise<void> {
  const events = await tx
    .selectFrom('event')
    .select('seq')
    .where('study_uid', '=', studyUid)
    .where('kind', 'in', ['archive.study.changed', 'archive.study.complete', 'archive.patient.corrected'])
    .execute();
  for (const { seq } of events) await store.events.erasePayload(tx, Number(seq));
}

export function createRecycle(dependencies: RecycleDependencies): Recycle {
  const { store } = dependencies;
  const db = store.read.withTables<ArchiveTables>();
  const who = (by: Principal) => ({ name: by.name, personId: by.personId, actor: nameOf(by) });
  const get = async (id: string): Promise<Row | undefined> =>
    db.selectFrom('recycled').selectAll().where('id', '=', id).executeTakeFirst();

  return {
    async remove({ studyUid, seriesUid, sopInstanceUid }, { reason, despiteReport = false }, by) {
      demand(by, ['admin']);
      const id = await store.write<ArchiveTables, string>((tx) =>
        remove(
          tx,
          dependencies,
          {
            studyUid,
            ...(seriesUid === undefined ? {} : { seriesUid }),
            ...(sopInstanceUid === undefined ? {} : { sopInstanceUid }),
            reason,
            cause: 'person',
            despiteReport,
          },
          who(by),
        ),
      );
      return recycledRow((await get(id))!);
    },

    async page({ erased = false, before, limit = 50 }) {
      let query = db
        .selectFrom('recycled')
        .selectAll()
        .where('state', erased ? '=' : '!=', 'erased');
      if (before !== undefined) query = query.where('at', '<', before);
      const rows = await query.orderBy('at', 'desc').orderBy('id').limit(limit).execute();
      const total = await db
        .selectFrom('recycled')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('state', erased ? '=' : '!=', 'erased')
        .executeTakeFirstOrThrow();
      return { rows: rows.map(recycledRow), total: Number(total.n) };
    },

    async restore(id, by) {
      demand(by, ['admin']);
      const surplus = await store.write<ArchiveTables, string[]>(async (tx) => {
        const row = await tx.selectFrom('recycled').selectAll().where('id', '=', id).executeTakeFirst();
        if (row?.state !== 'kept') throw absent();
        return restore(tx, dependencies, row, nameOf(by));
      });
      await removeSurplus(store, surplus);
    },

    async erase(id, by) {
      demand(by, ['admin']);
      const row = await get(id);
      if (!row || row.state === 'erased') throw absent();
      if (!(await erase(dependencies, id, nameOf(by))))
        throw new NegatoscopeError(
          'report-in-retention',
          'A report was signed on this study, and it has to be kept: it stays in the bin.',
          { status: 409 },
        );
    },
  };
}

function recycledRow(row: Row): RecycledRow {
  const study = JSON.parse(row.study) as Partial<StudyTable>;
  return {
    id: row.id,
    state: row.state,
    level: row.sop_instance_uid !== null ? 'instance' : row.series_uid !== null ? 'series' : 'study',
    studyUid: row.study_uid,
    seriesUid: row.series_uid,
    sopInstanceUid: row.sop_instance_uid,
    reason: row.reason,
    cause: row.cause,
    by: row.by_name,
    at: Number(row.at),
    eraseAfter: Number(row.erase_after),
    instances: Number(row.instances),
    bytes: Number(row.bytes),
    patientName: study.patient_name ?? '',
    studyDate: study.study_date ?? '',
    description: study.description ?? '',
    modalities: (study.modalities ?? '').split('|').filter((each) => each !== ''),
  };
}
