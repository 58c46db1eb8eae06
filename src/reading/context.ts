import type { Archive } from '../archive/types.ts';
import type { Assist } from '../assist/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { PersonTables } from '../evidence/tables.ts';
import type { Evidence } from '../evidence/types.ts';
import type { Log } from '../log.ts';
import type { Principal } from '../people/types.ts';
import type { Db, Store, Tx } from '../store/types.ts';
import type { ReadingTables } from './tables.ts';

export type Tables = ReadingTables & PersonTables;
export type ReadingTx = Tx<Tables>;

export interface ReadingDeps {
  store: Store;
  archive: Archive;
  assist: Assist;
  evidence: Pick<Evidence, 'stage'>;
  /** IANA name of the site's zone: "today" in the list, dates in the report. */
  timeZone: string;
  now?: () => number;
  log?: Log;
}
/** What the parts of this room share. */
export interface Context {
  readonly store: Store;
  readonly archive: Archive;
  readonly assist: Assist;
  readonly evidence: Pick<Evidence, 'stage'>;
  readonly timeZone: string;
  readonly now: () => number;
  readonly read: Db<Tables>;
  readonly write: <R>(work: (tx: ReadingTx) => Promise<R>) => Promise<R>;
}

export const createContext = (deps: ReadingDeps): Context => ({
  store: deps.store,
  archive: deps.archive,
  assist: deps.assist,
  evidence: deps.evidence,
  timeZone: deps.timeZone,
  now: deps.now ?? Date.now,
  read: deps.store.read as unknown as Db<Tables>,
  write: (work) => deps.store.write(work),
});

/** Either the read connection or a transaction: both take the same queries. */
export const asDb = (db: Db<Tables> | ReadingTx): Db<Tables> => db as Db<Tables>;

/** The version that is being made: 1 for a study never signed, the next one after it was reopened, else the one in force. */
export const roundOf = (state: { version: number; reopened_at: number | null } | undefined): number =>
  state === undefined ? 1 : state.reopened_at === null ? state.version : state.version + 1;
export const isSigned = (state: { reopened_at: number | null } | undefined): boolean =>
  state !== undefined && state.reopened_at === null;

/** The person behind a principal who may read; machine tokens and other roles are refused. */
export function readerOf(principal: Principal): string {
  if (principal.personId && principal.roles.has('reader')) return principal.personId;
  throw new NegatoscopeError('not-a-reader', 'Only a reader may do this.', { status: 403 });
}
/** The same, asked of the database: the role may have been taken away since the session began. */
export async function assertReader(tx: ReadingTx, personId: string): Promise<{ name: string }> {
  const person = await tx
    .selectFrom('person_role')
    .innerJoin('person', 'person.id', 'person_role.person_id')
    .select('person.name')
    .where('person_role.person_id', '=', personId)
    .where('person_role.role', '=', 'reader')
    .where('person_role.active', '=', 1)
    .where('person.disabled', '=', 0)
    .executeTakeFirst();
  if (!person) throw new NegatoscopeError('not-a-reader', 'Only a reader may do this.', { status: 403 });
  return person;
}
export const notFound = (what: 'study' | 'report' | 'finding' | 'discrepancy'): NegatoscopeError =>
  new NegatoscopeError('not-found', `There is no such ${what}.`, { status: 404 });
export const alreadySigned = (): NegatoscopeError =>
  new NegatoscopeError('already-signed', 'The report is signed. Corrections are addenda.', { status: 409 });

export const parseJson = <T>(text: string | null): T | null =>
  text === null ? null : (JSON.parse(text) as T);
