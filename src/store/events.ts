import { setImmediate } from 'node:timers/promises';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { createAnchor } from './anchor.ts';
import { ChainWalk, GENESIS, hashOf, sha256, type Anchor } from './chain.ts';
import { createConsumers } from './consumers.ts';
import { afterWrite } from './context.ts';
import { uuidv7 } from './ids.ts';
import { prepared } from './prepared.ts';
import type {
  Db,
  EventPendingTable,
  Events,
  EventTable,
  Log,
  NewEvent,
  SealedEvent,
  Store,
  Tx,
} from './types.ts';

const POLL_MS = 1_000;
/** An event that comes alone is sealed at once; of many, those of this time go in one write, not in one each. */
const SEAL_EVERY_MS = 250;
/** Beyond this age an event is added to no more, whatever keeps it from being sealed. */
const ADD_MS = 1_000;
const BATCH = 500;
const WALK = 1_000;

export interface EventsInside extends Events {
  close(): Promise<void>;
}

const insertPending = prepared((tx: Tx, [row]: readonly EventPendingTable[]) =>
  tx.insertInto('event_pending').values(row!),
);

interface PendingChange extends Pick<EventPendingTable, 'id' | 'payload' | 'payload_digest'> {
  /** Nothing is written where the event was sealed or changed meanwhile. */
  was: string;
}
const changePending = prepared((tx: Tx, [change]: readonly PendingChange[]) =>
  tx
    .updateTable('event_pending')
    .set({ payload: change!.payload, payload_digest: change!.payload_digest })
    .where('id', '=', change!.id)
    .where('payload_digest', '=', change!.was),
);
/** An event that others may still be added to, as it was last written. */
interface Open {
  readonly id: string;
  readonly at: number;
  readonly sum: number;
  readonly digest: string;
}

export const asSealed = (row: EventTable): SealedEvent => ({
  ...row,
  payload: row.payload === null ? null : (JSON.parse(row.payload) as Record<string, unknown>),
});

/**
 * The event log. Rooms append to `event_pending` in their transactions; the sealer moves those rows to `event` a moment later,
 * numbered without gaps and chained by hash. One write seals at a time: `write` is serialised on both databases.
 */
export async function createEvents(deps: {
  dir: string;
  read: Db;
  write: Store['write'];
  now: () => number;
  log: Log;
}): Promise<EventsInside> {
  const { dir, read, write, now, log } = deps;
  const anchor = createAnchor(dir, log);
  const listeners = new Set<(event: SealedEvent) => void>();
  const opened = new Map<string, Open>();
  let closing = false;
  let sealing: Promise<void> | undefined;
  let again = false;

  const lastSeq = async (): Promise<number> => {
    const row = await read
      .selectFrom('event')
      .select('seq')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.seq ?? 0;
  };
  /** What listeners and consumers have been told of. */
  let told = await lastSeq();
  const consumers = createConsumers({ read, write, log, lastSeq: () => told });

  /** Seals up to a batch; returns the new end of the chain when there was something to seal, and whether more may wait. */
  const sealBatch = (): Promise<{ end: Anchor; more: boolean } | undefined> =>
    write(async (tx: Tx) => {
      const pending = await tx.selectFrom('event_pending').selectAll().orderBy('id').limit(BATCH).execute();
      if (pending.length === 0) return undefined;
      const last = await tx
        .selectFrom('event')
        .select(['seq', 'hash'])
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst();
      // After a loss at the end the numbers go on from the anchor: the gap stays to be seen.
      const noted = await anchor.inTable(tx);
      let { seq, hash }: Anchor =
        noted && noted.seq > (last?.seq ?? 0) ? noted : (last ?? { seq: 0, hash: GENESIS });
      const sealed = pending.map((row): EventTable => {
        const unhashed = { ...row, seq: ++seq, prev_hash: hash };
        hash = hashOf(unhashed);
        return { ...unhashed, hash };
      });
      for (let i = 0; i < sealed.length; i += 50) {
        await tx
          .insertInto('event')
          .values(sealed.slice(i, i + 50))
          .execute();
      }
      await tx
        .deleteFrom('event_pending')
        .where(
          'id',
          'in',
          pending.map((row) => row.id),
        )
        .execute();
      await anchor.note(tx, { seq, hash });
      return { end: { seq, hash }, more: pending.length === BATCH };
    });

  /** Tells what was sealed, here or by another process on the same database. */
  const tell = async (): Promise<void> => {
    for (;;) {
      const rows = await read
        .selectFrom('event')
        .selectAll()
        .where('seq', '>', told)
        .orderBy('seq')
        .limit(BATCH)
        .execute();
      if (rows.length === 0) return;
      consumers.pass(told, rows);
      told = rows.at(-1)!.seq;
      for (const row of rows) {
        const event = asSealed(row);
        for (const listener of listeners) {
          try {
            listener(event);
          } catch (thrown) {
            log.error({ kind: event.kind, reason: reasonOf(thrown) }, 'a listener of events failed');
          }
        }
      }
      consumers.wake();
    }
  };

  const sealAll = async (): Promise<void> => {
    do {
      again = false;
      opened.clear();
      for (let more = true; more;) {
        const sealed = await sealBatch();
        if (sealed) anchor.sealed(sealed.end);
        // What came while this batch went to the disk waits for the next time: images that come without a pause would
        // have one event each sealed, one after the other.
        more = sealed?.more ?? false;
      }
    } while (again);
    await tell();
  };
  const seal = (): Promise<void> => {
    again = true;
    sealing ??= sealAll().finally(() => (sealing = undefined));
    return sealing;
  };
  let lastStart = -Infinity;
  let planned: NodeJS.Timeout | undefined;
  const sealSoon = (): void => {
    if (closing || planned) return;
    const wait = lastStart + SEAL_EVERY_MS - performance.now();
    if (wait > 0) {
      planned = setTimeout(() => {
        planned = undefined;
        sealSoon();
      }, wait).unref();
      return;
    }
    lastStart = performance.now();
    seal().catch((thrown) =>
      log.error({ reason: reasonOf(thrown) }, 'sealing events failed, will try again'),
    );
  };
  const poll = setInterval(async () => {
    try {
      const waits = await read.selectFrom('event_pending').select('id').limit(1).executeTakeFirst();
      if (waits) sealSoon();
      else if (!sealing) await tell();
    } catch (thrown) {
      if (!closing) log.error({ reason: reasonOf(thrown) }, 'looking for events failed');
    }
  }, POLL_MS);
  poll.unref();
  sealSoon();

  return {
    async append(tx: Tx<any>, event: NewEvent): Promise<void> {
      const at = now();
      const { kind, studyUid = null, subject = null, actor = null, payload = {}, adds } = event;
      afterWrite(sealSoon);
      const key =
        adds === undefined
          ? undefined
          : JSON.stringify([kind, studyUid, subject, actor, { ...payload, [adds]: 0 }]);
      const own = adds === undefined ? 0 : Number(payload[adds]);
      // Already now, for the next write begins before this one is on the disk. Should this one be undone, the digest does not
      // match and the next event is one of its own.
      const keepOpen = (open: Open): void => {
        if (key !== undefined) opened.set(key, open);
      };

      const open = key === undefined ? undefined : opened.get(key);
      if (open && adds !== undefined && at - open.at < ADD_MS) {
        const sum = open.sum + own;
        const text = JSON.stringify({ ...payload, [adds]: sum });
        const digest = sha256(text);
        const change = { id: open.id, was: open.digest, payload: text, payload_digest: digest };
        const { numAffectedRows } = await changePending(tx, [change]);
        if (numAffectedRows === 1n) return keepOpen({ ...open, sum, digest });
      }

      const id = uuidv7(at);
      const text = JSON.stringify(payload);
      const digest = sha256(text);
      await insertPending(tx, [
        { id, at, kind, study_uid: studyUid, subject, actor, payload: text, payload_digest: digest },
      ]);
      keepOpen({ id, at, sum: own, digest });
    },

    tail(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    consume: consumers.add,

    async settled() {
      for (;;) {
        await seal();
        const heard = told;
        await consumers.settled();
        const waits = await read.selectFrom('event_pending').select('id').limit(1).executeTakeFirst();
        // Neither waiting nor on its way from there to the consumers.
        if (!waits && !sealing && told === heard) return;
      }
    },

    lastSeq,

    async page({ before, limit = 100, kind, studyUid, actor }) {
      let query = read.selectFrom('event').selectAll().orderBy('seq', 'desc').limit(Math.min(limit, 10_000));
      if (before !== undefined) query = query.where('seq', '<', before);
      if (kind !== undefined) query = query.where('kind', '=', kind);
      if (studyUid !== undefined) query = query.where('study_uid', '=', studyUid);
      if (actor !== undefined) query = query.where('actor', '=', actor);
      return (await query.execute()).map(asSealed);
    },

    async verify() {
      // The anchors first: what is sealed meanwhile lies beyond them.
      const walk = new ChainWalk(await anchor.known(read));
      let seq = 0;
      for (;;) {
        const rows = await read
          .selectFrom('event')
          .selectAll()
          .where('seq', '>', seq)
          .orderBy('seq')
          .limit(WALK)
          .execute();
        for (const row of rows) {
          const broken = walk.next(row);
          if (broken) return { ok: false, events: walk.events, ...broken };
          seq = row.seq;
        }
        if (rows.length < WALK) break;
        await setImmediate(); // lets others to the event loop
      }
      const broken = walk.end();
      return broken ? { ok: false, events: walk.events, ...broken } : { ok: true, events: walk.events };
    },

    async erasePayload(tx: Tx<any>, seq: number): Promise<void> {
      const { numUpdatedRows } = await (tx as Tx)
        .updateTable('event')
        .set({ payload: null })
        .where('seq', '=', seq)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) {
        throw new NegatoscopeError('event-missing', 'There is no event with this number.', { status: 404 });
      }
    },

    async close() {
      clearInterval(poll);
      clearTimeout(planned);
      await seal().catch((thrown) => log.error({ reason: reasonOf(thrown) }, 'sealing events failed'));
      closing = true;
      await consumers.close();
      await seal().catch(() => undefined);
      await anchor.close();
    },
  };
}
