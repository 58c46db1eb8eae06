import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Dialect, type Driver } from 'kysely';
import { SqliteConnection } from './connection.ts';

/** A first-in, first-out lock. */
class Mutex {
  #tail: Promise<void> = Promise.resolve();
  #release: (() => void) | undefined;

  async lock(): Promise<void> {
    const before = this.#tail;
    let release!: () => void;
    this.#tail = new Promise((resolve) => (release = resolve));
    await before;
    this.#release = release;
  }
  unlock(): void {
    this.#release?.();
  }
}

/**
 * One connection of `node:sqlite`, handed out to one user at a time. `durable` is awaited after the connection was given back,
 * so that the next user works while the disk confirms, and one sync serves all who waited.
 */
class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;
  readonly #mutex = new Mutex();
  readonly #options: SqliteDialectOptions;

  constructor(options: SqliteDialectOptions) {
    this.#options = options;
    this.#connection = options.connection;
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<SqliteConnection> {
    this.#options.beforeUse?.();
    await this.#mutex.lock();
    return this.#connection;
  }
  async beginTransaction(connection: SqliteConnection): Promise<void> {
    // IMMEDIATE: a write transaction that starts as a reader could not be upgraded once another connection wrote.
    connection.control(this.#options.readOnly ? 'begin' : 'begin immediate');
  }
  async commitTransaction(connection: SqliteConnection): Promise<void> {
    connection.control('commit');
  }
  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    // A full disk rolls back by itself.
    if (connection.inTransaction) connection.control('rollback');
    connection.takeWrote();
  }
  async releaseConnection(connection: SqliteConnection): Promise<void> {
    const wrote = connection.takeWrote();
    this.#mutex.unlock();
    if (wrote) await this.#options.durable?.();
  }
  async destroy(): Promise<void> {
    await this.#mutex.lock();
    this.#connection.close();
  }
}

export interface SqliteDialectOptions {
  connection: SqliteConnection;
  readOnly?: boolean;
  /** May refuse by throwing. */
  beforeUse?: () => void;
  /** Resolves when everything committed before the call is on stable storage. */
  durable?: () => Promise<void>;
}

export const sqliteDialect = (options: SqliteDialectOptions): Dialect => ({
  createDriver: () => new SqliteDriver(options),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: (db) => new SqliteIntrospector(db),
});
