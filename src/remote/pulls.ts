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
import { createTransfers, OPEN, pauseMs, PROGRESS_MS, SHOWN_FAILURES, TRANSFER_ROLES } from './transfers.ts';
import type { Address, Here, PullFailure, PullOrder, PullRow, RemoteSystem, Systems } from './types.ts';

/** With the pauses between them they last for over an hour and a half. */
const ATTEMPTS = 8;
const AT_ONCE = 2;

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
  address: (system: RemoteSystem) => Promise<Address>;
  here: () => Promise<Here>;
  now: () => number;
  log: Log;
  pause?: ((attempt: number) => number) | undefined;
}) {
  const { store, archive, systems, now, log, pause = pauseMs } = deps;
  const transfers = createTransfers<PullTable>({
    store,
    table: 'remote_pull',
    job: 'remote.pull',
    event: 'remote.pull',
    ended: ({ total, received }) => ({ total, received }),
    attempts: ATTEMPTS,
    atOnce: AT_ONCE,
    now,
    pause,
  });
  const { set, end } = transfers;

  async function work(row: PullTable, attempt: number, signal: AbortSignal): Promise<void> {
    const { id } = row;
    await set(id, { state: 'running', reason: null, next_at: null });
    let written = 0;
    try {
      const system = await systems.get(row.remote_id);
      const result = await pullStudy(system, row.study_uid, {
        archive,
        address: await deps.address(system),
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
      await transfers.waits(id, attempt, { ...values, reason: 'not-all' });
      throw new NegatoscopeError('remote-not-all', 'Not everything came.');
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = reasonCode(error);
      if (reason === 'gone' || reason === 'remote-unknown') return await end(id, 'failed', { reason });
      if (reason !== 'not-all') {
        log.warn({ pull: id, attempt, reason: reasonOf(error) }, 'a study could not be fetched');
        await transfers.waits(id, attempt, { reason });
      }
      throw error;
    }
  }

  return {
    async pull(remoteId: string, orders: readonly PullOrder[], by: Principal): Promise<PullRow[]> {
      demand(by, TRANSFER_ROLES);
      const system = await systems.get(remoteId);
      return store.write<RemoteTables, PullRow[]>(async (tx: Tx<RemoteTables>) => {
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
          await transfers.ask(tx, row, nameOf(by));
          rows.push(asRow(row));
        }
        return rows;
      });
    },

    async pulls(limit = 200): Promise<PullRow[]> {
      return (await transfers.newest(limit)).map(asRow);
    },

    pullAgain: (id: string, by: Principal): Promise<void> =>
      transfers.again(id, by, { from: ['waiting', 'partial', 'failed', 'cancelled'] }),

    cancelPull: (id: string, by: Principal): Promise<void> => transfers.cancel(id, by),

    start: (): void => transfers.start(work),
  };
}
