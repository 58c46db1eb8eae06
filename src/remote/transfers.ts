/**
 * What moves between this archive and others, in either direction: a row that people see and a job that does the work, kept in
 * step. Each is repeated with growing pauses, and can be stopped and begun again by a person.
 */
import { demand, nameOf } from '../archive/acting.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import type { Store, Tx } from '../store/types.ts';

/** `partial`: ended without everything. */
export type TransferState = 'waiting' | 'running' | 'done' | 'partial' | 'failed' | 'cancelled';

/** What a row of either direction has. */
export interface TransferColumns {
  id: string;
  study_uid: string;
  state: TransferState;
  /** Why it waits or has ended: code of reasons.ts. */
  reason: string | null;
  /** When it is tried again. */
  next_at: number | null;
  /** JSON of the first hundred instances that failed. */
  failed: string;
  updated_at: number;
}

export const TRANSFER_ROLES = ['admin', 'reader', 'technologist'] as const;
/** What counts as under way. */
export const OPEN: readonly TransferState[] = ['waiting', 'running'];
/** A row is written this often at most while instances move, ms. */
export const PROGRESS_MS = 700;
export const SHOWN_FAILURES = 100;

const SECOND = 1_000;
/** 10 s, 30 s, 90 s, … at most half an hour. */
export const pauseMs = (attempt: number): number =>
  Math.min(1800, 10 * 3 ** Math.min(attempt - 1, 6)) * SECOND;

export interface TransfersOptions<C> {
  readonly store: Store;
  readonly table: string;
  /** Kind of its jobs; their key and payload are the id of the row. */
  readonly job: string;
  /** Prefix of its events: `remote.pull` tells `remote.pull.asked`, `.cancelled`, `.ended`. */
  readonly event: string;
  /** Numbers of a row that its end tells. */
  readonly ended: (row: C) => Record<string, unknown>;
  readonly attempts: number;
  readonly atOnce: number;
  readonly now: () => number;
  readonly pause: (attempt: number) => number;
}

export function createTransfers<C extends TransferColumns>(options: TransfersOptions<C>) {
  const { store, table, job, attempts, now, pause } = options;
  type Tables = Record<string, any>;
  const write = <R>(act: (tx: Tx<Tables>) => Promise<R>) => store.write<Tables, R>(act);

  const enqueue = (tx: Tx<any>, id: string, runAfter?: number) =>
    store.jobs.enqueue(tx, {
      kind: job,
      key: id,
      payload: { id },
      maxAttempts: attempts,
      ...(runAfter === undefined ? {} : { runAfter }),
    });
  /** Its job runs at once, also where one pauses. */
  async function restart(tx: Tx<any>, id: string): Promise<void> {
    await store.jobs.cancel(tx, job, id);
    await enqueue(tx, id);
  }
  const tell = (
    tx: Tx<any>,
    what: string,
    { id: subject, study_uid: studyUid }: Pick<C, 'id' | 'study_uid'>,
    actor: string,
    payload: Record<string, unknown> = {},
  ) => store.events.append(tx, { kind: `${options.event}.${what}`, subject, studyUid, actor, payload });
  /** Changes a row that is in one of these states; gives it, or nothing where it is in another. */
  const turn = (tx: Tx<any>, id: string, values: Partial<C>, states: readonly TransferState[]) =>
    (tx as Tx<Tables>)
      .updateTable(table)
      .set({ ...values, updated_at: now() })
      .where('id', '=', id)
      .where('state', 'in', [...states])
      .returningAll()
      .executeTakeFirst() as Promise<C | undefined>;

  /** @throws `not-found` (404) */
  async function rowOf(id: string): Promise<C> {
    const row = await store.read
      .withTables<Tables>()
      .selectFrom(table)
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (!row) throw new NegatoscopeError('not-found', 'There is no such transfer.', { status: 404 });
    return row as C;
  }
  const set = (id: string, values: Partial<C>, states: readonly TransferState[] = OPEN) =>
    write((tx) => turn(tx, id, values, states));
  async function end(id: string, state: TransferState, values: Partial<C>): Promise<void> {
    await write(async (tx) => {
      // Cancelled meanwhile: then it has ended already.
      const row = await turn(tx, id, { next_at: null, ...values, state } as Partial<C>, OPEN);
      if (row) await tell(tx, 'ended', row, 'system', { state, ...options.ended(row) });
    });
  }

  return {
    rowOf,
    set,
    end,
    turn,
    enqueue,
    restart,

    /** Newest first. */
    newest: async (limit: number): Promise<C[]> =>
      (await store.read
        .withTables<Tables>()
        .selectFrom(table)
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()) as C[],

    /** A new row, and its job. */
    async ask(tx: Tx<any>, row: C, actor: string): Promise<void> {
      await (tx as Tx<Tables>).insertInto(table).values(row).execute();
      await enqueue(tx, row.id);
      await tell(tx, 'asked', row, actor);
    },

    /** It waits for its next attempt, and says why. */
    async waits(id: string, attempt: number, values: Partial<C> & { reason: string }): Promise<void> {
      await set(id, { ...values, state: 'waiting', next_at: now() + pause(attempt) });
    },

    /** Begins again at once, what pauses too. `also`: what else that means; it is done once the row has changed. */
    async again(
      id: string,
      by: Principal,
      more: { from: readonly TransferState[]; values?: Partial<C>; also?: (tx: Tx<any>) => Promise<void> },
    ): Promise<void> {
      demand(by, TRANSFER_ROLES);
      await rowOf(id);
      await write(async (tx) => {
        const fresh = { state: 'waiting', reason: null, next_at: null, failed: '[]', ...more.values };
        const row = await turn(tx, id, fresh as Partial<C>, more.from);
        if (!row) return; // under way
        await more.also?.(tx);
        await restart(tx, id);
        await tell(tx, 'asked', row, nameOf(by));
      });
    },

    async cancel(id: string, by: Principal): Promise<void> {
      demand(by, TRANSFER_ROLES);
      await rowOf(id);
      await write(async (tx) => {
        const stopped = { state: 'cancelled', reason: null, next_at: null } as Partial<C>;
        const row = await turn(tx, id, stopped, OPEN);
        if (!row) return;
        await store.jobs.cancel(tx, job, id);
        await tell(tx, 'cancelled', row, nameOf(by));
      });
    },

    /** `work` ends the row, or throws to be called again. */
    start(work: (row: C, attempt: number, signal: AbortSignal) => Promise<void>): void {
      store.jobs.work<{ id: string }>(
        job,
        async ({ payload, attempt }, signal) => {
          const row = await rowOf(payload.id);
          if (OPEN.includes(row.state)) await work(row, attempt, signal);
        },
        {
          concurrency: options.atOnce,
          backoffMs: pause,
          onGiveUp: async ({ payload }) => {
            const { reason } = await rowOf(payload.id);
            await end(payload.id, 'failed', { reason: reason ?? 'broken' } as Partial<C>);
          },
        },
      );
    },
  };
}
