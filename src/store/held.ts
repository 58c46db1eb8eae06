/**
 * Jobs held by somebody who is no function of this process: a program elsewhere, which tells by requests that it lives. The
 * same rows and the same rules as for `work` (jobs.ts): one at a time of a key, a lease, attempts that are counted.
 */
import { sql } from 'kysely';
import type { Held, Job, JobTable, Tx } from './types.ts';

/** Times that a holder may vanish with a job beyond its attempts, before the job is taken for what ends it. */
export const INTERRUPTIONS = 10;

/** How the holders of claims that live outside of this process are told from processes of ours, which a new start ends. */
export const ELSEWHERE = 'elsewhere:';

export const asJob = (row: JobTable): Job<any> => ({
  id: row.id,
  kind: row.kind,
  key: row.key,
  payload: JSON.parse(row.payload),
  attempt: row.attempt,
  priority: row.priority,
});

export const heldOf = (row: JobTable): Held => ({
  id: row.id,
  worker: (row.worker ?? '').slice(ELSEWHERE.length),
  attempt: row.attempt,
});

/** The row as long as this claim holds it. */
const mine = (tx: Tx, { id, worker, attempt }: Held) =>
  tx
    .updateTable('job')
    .where('id', '=', id)
    .where('state', '=', 'running')
    .where('worker', '=', ELSEWHERE + worker)
    .where('attempt', '=', attempt);

/** Takes the waiting job of this key, whenever it is due; undefined when it is not to be had. */
export async function hold(
  tx: Tx,
  {
    kind,
    key,
    worker,
    leaseMs,
    at,
  }: { kind: string; key: string; worker: string; leaseMs: number; at: number },
): Promise<Held | undefined> {
  const { rows } = await sql<JobTable>`
    update job set state = 'running', attempt = attempt + 1, lease_until = ${at + leaseMs}, worker = ${ELSEWHERE + worker}, updated_at = ${at}
    where kind = ${kind} and key = ${key} and state = 'waiting' and run_after <= ${at} and not exists (
      select 1 from job as other where other.kind = job.kind and other.key = job.key and other.state = 'running'
    ) returning *`.execute(tx);
  return rows[0] && heldOf(rows[0]);
}

/** False when the claim is gone. */
export async function renew(tx: Tx, held: Held, until: number): Promise<boolean> {
  const { numUpdatedRows } = await mine(tx, held).set({ lease_until: until }).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * Ends a claim: the work is done, or it failed and waits for the next attempt, or it failed for good. `lost` when the claim
 * is gone; then nothing changes. `interrupted`: the holder vanished, which counts against `INTERRUPTIONS` alone.
 */
export async function letGo(
  tx: Tx,
  held: Held,
  how: 'done' | 'cancelled' | { error: string; interrupted?: boolean; runAfter: (attempt: number) => number },
  at: number,
): Promise<'done' | 'cancelled' | 'waiting' | 'failed' | 'lost'> {
  if (how === 'done' || how === 'cancelled') {
    const { numUpdatedRows } = await mine(tx, held)
      .set({ state: how, lease_until: null, error: null, updated_at: at })
      .executeTakeFirst();
    return numUpdatedRows > 0n ? how : 'lost';
  }
  const row = await tx.selectFrom('job').selectAll().where('id', '=', held.id).executeTakeFirst();
  if (!row) return 'lost';
  const limit = row.max_attempts + (how.interrupted ? INTERRUPTIONS : 0);
  const over = row.attempt >= limit;
  const successor = await tx
    .selectFrom('job')
    .select('id')
    .where('kind', '=', row.kind)
    .where('key', '=', row.key)
    .where('state', '=', 'waiting')
    .executeTakeFirst();
  const state = over ? 'failed' : successor ? 'cancelled' : 'waiting';
  const { numUpdatedRows } = await mine(tx, held)
    .set({
      state,
      error: how.error,
      lease_until: null,
      updated_at: at,
      ...(over ? {} : { worker: null, run_after: how.runAfter(row.attempt) }),
    })
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return 'lost';
  return over ? 'failed' : 'waiting';
}
