import { closeSync, existsSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { Kysely } from 'kysely';
import { grouped } from '../grouped.ts';
import { storageFailed } from '../storage-error.ts';
import type { DirectConnection } from '../context.ts';
import type { Db, Log } from '../types.ts';
import { createCheckpointer } from './checkpoint.ts';
import { SqliteConnection } from './connection.ts';
import { sqliteDialect } from './dialect.ts';

export interface OpenedDatabase {
  readonly db: Db;
  readonly read: Db;
  /** The connection of `db`: for whoever holds its transaction. */
  readonly direct?: DirectConnection;
  /** False when the database was made just now. */
  readonly existed: boolean;
  close(): Promise<void>;
}

/**
 * Opens `file` in WAL mode with one connection to write and one to read.
 *
 * Durability: node:sqlite would wait for the disk in the event loop at every commit (`synchronous=FULL`). SQLite therefore syncs
 * at checkpoints only (`synchronous=NORMAL`: never corrupt, but the last commits may be lost with the power), and what FULL adds,
 * an `fdatasync` of the WAL after each commit, is done here in the thread pool; commits that arrive meanwhile share the next
 * one. No promise of a write resolves before its sync; the reading connection may see it a moment earlier.
 *
 * @param beforeWrite called before the write connection is handed out; may throw to refuse
 */
export function openSqlite(file: string, beforeWrite: () => void, log: Log): OpenedDatabase {
  const existed = existsSync(file);
  // Made here for its mode: SQLite gives `-wal` and `-shm` the mode of the database.
  if (!existed) closeSync(openSync(file, 'a', 0o600));

  const connect = (readOnly: boolean): DatabaseSync => {
    const db = new DatabaseSync(file, { readOnly, timeout: 10_000, enableForeignKeyConstraints: true });
    if (!readOnly) {
      db.exec('pragma journal_mode = wal');
      db.exec('pragma synchronous = normal');
      db.exec('pragma wal_autocheckpoint = 16384'); // pages, 64 MB: see checkpoint.ts
      db.exec('pragma journal_size_limit = 67108864'); // bytes the WAL keeps after a large migration
    }
    db.exec('pragma cache_size = -32768'); // KiB
    db.exec('pragma temp_store = memory');
    return db;
  };

  let wal: number | undefined;
  let failed: unknown;
  const durable = grouped(async () => {
    if (failed) throw failed;
    try {
      const fd = (wal ??= openSync(`${file}-wal`, 'r+'));
      // Not by `fs/promises`: what it does around each call costs as much again as asking for the sync.
      await new Promise<void>((resolve, reject) =>
        fdatasync(fd, (error) => (error ? reject(error) : resolve())),
      );
      checkpointer.wrote();
    } catch (thrown) {
      failed = storageFailed(thrown);
      throw failed;
    }
  });

  const writer = connect(false);
  writer.exec('begin immediate; commit'); // makes the WAL's file, so that its name can be synced
  syncDirectory(dirname(file));
  const direct = new SqliteConnection(writer);
  const db: Db = new Kysely({
    dialect: sqliteDialect({
      connection: direct,
      durable,
      beforeUse: () => {
        if (failed) throw failed;
        beforeWrite();
      },
    }),
  });
  const checkpointer = createCheckpointer(file, (work) => db.connection().execute(work), log);
  const read: Db = new Kysely({
    dialect: sqliteDialect({ connection: new SqliteConnection(connect(true)), readOnly: true }),
  });
  return {
    db,
    read,
    direct,
    existed,
    async close() {
      await checkpointer.close();
      await read.destroy();
      await durable().catch(() => undefined); // ends a sync under way; who waited for it was told
      if (wal !== undefined) closeSync(wal);
      await db.destroy();
      if (writer.isOpen) writer.close();
    },
  };
}

function syncDirectory(path: string): void {
  if (process.platform === 'win32') return; // directories cannot be opened there
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
