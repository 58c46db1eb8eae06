import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { NegatoscopeError } from '../errors.ts';
import { syncDirectory } from './blobs.ts';
import { WRITE_LOCK } from './postgres/write-lock.ts';
import type { Db, Log, Migration } from './types.ts';

const BACKUPS_KEPT = 3;

/** The store's own tables. `bigint` is an integer of 64 bits on both databases; `integer` has 32 on PostgreSQL. */
export const storeMigrations: readonly Migration[] = [
  {
    id: 'store-001',
    async up(db) {
      await db.schema
        .createTable('setting')
        .addColumn('key', 'text', (c) => c.primaryKey())
        .addColumn('value', 'text', (c) => c.notNull())
        .execute();
      await db.schema
        .createTable('job')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) =>
          c.notNull().check(sql`state in ('waiting', 'running', 'done', 'failed', 'cancelled')`),
        )
        .addColumn('priority', 'integer', (c) => c.notNull())
        .addColumn('payload', 'text', (c) => c.notNull())
        .addColumn('attempt', 'integer', (c) => c.notNull())
        .addColumn('max_attempts', 'integer', (c) => c.notNull())
        .addColumn('run_after', 'bigint', (c) => c.notNull())
        .addColumn('lease_until', 'bigint')
        .addColumn('worker', 'text')
        .addColumn('error', 'text')
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .execute();
      // One job waits and one runs, at most, for a kind and key.
      await sql`create unique index job_waiting on job (kind, key) where state = 'waiting'`.execute(db);
      await sql`create unique index job_running on job (kind, key) where state = 'running'`.execute(db);
      await sql`create index job_next on job (kind, priority desc, run_after) where state = 'waiting'`.execute(
        db,
      );
      await db.schema.createIndex('job_state').on('job').columns(['kind', 'state']).execute();
      await db.schema
        .createTable('event_pending')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text')
        .addColumn('subject', 'text')
        .addColumn('actor', 'text')
        .addColumn('payload', 'text', (c) => c.notNull())
        .addColumn('payload_digest', 'text', (c) => c.notNull())
        .execute();
      await db.schema
        .createTable('event')
        .addColumn('seq', 'bigint', (c) => c.primaryKey())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text')
        .addColumn('subject', 'text')
        .addColumn('actor', 'text')
        .addColumn('payload', 'text')
        .addColumn('payload_digest', 'text', (c) => c.notNull())
        .addColumn('prev_hash', 'text', (c) => c.notNull())
        .addColumn('hash', 'text', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('event_kind').on('event').columns(['kind', 'seq']).execute();
      await db.schema.createIndex('event_study').on('event').columns(['study_uid', 'seq']).execute();
      await db.schema.createIndex('event_actor').on('event').columns(['actor', 'seq']).execute();
      await db.schema
        .createTable('consumer_cursor')
        .addColumn('consumer', 'text', (c) => c.primaryKey())
        .addColumn('seq', 'bigint', (c) => c.notNull())
        .execute();
    },
  },
];

/**
 * Brings the database to the program's schema: each migration once, in order, each in a transaction of its own. An SQLite
 * database that holds data is copied to `DIR/backup/` before the first one runs; the last copies are kept.
 *
 * @throws NegatoscopeError `schema-newer` when the database knows a migration that the program does not
 */
export async function migrate(
  db: Db,
  rooms: readonly Migration[],
  context: { dialect: 'sqlite' | 'postgres'; dir: string; now: () => number; log: Log },
): Promise<void> {
  const wanted = [...storeMigrations, ...rooms];
  const ids = new Set(wanted.map((m) => m.id));
  if (ids.size !== wanted.length) throw new Error('two migrations have the same id');

  await db.schema
    .createTable('migration')
    .ifNotExists()
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('applied_at', 'bigint', (c) => c.notNull())
    .execute();
  const applied = new Set((await db.selectFrom('migration').select('id').execute()).map((row) => row.id));
  const unknown = [...applied].filter((id) => !ids.has(id));
  if (unknown.length > 0) {
    throw new NegatoscopeError(
      'schema-newer',
      `The database was written by a newer version of the program (${unknown.join(', ')}). Start that version, or restore a copy from before.`,
      { status: 409, details: { migrations: unknown.join(', ') } },
    );
  }
  const pending = wanted.filter((m) => !applied.has(m.id));
  if (pending.length === 0) return;
  if (applied.size > 0) {
    if (context.dialect === 'sqlite') await backUp(db, context);
    else
      context.log.info(
        {},
        'the schema changes now; a copy from before is yours to make on PostgreSQL: pg_dump',
      );
  }
  for (const migration of pending) {
    const ran = await db.transaction().execute(async (tx) => {
      if (context.dialect === 'postgres')
        await sql`select pg_advisory_xact_lock(${sql.lit(WRITE_LOCK)})`.execute(tx);
      const done = await tx
        .selectFrom('migration')
        .select('id')
        .where('id', '=', migration.id)
        .executeTakeFirst();
      if (done) return false; // another process was faster
      await migration.up(tx as Kysely<any>);
      await tx.insertInto('migration').values({ id: migration.id, applied_at: context.now() }).execute();
      return true;
    });
    if (ran) context.log.info({ migration: migration.id }, 'schema migrated');
  }
}

async function backUp(
  db: Db,
  { dir, now, log }: { dir: string; now: () => number; log: Log },
): Promise<void> {
  const folder = join(dir, 'backup');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stamp = new Date(now()).toISOString().replace(/[:.]/g, '-');
  const file = join(folder, `negatoscope-${stamp}.db`);
  // VACUUM INTO accepts an empty file: made here for its mode.
  await (await open(file, 'w', 0o600)).close();
  await sql`vacuum into ${sql.lit(file)}`.execute(db);
  const copy = await open(file, 'r+');
  await copy.sync();
  await copy.close();
  await syncDirectory(folder);
  log.info({ file }, 'copied the database before its schema changes');
  const copies = (await readdir(folder)).filter((name) => /^negatoscope-.*\.db$/.test(name)).sort();
  for (const old of copies.slice(0, -BACKUPS_KEPT)) await rm(join(folder, old));
}
