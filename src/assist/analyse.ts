/**
 * One run on this machine: do the work in the model's process, keep its result in rows, store the DICOM result. Each step is
 * repeated or skipped safely after a crash: results are computed once, and the DICOM result is made from the rows, under UIDs
 * that follow from the run.
 */
import { SEES_ALL } from '../archive/types.ts';
import type { Archive } from '../archive/types.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import type { Job, Log, Store, Tx } from '../store/types.ts';
import { storeResult } from './result.ts';
import { DETAIL_LENGTH, RUN_ATTEMPTS } from './decide.ts';
import { dropBits, keepResult } from './keep.ts';
import type { Runner } from './runner/runner.ts';
import type { AssistTables, RunTable } from './tables.ts';
import type { Performed } from './ups/dataset.ts';
import { LOCAL_WORKER } from './ups/items.ts';
import type { Items } from './ups/items.ts';
import type { InstalledModel } from './types.ts';
import { wholeFile } from './wholeFile.ts';
import { work } from './work.ts';

/** Larger files are refused before they are read: no radiograph comes near. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

export interface AnalyseDeps {
  readonly store: Store;
  readonly archive: Archive;
  readonly items: Items;
  readonly now: () => number;
  readonly log: Log;
  readonly softwareVersion: string;
  readonly timeZone?: string | undefined;
  model(id: string): Promise<InstalledModel | undefined>;
  runner(model: InstalledModel): Runner;
  /**
   * Reads what a worker elsewhere returned for a run, and gives what writes it to the rows, with the SOP Instance UID of the
   * document. Throws `workitem-incomplete` (409) when there is nothing in it that can be used.
   */
  results(
    runId: string,
    performed: Pick<Performed, 'output'>,
  ): Promise<(tx: Tx<AssistTables>) => Promise<string>>;
}

export async function analyse(deps: AnalyseDeps, job: Job, signal: AbortSignal): Promise<void> {
  const run = await begin(deps, job);
  if (!run) return;
  try {
    const model = await deps.model(run.model_id);
    if (!model)
      throw new NegatoscopeError('model-unknown', `The model ${run.model_id} is no longer installed`, {
        status: 404,
      });
    if (run.computed_at === null && !model.enabled) {
      await finish(deps, run.id, { state: 'not-run', reason: 'disabled' }, job.attempt);
      return;
    }
    if (run.computed_at === null && !(await compute(deps, run, model, signal))) return;
    const sop = await storeResult(deps, run.id, model.manifest);
    await finish(deps, run.id, { state: 'analysed', sr_sop_instance_uid: sop }, job.attempt);
    await deps.store.write<AssistTables, unknown>((tx) => dropBits(tx, run.id));
  } catch (error) {
    const reason = reasonOf(error).slice(0, DETAIL_LENGTH);
    // Unless somebody took it over, or it was cancelled: then it is no longer ours to say.
    await deps.store.write<AssistTables, void>(async (tx) => {
      const ours = await tx
        .updateTable('ai_run')
        .set({ state: 'waiting', detail: reason })
        .where('id', '=', run.id)
        .where('state', '=', 'running')
        .where('attempt', '=', job.attempt)
        .executeTakeFirst();
      if (ours.numUpdatedRows === 0n) return;
      await deps.items.end(tx, run.id, { outcome: 'canceled', reason });
      if (job.attempt < RUN_ATTEMPTS || signal.aborted) await deps.items.offer(tx, run);
    });
    throw error;
  }
}

/** After the last attempt. */
export const giveUp = (deps: FinishDeps, runId: string, error: string): Promise<void> =>
  finish(deps, runId, { state: 'failed', detail: error.slice(0, DETAIL_LENGTH) });

/** Marks the run as running; undefined when there is nothing to do any more. */
async function begin({ store, now, items }: AnalyseDeps, job: Job): Promise<RunTable | undefined> {
  return store.write<AssistTables, RunTable | undefined>(async (tx) => {
    const run = await tx
      .updateTable('ai_run')
      .set({ state: 'running', attempt: job.attempt, started_at: now(), detail: null })
      .where('id', '=', job.key)
      .where('state', 'in', ['waiting', 'running'])
      .returningAll()
      .executeTakeFirst();
    if (run) {
      const by = { worker: LOCAL_WORKER, workerId: null, jobId: job.id, attempt: job.attempt };
      await items.take(tx, run as RunTable, { ...by, transactionUid: null });
      await say(store, tx, run as RunTable, 'assist.run.started', 'running');
    }
    return run as RunTable | undefined;
  });
}

export type Finish = Partial<Pick<RunTable, 'state' | 'reason' | 'detail' | 'sr_sop_instance_uid'>>;

/** `attempt`: of the claim that ends it; one that was taken over meanwhile ends nothing. */
async function finish(deps: FinishDeps, runId: string, set: Finish, attempt?: number): Promise<void> {
  await deps.store.write<AssistTables, void>((tx) => finishIn(deps, tx, runId, set, attempt));
}

export type FinishDeps = Pick<AnalyseDeps, 'store' | 'now' | 'items'>;

export async function finishIn(
  { store, now, items }: FinishDeps,
  tx: Tx<AssistTables>,
  runId: string,
  set: Finish,
  attempt?: number,
  performed?: unknown,
): Promise<void> {
  let update = tx
    .updateTable('ai_run')
    .set({ ...set, finished_at: now() })
    .where('id', '=', runId)
    .where('state', 'in', ['waiting', 'running']);
  if (attempt !== undefined) update = update.where('attempt', '=', attempt);
  const run = (await update.returningAll().executeTakeFirst()) as RunTable | undefined;
  if (!run) return;
  if (run.state === 'analysed') await items.end(tx, runId, { outcome: 'completed', performed });
  else await items.end(tx, runId, { outcome: 'canceled', reason: run.detail ?? run.reason ?? run.state });
  await say(store, tx, run, 'assist.run.finished', run.state);
}

export const say = (
  store: Store,
  tx: Tx<AssistTables>,
  run: RunTable,
  kind: string,
  state: string,
): Promise<void> =>
  store.events.append(tx, {
    kind,
    studyUid: run.study_uid,
    subject: run.id,
    actor: 'system',
    payload: { model: run.model_id, state },
  });

/** False when nothing could be decided: then the run is closed as not run. */
async function compute(
  deps: AnalyseDeps,
  run: RunTable,
  model: InstalledModel,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, archive, now, log, softwareVersion } = deps;
  const images = await store.read
    .withTables<AssistTables>()
    .selectFrom('ai_run_image')
    .select('sop_instance_uid')
    .where('run_id', '=', run.id)
    .orderBy('position')
    .execute();
  const inputs = images.map(({ sop_instance_uid: sopInstanceUid }) => ({
    sopInstanceUid,
    read: () => readWhole(archive, sopInstanceUid),
  }));
  // What runs is what is installed now, not what was when the run was queued.
  const outcome = await work(model.manifest, deps.runner(model), inputs, {
    signal,
    onUndecodable: (_sop, reason) =>
      log.warn({ run: run.id, reason }, 'an image could not be decoded for a model'),
  });
  if ('notRun' in outcome) {
    await finish(deps, run.id, { state: 'not-run', reason: outcome.notRun }, run.attempt);
    return false;
  }
  await store.write<AssistTables, void>(async (tx) => {
    const ours = await tx
      .selectFrom('ai_run')
      .select('id')
      .where('id', '=', run.id)
      .where('state', '=', 'running')
      .where('attempt', '=', run.attempt)
      .executeTakeFirst();
    // Whoever took it over writes what they found; two would write over each other.
    if (!ours) throw new NegatoscopeError('aborted', 'The run was taken over or cancelled', { status: 409 });
    await keepResult(tx, run, outcome, { at: now(), softwareVersion });
  });
  return true;
}

async function readWhole(archive: Archive, sop: string): Promise<Buffer> {
  const instance = await archive.instance(sop, SEES_ALL);
  if (instance && instance.size > MAX_FILE_BYTES)
    throw new NegatoscopeError('pixels-undecodable', `The file is larger than ${MAX_FILE_BYTES} bytes`);
  return wholeFile(archive, sop, SEES_ALL);
}
