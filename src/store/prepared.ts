import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely';
import { writing } from './context.ts';

/** Stands for `args[index][key]` while the query is built. */
class Mark {
  readonly index: number;
  readonly key: string;
  constructor(index: number, key: string) {
    this.index = index;
    this.key = key;
  }
}
interface Known {
  readonly query: CompiledQuery;
  readonly parameters: readonly unknown[];
}

/**
 * A query that Kysely builds and compiles once, and that runs again and again with other values: for statements that are run
 * for every instance, where building costs more than running. `build` sees marks in place of the values of `args`: it may
 * pass them on, but not look at them. One compiled query is kept for each number of arguments and each database.
 *
 * Within a `store.write` on SQLite the connection is asked straight away: on its way through Kysely a query crosses a dozen
 * promises, which cost more than the statement.
 *
 * @example
 * const addLines = prepared((db: Tx<Tables>, lines: readonly Line[]) => db.insertInto('line').values([...lines]));
 * await addLines(tx, lines);
 */
export function prepared<D extends Kysely<any>, A extends object, R>(
  build: (db: D, args: readonly A[]) => Compilable<R>,
): (db: D, args: readonly A[]) => Promise<QueryResult<R>> {
  const known = new WeakMap<object, Map<number, Known>>();

  const compile = (db: D, args: readonly A[]): Known => {
    const marks = args.map((arg, index) =>
      Object.fromEntries(Object.keys(arg).map((key) => [key, new Mark(index, key)])),
    );
    const query = build(db, marks as unknown as readonly A[]).compile();
    return { query, parameters: query.parameters };
  };

  return async (db, args) => {
    const { adapter } = db.getExecutor(); // one a database, the same within its transactions
    let sizes = known.get(adapter);
    if (!sizes) known.set(adapter, (sizes = new Map()));
    let found = sizes.get(args.length);
    if (!found) sizes.set(args.length, (found = compile(db, args)));
    const parameters = found.parameters.map((value) =>
      value instanceof Mark ? (args[value.index] as Record<string, unknown>)[value.key] : value,
    );
    const { sql, query, queryId } = found.query;
    const bound = { sql, query, queryId, parameters } as CompiledQuery<R>;
    const context = db.isTransaction ? writing.getStore() : undefined;
    return context?.open && context.direct ? context.direct.execute<R>(bound) : db.executeQuery<R>(bound);
  };
}
