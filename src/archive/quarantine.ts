/** What could not be taken in: kept with its reason, looked at, released or discarded by a person. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { stableUid } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import type { Store } from '../store/types.ts';
import { demand, nameOf } from './acting.ts';
import { comparePixels, differences, factsOf, placeOf, tryHeader } from './aside.ts';
import type { Refusal } from './check.ts';
import type { Intaken } from './intake.ts';
import type { Objects } from './objects.ts';
import { checkedReason, remove as recycle, type RecycleDependencies } from './recycle.ts';
import { renamed } from './renamed.ts';
import { collect, type Source } from './source.ts';
import { noteSurplus, removeSurplus } from './surplus.ts';
import type { ArchiveTables } from './tables.ts';
import type {
  Archive,
  IngestOptions,
  IngestOutcome,
  Origin,
  QuarantineDecision,
  QuarantineReason,
  QuarantineRow,
} from './types.ts';

const MAX_PEEK = 4096;
const LISTED = 1000;
const PAGE = 50;

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
const noConflict = (): NegatoscopeError =>
  new NegatoscopeError('no-conflict', 'No other instance of this identifier is here any more: take it in.', {
    status: 409,
  });

export function createQuarantine(
  store: Store,
  ingest: Archive['ingest'],
  objects: Objects,
  recycling: RecycleDependencies,
): Archive['quarantine'] {
  const db = store.read.withTables<ArchiveTables>();
  const find = (id: string): Promise<Row | undefined> =>
    db.selectFrom('quarantine').selectAll().where('id', '=', id).executeTakeFirst();
  const take = async (id: string): Promise<Row> => {
    const row = await find(id);
    if (!row) throw absent();
    return row;
  };
  const sourceOf = (row: Row): Source => ({
    size: Number(row.size),
    stream: async (offset, length = Number(row.size) - offset) =>
      store.blobs.stream(row.blob, { offset, length: Math.max(0, length) }),
  });
  const originOf = (row: Row): Origin => ({
    door: row.door,
    from: row.from_name,
    ...(row.from_address ? { address: row.from_address } : {}),
  });
  /** Network data sets were kept with the header in front: they are files now. A person decided: the study it was addressed to binds no more. */
  const optionsOf = (row: Row): IngestOptions => {
    const { network: _network, studyUid: _studyUid, ...options } = JSON.parse(row.options) as IngestOptions;
    return options;
  };
  /** Takes the row away and notes who decided what; then the file. */
  const settle = async (
    row: Row,
    decision: QuarantineDecision['decision'],
    by: Principal,
    why: { reason?: string; became?: string } = {},
  ): Promise<void> => {
    await store.write<ArchiveTables, void>(async (tx) => {
      const gone = await tx.deleteFrom('quarantine').where('id', '=', row.id).executeTakeFirst();
      if (gone.numDeletedRows === 0n) return;
      await tx
        .insertInto('quarantine_decision')
        .values({
          id: row.id,
          decision,
          reason: why.reason ?? '',
          because: row.reason,
          sha256: row.sha256,
          sop_instance_uid: row.sop_instance_uid,
          became: why.became ?? null,
          by_name: by.name,
          by_person: by.personId,
          at: recycling.now(),
        })
        .execute();
      await noteSurplus(store, tx, row.id, [row.blob]);
      await store.events.append(tx, {
        kind: decision === 'discarded' ? 'archive.quarantine.discarded' : 'archive.quarantine.released',
        subject: row.id,
        actor: nameOf(by),
        payload: { reason: row.reason, decision },
      });
    });
    await removeSurplus(store, [row.blob]);
  };
  /** The instance that a conflict met, if it is still here and no result of AI: those are guarded by their stage. */
  const opponentOf = async (row: Row) => {
    const found = row.sop_instance_uid === null ? undefined : await objects.row(row.sop_instance_uid);
    return found?.ai_run_id === null ? found : undefined;
  };
  const counts = async (): Promise<Partial<Record<QuarantineReason, number>>> => {
    const rows = await db
      .selectFrom('quarantine')
      .select((eb) => ['reason', eb.fn.countAll<number>().as('n')])
      .groupBy('reason')
      .execute();
    return Object.fromEntries(rows.map(({ reason, n }) => [reason, Number(n)]));
  };

  return {
    async list() {
      const rows = await db
        .selectFrom('quarantine')
        .selectAll()
        .orderBy('received_at', 'desc')
        .limit(LISTED)
        .execute();
      return rows.map(quarantineRow);
    },
    counts,
    async page({ reason, search = '', after, limit = PAGE }) {
      let query = db.selectFrom('quarantine').selectAll();
      if (reason !== undefined) query = query.where('reason', '=', reason);
      if (search !== '') {
        const like = `%${search.replace(/[\\%_]/g, '\\$&').toLowerCase()}%`;
        query = query.where((eb) =>
          eb.or(
            (['from_name', 'file_name', 'sop_instance_uid', 'detail'] as const).map(
              (column) => sql<boolean>`lower(coalesce(${sql.ref(column)}, '')) like ${like} escape '\\'`,
            ),
          ),
        );
      }
      if (after !== undefined) {
        const last = await find(after);
        if (last)
          query = query.where((eb) =>
            eb.or([
              eb('received_at', '<', last.received_at),
              eb.and([eb('received_at', '=', last.received_at), eb('id', '>', last.id)]),
            ]),
          );
      }
      const rows = await query.orderBy('received_at', 'desc').orderBy('id').limit(limit).execute();
      return { rows: rows.map(quarantineRow), counts: await counts() };
    },
    async get(id) {
      const row = await find(id);
      return row && quarantineRow(row);
    },
    async file(id) {
      return store.blobs.stream((await take(id)).blob);
    },

    async look(id) {
      const row = await take(id);
      const source = sourceOf(row);
      const read = await tryHeader(source);
      const opponent = row.reason === 'conflict' ? await opponentOf(row) : undefined;
      const facts = await factsOf(source, read);
      const picture = read.file?.pixelData !== undefined;
      if (!opponent)
        return {
          row: quarantineRow(row),
          facts,
          place: placeOf(read.error),
          picture,
          here: null,
          comparison: null,
        };
      const stored = objects.sourceOf(opponent);
      const known = await tryHeader(stored);
      return {
        row: quarantineRow(row),
        facts,
        place: placeOf(read.error),
        picture,
        here: {
          facts: (await factsOf(stored, known))!,
          receivedAt: Number(opponent.received_at),
          door: opponent.door,
          from: opponent.from_name,
          size: Number(opponent.size),
          picture: opponent.pixel_offset !== null,
        },
        comparison:
          known.file && read.file
            ? {
                ...differences(known.file.dataset, read.file.dataset),
                pixels: await comparePixels(
                  { source: stored, file: known.file },
                  { source, file: read.file },
                ),
              }
            : null,
      };
    },

    async peek(id, offset, length) {
      const row = await take(id);
      return collect(await sourceOf(row).stream(Math.max(0, offset), Math.min(length, MAX_PEEK)));
    },

    async release(id, by) {
      demand(by, ['technologist', 'admin']);
      const row = await take(id);
      const outcome = await ingest(store.blobs.stream(row.blob), originOf(row), optionsOf(row));
      if (outcome.status === 'stored' || outcome.status === 'duplicate') await settle(row, 'released', by);
      return outcome;
    },

    async discard(id, reason, by) {
      demand(by, ['technologist', 'admin']);
      await settle(await take(id), 'discarded', by, { reason: checkedReason(reason) });
    },

    async takeAsNew(id, reason, by) {
      demand(by, ['technologist', 'admin']);
      const row = await take(id);
      if (row.reason !== 'conflict' || !(await opponentOf(row))) throw noConflict();
      const why = checkedReason(reason);
      // The same at a second try: what a crash left undecided is not taken in twice.
      const became = stableUid(`quarantine ${row.id}`);
      const made = await objects.row(became);
      if (made) {
        await settle(row, 'as-new', by, { reason: why, became });
        return {
          status: 'stored',
          sopInstanceUid: became,
          sopClassUid: made.sop_class_uid,
          studyUid: made.study_uid,
          seriesUid: made.series_uid,
        };
      }
      const file = await renamed(sourceOf(row), became, recycling.now());
      const outcome = await ingest(file, originOf(row), optionsOf(row));
      if (outcome.status === 'stored') await settle(row, 'as-new', by, { reason: why, became });
      return outcome;
    },

    async replace(id, reason, by, despiteReport = false) {
      demand(by, ['admin']);
      const row = await take(id);
      const opponent = row.reason === 'conflict' ? await opponentOf(row) : undefined;
      if (!opponent) throw noConflict();
      const why = checkedReason(reason);
      // First the way is made free; what stops here leaves the old one in the bin and the new one in quarantine.
      await store.write<ArchiveTables, string>((tx) =>
        recycle(
          tx,
          recycling,
          {
            studyUid: opponent.study_uid,
            sopInstanceUid: opponent.sop_instance_uid,
            reason: why,
            cause: 'replaced',
            despiteReport,
          },
          { name: by.name, personId: by.personId, actor: nameOf(by) },
        ),
      );
      const outcome = await ingest(store.blobs.stream(row.blob), originOf(row), optionsOf(row));
      if (outcome.status === 'stored' || outcome.status === 'duplicate')
        await settle(row, 'replaced', by, { reason: why });
      return outcome;
    },

    async decisions(limit = PAGE) {
      const rows = await db
        .selectFrom('quarantine_decision')
        .selectAll()
        .orderBy('at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        decision: row.decision,
        reason: row.reason,
        because: row.because,
        sopInstanceUid: row.sop_instance_uid,
        became: row.became,
        by: row.by_name,
        at: Number(row.at),
      }));
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
