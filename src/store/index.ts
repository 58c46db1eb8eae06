import { isAbsolute, join, resolve } from 'node:path';
import { sql } from 'kysely';
import { NegatoscopeError } from '../errors.ts';
import { createBlobs, makeDirectory } from './blobs.ts';
import { writing, type WriteContext } from './context.ts';
import { createEvents } from './events.ts';
import { createJobs } from './jobs.ts';
import { lockDir } from './lock.ts';
import { migrate } from './migrate.ts';
import { WRITE_LOCK } from './postgres/write-lock.ts';
import { putSetting, settingOf } from './setting.ts';
import { openSqlite } from './sqlite/open.ts';
import { storageError } from './storage-error.ts';
import type { Log, Store, StoreOptions, Tx } from './types.ts';

export type * from './types.ts';
export { afterWrite } from './context.ts';
export { uuidv7 } from './ids.ts';

const silent: Log = { info() {}, warn() {}, error() {} };

/**
 * Opens the data folder, makes it when it is new, and brings its schema up to date.
 *
 * @example
 * const store = await createStore({ dir: '/srv/negatoscope', migrations: archiveMigrations });
 * await store.write<ArchiveTables, void>(async (tx) => { … });
 *
 * @throws NegatoscopeError `data-in-use`, `schema-newer`, `database-unreachable`, `disk-full`
 */
export async function createStore(options: StoreOptions): Promise<Store> {
  const { now = Date.now, log = silent, migrations, url } = options;
  const dir = isAbsolute(options.dir) ? options.dir : resolve(options.dir);
  const dialect = url ? 'postgres' : 'sqlite';
  for (const path of [dir, join(dir, 'objects'), join(dir, 'staging')]) await makeDirectory(path);

  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let closer = closers.pop(); closer; closer = closers.pop()) {
      try {
        await closer();
      } catch (thrown) {
        failures.push(thrown); // the lock is given back all the same
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    const lock = lockDir(dir, now);
    closers.push(() => lock.release());
    const database = url
      ? await (await import('./postgres/open.ts')).openPostgres(url, refuseNested, log)
      : openSqlite(join(dir, 'negatoscope.db'), refuseNested, log);
    closers.push(() => database.close());
    const { db, read, direct } = database;
    await migrate(db, migrations, { dialect, dir, now, log });

    const write = async <T, R>(work: (tx: Tx<T>) => Promise<R>): Promise<R> => {
      refuseNested();
      const context: WriteContext = { open: true, after: new Set(), direct };
      const result = await db.transaction().execute((tx) =>
        writing.run(context, async () => {
          try {
            // Readers of a transaction's own state must not be overtaken: one writer at a time here, too.
            if (url) await sql`select pg_advisory_xact_lock(${sql.lit(WRITE_LOCK)})`.execute(tx);
            return await work(tx as unknown as Tx<T>);
          } finally {
            context.open = false;
          }
        }),
      );
      for (const wake of context.after) wake();
      return result;
    };

    const blobs = createBlobs({ dir, now });
    closers.push(() => blobs.close());
    const swept = await blobs.sweepStaging();
    if (swept > 0) log.info({ files: swept }, 'removed unfinished files of an earlier run');
    const jobs = createJobs({ db, read, dialect, now, log });
    closers.push(() => jobs.close());
    await jobs.recover();
    const events = await createEvents({ dir, read, write, now, log });
    closers.push(() => events.close());
    closers.push(() => jobs.close()); // handlers append events: they end first

    return {
      dialect,
      dir,
      db,
      read,
      blobs,
      jobs,
      events,
      write,
      announce: (address) => lock.announce(address),
      setting: (key) => settingOf(read, key),
      setSetting: (key, value) => write((tx: Tx) => putSetting(tx, key, value)),
      close: closeAll,
    };
  } catch (thrown) {
    await closeAll().catch(() => undefined); // the first failure is the one to tell
    throw storageError(thrown);
  }
}

/** Inside a write only its `tx` may be used: anything else would wait for itself: on SQLite always, on PostgreSQL once its pool is empty. */
function refuseNested(): void {
  if (writing.getStore()?.open) {
    throw new NegatoscopeError('write-in-write', 'Inside store.write use its transaction, not the store.', {
      status: 500,
    });
  }
}
