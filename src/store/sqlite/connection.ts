import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import { storageError } from '../storage-error.ts';

const STATEMENTS = 500;

/** Kysely's view of one `DatabaseSync`. Statements are prepared once; the last 500 are kept. */
export class SqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, { statement: StatementSync; rows: boolean }>();
  #wrote = false;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }
  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }
  /** Whether something was written since the last call. */
  takeWrote(): boolean {
    const wrote = this.#wrote;
    this.#wrote = false;
    return wrote;
  }
  /** `begin`, `commit`, `rollback`: none of them writes by itself. */
  control(statement: string): void {
    try {
      this.#db.exec(statement);
    } catch (thrown) {
      throw storageError(thrown);
    }
  }
  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.execute(query);
  }
  /** The same without a promise. @throws NegatoscopeError `disk-full` and others, as `storageError` makes them */
  execute<R>(query: CompiledQuery): QueryResult<R> {
    try {
      const { statement, rows } = this.#prepare(query.sql);
      const parameters = bind(query.parameters);
      if (rows) {
        const found = statement.all(...parameters) as R[];
        if (query.query.kind !== 'SelectQueryNode' && found.length > 0) this.#wrote = true;
        return { rows: found, numAffectedRows: BigInt(found.length) };
      }
      const { changes, lastInsertRowid } = statement.run(...parameters);
      // Statements of the schema report no changes.
      if (Number(changes) > 0 || query.query.kind.endsWith('TableNode') || query.query.kind === 'RawNode')
        this.#wrote = true;
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    } catch (thrown) {
      throw storageError(thrown);
    }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    // Not from the cache: a statement that is being walked cannot be used a second time.
    for (const row of this.#db.prepare(query.sql).iterate(...bind(query.parameters)))
      yield { rows: [row as R] };
  }

  #prepare(sql: string): { statement: StatementSync; rows: boolean } {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    const entry = { statement, rows: statement.columns().length > 0 };
    if (this.#statements.size >= STATEMENTS) this.#statements.delete(this.#statements.keys().next().value!);
    this.#statements.set(sql, entry);
    return entry;
  }
}

/**
 * node:sqlite binds every number as a double, which a text column would keep as "5.0". Booleans are refused: a column is an
 * integer 0 or 1 on both databases, and PostgreSQL would refuse them later.
 */
function bind(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === 'boolean')
      throw new TypeError('Write 0 or 1 instead of a boolean: both databases take those.');
    if (value === undefined) throw new TypeError('A parameter is undefined; use null.');
    return value as SQLInputValue;
  });
}
