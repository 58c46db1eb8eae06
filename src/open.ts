import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Archive, archiveMigrations, createArchive } from './archive/index.ts';
import { assistMigrations, createAssist, foreignObjects, knownResults } from './assist/index.ts';
import type { Config } from './config.ts';
import { createDelivery, createForwarding, deliveryMigrations } from './delivery/index.ts';
import { NegatoscopeError } from './errors.ts';
import {
  createClaimCards,
  createEvidence,
  createExports,
  createLabelling,
  createMeasures,
  createMonthly,
  createOverview,
  createReferences,
  evidenceMigrations,
  lookOf,
} from './evidence/index.ts';
import { createLog } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createPeople, peopleMigrations } from './people/index.ts';
import { createReading, readingMigrations, knownDocuments, signedAt, standingOf } from './reading/index.ts';
import type { Principal } from './people/types.ts';
import { createRemote, remoteMigrations, type Here } from './remote/index.ts';
import type { Rooms } from './rooms.ts';
import { createStore, type Store } from './store/index.ts';
import { createValidation, validatedAt, validationMigrations } from './validation/index.ts';

/** Who looks at gates for the overview: they say the same to everyone. */
const NOBODY: Principal = { personId: null, name: 'system', roles: new Set(), via: 'cli', language: 'en' };
const BUILT_IN_MODELS = join(new URL('..', import.meta.url).pathname, 'models');

/** In the order in which tables refer to each other. */
export const migrations = [
  ...peopleMigrations,
  ...archiveMigrations,
  ...assistMigrations,
  ...evidenceMigrations,
  ...readingMigrations,
  ...remoteMigrations,
  ...deliveryMigrations,
  ...validationMigrations,
];

/** How others reach the DICOM port: what the server opens. */
async function hereOf(config: Config, store: Store): Promise<Here> {
  const plan = JSON.parse((await store.setting('network.plan')) ?? '{}') as { exposure?: string };
  const network =
    config.host === undefined ? plan.exposure === 'network' : !/^(127\.|::1$|localhost$)/.test(config.host);
  return { aeTitle: config.aet, port: config.dicomPort, network };
}

/** Puts the rooms together on one data folder. `start` begins their work: queues, consumers, sweeps. */
export async function openRooms(
  config: Config,
): Promise<Rooms & { start(): Promise<void>; close(): Promise<void> }> {
  try {
    mkdirSync(config.dir, { recursive: true, mode: 0o700 });
    accessSync(config.dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new NegatoscopeError(
      'data-dir',
      `The data folder ${config.dir} cannot be used (${(cause as NodeJS.ErrnoException).code}). Choose a folder with --data that this account may write to.`,
      { status: 500, cause },
    );
  }
  const log = createLog(config.dir, config.logLevel);
  const store = await createStore({
    dir: config.dir,
    migrations,
    log,
    ...(config.database ? { url: config.database } : {}),
  });
  const people = createPeople({ store, settings: { idleLockMs: config.idleLockMinutes * 60_000 } });
  const metrics = createMetrics();
  const archive = measured(
    createArchive({
      store,
      log,
      signedAt,
      foreign: foreignObjects,
      known: async (uids) => {
        const found = new Map<string, { kind: 'ai' | 'report'; aiRunId?: string }>();
        for (const each of [await knownResults(store, uids), await knownDocuments(store, uids)])
          for (const [uid, what] of each) found.set(uid, what);
        return found;
      },
      settings: {
        silenceMs: config.silenceSeconds * 1000,
        minFree: config.minFreeMb * 1024 ** 2,
        verifyDays: config.verifyDays,
      },
    }),
    metrics,
  );
  store.events.tail(({ kind }) => metrics.count('negatoscope_events_total', { kind }));
  const assist = createAssist({
    store,
    archive,
    log,
    modelDirs: [BUILT_IN_MODELS, ...config.models],
    signedOnly: config.signedModelsOnly,
    timeZone: config.timeZone,
    processes: config.assistProcesses,
    workerLeaseMs: config.workerLeaseSeconds * 1000,
  });
  const evidence = createEvidence({
    store,
    assist,
    log,
    timeZone: config.timeZone,
    // Validation comes after evidence, which it imports.
    validated: (modelId) => validatedAt(validation, modelId),
  });
  const reading = createReading({ store, archive, assist, evidence, log, timeZone: config.timeZone });
  const validation = createValidation({ store, archive, assist, folders: config.studyFolders, log });
  const labelling = createLabelling({ store, assist, archive, standing: (who) => standingOf(store, who) });
  const references = createReferences({ store, assist, archive });
  const measures = createMeasures({ store, assist });
  const claims = createClaimCards({ store });
  const overview = createOverview({
    evidence,
    assist,
    timeZone: config.timeZone,
    gate: async (modelId) => lookOf(await evidence.gates.view(modelId, NOBODY)),
  });
  const exports = createExports({ store, timeZone: config.timeZone });
  const monthly = createMonthly({
    evidence,
    overview,
    timeZone: config.timeZone,
    siteName: async () => (await store.setting('site.name')) ?? '',
  });
  const remote = createRemote({
    store,
    archive,
    log,
    here: () => hereOf(config, store),
    // Slow to load, and most show none.
    ownCertificate: async () => (await import('./authority.ts')).ownClientCertificate(config.dir),
  });
  const delivery = createDelivery({ store, archive, reading, log });
  const forwarding = createForwarding({
    store,
    archive,
    remote,
    log,
    isRoutine: async (runId) => {
      const run = await assist.run(runId);
      return run !== undefined && (await evidence.stage(run.modelId, run.modelVersion)).stage === 'routine';
    },
  });
  return {
    config,
    log,
    metrics,
    store,
    people,
    archive,
    assist,
    evidence,
    labelling,
    references,
    claims,
    exports,
    monthly,
    overview,
    measures,
    reading,
    remote,
    delivery,
    forwarding,
    validation,
    async start() {
      await archive.start();
      await assist.start();
      await evidence.start();
      references.start();
      await reading.start();
      await validation.start();
      remote.start();
      await delivery.start();
      forwarding.start();
    },
    async close() {
      await assist.close();
      await store.close();
    },
  };
}

/** The archive with its doors counted. */
function measured(archive: Archive, metrics: Metrics): Archive {
  return {
    ...archive,
    async ingest(body, origin, options) {
      const began = performance.now();
      const outcome = await archive.ingest(body, origin, options);
      metrics.count('negatoscope_ingest_total', { door: origin.door, outcome: outcome.status });
      metrics.time('negatoscope_ingest_seconds', (performance.now() - began) / 1000, { door: origin.door });
      return outcome;
    },
    ae: {
      ...archive.ae,
      async isKnown(aeTitle, address) {
        const known = await archive.ae.isKnown(aeTitle, address);
        metrics.count('negatoscope_associations_total', { known: String(known) });
        return known;
      },
    },
  };
}
