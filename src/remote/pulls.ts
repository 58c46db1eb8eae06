/** What was asked for from other systems: rows for people, jobs for the work. */
import type { Selectable } from 'kysely';
import { demand, nameOf } from '../archive/acting.ts';
import type { Archive } from '../archive/types.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Principal } from '../people/types.ts';
import { uuidv7 } from '../store/ids.ts';
import type { Store, Tx } from '../store/types.ts';
import { pullStudy } from './pull.ts';
import type { PullTable, RemoteTables } from './tables.ts';
import { reasonCode, reasonText } from './reasons.ts';
import type { Here, PullFailure, PullOrder, PullRow, PullState, Systems } from './types.ts';

const JOB = 'remote.pull';
const ATTEMPTS = 8;
const AT_ONCE = 2;
const SECOND = 1_000;
/** 10 s, 30 s, 90 s, … at most half an hour: 8 attempts wait for over an hour and a half. */
const pauseMs = (attempt: number): number => Math.min(1800, 10 * 3 ** (attempt - 1)) * SECOND;
/** A row is written this often at most while instances come. */
const PROGRESS_MS = 700;
const SHOWN_FAILURES = 100;

const OPEN: readonly PullState[] = ['waiting', 'running'];
const ROLES = ['admin', 'reader', 'technologist'] as const;

const asRow = (row: Selectable<PullTable>): PullRow => ({
  id: row.id,
  remoteId: row.remote_id,
  remoteName: row.remote_name,
  studyUid: row.study_uid,
  patientName: row.patient_name,
  patientId: row.patient_id,
  studyDate: row.study_date,
  description: row.description,
  state: row.state,
  via: row.via as PullRow['via'],
  total: row.total === null ? null : Number(row.total),
  received: Number(row.received),
  failed: JSON.parse(row.failed) as PullFailure[],
  text: row.reason === null ? null : reasonText(row.reason, row.remote_name),
  byName: row.by_name,
  nextAt: row.next_at === null ? null : Number(row.next_at),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
});

export function createPulls(deps: {
  store: Store;
  archive: Archive;
  systems: Systems;
  here: () => Promise<Here>;
  now: () => number;
  log: Log;
  pause?: ((attempt: number) => number) | undefined;
}) {
  const { store, archive, systems, now, log, pause = pauseMs } = deps;
  const db = store.read.withTables<RemoteTables>();
  const write = <R>(work: (tx: Tx<RemoteTables>) => Promise<R>) => store.write<RemoteTables, R>(work);
  const set = (id: string, values: Partial<PullTable>, only: readonly PullState[] = OPEN) =>
    write((tx) =>
      tx
        .updateTable('remote_pull')
        .set({ ...values, updated_at: now() })
        .where('id', '=', id)
        .where('state', 'in', [...only])
        .executeTakeFirst(),
    );
  const rowOf = async (id: string) => {
    const row = await db.selectFrom('remote_pull').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw new NegatoscopeError('not-found', 'There is no such transfer.', { status: 404 });
    return row;
  };
  const enqueue = (tx: Tx<any>, id: string) =>
    store.jobs.enqueue(tx, { kind: JOB, key: id, payload: { id }, maxAttempts: ATTEMPTS });
  const tell = (tx: Tx<any>, what: string, id: string, studyUid: string, actor: string, payload = {}) =>
    store.events.append(tx, { kind: `remote.pull.${what}`, subject: id, studyUid, actor, payload });

  async function end(id: string, state: PullState, values: Partial<PullTable>): Promise<void> {
    await write(async (tx) => {
      const row = await tx
        .updateTable('remote_pull')
        .set({ next_at: null, ...values, state, updated_at: now() })
        .where('id', '=', id)
        .where('state', 'in', [...OPEN])
        .returningAll()
        .executeTakeFirst();
      if (!row) return; // cancelled meanwhile
      const payload = { state, total: row.total, received: row.received };
      await tell(tx, 'ended', id, row.study_uid, 'system', payload);
    });
  }

  async function work(id: string, attempt: number, signal: AbortSignal): Promise<void> {
    const row = await rowOf(id);
    if (!OPEN.includes(row.state)) return;
    await set(id, { state: 'running', reason: null, next_at: null });
    let written = 0;
    try {
      const system = await systems.get(row.remote_id);
      const result = await pullStudy(system, row.study_uid, {
        archive,
        here: await deps.here(),
        signal,
        progress({ total, received, via }) {
          if (now() - written < PROGRESS_MS) return;
          written = now();
          void set(id, { total, received, via }, ['running']).catch(() => {}); // the next one says it again
        },
      });
      const failed = JSON.stringify(result.failed.slice(0, SHOWN_FAILURES));
      const { total, received, via } = result;
      const values = { total, received, via, failed };
      if (result.failed.length === 0) return await end(id, 'done', { ...values, reason: null });
      // What the archive did not keep it will not keep the next time either.
      if (attempt >= 3 || result.failed.every(({ reason }) => reason !== 'not-sent'))
        return await end(id, 'partial', { ...values, reason: 'not-all' });
      await set(id, { ...values, state: 'waiting', reason: 'not-all', next_at: now() + pause(attempt) });
      throw new NegatoscopeError('remote-not-all', 'Not everything came.');
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = reasonCode(error);
      if (reason === 'gone' || reason === 'remote-unknown') return await end(id, 'failed', { reason });
      if (reason !== 'not-all') {
        log.warn({ pull: id, attempt, reason: reasonOf(error) }, 'a study could not be fetched');
        await set(id, { state: 'waiting', reason, next_at: now() + pause(attempt) });
      }
      throw error;
    }
  }

  return {
    async pull(remoteId: string, orders: readonly PullOrder[], by: Principal): Promise<PullRow[]> {
      demand(by, ROLES);
      const system = await systems.get(remoteId);
      return write(async (tx) => {
        const rows: PullRow[] = [];
        for (const order of orders) {
          const open = await tx
            .selectFrom('remote_pull')
            .selectAll()
            .where('remote_id', '=', remoteId)
            .where('study_uid', '=', order.studyUid)
            .where('state', 'in', [...OPEN])
            .executeTakeFirst();
          if (open) {
            rows.push(asRow(open));
            continue;
          }
          const at = now();
          const row: PullTable = {
            id: uuidv7(at),
            remote_id: remoteId,
            remote_name: system.name,
            study_uid: order.studyUid,
            patient_name: order.patientName,
            patient_id: order.patientId,
            study_date: order.studyDate,
            description: order.description,
            state: 'waiting',
            via: null,
            total: null,
            received: 0,
            failed: '[]',
            reason: null,
            by_name: by.name,
            next_at: null,
            created_at: at,
            updated_at: at,
          };
          await tx.insertInto('remote_pull').values(row).execute();
          await enqueue(tx, row.id);
          await tell(tx, 'asked', row.id, order.studyUid, nameOf(by));
          rows.push(asRow(row));
        }
        return rows;
      });
    },

    async pulls(limit = 200): Promise<PullRow[]> {
      const rows = await db
        .selectFrom('remote_pull')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(asRow);
    },

    async pullAgain(id: string, by: Principal): Promise<void> {
      demand(by, ROLES);
      await rowOf(id);
      await write(async (tx) => {
        const row = await tx
          .updateTable('remote_pull')
          .set({ state: 'waiting', reason: null, next_at: null, failed: '[]', updated_at: now() })
          .where('id', '=', id)
          .where('state', 'in', ['waiting', 'partial', 'failed', 'cancelled'])
          .returning('study_uid')
          .executeTakeFirst();
        if (!row) return; // under way, or all here
        await store.jobs.cancel(tx, JOB, id); // the one that pauses
        await enqueue(tx, id);
        await tell(tx, 'asked', id, row.study_uid, nameOf(by));
      });
    },

    async cancelPull(id: string, by: Principal): Promise<void> {
      demand(by, ROLES);
      await rowOf(id);
      await write(async (tx) => {
        const row = await tx
          .updateTable('remote_pull')
          .set({ state: 'cancelled', reason: null, next_at: null, updated_at: now() })
          .where('id', '=', id)
          .where('state', 'in', [...OPEN])
          .returning('study_uid')
          .executeTakeFirst();
        if (!row) return;
        await store.jobs.cancel(tx, JOB, id);
        await tell(tx, 'cancelled', id, row.study_uid, nameOf(by));
      });
    },

    start(): void {
      store.jobs.work<{ id: string }>(
        JOB,
        ({ payload, attempt }, signal) => work(payload.id, attempt, signal),
        {
          concurrency: AT_ONCE,
          backoffMs: pause,
          onGiveUp: async ({ payload }) => {
            const { reason } = await rowOf(payload.id);
            await end(payload.id, 'failed', { reason: reason ?? 'broken' });
          },
        },
      );
    },
  };
}
