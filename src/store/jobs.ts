import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import { reasonOf } from '../errors.ts';
import { afterWrite } from './context.ts';
import { asJob, ELSEWHERE, heldOf, hold, INTERRUPTIONS, letGo, renew } from './held.ts';
import { uuidv7 } from './ids.ts';
import { prepared } from './prepared.ts';
import type { Db, JobQueue, Jobs, JobTable, Log, NewJob, Tx } from './types.ts';

const LEASE_MS = 30_000;
const POLL_MS = 1_000;
const CLOSE_MS = 5_000;
const MAX_ATTEMPTS = 5;
const KEPT_MS = 30 * 24 * 3_600_000;
const FORGET_EVERY_MS = 3_600_000;
/** 1 s, 4 s, 16 s, … at most 10 minutes. */
const backoff = (attempt: number): number => Math.min(600_000, 1_000 * 4 ** (attempt - 1));

type Handler = Parameters<Jobs['work']>[1];
type WorkOptions = NonNullable<Parameters<Jobs['work']>[2]>;
interface Worker {
  readonly kind: string;
  readonly handler: Handler;
  readonly options: WorkOptions;
  running: number;
  /** Set while looking for work; `again` when something came meanwhile. */
  looking: boolean;
  again: boolean;
}
interface Running {
  readonly row: JobTable;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}
/** Why a running handler is told to stop. */
const CLOSING = 'the program is stopping';
const CANCELLED = 'the job was cancelled or taken over';

const insertWaiting = prepared((tx: Tx, [row]: readonly JobTable[]) =>
  tx
    .insertInto('job')
    .values(row!)
    .onConflict((c) =>
      c
        .columns(['kind', 'key'])
        .where('state', '=', sql.lit('waiting')) // a parameter would not match the index
        // The more urgent wish counts.
        .doUpdateSet((eb) => ({
          priority: sql<number>`case when excluded.priority > job.priority then excluded.priority else job.priority end`,
          updated_at: eb.ref('excluded.updated_at'),
        })),
    )
    .returning('id'),
);

export interface JobsInside extends Jobs {
  /**
   * At start: forgets old jobs and, where this process is the sole one on the database, makes those of a dead process claimable
   * at once.
   */
  recover(): Promise<void>;
  close(): Promise<void>;
}

export function createJobs(deps: {
  db: Db;
  read: Db;
  dialect: 'sqlite' | 'postgres';
  now: () => number;
  log: Log;
}): JobsInside {
  const { db, read, dialect, now, log } = deps;
  const me = `${hostname()}:${process.pid}:${uuidv7().slice(-12)}`;
  const workers: Worker[] = [];
  const running = new Map<string, Running>();
  let closing = false;

  const wake = (kind: string): void => {
    for (const worker of workers) if (worker.kind === kind) void look(worker);
  };
  const poll = setInterval(() => {
    for (const worker of workers) void look(worker);
  }, POLL_MS);
  poll.unref();
  const forget = async (): Promise<void> => {
    await db
      .deleteFrom('job')
      .where('state', 'in', ['done', 'cancelled'])
      .where('updated_at', '<', now() - KEPT_MS)
      .execute()
      .catch((thrown) => log.warn({ reason: reasonOf(thrown) }, 'old jobs could not be forgotten'));
  };
  const forgetting = setInterval(() => void forget(), FORGET_EVERY_MS);
  forgetting.unref();

  /** Takes the next job: waiting and due, or running with a lease that ran out. */
  async function claim(kind: string, leaseMs: number): Promise<JobTable | undefined> {
    const at = now();
    const locked = sql.raw(dialect === 'postgres' ? 'for update skip locked' : '');
    const { rows } = await sql<JobTable>`
      update job set state = 'running', attempt = attempt + 1, lease_until = ${at + leaseMs}, worker = ${me}, updated_at = ${at}
      where id = (
        select id from job as candidate where kind = ${kind}
          and (state = 'waiting' and run_after <= ${at} or state = 'running' and lease_until < ${at})
          and not exists (
            select 1 from job as other where other.kind = candidate.kind and other.key = candidate.key
              and other.state = 'running' and other.id <> candidate.id
          )
        order by priority desc, run_after, id limit 1 ${locked}
      ) returning *`.execute(db);
    return rows[0];
  }

  async function look(worker: Worker): Promise<void> {
    if (worker.looking) {
      worker.again = true;
      return;
    }
    worker.looking = true;
    const { concurrency = 1, leaseMs = LEASE_MS } = worker.options;
    try {
      do {
        worker.again = false;
        while (!closing && worker.running < concurrency) {
          const row = await claim(worker.kind, leaseMs);
          if (!row) break;
          if (closing)
            await backToWaiting(row, {
              attempt: row.attempt - 1,
              run_after: row.run_after,
              error: row.error,
            });
          else if (row.attempt > row.max_attempts + INTERRUPTIONS)
            await giveUp(worker, row, 'the program ended while it ran');
          else start(worker, row, leaseMs);
        }
      } while (worker.again && !closing);
    } catch (thrown) {
      log.error({ kind: worker.kind, reason: reasonOf(thrown) }, 'looking for jobs failed');
    } finally {
      worker.looking = false;
    }
  }

  function start(worker: Worker, row: JobTable, leaseMs: number): void {
    const abort = new AbortController();
    worker.running += 1;
    const done = run(worker, row, leaseMs, abort)
      .catch((thrown) =>
        log.error({ kind: row.kind, job: row.id, reason: reasonOf(thrown) }, 'a job could not be closed'),
      )
      .finally(() => {
        worker.running -= 1;
        running.delete(row.id);
        if (!closing) void look(worker);
      });
    running.set(row.id, { row, abort, done });
  }

  async function run(worker: Worker, row: JobTable, leaseMs: number, abort: AbortController): Promise<void> {
    const heartbeat = setInterval(
      () => {
        void mine(row)
          .set({ lease_until: now() + leaseMs })
          .executeTakeFirst()
          .then(
            (result) => {
              if (result.numUpdatedRows === 0n) abort.abort(new Error(CANCELLED));
            },
            (thrown) => log.warn({ job: row.id, reason: reasonOf(thrown) }, 'the heartbeat of a job failed'),
          );
      },
      Math.max(20, leaseMs / 3),
    );
    let failure: unknown;
    try {
      await worker.handler(asJob(row), abort.signal);
    } catch (thrown) {
      failure = thrown ?? new Error('unknown');
    } finally {
      clearInterval(heartbeat);
    }
    if (failure === undefined)
      await mine(row).set({ state: 'done', lease_until: null, error: null, updated_at: now() }).execute();
    else if (abort.signal.aborted && (abort.signal.reason as Error).message === CLOSING) {
      // Not the job's fault: the attempt does not count.
      await backToWaiting(row, { attempt: row.attempt - 1, run_after: row.run_after, error: null });
    } else if (abort.signal.aborted) return;
    else if (row.attempt >= row.max_attempts) await giveUp(worker, row, reasonOf(failure));
    else {
      const pause = (worker.options.backoffMs ?? backoff)(row.attempt);
      log.warn(
        { kind: row.kind, job: row.id, attempt: row.attempt, pause, reason: reasonOf(failure) },
        'a job failed, will retry',
      );
      await backToWaiting(row, { attempt: row.attempt, run_after: now() + pause, error: reasonOf(failure) });
      if (pause < POLL_MS) setTimeout(() => wake(row.kind), pause + 1).unref();
    }
  }

  /** An update of the row as long as this claim holds it. */
  const mine = (row: JobTable) =>
    db
      .updateTable('job')
      .where('id', '=', row.id)
      .where('state', '=', 'running')
      .where('worker', '=', me)
      .where('attempt', '=', row.attempt);

  async function backToWaiting(
    row: JobTable,
    set: Pick<JobTable, 'attempt' | 'run_after' | 'error'>,
  ): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const successor = await tx
        .selectFrom('job')
        .select('id')
        .where('kind', '=', row.kind)
        .where('key', '=', row.key)
        .where('state', '=', 'waiting')
        .executeTakeFirst();
      await tx
        .updateTable('job')
        // One that was asked for meanwhile does the work again anyway.
        .set({
          ...set,
          state: successor ? 'cancelled' : 'waiting',
          lease_until: null,
          worker: null,
          updated_at: now(),
        })
        .where('id', '=', row.id)
        .where('state', '=', 'running')
        .where('worker', '=', me)
        .where('attempt', '=', row.attempt)
        .execute();
    });
  }

  async function giveUp(worker: Worker, row: JobTable, error: string): Promise<void> {
    const result = await mine(row)
      .set({ state: 'failed', error, lease_until: null, updated_at: now() })
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n) return;
    log.error({ kind: row.kind, job: row.id, attempt: row.attempt, reason: error }, 'a job failed for good');
    await worker.options.onGiveUp?.(asJob(row), error);
  }

  return {
    async enqueue(tx: Tx<any>, job: NewJob): Promise<string> {
      const at = now();
      const { rows } = await insertWaiting(tx, [
        {
          id: uuidv7(at),
          kind: job.kind,
          key: job.key,
          state: 'waiting',
          priority: job.priority ?? 0,
          payload: JSON.stringify(job.payload ?? null),
          attempt: 0,
          max_attempts: job.maxAttempts ?? MAX_ATTEMPTS,
          run_after: job.runAfter ?? at,
          lease_until: null,
          worker: null,
          error: null,
          created_at: at,
          updated_at: at,
        },
      ]);
      // What is due later is found by the poll.
      if ((job.runAfter ?? at) <= at) afterWrite(() => wake(job.kind));
      return rows[0]!.id;
    },

    work(kind, handler, options = {}) {
      const worker: Worker = {
        kind,
        handler: handler as Handler,
        options: options as WorkOptions,
        running: 0,
        looking: false,
        again: false,
      };
      workers.push(worker);
      void look(worker);
    },

    async cancel(tx: Tx<any>, kind: string, key: string): Promise<void> {
      const rows = await (tx as Tx)
        .updateTable('job')
        .set({ state: 'cancelled', lease_until: null, updated_at: now() })
        .where('kind', '=', kind)
        .where('key', '=', key)
        .where('state', 'in', ['waiting', 'running'])
        .returning('id')
        .execute();
      afterWrite(() => {
        for (const { id } of rows) running.get(id)?.abort.abort(new Error(CANCELLED));
      });
    },

    hold: (tx, { kind, key, worker, leaseMs }) => hold(tx as Tx, { kind, key, worker, leaseMs, at: now() }),
    renew: (tx, held, leaseMs) => renew(tx as Tx, held, now() + leaseMs),
    async letGo(tx, held, how, options = {}) {
      const at = now();
      const pause = options.backoffMs ?? backoff;
      const ended = await letGo(
        tx as Tx,
        held,
        typeof how === 'string' ? how : { ...how, runAfter: (attempt) => at + pause(attempt) },
        at,
      );
      // A key that was held may have another job waiting behind it.
      afterWrite(() => {
        for (const worker of workers) void look(worker);
      });
      return ended;
    },
    async lapsed(kind) {
      const rows = await read
        .selectFrom('job')
        .selectAll()
        .where('kind', '=', kind)
        .where('state', '=', 'running')
        .where('worker', 'like', `${ELSEWHERE}%`)
        .where('lease_until', '<', now())
        .execute();
      return rows.map((row) => ({ ...heldOf(row), key: row.key }));
    },

    async counts() {
      const rows = await read
        .selectFrom('job')
        .select((eb) => ['kind', 'state', eb.fn.countAll<number>().as('n')])
        .groupBy(['kind', 'state'])
        .execute();
      const counts: Record<string, Record<JobTable['state'], number>> = {};
      for (const { kind, state, n } of rows) {
        (counts[kind] ??= { waiting: 0, running: 0, done: 0, failed: 0, cancelled: 0 })[state] = n;
      }
      return counts;
    },

    async queues() {
      const { rows } = await sql<JobQueue>`
        select kind,
          sum(case when state = 'waiting' and run_after <= ${now()} then 1 else 0 end) as waiting,
          min(case when state = 'waiting' and run_after <= ${now()} then run_after end) as "oldestDueAt",
          sum(case when state = 'running' then 1 else 0 end) as running,
          sum(case when state = 'failed' then 1 else 0 end) as failed
        from job where state in ('waiting', 'running', 'failed') group by kind order by kind`.execute(read);
      return rows.map((row) => ({
        kind: row.kind,
        waiting: Number(row.waiting),
        oldestDueAt: row.oldestDueAt === null ? null : Number(row.oldestDueAt),
        running: Number(row.running),
        failed: Number(row.failed),
      }));
    },

    async retryFailed(kind) {
      const count = await db.transaction().execute(async (tx) => {
        const rows = await tx
          .selectFrom('job')
          .select(['id', 'key'])
          .where('kind', '=', kind)
          .where('state', '=', 'failed')
          .execute();
        for (const { id, key } of rows) {
          const waiting = await tx
            .selectFrom('job')
            .select('id')
            .where('kind', '=', kind)
            .where('key', '=', key)
            .where('state', '=', 'waiting')
            .executeTakeFirst();
          await tx
            .updateTable('job')
            .set(
              waiting
                ? { state: 'cancelled', updated_at: now() }
                : { state: 'waiting', attempt: 0, run_after: now(), error: null, updated_at: now() },
            )
            .where('id', '=', id)
            .execute();
        }
        return rows.length;
      });
      wake(kind);
      return count;
    },

    async recover() {
      await forget();
      if (dialect === 'postgres') return; // others may be at work
      await db
        .updateTable('job')
        .set({ lease_until: 0 })
        .where('state', '=', 'running')
        // Whoever works elsewhere goes on while this program starts again.
        .where('worker', 'not like', `${ELSEWHERE}%`)
        .execute();
    },

    async close() {
      closing = true;
      clearInterval(poll);
      clearInterval(forgetting);
      while (workers.some((worker) => worker.looking)) await setImmediate();
      for (const { abort } of running.values()) abort.abort(new Error(CLOSING));
      let timer: NodeJS.Timeout | undefined;
      // A handler that does not listen keeps its lease; its job runs again at the next start.
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
      await Promise.race([Promise.all([...running.values()].map((job) => job.done)), patience]);
      clearTimeout(timer);
    },
  };
}
