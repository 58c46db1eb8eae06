import { join } from 'node:path';
import { SEES_ALL, SEES_NO_AI } from '../archive/types.ts';
import type { Archive } from '../archive/types.ts';
import { NegatoscopeError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { Principal } from '../people/types.ts';
import type { Log, Store, Tx } from '../store/types.ts';
import { analyse, giveUp } from './analyse.ts';
import { analysedStudies, operatedAt } from './analysed.ts';
import type { AnalyseDeps } from './analyse.ts';
import { decide, decideFailed, DECIDE_JOB, RUN_ATTEMPTS, RUN_JOB, wholeStudy } from './decide.ts';
import { createForeign } from './foreign/index.ts';
import { heatmapPng } from './heatmap.ts';
import { checkPackage } from './packages/check.ts';
import { createShelf } from './packages/shelf.ts';
import { compareVersions } from './packages/versions.ts';
import { findingsOf, forgetRuns, heatOf, latestRuns, runById, versionsOf } from './runs.ts';
import { createPool } from './runner/pool.ts';
import type { Runner } from './runner/runner.ts';
import type { AssistTables } from './tables.ts';
import { createUps } from './ups/index.ts';
import { createItems } from './ups/items.ts';
import { resultReader } from './ups/results.ts';
import { hashesOf, knownImages } from './training.ts';
import type { Assist, InstalledModel, PackageVersion } from './types.ts';

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
  /** Folders that are packages, or hold packages right below. */
  readonly modelDirs: readonly string[];
  /** Only packages signed with a key of the practice's list are taken. */
  readonly signedOnly?: boolean;
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
  /** Of each version, as `keyOf` names it. */
  const trainedOn = new Map<string, ReturnType<typeof knownImages>>();
  const foreign = createForeign({ store, archive, now });
  const shelf = createShelf({
    store,
    now,
    modelDirs,
    home: join(store.dir, 'models'),
    signedOnly: options.signedOnly ?? false,
    check: (pack) => checkPackage(pack, { threads, idleMs, log }),
    onBroken: (broken) => log.error(broken, 'a model package is broken and left out'),
  });

  /** Of each tool the version in use. */
  async function models(): Promise<InstalledModel[]> {
    const states = await read.selectFrom('model_state').selectAll().execute();
    const byId = new Map<string, PackageVersion[]>();
    for (const each of (await shelf.loaded()).versions)
      byId.set(each.manifest.id, [...(byId.get(each.manifest.id) ?? []), each]);
    const own = [...byId].map(([id, versions]) => {
      const state = states.find(({ model_id }) => model_id === id);
      const { manifest, dir, removed } = inUse(versions, state?.version ?? null);
      return { manifest, dir, removed, enabled: !removed && Number(state?.enabled ?? 1) === 1 };
    });
    return [...own, ...(await foreign.tools())];
  }
  /** Those that run here. */
  const runnable = async (): Promise<InstalledModel[]> => (await models()).filter((each) => !each.foreign);
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
  /** The processes of a version, kept warm. */
  function runner(of: InstalledModel): Runner {
    const key = keyOf(of.manifest);
    const running = runners.get(key) ?? createPool(processes, { model: of, threads, idleMs, log });
    runners.set(key, running);
    return running;
  }
  async function choose(id: string, version: string, by: Principal): Promise<void> {
    await store.write<AssistTables, void>(async (tx) => {
      await tx
        .insertInto('model_state')
        .values({ model_id: id, enabled: 1, version })
        .onConflict((c) => c.column('model_id').doUpdateSet({ version }))
        .execute();
      await store.events.append(tx, {
        kind: 'assist.model.used',
        subject: id,
        actor: by.personId ?? by.name,
        payload: { version },
      });
    });
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
    // Once for all: jobs that are done have no index by key, and a month of them is kept.
    const rows = await read
      .selectFrom('job')
      .select(['key', 'state', 'error'])
      .where('kind', '=', RUN_JOB)
      .where('key', 'in', (eb) =>
        eb.selectFrom('ai_run').select('ai_run.id').where('ai_run.state', 'in', ['waiting', 'running']),
      )
      .orderBy('id', 'desc')
      .execute();
    const jobsOf = Map.groupBy(rows, ({ key }) => key);
    for (const run of open) {
      const { id } = run;
      const jobs = jobsOf.get(id) ?? [];
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
          .values({ model_id: id, enabled: enabled ? 1 : 0, version: null })
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
    versionsOf: (runIds) => versionsOf(read, runIds),
    analysed: (modelId, version, point) => analysedStudies(read, modelId, version, point),
    operated: (modelId) => operatedAt(read, modelId),
    findings: (runId) => findingsOf(read, runId),
    unmapped: (runId) => foreign.unmapped(runId),

    async heatmap(runId, sopInstanceUid, label) {
      const heat = await heatOf(read, runId, sopInstanceUid, label);
      return heat && heatmapPng(heat.cells, heat.rows, heat.columns);
    },
    heatmapBox: async (runId, sopInstanceUid, label) =>
      (await heatOf(read, runId, sopInstanceUid, label))?.box,

    async inTraining(modelId, studyUid) {
      const { manifest, dir } = await installed(modelId);
      const key = keyOf(manifest);
      const known = trainedOn.get(key) ?? knownImages({ manifest, dir });
      trainedOn.set(key, known);
      const listed = await known;
      if (!listed) return false;
      const images = await archive.findInstances(wholeStudy(studyUid), SEES_NO_AI);
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
      if (pack.foreign)
        throw new NegatoscopeError(
          'model-foreign',
          'This tool runs elsewhere: there is nothing to check here.',
          {
            status: 409,
          },
        );
      return checkPackage(pack, { threads, idleMs, log });
    },

    packages: () => shelf.loaded(),
    async add(from, by) {
      mustBeAdmin(by);
      const added = await shelf.add(from, by);
      await choose(added.manifest.id, added.manifest.version, by);
      return added;
    },
    async use(id, version, by) {
      mustBeAdmin(by);
      await shelf.find(id, version);
      await choose(id, version, by);
    },
    async remove(id, version, by) {
      mustBeAdmin(by);
      await shelf.remove(id, version, by);
      const key = keyOf({ id, version });
      await runners.get(key)?.close();
      runners.delete(key);
      // The same version may come back with another list.
      trainedOn.delete(key);
    },
    async trust(pem, by) {
      mustBeAdmin(by);
      const key = await shelf.trust(pem);
      await store.write((tx) =>
        store.events.append(tx, {
          kind: 'assist.model.trusted',
          subject: key,
          actor: by.personId ?? by.name,
        }),
      );
      return key;
    },

    async start() {
      await shelf.sweep();
      await shelf.loaded();
      await reconcile();
      const backoff = options.backoffMs ? { backoffMs: options.backoffMs } : {};
      store.events.consume(
        CONSUMER,
        async (tx, event) => {
          if (!event.study_uid) return;
          await store.jobs.enqueue(tx, { kind: DECIDE_JOB, key: event.study_uid });
          await foreign.again(tx as unknown as Tx<AssistTables>, event.study_uid);
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
      store.jobs.work(DECIDE_JOB, async (job) => decide(deps, job.key, await runnable()), {
        ...backoff,
        onGiveUp: async (job, error) => decideFailed(deps, job.key, await runnable(), error),
      });
      ups.start();
      foreign.start();
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

const keyOf = ({ id, version }: { id: string; version: string }): string => `${id}@${version}`;

/** The chosen version while it is here; else the newest that is. */
function inUse(versions: readonly PackageVersion[], chosen: string | null): PackageVersion {
  const here = versions.filter(({ removed }) => !removed);
  const newest = (of: readonly PackageVersion[]): PackageVersion =>
    of.reduce((a, b) => (compareVersions(b.manifest.version, a.manifest.version) > 0 ? b : a));
  if (here.length === 0) return newest(versions);
  return here.find(({ manifest }) => manifest.version === chosen) ?? newest(here);
}

function mustBeAdmin(by: Principal): void {
  if (!by.roles.has('admin'))
    throw new NegatoscopeError('forbidden', 'Only an administrator may do this.', { status: 403 });
}
