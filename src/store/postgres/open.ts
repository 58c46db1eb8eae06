import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { OpenedDatabase } from '../sqlite/open.ts';
import type { Db, Log } from '../types.ts';

const INT8 = 20;
const NUMERIC = 1700;
// Counts, sums and times are numbers, as on SQLite. All stay far below 2^53.
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC
      ? Number
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
};

/**
 * Connects with one pool to write and one to read.
 *
 * @param beforeWrite called before a connection to write is handed out; may throw to refuse
 */
export async function openPostgres(url: string, beforeWrite: () => void, log: Log): Promise<OpenedDatabase> {
  const pool = (max: number, options: string): pg.Pool => {
    const made = new pg.Pool({ connectionString: url, max, types, options, connectionTimeoutMillis: 10_000 });
    // A connection that breaks is replaced; without a listener it would end the process. The pool listens to idle ones only,
    // those in use report here and fail their query besides.
    const broke = (error: Error): void => log.warn({ reason: error.message }, 'a database connection broke');
    made.on('error', broke);
    made.on('connect', (client) => client.on('error', broke));
    return made;
  };
  // An acknowledged write is on stable storage, whatever the server's default.
  const writers = pool(8, '-c synchronous_commit=on -c timezone=UTC');
  const guarded = {
    async connect() {
      beforeWrite();
      return writers.connect();
    },
    end: () => writers.end(),
  };
  const db: Db = new Kysely({ dialect: new PostgresDialect({ pool: guarded }) });
  const read: Db = new Kysely({
    dialect: new PostgresDialect({ pool: pool(8, '-c default_transaction_read_only=on -c timezone=UTC') }),
  });
  const close = async (): Promise<void> => {
    await Promise.all([db.destroy(), read.destroy()]);
  };
  try {
    const table = await sql<{ name: string | null }>`select to_regclass('migration')::text as name`.execute(
      db,
    );
    const fsync = await sql<{ fsync: string }>`show fsync`.execute(db);
    if (fsync.rows[0]?.fsync === 'off') {
      log.warn(
        {},
        'PostgreSQL runs with fsync=off: a power cut loses data. Set fsync=on unless this is a test.',
      );
    }
    return { db, read, existed: Boolean(table.rows[0]?.name), close };
  } catch (thrown) {
    await close();
    throw new NegatoscopeError(
      'database-unreachable',
      `PostgreSQL does not answer: ${reasonOf(thrown)}. Check the address, the account and that it runs.`,
      { status: 503, cause: thrown },
    );
  }
}
