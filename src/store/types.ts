import type { Kysely, Transaction } from 'kysely';
import type { Readable } from 'node:stream';

/**
 * Tables of the store itself; a room adds its own by `store.db.withTables<RoomTables>()`, where `RoomTables` is a `type` (an
 * `interface` has no index signature, and Kysely asks for one).
 */
export interface StoreTables {
  job: JobTable;
  event: EventTable;
  event_pending: EventPendingTable;
  consumer_cursor: { consumer: string; seq: number };
  setting: { key: string; value: string };
  migration: { id: string; applied_at: number };
}
export type Db<T = unknown> = Kysely<StoreTables & T>;
export type Tx<T = unknown> = Transaction<StoreTables & T>;

export interface JobTable {
  id: string;
  kind: string;
  /** One open job per (kind, key). */
  key: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  priority: number; // higher first; STAT 100, routine 0
  payload: string; // JSON
  attempt: number;
  max_attempts: number;
  run_after: number; // ms UTC
  lease_until: number | null;
  worker: string | null;
  error: string | null;
  created_at: number;
  updated_at: number;
}
export interface EventPendingTable {
  id: string; // UUIDv7: order of writing
  at: number;
  kind: string;
  study_uid: string | null;
  subject: string | null; // id of what it is about: a report, a run, a person
  actor: string | null; // person id, "token:<name>", "system"
  payload: string; // JSON, keys and codes only, never a patient's name
  payload_digest: string; // sha256 hex of payload
}
/** Sealed: gapless `seq`, `hash = sha256(prev_hash, seq, id, at, kind, study_uid, subject, actor, payload_digest)`. */
export interface EventTable extends Omit<EventPendingTable, 'payload'> {
  seq: number;
  payload: string | null; // null once erased; the digest stays
  prev_hash: string;
  hash: string;
}

/**
 * Columns that mean the same on both databases: `text`, `integer` (32 bits), `bigint` (ms UTC, sizes), `double precision`,
 * `bytea`; 0 and 1 in an `integer` for booleans. Counts and sums come back as numbers.
 */
export interface Migration {
  /** "archive-001": room and number; applied once, in the order given. Must run on SQLite and PostgreSQL alike. */
  readonly id: string;
  up(db: Kysely<any>): Promise<void>;
}

export interface NewJob {
  kind: string;
  key: string;
  payload?: unknown;
  priority?: number;
  maxAttempts?: number;
  runAfter?: number;
}
export interface Job<P = unknown> {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly payload: P;
  readonly attempt: number;
  readonly priority: number;
}

/** A claim on a job: gone once the job has another worker or attempt. */
export interface Held {
  readonly id: string;
  readonly worker: string;
  readonly attempt: number;
}

export interface Jobs {
  /** Idempotent while a job of the same kind and key is waiting: returns its id. If one is running, a second waits behind it. */
  enqueue(tx: Tx<any>, job: NewJob): Promise<string>;
  /**
   * Works on a kind until the store closes: claims with a lease, heartbeats, retries with growing pauses, marks failed after
   * the last attempt. A lease that ran out (dead process) is claimed again. `concurrency` default 1.
   */
  work<P>(
    kind: string,
    handler: (job: Job<P>, signal: AbortSignal) => Promise<void>,
    options?: {
      concurrency?: number;
      leaseMs?: number;
      backoffMs?: (attempt: number) => number;
      onGiveUp?: (job: Job<P>, error: string) => Promise<void>;
    },
  ): void;
  cancel(tx: Tx<any>, kind: string, key: string): Promise<void>;
  /**
   * For who works elsewhere and tells by requests that it lives. Takes the waiting job of a key if it is due; of several that ask
   * at once one gets it, the others undefined.
   */
  hold(
    tx: Tx<any>,
    job: { kind: string; key: string; worker: string; leaseMs: number },
  ): Promise<Held | undefined>;
  /** False when the claim is gone: the lease ran out and others took the job. */
  renew(tx: Tx<any>, held: Held, leaseMs: number): Promise<boolean>;
  /**
   * Ends a claim: `done`, `cancelled`, or an error, after which the job waits for its next attempt or has failed for good.
   * `interrupted`: whoever held it vanished, so the attempt counts less. `lost`: the claim was gone, nothing changed.
   */
  letGo(
    tx: Tx<any>,
    held: Held,
    how: 'done' | 'cancelled' | { error: string; interrupted?: boolean },
    options?: { backoffMs?: ((attempt: number) => number) | undefined },
  ): Promise<'done' | 'cancelled' | 'waiting' | 'failed' | 'lost'>;
  /** Claims by `hold` whose lease ran out and that nobody took over yet. */
  lapsed(kind: string): Promise<(Held & { key: string })[]>;
  /** By kind and state. Jobs that ended well or were cancelled are forgotten after 30 days; failed ones stay. */
  counts(): Promise<Record<string, Record<JobTable['state'], number>>>;
  /** Kinds with something to do, running or failed. */
  queues(): Promise<JobQueue[]>;
  /** Gives failed jobs of a kind their attempts back. Returns how many. */
  retryFailed(kind: string): Promise<number>;
}
export interface JobQueue {
  kind: string;
  /** Due now. Jobs for later do not wait. */
  waiting: number;
  /** Since when the oldest of them is due, ms UTC. */
  oldestDueAt: number | null;
  running: number;
  failed: number;
}

export interface NewEvent {
  kind: string; // "archive.study.changed", "reading.report.signed", …
  studyUid?: string;
  subject?: string;
  actor?: string;
  payload?: Record<string, unknown>;
  /** A number in the payload. While an event that differs in it alone waits to be sealed, it is added there: hundreds of slices are not hundreds of events. */
  adds?: string;
}
export type SealedEvent = Omit<EventTable, 'payload'> & { payload: Record<string, unknown> | null };

export interface Events {
  append(tx: Tx<any>, event: NewEvent): Promise<void>;
  /** Ephemeral: called after sealing, in order; for live pages. Returns the unsubscribe function. */
  tail(listener: (event: SealedEvent) => void): () => void;
  /**
   * Durable: `apply` runs inside the transaction that advances the consumer's cursor; each event exactly once, in order.
   * A consumer that is new starts at the first event.
   */
  consume(
    consumer: string,
    apply: (tx: Tx<any>, event: SealedEvent) => Promise<void>,
    options?: { kinds?: readonly string[] },
  ): void;
  /** Resolves when every event committed before the call is sealed and consumed. For tests and orderly shutdown. */
  settled(): Promise<void>;
  lastSeq(): Promise<number>;
  /** Newest first. */
  page(filter: {
    before?: number;
    limit?: number;
    kind?: string;
    studyUid?: string;
    actor?: string;
  }): Promise<SealedEvent[]>;
  /** Walks the chain. `brokenAt`: first `seq` whose hash, link or payload digest does not match, or that is missing. */
  verify(): Promise<{ ok: boolean; events: number; brokenAt?: number; reason?: string }>;
  /** Forgets what a sealed event carried; its digest stays, so the chain still verifies. */
  erasePayload(tx: Tx<any>, seq: number): Promise<void>;
}

/** A file being written beside the archive. Nothing of it is visible until committed. */
export interface StagedBlob {
  /** Takes a copy: the chunk may be used again once this resolves. One call at a time. */
  write(chunk: Uint8Array): Promise<void>;
  /** Bytes so far. */
  readonly size: number;
  /** Lower-case hex; after `finish`. */
  readonly sha256: string;
  /** The bytes are on stable storage afterwards. */
  finish(): Promise<void>;
  /** Where it lies, readable after `finish`. */
  readonly path: string;
  /** Set by `finish` when it has its name in `objects/` already, on stable storage: small ones are written there at once. */
  readonly ref: string | undefined;
  discard(): Promise<void>;
}

export interface Blobs {
  /** Does not touch the disk yet: a failure is told by `write` or `finish`. */
  stage(): Promise<StagedBlob>;
  /**
   * Renames finished files that have no name yet to `objects/YYYY/MM/DD/HH/<uuid>.dcm` and syncs the directory once. Returns
   * the references of all (paths relative to `dir`), in order. Call before the database transaction commits; what a crash leaves unreferenced is swept at start.
   */
  commit(staged: readonly StagedBlob[]): Promise<string[]>;
  read(ref: string, range?: { offset: number; length: number }): Promise<Buffer>;
  /** Fills `target` from byte `position` of the object on; gives how many bytes there were. */
  readInto(ref: string, target: Uint8Array, position: number): Promise<number>;
  stream(ref: string, range?: { offset: number; length: number }): Readable;
  /** Where the file lies, for a thread that reads it itself. */
  path(ref: string): string;
  size(ref: string): Promise<number>;
  remove(ref: string): Promise<void>;
  /**
   * Takes a file that nothing refers to out of `objects/` without losing it: into `orphans/`, where it lies for 30 days before
   * `sweepStaging` removes it.
   */
  setAside(ref: string): Promise<void>;
  /** How many files lie in `orphans/`. */
  orphans(): Promise<number>;
  /** Bytes free on the volume. */
  free(): Promise<number>;
  /**
   * References of all objects from the hour of `since` (ms UTC) on, oldest hour first; for the sweep at start. Among them are
   * files that nothing refers to yet, empty or being written.
   */
  list(since?: number): AsyncIterable<string>;
  /** Removes what a crash left unfinished; the store does it when it opens. Returns how many files. */
  sweepStaging(): Promise<number>;
}

export interface Store {
  readonly dialect: 'sqlite' | 'postgres';
  readonly dir: string;
  /** Writes and transactions. */
  readonly db: Db;
  /** A separate connection for reading; sees what is committed. */
  readonly read: Db;
  readonly blobs: Blobs;
  readonly jobs: Jobs;
  readonly events: Events;
  /**
   * One write transaction, durable when it resolves. Await nothing but SQL of `tx` inside. Serialised on both databases, so
   * what `work` reads does not change before it commits. A write within a write is refused. T: the room's tables.
   */
  write<T, R>(work: (tx: Tx<T>) => Promise<R>): Promise<R>;
  /** Where people reach this process; told to a second one that wants the same folder. */
  announce(address: string): void;
  setting(key: string): Promise<string | undefined>;
  setSetting(key: string, value: string): Promise<void>;
  close(): Promise<void>;
}

export interface StoreOptions {
  dir: string;
  /** `postgres://…`; SQLite in `dir` without it. */
  url?: string;
  migrations: readonly Migration[];
  now?: () => number;
  log?: Log;
}

export interface Log {
  info(o: object, m: string): void;
  warn(o: object, m: string): void;
  error(o: object, m: string): void;
}
