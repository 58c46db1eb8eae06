/**
 * Work items: each time a run is offered to whoever can do it (PS3.4 CC.1). The job of the run tells who may work; every change
 * here is made in the transaction that changes the job, so the two never differ.
 */
import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { uidOfUuid } from '../../dicom/uid.ts';
import { afterWrite } from '../../store/index.ts';
import type { Tx } from '../../store/types.ts';
import type { AssistTables, RunTable, WorkItemTable } from '../tables.ts';
import type { ItemChange } from './types.ts';

type ItemTx = Tx<AssistTables>;
export type ItemRow = Selectable<WorkItemTable>;

/** As the worker of an item done by our own processes is called. */
export const LOCAL_WORKER = 'local';
export const TAKEN_OVER = 'The lease ran out: whoever claimed it was not heard of in time';
const REASON_LENGTH = 300;

export interface Claimant {
  readonly worker: string;
  readonly workerId: string | null;
  readonly jobId: string;
  readonly attempt: number;
  readonly transactionUid: string | null;
}

export interface Items {
  /** Offers the run unless it is offered or worked on already. */
  offer(tx: ItemTx, run: Pick<RunTable, 'id' | 'study_uid' | 'model_id'>): Promise<void>;
  /** Marks the offered item as claimed; an item that somebody else still holds is cancelled and another one made. */
  take(tx: ItemTx, run: Pick<RunTable, 'id' | 'study_uid' | 'model_id'>, by: Claimant): Promise<ItemRow>;
  /** Ends the open item of the run, if there is one. */
  end(
    tx: ItemTx,
    runId: string,
    how: { outcome: 'completed'; performed?: unknown } | { outcome: 'canceled'; reason: string },
  ): Promise<void>;
  /** Tells of a change once it is durable. */
  say(change: ItemChange): void;
  /** Gives the function that ends it. */
  listen(listener: (change: ItemChange) => void): () => void;
}

export function createItems({ now }: { now: () => number }): Items {
  const listeners = new Set<(change: ItemChange) => void>();
  const say = (change: ItemChange): void =>
    afterWrite(() => {
      for (const listener of listeners) listener(change);
    });

  const openOf = (tx: ItemTx, runId: string): Promise<ItemRow | undefined> =>
    tx
      .selectFrom('ai_work_item')
      .selectAll()
      .where('run_id', '=', runId)
      .where('ended_at', 'is', null)
      .executeTakeFirst();

  async function make(
    tx: ItemTx,
    run: Pick<RunTable, 'id' | 'study_uid' | 'model_id'>,
    by?: Claimant,
  ): Promise<ItemRow> {
    const { n } = await tx
      .selectFrom('ai_work_item')
      .select((eb) => eb.fn.max('number').as('n'))
      .where('run_id', '=', run.id)
      .executeTakeFirstOrThrow();
    const at = now();
    const row: ItemRow = {
      uid: uidOfUuid(randomUUID()),
      run_id: run.id,
      study_uid: run.study_uid,
      model_id: run.model_id,
      number: Number(n ?? 0) + 1,
      created_at: at,
      updated_at: at,
      claimed_at: by ? at : null,
      worker: by?.worker ?? null,
      worker_id: by?.workerId ?? null,
      job_id: by?.jobId ?? null,
      attempt: by?.attempt ?? null,
      transaction_uid: by?.transactionUid ?? null,
      progress: null,
      progress_text: null,
      cancel_requested_at: null,
      ended_at: null,
      outcome: null,
      reason: null,
      reason_code: null,
      performed: null,
    };
    await tx.insertInto('ai_work_item').values(row).execute();
    say({ uid: row.uid, type: 'state' });
    return row;
  }

  async function end(tx: ItemTx, runId: string, how: Parameters<Items['end']>[2]): Promise<void> {
    const at = now();
    const ended = await tx
      .updateTable('ai_work_item')
      .set({
        ended_at: at,
        updated_at: at,
        outcome: how.outcome,
        reason: how.outcome === 'canceled' ? how.reason.slice(0, REASON_LENGTH) : null,
        ...(how.outcome === 'completed' && how.performed !== undefined
          ? { performed: JSON.stringify(how.performed) }
          : {}),
      })
      .where('run_id', '=', runId)
      .where('ended_at', 'is', null)
      .returning('uid')
      .execute();
    for (const { uid } of ended) say({ uid, type: 'state' });
  }

  return {
    async offer(tx, run) {
      if (!(await openOf(tx, run.id))) await make(tx, run);
    },

    async take(tx, run, by) {
      const open = await openOf(tx, run.id);
      if (open && open.claimed_at === null) {
        const at = now();
        const claim = {
          claimed_at: at,
          updated_at: at,
          worker: by.worker,
          worker_id: by.workerId,
          job_id: by.jobId,
          attempt: by.attempt,
          transaction_uid: by.transactionUid,
        };
        await tx.updateTable('ai_work_item').set(claim).where('uid', '=', open.uid).execute();
        say({ uid: open.uid, type: 'state' });
        return { ...open, ...claim };
      }
      if (open) await end(tx, run.id, { outcome: 'canceled', reason: TAKEN_OVER });
      return make(tx, run, by);
    },

    end,
    say,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
