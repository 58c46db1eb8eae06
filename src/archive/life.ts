/** What happens to studies and files after the commit: completeness, the move from the inbox to files, the sweep. */
import type { Log, StagedBlob, Store } from '../store/types.ts';
import { COMPLETE_JOB, INBOX_JOB } from './record.ts';
import { noteSurplus, removeSurplus } from './surplus.ts';
import type { ArchiveTables } from './tables.ts';

const MOVE_AT_ONCE = 128;
/** Files written at a time: what is being received needs the threads and the disk, too. */
const MOVE_LANES = 4;

export interface LifeSettings {
  silenceMs: number;
  inboxMs: number;
}

/** Marks a study complete once nothing came for `silenceMs`; waits again when something did. */
export function workCompleteness(store: Store, now: () => number, { silenceMs }: LifeSettings): void {
  store.jobs.work(COMPLETE_JOB, async ({ key: studyUid }) => {
    await store.write<ArchiveTables, void>(async (tx) => {
      const study = await tx
        .selectFrom('study')
        .select(['last_received_at', 'complete', 'images'])
        .where('study_uid', '=', studyUid)
        .executeTakeFirst();
      if (!study || Number(study.complete) === 1) return;
      const due = Number(study.last_received_at) + silenceMs;
      if (due > now()) {
        await store.jobs.enqueue(tx, { kind: COMPLETE_JOB, key: studyUid, runAfter: due });
        return;
      }
      await tx
        .updateTable('study')
        .set({ complete: 1, was_complete: 1 })
        .where('study_uid', '=', studyUid)
        .execute();
      await store.events.append(tx, {
        kind: 'archive.study.complete',
        studyUid,
        actor: 'system',
        payload: { images: Number(study.images) },
      });
    });
  });
}

/** Writes what the inbox holds to files, many for one directory sync. */
export function workInbox(store: Store): void {
  store.jobs.work(INBOX_JOB, async (_job, signal) => {
    while (!signal.aborted && (await moveInbox(store)) > 0);
  });
}

/** Returns how many instances were looked at: none is the end. */
export async function moveInbox(store: Store, limit = MOVE_AT_ONCE): Promise<number> {
  const rows = await store.read
    .withTables<ArchiveTables>()
    .selectFrom('inbox')
    .innerJoin('instance', 'instance.sop_instance_uid', 'inbox.sop_instance_uid')
    .select(['inbox.sop_instance_uid', 'inbox.bytes', 'instance.sha256'])
    .orderBy('inbox.sop_instance_uid')
    .limit(limit)
    .execute();
  if (rows.length === 0) return 0;
  const staged: StagedBlob[] = [];
  let next = 0;
  const write = async (): Promise<void> => {
    for (let i = next++; i < rows.length; i = next++) {
      const blob = await store.blobs.stage();
      await blob.write(rows[i]!.bytes);
      await blob.finish();
      staged[i] = blob;
    }
  };
  await Promise.all(Array.from({ length: MOVE_LANES }, write));
  const refs = await store.blobs.commit(staged);
  const surplus = await store.write<ArchiveTables, string[]>(async (tx) => {
    const moved: string[] = [];
    const unneeded: string[] = [];
    for (const [i, { sop_instance_uid, sha256 }] of rows.entries()) {
      // What was deleted meanwhile has its bytes in the recycle bin, and another object may have come under its UID.
      const { numUpdatedRows } = await tx
        .updateTable('instance')
        .set({ blob: refs[i]! })
        .where('sop_instance_uid', '=', sop_instance_uid)
        .where('sha256', '=', sha256)
        .where('blob', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows > 0n) moved.push(sop_instance_uid);
      else unneeded.push(refs[i]!);
    }
    if (moved.length > 0) await tx.deleteFrom('inbox').where('sop_instance_uid', 'in', moved).execute();
    if (unneeded.length > 0) await noteSurplus(store, tx, unneeded[0]!, unneeded);
    return unneeded;
  });
  await removeSurplus(store, surplus);
  return rows.length;
}

const SWEPT = 'archive.swept';
const HOUR = 3_600_000;
const CHECK_AT_ONCE = 500;
/** What is under way at once, and the names kept ready for it, are fewer. */
const MOST_ORPHANS = 1000;
/** Setting: files that were spared by the last sweep, which `reindex` would take in. */
export const SPARED = 'archive.spared';

/**
 * Takes away objects that a crash left without an entry: empty ones are removed, others set aside, since beside an older copy
 * of the database they may be images that were acknowledged. Only hours since the last sweep are looked at.
 * `isReferenced` speaks for rooms that keep objects of their own. On PostgreSQL other processes may be at work: objects of
 * the last hour are left for the next sweep.
 */
export async function sweep(
  store: Store,
  now: () => number,
  log: Log,
  isReferenced: (refs: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<number> {
  const started = now();
  const since = Number((await store.setting(SWEPT)) ?? 0) - HOUR;
  const until = store.dialect === 'postgres' ? hourOf(started - HOUR) : hourOf(started + HOUR);
  const db = store.read.withTables<ArchiveTables>();
  const orphans: string[] = [];
  let group: string[] = [];

  const check = async (): Promise<void> => {
    if (group.length === 0) return;
    const found = await Promise.all(
      (['instance', 'quarantine', 'recycled_instance'] as const).map((table) =>
        db.selectFrom(table).select('blob').where('blob', 'in', group).execute(),
      ),
    );
    const elsewhere = await isReferenced(group);
    const referenced = new Set(found.flat().map(({ blob }) => blob));
    for (const ref of group) if (!referenced.has(ref) && !elsewhere.has(ref)) orphans.push(ref);
    group = [];
  };

  for await (const ref of store.blobs.list(Math.max(0, since))) {
    if (ref.slice(0, until.length) >= until) break;
    group.push(ref);
    if (group.length === CHECK_AT_ONCE) await check();
    if (orphans.length > MOST_ORPHANS) break;
  }
  await check();
  // So much no crash leaves: the database is not the one that these files belong to, or an older copy of it.
  const foreign = orphans.length > MOST_ORPHANS || (orphans.length > 0 && (await isEmptyIndex(store)));
  let removed = 0;
  for (const ref of orphans) {
    const empty = (await store.blobs.size(ref)) === 0;
    if (foreign && !empty) continue;
    await (empty ? store.blobs.remove(ref) : store.blobs.setAside(ref));
    removed += 1;
  }
  const spared = orphans.length - removed;
  if (spared > 0) {
    log.error(
      { objects: spared },
      'files that the index does not know: it may be an older copy. None was removed; run negatoscope reindex',
    );
  } else await store.setSetting(SWEPT, String(started));
  await store.setSetting(SPARED, String(spared));
  if (removed > 0) log.info({ objects: removed }, 'took away objects that a crash left without an entry');
  return removed;
}

const isEmptyIndex = async (store: Store): Promise<boolean> => {
  const row = await store.read
    .withTables<ArchiveTables>()
    .selectFrom('instance')
    .select('sop_instance_uid')
    .limit(1)
    .executeTakeFirst();
  return row === undefined;
};

/** `objects/2026/11/23/20`: the folder of an hour, as the blobs name it. */
const hourOf = (at: number): string =>
  `objects/${new Date(at).toISOString().slice(0, 13).replace(/[-T]/g, '/')}`;
