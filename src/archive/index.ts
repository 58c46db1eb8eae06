import { createDecoderPool } from '../dicom/pixels/index.ts';
import type { Log, Store } from '../store/types.ts';
import { createAeTitles } from './ae.ts';
import { createCommitment } from './commitment.ts';
import { createCorrect, createCorrections } from './correct.ts';
import { createDeletion, workPolicy } from './expiry.ts';
import { createFinder } from './find.ts';
import { createFolders } from './folders.ts';
import { createIngest, type IngestSettings } from './ingest.ts';
import { createLedger } from './ledger.ts';
import { sweep, workCompleteness, workInbox } from './life.ts';
import { createMetadata } from './metadata.ts';
import { createObjects } from './objects.ts';
import { createOutgoing } from './outgoing.ts';
import { createFindPatients } from './patients.ts';
import { createKeepAside, createQuarantine } from './quarantine.ts';
import type { SignedAt } from './policy.ts';
import { createRecycle } from './recycle.ts';
import { type Known, reindex } from './reindex.ts';
import { createSenders } from './senders.ts';
import { createSpool } from './spool.ts';
import { createReceipts } from './receipts.ts';
import { workSurplus } from './surplus.ts';
import type { ArchiveTables } from './tables.ts';
import type { Archive } from './types.ts';
import { createVerification } from './verification.ts';

export type * from './types.ts';
export { SEES_ALL, SEES_NO_AI } from './types.ts';
import type { Foreign } from './foreign.ts';

export type { Foreign } from './foreign.ts';
export { SPARED } from './life.ts';
export { patientParams, studyParams } from './params.ts';
export { archiveMigrations } from './migrations.ts';
export { EMPTY_VALUE, isKey, isValue, type Level, type MatchingOptions } from './match.ts';

export type ArchiveSettings = IngestSettings & {
  /** Every file is verified once in so many days. */
  verifyDays: number;
};

const DEFAULTS: ArchiveSettings = {
  silenceMs: 8_000,
  inboxMs: 10_000,
  inboxLimit: 64 * 1024,
  maxBytes: 64 * 1024 ** 3,
  minFree: 512 * 1024 ** 2,
  verifyDays: 30,
};

export interface ArchiveDependencies {
  store: Store;
  now?: () => number;
  log: Log;
  settings?: Partial<ArchiveSettings>;
  /**
   * Which of these references into the blobs another room still needs: the sweep at start spares them. To be given by
   * whoever lets another room keep objects in the same store.
   */
  isReferenced?: (refs: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Asked before a study is deleted: the reports of another room bind it. */
  signedAt?: SignedAt;
  /** Asked when the index is made anew. */
  known?: Known;
  /** Which of what comes in is the work of an algorithm elsewhere. */
  foreign?: Foreign;
}

/**
 * The archive: takes in, keeps, finds, gives out.
 *
 * @example
 * const store = await createStore({ dir, migrations: archiveMigrations });
 * const archive = createArchive({ store, log });
 * await archive.start();
 * const outcome = await archive.ingest(createReadStream('ct.dcm'), { door: 'import', from: 'cli' });
 */
export function createArchive({
  store,
  now = Date.now,
  log,
  settings: given = {},
  isReferenced = async () => new Set(),
  signedAt = async () => new Map(),
  known = async () => new Map(),
  foreign,
}: ArchiveDependencies): Archive {
  const settings: ArchiveSettings = { ...DEFAULTS, ...given };
  const db = store.read.withTables<ArchiveTables>();
  let starting: Promise<unknown> = Promise.resolve();

  const ready = async (): Promise<void> => void (await starting);

  const objects = createObjects(store);
  const ingest = createIngest({
    store,
    now,
    settings,
    objects,
    keepAside: createKeepAside(store, now, ready),
    foreign,
    ready,
  });

  const recycling = { store, now, signedAt };
  const verification = createVerification({ store, objects, now, log, days: settings.verifyDays });
  const senders = createSenders(store, now);
  const receipts = createReceipts(store);

  return {
    ingest,
    spool: createSpool(store, settings),
    ...createFinder(db, store.dialect),
    findPatients: createFindPatients(db, store.dialect),
    ...createMetadata(db, store.dialect, objects),
    instance: objects.instance,
    stored: objects.stored,
    file: objects.file,
    frame: objects.frame,
    outgoing: createOutgoing(db, objects, createDecoderPool()),
    verify: objects.verify,
    correct: createCorrect(store, now),
    corrections: createCorrections(db),
    quarantine: createQuarantine(store, ingest, objects, recycling),
    recycle: createRecycle(recycling),
    deletion: createDeletion(recycling),
    verification,
    reindex: (options) => reindex({ store, known, foreign, settings }, options),
    senders,
    ledger: createLedger(store, now),
    folders: createFolders(store, now),
    ae: createAeTitles({ store, now }),
    commitment: createCommitment(store, objects, now),
    receipts,

    async start() {
      starting = sweep(store, now, log, isReferenced);
      await starting;
      await receipts.recover();
      workCompleteness(store, now, settings);
      workInbox(store);
      workSurplus(store);
      await workPolicy(recycling, log);
      await verification.work();
      senders.start();
    },
  };
}
