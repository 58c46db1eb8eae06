/**
 * The index made from the files: what lies in `objects/` and has no row is read again and recorded. With `rebuild` the index is
 * emptied first. What rows alone knew (who sent it, when, what belongs to AI or to a report) is taken over where it can be read,
 * corrections of patient data are laid over again, and what cannot be done is told. Nobody else may be at work meanwhile.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import { type DataSet, TAG, yearsBetween } from '../dicom/index.ts';
import { reasonOf } from '../errors.ts';
import type { Db, StagedBlob, Store } from '../store/types.ts';
import { check } from './check.ts';
import { arrivalOf } from './ingest.ts';
import { Intake } from './intake.ts';
import { moveInbox } from './life.ts';
import { type Arrival, AskedJobs, record, searchColumns } from './record.ts';
import { sourceOf } from './source.ts';
import { orderAt, syncWords } from './studyIndex.ts';
import { type Foreign, withForeign } from './foreign.ts';
import type { ArchiveTables, StudyTable } from './tables.ts';
import type { IngestOptions, Origin, ReindexReport } from './types.ts';

const AT_ONCE = 64;
const LISTED = 1000;
/** A run that nobody knows: what belongs to it is hidden from everyone, because nobody can say what may be seen of it. */
const LOST_RUN = 'lost';

export interface ReindexDependencies {
  store: Store;
  /** What other rooms know of these instances: results of AI runs, documents of reports. */
  known: Known;
  foreign?: Foreign | undefined;
  settings: { silenceMs: number; inboxMs: number; maxBytes: number };
}
export type Known = (
  sopInstanceUids: readonly string[],
) => Promise<ReadonlyMap<string, Pick<IngestOptions, 'kind' | 'aiRunId'>>>;

type Fact = ArchiveTables['reindex_fact'];

export async function reindex(
  { store, known, foreign, settings }: ReindexDependencies,
  {
    rebuild = false,
    signal,
    progress,
  }: { rebuild?: boolean; signal?: AbortSignal; progress?: (done: ReindexReport) => void },
): Promise<ReindexReport> {
  const db = store.read.withTables<ArchiveTables>();
  const report: ReindexReport = { files: 0, kept: 0, added: 0, surplus: [], unreadable: [], missing: [] };
  while ((await moveInbox(store)) > 0);
  if (rebuild) await empty(store);

  const touched = new Set<string>();
  const asked = new AskedJobs();
  let group: string[] = [];
  const flush = async (): Promise<void> => {
    const refs = await withoutRow(db, group);
    report.files += group.length;
    report.kept += group.length - refs.length;
    group = [];
    const arrivals: { arrival: Arrival; at: number }[] = [];
    for (const ref of refs) {
      const read = await arrivalAt(store, ref, settings.maxBytes, foreign);
      if ('reason' in read) list(report.unreadable, { file: ref, reason: read.reason });
      else if (read.arrival) arrivals.push({ arrival: read.arrival, at: read.at });
    }
    const uids = arrivals.map(({ arrival }) => arrival.uids.sopInstanceUid);
    const facts = await factsOf(db, uids);
    const objects = await known(uids);
    await store.write<ArchiveTables, void>(async (tx) => {
      for (const { arrival, at } of arrivals) {
        const uid = arrival.uids.sopInstanceUid;
        const fact = facts.get(uid);
        const { arrived } = await record(
          tx,
          store,
          [
            {
              ...arrival,
              origin: fact ? originOf(fact) : arrival.origin,
              options: fact ? optionsOf(fact) : { ...arrival.options, ...objects.get(uid) },
            },
          ],
          { ...settings, asked, now: fact ? Number(fact.received_at) : at },
        );
        if (arrived[0]) {
          report.added += 1;
          touched.add(arrival.uids.studyUid);
        } else list(report.surplus, arrival.ref!);
      }
    });
    progress?.(report);
  };
  for await (const folder of inOrder(store)) {
    for (let from = 0; from < folder.length; from += AT_ONCE) {
      if (signal?.aborted) return report;
      group = folder.slice(from, from + AT_ONCE);
      await flush();
    }
  }
  for (const studyUid of touched) await settle(store, studyUid);
  await findMissing(store, db, report, signal);
  if (!signal?.aborted)
    await store.write<ArchiveTables, void>(async (tx) => {
      await tx.deleteFrom('reindex_fact').execute();
      await store.events.append(tx, {
        kind: 'archive.reindexed',
        actor: 'cli',
        payload: { files: report.files, added: report.added, missing: report.missing.length },
      });
    });
  return report;
}

/** References an hour at a time, the oldest file first: what the first image of a series says is what the series says. */
async function* inOrder(store: Store): AsyncGenerator<string[]> {
  let folder: string[] = [];
  const sorted = async (): Promise<string[]> => {
    const times = new Map<string, number>();
    for (const ref of folder)
      times.set(
        ref,
        await stat(join(store.dir, ref)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      );
    return folder.sort((a, b) => times.get(a)! - times.get(b)!);
  };
  for await (const ref of store.blobs.list()) {
    if (folder.length > 0 && dirname(folder[0]!) !== dirname(ref)) {
      yield await sorted();
      folder = [];
    }
    folder.push(ref);
  }
  if (folder.length > 0) yield await sorted();
}

const list = <T>(into: T[], value: T): void => {
  if (into.length < LISTED) into.push(value);
};

/** Keeps what only rows know, then empties the tables that files fill: whole or not at all. */
async function empty(store: Store): Promise<void> {
  await store.write<ArchiveTables, void>(async (tx) => {
    const columns = [
      'sop_instance_uid',
      'received_at',
      'door',
      'from_name',
      'from_address',
      'kind',
      'ai_run_id',
      'photo',
    ] as const;
    await tx
      .insertInto('reindex_fact')
      .columns(columns)
      .expression(
        // Where nothing is asked SQLite takes `on conflict` for a join.
        tx
          .selectFrom('instance')
          .select(columns)
          .where(sql<boolean>`true`),
      )
      .onConflict((conflict) => conflict.column('sop_instance_uid').doNothing())
      .execute();
    for (const table of ['instance_header', 'instance', 'series', 'study_word', 'study'] as const)
      await tx.deleteFrom(table).execute();
  });
}

async function withoutRow(db: Db<ArchiveTables>, refs: readonly string[]): Promise<string[]> {
  if (refs.length === 0) return [];
  const found = await Promise.all(
    (['instance', 'quarantine', 'recycled_instance'] as const).map((table) =>
      db.selectFrom(table).select('blob').where('blob', 'in', refs).execute(),
    ),
  );
  const there = new Set(found.flat().map(({ blob }) => blob));
  return refs.filter((ref) => !there.has(ref));
}

async function factsOf(db: Db<ArchiveTables>, uids: readonly string[]): Promise<Map<string, Fact>> {
  if (uids.length === 0) return new Map();
  const rows = await db
    .selectFrom('reindex_fact')
    .selectAll()
    .where('sop_instance_uid', 'in', uids)
    .execute();
  return new Map(rows.map((row) => [row.sop_instance_uid, row]));
}
const originOf = (fact: Fact): Origin => ({
  door: fact.door,
  from: fact.from_name,
  ...(fact.from_address ? { address: fact.from_address } : {}),
});
const optionsOf = (fact: Fact): IngestOptions => ({
  kind: fact.kind,
  ...(fact.ai_run_id === null ? {} : { aiRunId: fact.ai_run_id }),
  ...(Number(fact.photo) === 1 ? { photo: true } : {}),
});

/**
 * Reads a stored file as if it came in; it stays where it is. An empty file was kept ready for an image that never came,
 * and one that is gone since it was listed was such a file, or was erased: a row without its file is told of as missing.
 */
async function arrivalAt(
  store: Store,
  ref: string,
  maxBytes: number,
  foreign: Foreign | undefined,
): Promise<{ arrival: Arrival | undefined; at: number } | { reason: string }> {
  try {
    const path = join(store.dir, ref);
    const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOENT') throw thrown;
    });
    if (!found || found.size === 0) return { arrival: undefined, at: 0 };
    const stage = async (): Promise<StagedBlob> => alreadyThere(path, ref);
    const intake = new Intake({ ...store.blobs, stage }, { inboxLimit: 0, maxBytes });
    for await (const chunk of store.blobs.stream(ref)) await intake.push(chunk as Buffer);
    const taken = await intake.finish();
    const checked = await check(taken, {}, sourceOf({ ...taken, ref }, store.blobs));
    if ('reason' in checked) return { reason: `${checked.reason}: ${checked.detail}` };
    const ae = taken.header?.meta.string(TAG.SourceApplicationEntityTitle)?.trim();
    const origin: Origin = ae ? { door: 'dimse', from: ae } : { door: 'import', from: 'reindex' };
    const source = sourceOf({ ...taken, ref }, store.blobs);
    const about = await withForeign(foreign, ownWork(checked.dataset), checked, taken, source);
    return {
      arrival: { ...arrivalOf(taken, checked, origin, about), ref },
      at: Math.round(found.mtimeMs),
    };
  } catch (thrown) {
    return { reason: reasonOf(thrown) };
  }
}

/** What this program wrote itself and no room knows any more: a verified document is a report, any other the result of a tool. */
function ownWork(dataset: DataSet): IngestOptions {
  if (dataset.string(TAG.Manufacturer) !== 'Negatoscope' || dataset.string(TAG.Modality) !== 'SR') return {};
  return dataset.string(TAG.VerificationFlag) === 'VERIFIED'
    ? { kind: 'report' }
    : { kind: 'ai', aiRunId: LOST_RUN };
}

/** Takes the bytes for their checksum alone. */
function alreadyThere(path: string, ref: string): StagedBlob {
  const hash = createHash('sha256');
  let size = 0;
  let sha256 = '';
  return {
    path,
    ref,
    get size() {
      return size;
    },
    get sha256() {
      return sha256;
    },
    async write(chunk) {
      hash.update(chunk);
      size += chunk.length;
    },
    async finish() {
      sha256 = hash.digest('hex');
    },
    async discard() {},
  };
}

/** Times of arrival as the instances have them, and corrections laid over again. */
async function settle(store: Store, studyUid: string): Promise<void> {
  await store.write<ArchiveTables, void>(async (tx) => {
    const study = await tx
      .selectFrom('study')
      .selectAll()
      .where('study_uid', '=', studyUid)
      .executeTakeFirst();
    if (!study) return;
    const times = await tx
      .selectFrom('instance')
      .select((eb) => [
        eb.fn.min<number>('received_at').as('first'),
        sql<number | null>`max(case when kind = 'image' then received_at end)`.as('last'),
      ])
      .where('study_uid', '=', studyUid)
      .executeTakeFirstOrThrow();
    const corrections = await tx
      .selectFrom('correction')
      .select(['field', 'value'])
      .where('study_uid', '=', studyUid)
      .orderBy('at')
      .orderBy('id')
      .execute();
    const corrected = Object.fromEntries(corrections.map(({ field, value }) => [field, value]));
    const received = {
      first_received_at: Number(times.first),
      last_received_at: Number(times.last ?? times.first),
    };
    const after = { ...study, ...corrected, ...received } as StudyTable;
    if ('birth_date' in corrected) after.age_years = yearsBetween(after.birth_date, after.study_date);
    const set = {
      ...corrected,
      ...received,
      ...searchColumns(after),
      age_years: after.age_years,
      order_at: orderAt(after),
    };
    await tx.updateTable('study').set(set).where('study_uid', '=', studyUid).execute();
    await syncWords(tx, study, { ...after, ...set });
  });
}

async function findMissing(
  store: Store,
  db: Db<ArchiveTables>,
  report: ReindexReport,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let after = ''; !signal?.aborted;) {
    const rows = await db
      .selectFrom('instance')
      .select(['sop_instance_uid', 'study_uid', 'blob'])
      .where('sop_instance_uid', '>', after)
      .orderBy('sop_instance_uid')
      .limit(LISTED)
      .execute();
    if (rows.length === 0) return;
    after = rows.at(-1)!.sop_instance_uid;
    for (const { sop_instance_uid: sopInstanceUid, study_uid: studyUid, blob } of rows) {
      if (blob === null) continue;
      const there = await store.blobs.size(blob).then(
        () => true,
        () => false,
      );
      if (!there) list(report.missing, { sopInstanceUid, studyUid });
    }
  }
}
