import { SEES_ALL, SEES_NO_AI } from '../archive/types.ts';
import type { Archive } from '../archive/types.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { Principal } from '../people/types.ts';
import type { Log, Store, Tx } from '../store/types.ts';
import { analyse, giveUp } from './analyse.ts';
import type { AnalyseDeps } from './analyse.ts';
import { decide, decideFailed, DECIDE_JOB, RUN_ATTEMPTS, RUN_JOB } from './decide.ts';
import { differences, goldenPattern, observe, readGolden } from './golden.ts';
import { heatmapPng } from './heatmap.ts';
import { loadPackages } from './package.ts';
import type { ModelPackage } from './package.ts';
import { findingsOf, forgetRuns, heatOf, latestRuns, runById } from './runs.ts';
import { createPool } from './runner/pool.ts';
import { createRunner } from './runner/runner.ts';
import type { Runner } from './runner/runner.ts';
import type { AssistTables } from './tables.ts';
import { createUps } from './ups/index.ts';
import { createItems } from './ups/items.ts';
import { resultReader } from './ups/results.ts';
import { hashesOf, trainingHashes } from './training.ts';
import type { Assist, InstalledModel } from './types.ts';

const CONSUMER = 'assist';
const FORGET_CONSUMER = 'assist.forget';
/** Studies that are looked at again when a tool is switched on. */
const MAX_REDECIDED = 1000;
const LEASE_MS = 30_000;
const silent: Log = { info() {}, warn() {}, error() {} };

export interface AssistOptions {
  readonly store: Store;
  readonly archive: Archive;
  readonly now?: () => number;
  readonly log?: Log;
  /** Folders of packages: see `loadPackages`. */
  readonly modelDirs: readonly string[];
  /** IANA zone of the site, for the DICOM results. */
  readonly timeZone?: string;
  /** Threads of one inference. */
  readonly threads?: number;
  /** Runs at once on this machine, each in a process of its own; 0: all of them elsewhere, by workers. */
  readonly processes?: number;
  /** A worker elsewhere has to be heard of within this time. */
  readonly workerLeaseMs?: number;
  /** A model's process ends after this time without work. */
  readonly idleMs?: number;
  readonly backoffMs?: (attempt: number) => number;
}

export function createAssist(options: AssistOptions): Assist {
  const {
    store,
    archive,
    now = Date.now,
    log = silent,
    modelDirs,
    threads = 1,
    processes = 1,
    idleMs = 60_000,
  } = options;
  const read = store.read.withTables<AssistTables>();
  const runners = new Map<string, Runner>();
  const hashes = new Map<string, Promise<ReadonlySet<string>>>();
  let loading: Promise<ModelPackage[]> | undefined;

  const packages = (): Promise<ModelPackage[]> =>
    (loading ??= loadPackages(modelDirs, (dir, error) =>
      log.error({ dir, reason: reasonOf(error) }, 'a model package is broken and left out'),
    ));

  async function models(): Promise<InstalledModel[]> {
    const states = await read.selectFrom('model_state').selectAll().execute();
    const off = new Set(states.filter((s) => Number(s.enabled) === 0).map((s) => s.model_id));
    return (await packages()).map((p) => ({ ...p, enabled: !off.has(p.manifest.id) }));
  }
  const model = async (id: string): Promise<InstalledModel | undefined> =>
    (await models()).find((m) => m.manifest.id === id);
  async function installed(id: string): Promise<InstalledModel> {
    const found = await model(id);
    if (!found)
      throw new NegatoscopeError('model-unknown', 'There is no such model.', {
        status: 404,
        details: { model: id },
      });
    return found;
  }
  /** The processes of a model, kept warm. */
  function runner(of: InstalledModel): Runner {
    const { id } = of.manifest;
    const running = runners.get(id) ?? createPool(processes, { model: of, threads, idleMs, log });
    runners.set(id, running);
    return running;
  }
  const items = createItems({ now });
  const deps: AnalyseDeps = {
    store,
    archive,
    items,
    now,
    log,
    softwareVersion: VERSION,
    timeZone: options.timeZone,
    model,
    runner,
    results: resultReader({ store, archive, now, model, softwareVersion: VERSION }),
  };

  /** Runs that a crash between a job's end and the row's left open: closed, or queued again. */
  async function reconcile(): Promise<void> {
    const open = await read
      .selectFrom('ai_run')
      .select(['id', 'study_uid', 'model_id'])
      .where('state', 'in', ['waiting', 'running'])
      .execute();
    for (const run of open) {
      const { id } = run;
      const jobs = await store.read
        .selectFrom('job')
        .select(['state', 'error'])
        .where('kind', '=', RUN_JOB)
        .where('key', '=', id)
        .orderBy('id', 'desc')
        .execute();
      if (jobs.some((job) => job.state === 'running')) continue;
      if (jobs.some((job) => job.state === 'waiting')) {
        await store.write<AssistTables, void>((tx) => items.offer(tx, run));
        continue;
      }
      const failed = jobs.find((job) => job.state === 'failed');
      if (failed) await giveUp(deps, id, failed.error ?? 'unknown');
      else
        await store.write<AssistTables, void>(async (tx) => {
          await store.jobs.enqueue(tx, { kind: RUN_JOB, key: id, maxAttempts: RUN_ATTEMPTS });
          await items.offer(tx, run);
        });
    }
  }

  const ups = createUps({ ...deps, backoffMs: options.backoffMs, leaseMs: options.workerLeaseMs });

  return {
    models,
    model,
    ups,

    async setEnabled(id: string, enabled: boolean, by: Principal): Promise<void> {
      mustBeAdmin(by);
      await installed(id);
      await store.write<AssistTables, void>(async (tx) => {
        await tx
          .insertInto('model_state')
          .values({ model_id: id, enabled: enabled ? 1 : 0 })
          .onConflict((c) => c.column('model_id').doUpdateSet({ enabled: enabled ? 1 : 0 }))
          .execute();
        await store.events.append(tx, {
          kind: 'assist.model.enabled',
          subject: id,
          actor: by.personId ?? by.name,
          payload: { enabled },
        });
        if (!enabled) return;
        const left = await tx
          .selectFrom('ai_run')
          .select('study_uid')
          .distinct()
          .where('model_id', '=', id)
          .where('reason', '=', 'disabled')
          .limit(MAX_REDECIDED)
          .execute();
        for (const { study_uid } of left) await store.jobs.enqueue(tx, { kind: DECIDE_JOB, key: study_uid });
      });
    },

    runs: (studyUids) => latestRuns(read, studyUids),
    run: (id) => runById(read, id),
    findings: (runId) => findingsOf(read, runId),

    async heatmap(runId, sopInstanceUid) {
      const heat = await heatOf(read, runId, sopInstanceUid);
      return heat && heatmapPng(heat.cells, heat.rows, heat.columns);
    },
    heatmapBox: async (runId, sopInstanceUid) => (await heatOf(read, runId, sopInstanceUid))?.box,

    async inTraining(modelId, studyUid) {
      const { manifest, dir } = await installed(modelId);
      if (!manifest.training) return false;
      const known = hashes.get(modelId) ?? trainingHashes({ manifest, dir });
      hashes.set(modelId, known);
      const listed = await known;
      const images = await archive.findInstances({ match: {}, studyUid }, SEES_NO_AI);
      for (const image of images) {
        if (image.kind !== 'image') continue;
        const frame = await archive.frame(image.sopInstanceUid, 1, SEES_ALL).catch(() => null);
        if (hashesOf(image.sha256, frame && frame.bytes).some((hash) => listed.has(hash))) return true;
      }
      return false;
    },

    async retry(runId: string, by: Principal): Promise<void> {
      await store.write<AssistTables, void>(async (tx) => {
        const run = await tx.selectFrom('ai_run').selectAll().where('id', '=', runId).executeTakeFirst();
        if (!run) throw new NegatoscopeError('run-unknown', 'There is no such run.', { status: 404 });
        if (run.state !== 'failed')
          throw new NegatoscopeError('run-not-failed', 'Only a failed run can be repeated.', { status: 409 });
        if (run.input_digest === '') {
          // It failed before its images were chosen.
          await store.jobs.enqueue(tx, { kind: DECIDE_JOB, key: run.study_uid });
          return;
        }
        await tx
          .updateTable('ai_run')
          .set({ state: 'waiting', detail: null, finished_at: null })
          .where('id', '=', runId)
          .execute();
        await store.jobs.enqueue(tx, { kind: RUN_JOB, key: runId, maxAttempts: RUN_ATTEMPTS });
        await items.offer(tx, run);
        await store.events.append(tx, {
          kind: 'assist.run.queued',
          studyUid: run.study_uid,
          subject: runId,
          actor: by.personId ?? by.name,
          payload: { model: run.model_id, state: 'waiting' },
        });
      });
    },

    async check(id) {
      const pack = await installed(id);
      const golden = await readGolden(pack);
      const own = createRunner({ model: pack, threads, idleMs, log });
      try {
        const cases = [];
        for (const each of golden.cases) {
          const detail = await own.analyse({ kind: 'grey', plane: goldenPattern(each.pattern) }).then(
            (result) => differences(each, observe(result), golden.tolerance).join('; '),
            (error: unknown) => reasonOf(error),
          );
          cases.push({ name: each.name, ok: detail === '', detail: detail || `score ${each.score}` });
        }
        return { ok: cases.every((each) => each.ok), cases };
      } finally {
        await own.close();
      }
    },

    async start() {
      await packages();
      await reconcile();
      const backoff = options.backoffMs ? { backoffMs: options.backoffMs } : {};
      store.events.consume(
        CONSUMER,
        async (tx, event) => {
          if (!event.study_uid) return;
          await store.jobs.enqueue(tx, { kind: DECIDE_JOB, key: event.study_uid });
        },
        { kinds: ['archive.study.complete', 'archive.patient.corrected'] },
      );
      store.events.consume(
        FORGET_CONSUMER,
        async (tx, event) => {
          if (event.payload?.gone === true && event.study_uid)
            await forgetRuns(tx as unknown as Tx<AssistTables>, event.study_uid);
        },
        { kinds: ['archive.erased'] },
      );
      store.jobs.work(DECIDE_JOB, async (job) => decide(deps, job.key, await models()), {
        ...backoff,
        onGiveUp: async (job, error) => decideFailed(deps, job.key, await models(), error),
      });
      ups.start();
      if (processes === 0) return;
      store.jobs.work(RUN_JOB, (job, signal) => analyse(deps, job, signal), {
        leaseMs: LEASE_MS,
        concurrency: processes,
        ...backoff,
        onGiveUp: (job, error) => giveUp(deps, job.key, error),
      });
    },

    async close() {
      ups.stop();
      await Promise.all([...runners.values()].map((each) => each.close()));
      runners.clear();
    },
  };
}

function mustBeAdmin(by: Principal): void {
  if (!by.roles.has('admin'))
    throw new NegatoscopeError('forbidden', 'Only an administrator may do this.', { status: 403 });
}
