/** What could not be taken in: kept with its reason, looked at, released or discarded by a person. */
import { randomUUID } from 'node:crypto';
import { NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import { demand, nameOf } from './acting.ts';
import type { Refusal } from './check.ts';
import type { Intaken } from './intake.ts';
import type { ArchiveTables } from './tables.ts';
import type { Archive, IngestOptions, IngestOutcome, Origin, QuarantineRow } from './types.ts';

type Row = ArchiveTables['quarantine'];

/** Keeps the bytes and gives the answer for the sender. `ref`: they are in the blobs already. */
export type KeepAside = (
  taken: Intaken,
  origin: Origin,
  options: IngestOptions,
  refusal: Refusal,
  ref?: string,
) => Promise<IngestOutcome>;

/** `ready` as in ingest.ts. */
export function createKeepAside(store: Store, now: () => number, ready: () => Promise<void>): KeepAside {
  const db = store.read.withTables<ArchiveTables>();
  return async (taken, origin, options, refusal, ref) => {
    const { reason, detail, sopInstanceUid, sopClassUid } = refusal;
    const answer = {
      status: 'quarantined' as const,
      reason,
      detail,
      ...(sopInstanceUid === undefined ? {} : { sopInstanceUid }),
      ...(sopClassUid === undefined ? {} : { sopClassUid }),
    };
    // Senders try again, and again: the same bytes are kept once.
    const before = await db
      .selectFrom('quarantine')
      .select('id')
      .where('sha256', '=', taken.sha256)
      .where('reason', '=', reason)
      .executeTakeFirst();
    if (before) {
      if (ref !== undefined) await store.blobs.remove(ref);
      else if ('staged' in taken.body) await taken.body.staged.discard();
      return { ...answer, id: before.id };
    }
    await ready();
    const row: Row = {
      id: randomUUID(),
      reason,
      detail,
      size: taken.size,
      sha256: taken.sha256,
      door: origin.door,
      from_name: origin.from,
      from_address: origin.address ?? '',
      received_at: now(),
      sop_instance_uid: sopInstanceUid ?? null,
      file_name: options.fileName?.slice(0, 255).replaceAll('\0', '') ?? null,
      blob: ref ?? (await keep(store, taken)),
      options: JSON.stringify(options),
    };
    await store.write<ArchiveTables, void>(async (tx) => {
      await tx.insertInto('quarantine').values(row).execute();
      await store.events.append(tx, {
        kind: 'archive.quarantined',
        subject: row.id,
        actor: `${origin.door}:${origin.from}`,
        payload: { reason },
      });
    });
    return { ...answer, id: row.id };
  };
}

async function keep(store: Store, { body }: Intaken): Promise<string> {
  let staged;
  if ('staged' in body) staged = body.staged;
  else {
    staged = await store.blobs.stage();
    await staged.write(body.bytes);
    await staged.finish();
  }
  const [ref] = await store.blobs.commit([staged]);
  return ref as string;
}

const absent = (): NegatoscopeError =>
  new NegatoscopeError('quarantine-not-found', 'This is no longer in quarantine.', { status: 404 });

export function createQuarantine(store: Store, ingest: Archive['ingest']): Archive['quarantine'] {
  const db = store.read.withTables<ArchiveTables>();
  const find = (id: string): Promise<Row | undefined> =>
    db.selectFrom('quarantine').selectAll().where('id', '=', id).executeTakeFirst();
  const take = async (id: string): Promise<Row> => {
    const row = await find(id);
    if (!row) throw absent();
    return row;
  };
  const remove = async (row: Row, kind: string, actor: string): Promise<void> => {
    await store.write<ArchiveTables, void>(async (tx) => {
      await tx.deleteFrom('quarantine').where('id', '=', row.id).execute();
      await store.events.append(tx, { kind, subject: row.id, actor, payload: { reason: row.reason } });
    });
    await store.blobs.remove(row.blob);
  };

  return {
    async list() {
      const rows = await db.selectFrom('quarantine').selectAll().orderBy('received_at', 'desc').execute();
      return rows.map(quarantineRow);
    },
    async get(id) {
      const row = await find(id);
      return row && quarantineRow(row);
    },
    async file(id) {
      return store.blobs.stream((await take(id)).blob);
    },

    async release(id, by) {
      demand(by, ['technologist', 'admin']);
      const row = await take(id);
      // Network data sets were kept with the header in front: they are files now.
      // A person decided: the study it was addressed to binds no more.
      const { network: _network, studyUid: _studyUid, ...options } = JSON.parse(row.options) as IngestOptions;
      const outcome = await ingest(
        store.blobs.stream(row.blob),
        { door: row.door, from: row.from_name, ...(row.from_address ? { address: row.from_address } : {}) },
        options,
      );
      if (outcome.status === 'stored' || outcome.status === 'duplicate') {
        await remove(row, 'archive.quarantine.released', nameOf(by));
      }
      return outcome;
    },

    async discard(id, by) {
      demand(by, ['technologist', 'admin']);
      await remove(await take(id), 'archive.quarantine.discarded', nameOf(by));
    },
  };
}

const quarantineRow = (row: Row): QuarantineRow => ({
  id: row.id,
  reason: row.reason,
  detail: row.detail,
  size: Number(row.size),
  sha256: row.sha256,
  door: row.door,
  from: row.from_name,
  receivedAt: Number(row.received_at),
  sopInstanceUid: row.sop_instance_uid,
  fileName: row.file_name,
});
