import { AsyncLocalStorage } from 'node:async_hooks';
import type { CompiledQuery, QueryResult } from 'kysely';

/** What goes with a `store.write`: work to start once it is durable. */
export interface WriteContext {
  open: boolean;
  readonly after: Set<() => void>;
  /** Where the database answers at once (SQLite): the connection that holds the transaction. */
  readonly direct?: DirectConnection | undefined;
}
export interface DirectConnection {
  execute<R>(query: CompiledQuery): QueryResult<R>;
}

/**
 * The write that the running code is inside of. Kysely hands out a new transaction object per `withTables`, so the object cannot
 * be the key.
 */
export const writing = new AsyncLocalStorage<WriteContext>();

/** Calls `wake` once the current write is durable; in a foreign transaction, soon: the poll is the safety net. */
export function afterWrite(wake: () => void): void {
  const context = writing.getStore();
  if (context?.open) context.after.add(wake);
  else setTimeout(wake, 20).unref();
}
