/** The worklist of AI work for programs elsewhere: PS3.18 chapter 11, PS3.4 Annex CC. The tables of jobs and runs are the truth. */
import { SEES_ALL } from '../../archive/types.ts';
import { isUid } from '../../dicom/uid.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import type { Held, Tx } from '../../store/types.ts';
import { finishIn, say } from '../analyse.ts';
import type { AnalyseDeps } from '../analyse.ts';
import { DETAIL_LENGTH, RUN_JOB } from '../decide.ts';
import { isReturnable } from '../returned.ts';
import type { AssistTables, RunTable } from '../tables.ts';
import { changesOf } from './changes.ts';
import type { Performed } from './dataset.ts';
import { stateOf } from './dataset.ts';
import type { ItemRow } from './items.ts';
import { TAKEN_OVER } from './items.ts';
import { createSubscriptions } from './subscriptions.ts';
import type { Ups } from './types.ts';
import { createView, idOf } from './view.ts';

type ItemTx = Tx<AssistTables>;
/** A worker has to be heard of within this time. */
export const LEASE_MS = 60_000;
const LOOK_MS = 1000;

export interface UpsDeps extends AnalyseDeps {
  readonly backoffMs?: ((attempt: number) => number) | undefined;
  readonly leaseMs?: number | undefined;
}

const refusal = (code: string, status: number, message: string): NegatoscopeError =>
  new NegatoscopeError(code, message, { status });
const notFound = () => refusal('workitem-not-found', 404, 'There is no such work item.');
const uidMissing = () => refusal('transaction-uid-missing', 400, 'The Transaction UID is missing.');
const uidWrong = () => refusal('transaction-uid-wrong', 400, 'The Transaction UID is not that of the claim.');
const inconsistent = (why: string) => refusal('workitem-state', 409, why);

export function createUps(deps: UpsDeps): Ups {
  const { store, archive, items, now, log, leaseMs = LEASE_MS } = deps;
  const view = createView(deps);
  const subscriptions = createSubscriptions({ store, items, view, now });
  let looking: NodeJS.Timeout | undefined;

  const heldOf = (row: ItemRow): Held => ({
    id: row.job_id ?? '',
    worker: row.worker_id ?? '',
    attempt: Number(row.attempt),
  });
  const rowIn = async (tx: ItemTx, uid: string): Promise<ItemRow> => {
    const row = await tx.selectFrom('ai_work_item').selectAll().where('uid', '=', uid).executeTakeFirst();
    if (!row) throw notFound();
    return row;
  };
  /** The lock of an item in progress: known to its owner alone. */
  function mustOwn(row: ItemRow, transactionUid: string | undefined, by: Principal): void {
    if (!transactionUid) throw uidMissing();
    if (row.transaction_uid !== transactionUid || row.worker_id !== idOf(by)) throw uidWrong();
  }

  async function claim(uid: string, transactionUid: string | undefined, by: Principal): Promise<void> {
    if (!transactionUid) throw uidMissing();
    if (!isUid(transactionUid)) throw refusal('transaction-uid-wrong', 400, 'The Transaction UID is no UID.');
    const known = await view.rowOf(uid);
    const model = known && (await deps.model(known.model_id));
    if (model && !isReturnable(model.manifest))
      throw inconsistent(
        'Two labels of this model share a code or words, so what it says cannot come back: it runs on the server alone.',
      );
    const got = await store.write<AssistTables, 'claimed' | 'taken' | 'off'>(async (tx) => {
      const row = await rowIn(tx, uid);
      const state = stateOf(row);
      if (state !== 'SCHEDULED') throw inconsistent(`The work item is ${state} already.`);
      const held = await store.jobs.hold(tx, { kind: RUN_JOB, key: row.run_id, worker: idOf(by), leaseMs });
      if (!held) return 'taken';
      const run = (await tx
        .updateTable('ai_run')
        .set({ state: 'running', attempt: held.attempt, started_at: now(), detail: null })
        .where('id', '=', row.run_id)
        .where('state', 'in', ['waiting', 'running'])
        .returningAll()
        .executeTakeFirst()) as RunTable | undefined;
      if (!run || !model?.enabled) {
        // Nothing to do any more: as our own processes find it.
        await store.jobs.letGo(tx, held, 'done');
        await finishIn(deps, tx, row.run_id, { state: 'not-run', reason: 'disabled' });
        return 'off';
      }
      await items.take(tx, run, {
        worker: by.name,
        workerId: held.worker,
        jobId: held.id,
        attempt: held.attempt,
        transactionUid,
      });
      await say(store, tx, run, 'assist.run.started', 'running');
      return 'claimed';
    });
    if (got === 'taken') throw inconsistent('The work item cannot be claimed now.');
    if (got === 'off') throw inconsistent('The model of this work item is not enabled.');
  }

  async function complete(uid: string, transactionUid: string | undefined, by: Principal): Promise<boolean> {
    const row = await view.rowOf(uid);
    if (!row) throw notFound();
    const state = stateOf(row);
    if (state === 'COMPLETED') return true;
    if (state !== 'IN PROGRESS') throw inconsistent(`The work item is ${state}.`);
    mustOwn(row, transactionUid, by);
    const performed = row.performed === null ? undefined : (JSON.parse(row.performed) as Performed);
    if (!performed?.startedAt || !performed.endedAt || performed.output.length === 0)
      throw refusal(
        'workitem-incomplete',
        409,
        'Before it is COMPLETED, tell the start and the end of the procedure and its output, at least one object.',
      );
    for (const { sopInstanceUid } of performed.output) {
      const instance = await archive.instance(sopInstanceUid, SEES_ALL);
      if (instance?.aiRunId !== row.run_id)
        throw refusal(
          'workitem-incomplete',
          409,
          'An object of the output was not stored here as a result of this work item.',
        );
    }
    const keep = await deps.results(row.run_id, performed);
    await store.write<AssistTables, void>(async (tx) => {
      const ended = await store.jobs.letGo(tx, heldOf(row), 'done');
      if (ended === 'lost') throw inconsistent('The claim on the work item is gone.');
      const sr = await keep(tx);
      await finishIn(
        deps,
        tx,
        row.run_id,
        { state: 'analysed', sr_sop_instance_uid: sr },
        Number(row.attempt),
        performed,
      );
    });
    return false;
  }

  /** Whoever claimed it gives it up: asked to, or because it failed, or because there is nothing to be analysed. */
  async function cancel(uid: string, transactionUid: string | undefined, by: Principal): Promise<boolean> {
    return store.write<AssistTables, boolean>(async (tx) => {
      const row = await rowIn(tx, uid);
      const state = stateOf(row);
      if (state === 'CANCELED') return true;
      if (state !== 'IN PROGRESS') throw inconsistent(`The work item is ${state}.`);
      mustOwn(row, transactionUid, by);
      const reason = (row.reason ?? 'The worker gave it up').slice(0, DETAIL_LENGTH);
      if (row.reason_code === 'pixels-undecodable') {
        await store.jobs.letGo(tx, heldOf(row), 'done');
        await finishIn(deps, tx, row.run_id, { state: 'not-run', reason: 'pixels-undecodable' });
      } else if (row.cancel_requested_at !== null) {
        await store.jobs.letGo(tx, heldOf(row), 'cancelled');
        await finishIn(deps, tx, row.run_id, { state: 'failed', detail: CANCELLED });
      } else await failed(tx, heldOf(row), row.run_id, { error: reason });
      return false;
    });
  }

  /** The claim came to nothing: the run waits for the next attempt, or has failed for good. */
  async function failed(
    tx: ItemTx,
    held: Held,
    runId: string,
    how: { error: string; interrupted?: boolean },
  ): Promise<void> {
    const backoffMs = how.interrupted ? () => 0 : deps.backoffMs;
    const left = await store.jobs.letGo(tx, held, how, { backoffMs });
    if (left === 'lost') return;
    const detail = how.error.slice(0, DETAIL_LENGTH);
    if (left === 'failed') {
      await finishIn(deps, tx, runId, { state: 'failed', detail });
      return;
    }
    await items.end(tx, runId, { outcome: 'canceled', reason: how.error });
    const run = await tx
      .updateTable('ai_run')
      .set({ state: 'waiting', detail })
      .where('id', '=', runId)
      .where('state', '=', 'running')
      .returningAll()
      .executeTakeFirst();
    if (run) await items.offer(tx, run);
  }

  /** Claims whose lease ran out: the item is cancelled and another one made, for whoever comes. */
  async function sweep(): Promise<void> {
    for (const { key, ...held } of await store.jobs.lapsed(RUN_JOB))
      await store.write<AssistTables, void>((tx) =>
        failed(tx, held, key, { error: TAKEN_OVER, interrupted: true }),
      );
  }

  return {
    async find({ states, limit, offset }, asker) {
      return view.datasets(await view.page({ states, limit, offset }), asker);
    },

    async item(uid, asker) {
      const row = await view.rowOf(uid);
      if (!row) throw notFound();
      return (await view.datasets([row], asker))[0]!;
    },

    async update(uid, json, transactionUid, by) {
      const changes = changesOf(json);
      await store.write<AssistTables, void>(async (tx) => {
        const row = await rowIn(tx, uid);
        const state = stateOf(row);
        if (state === 'SCHEDULED')
          throw refusal('workitem-unclaimed', 409, 'The work item is not claimed: claim it first.');
        if (state !== 'IN PROGRESS')
          throw refusal('workitem-over', 400, `The work item is ${state} and may no longer be changed.`);
        mustOwn(row, transactionUid, by);
        if (!(await store.jobs.renew(tx, heldOf(row), leaseMs)))
          throw inconsistent('The claim on the work item is gone.');
        await tx
          .updateTable('ai_work_item')
          .set({
            updated_at: now(),
            ...(changes.progress === undefined ? {} : { progress: changes.progress }),
            ...(changes.progressText === undefined ? {} : { progress_text: changes.progressText }),
            ...(changes.reason === undefined ? {} : { reason: changes.reason }),
            ...(changes.reasonCode === undefined ? {} : { reason_code: changes.reasonCode }),
            ...(changes.performed === undefined ? {} : { performed: JSON.stringify(changes.performed) }),
          })
          .where('uid', '=', uid)
          .execute();
        items.say({ uid, type: 'progress' });
      });
      return { ignored: changes.ignored };
    },

    async changeState(uid, { state, transactionUid }, by) {
      if (state === 'IN PROGRESS') {
        await claim(uid, transactionUid, by);
        return { already: false };
      }
      if (state === 'COMPLETED') return { already: await complete(uid, transactionUid, by) };
      if (state === 'CANCELED') return { already: await cancel(uid, transactionUid, by) };
      if (!(await view.rowOf(uid))) throw notFound();
      throw state === 'SCHEDULED'
        ? inconsistent('A work item is SCHEDULED when it is made, and never again.')
        : refusal('workitem-attributes', 400, 'Procedure Step State is IN PROGRESS, COMPLETED or CANCELED.');
    },

    async requestCancel(uid, reason, by) {
      return store.write<AssistTables, { already: boolean }>(async (tx) => {
        const row = await rowIn(tx, uid);
        const state = stateOf(row);
        if (state === 'CANCELED') return { already: true };
        if (state === 'COMPLETED') throw inconsistent('The work item is COMPLETED.');
        const at = now();
        await tx
          .updateTable('ai_work_item')
          .set({ cancel_requested_at: at, updated_at: at })
          .where('uid', '=', uid)
          .execute();
        items.say({ uid, type: 'cancel-requested' });
        await store.events.append(tx, {
          kind: 'assist.run.cancel-requested',
          studyUid: row.study_uid,
          subject: row.run_id,
          actor: by.personId ?? by.name,
          payload: { model: row.model_id },
        });
        // Nobody holds it, or we do ourselves: then it ends at once.
        if (state === 'SCHEDULED' || row.worker_id === null) {
          await store.jobs.cancel(tx, RUN_JOB, row.run_id);
          const detail = reason ? `${CANCELLED}: ${reason}` : CANCELLED;
          await finishIn(deps, tx, row.run_id, { state: 'failed', detail: detail.slice(0, DETAIL_LENGTH) });
        }
        return { already: false };
      });
    },

    ...subscriptions,

    async mayRead(sopInstanceUid, by) {
      const read = store.read.withTables<AssistTables>();
      const input = await read
        .selectFrom('ai_work_item')
        .innerJoin('ai_run_image', 'ai_run_image.run_id', 'ai_work_item.run_id')
        .select('ai_work_item.uid')
        .where('ai_run_image.sop_instance_uid', '=', sopInstanceUid)
        .where('ai_work_item.worker_id', '=', idOf(by))
        .where('ai_work_item.ended_at', 'is', null)
        .executeTakeFirst();
      if (input) return true;
      const runId = (await archive.instance(sopInstanceUid, SEES_ALL))?.aiRunId;
      if (!runId) return false;
      const own = await read
        .selectFrom('ai_work_item')
        .select('uid')
        .where('run_id', '=', runId)
        .where('worker_id', '=', idOf(by))
        .where((eb) => eb.or([eb('ended_at', 'is', null), eb('outcome', '=', 'completed')]))
        .executeTakeFirst();
      return own !== undefined;
    },

    async runOfSent({ studyUid, workitem }, by) {
      return store.write<AssistTables, { runId: string; modelId: string }>(async (tx) => {
        let query = tx
          .selectFrom('ai_work_item')
          .selectAll()
          .where('study_uid', '=', studyUid)
          .where('worker_id', '=', idOf(by))
          .where('ended_at', 'is', null);
        if (workitem !== undefined) query = query.where('uid', '=', workitem);
        const held = await query.execute();
        const [row] = held;
        if (!row)
          throw refusal('workitem-not-held', 409, 'You hold no work item of this study: claim it first.');
        if (held.length > 1)
          throw refusal(
            'workitem-not-held',
            409,
            'You hold several work items of this study: say which by ?workitem=UID.',
          );
        if (!(await store.jobs.renew(tx, heldOf(row), leaseMs)))
          throw refusal('workitem-not-held', 409, 'The claim on the work item is gone.');
        return { runId: row.run_id, modelId: row.model_id };
      });
    },

    start() {
      const look = (): void =>
        void sweep().catch((error) =>
          log.error({ reason: reasonOf(error) }, 'looking for lapsed claims failed'),
        );
      looking = setInterval(look, LOOK_MS);
      looking.unref();
    },
    stop() {
      clearInterval(looking);
    },
  };
}

const CANCELLED = 'cancelled on request';
