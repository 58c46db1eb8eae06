/** The table of other systems. */
import type { Selectable } from 'kysely';
import { demand, nameOf } from '../archive/acting.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import { uuidv7 } from '../store/ids.ts';
import type { Store, Tx } from '../store/types.ts';
import { BLANK, checked } from './form.ts';
import type { RemoteTable, RemoteTables } from './tables.ts';
import type { RemoteForm, RemoteSecrets, RemoteSystem, Systems } from './types.ts';

const FORM_FIELDS = [
  'name',
  'kind',
  'url',
  'auth',
  'user',
  'secret',
  'aeTitle',
  'host',
  'port',
  'tls',
  'ca',
  'identity',
  'certificate',
  'key',
  'commitment',
  'callingAe',
  'sendTo',
  'queryFrom',
  'moveTo',
  'enabled',
] as const satisfies readonly (keyof (RemoteForm & RemoteSecrets))[];

const unknown = () =>
  new NegatoscopeError('remote-unknown', 'There is no such remote system.', { status: 404 });

const asSystem = (row: Selectable<RemoteTable>): RemoteSystem => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  url: row.url,
  auth: row.auth,
  user: row.user_name,
  hasSecret: row.secret !== null,
  aeTitle: row.ae_title,
  host: row.host,
  port: Number(row.port),
  tls: Number(row.tls) === 1,
  ca: row.ca,
  identity: row.identity,
  certificate: row.certificate,
  hasKey: row.key_pem !== null,
  commitment: Number(row.commitment) === 1,
  callingAe: row.calling_ae,
  sendTo: Number(row.send_to) === 1,
  queryFrom: Number(row.query_from) === 1,
  moveTo: Number(row.move_to) === 1,
  enabled: Number(row.enabled) === 1,
  createdAt: Number(row.created_at),
  changedAt: Number(row.changed_at),
});

const fold = (name: string): string => name.normalize('NFKC').toLowerCase();
const columns = (form: RemoteForm & RemoteSecrets) => ({
  name: form.name,
  f_name: fold(form.name),
  kind: form.kind,
  url: form.url,
  auth: form.auth,
  user_name: form.user,
  secret: form.secret,
  ae_title: form.aeTitle,
  host: form.host,
  port: form.port,
  tls: Number(form.tls),
  ca: form.ca,
  identity: form.identity,
  certificate: form.certificate,
  key_pem: form.key,
  commitment: Number(form.commitment),
  calling_ae: form.callingAe,
  send_to: Number(form.sendTo),
  query_from: Number(form.queryFrom),
  move_to: Number(form.moveTo),
  enabled: Number(form.enabled),
});

/** Two of one name could not be told apart; of two destinations with one title a C-MOVE could not choose. */
async function refuseTwins(tx: Tx<RemoteTables>, form: RemoteForm, id: string): Promise<void> {
  const twins = await tx
    .selectFrom('remote_system')
    .select(['f_name', 'move_to'])
    .where('id', '<>', id)
    .where((eb) => eb.or([eb('f_name', '=', fold(form.name)), eb('ae_title', '=', form.aeTitle)]))
    .execute();
  if (twins.some((twin) => twin.f_name === fold(form.name)))
    throw new NegatoscopeError('remote-name-taken', `There is a system named ${form.name} already.`, {
      status: 409,
      details: { field: 'name' },
    });
  if (form.moveTo && twins.some((twin) => Number(twin.move_to) === 1))
    throw new NegatoscopeError(
      'remote-title-taken',
      `Another move destination has the AE title ${form.aeTitle} already.`,
      { status: 409, details: { field: 'aeTitle' } },
    );
}

/** The table, and beside it the secrets for those who connect. */
export function createSystems({ store, now }: { store: Store; now: () => number }): Systems & {
  secretsOf(id: string): Promise<RemoteSecrets>;
} {
  const db = store.read.withTables<RemoteTables>();
  const write = <R>(work: (tx: Tx<RemoteTables>) => Promise<R>) => store.write<RemoteTables, R>(work);

  async function rowOf(from: Pick<typeof db, 'selectFrom'>, id: string) {
    const row = await from.selectFrom('remote_system').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw unknown();
    return row;
  }
  const get = async (id: string): Promise<RemoteSystem> => asSystem(await rowOf(db, id));
  const list = async (): Promise<RemoteSystem[]> =>
    (await db.selectFrom('remote_system').selectAll().orderBy('f_name').execute()).map(asSystem);
  const tell = (tx: Tx<any>, what: string, system: RemoteSystem, by: Principal, fields?: readonly string[]) =>
    store.events.append(tx, {
      kind: `remote.system.${what}`,
      subject: system.id,
      actor: nameOf(by),
      payload: {
        ...(system.kind === 'dimse' ? { aeTitle: system.aeTitle } : { url: system.url }),
        ...(fields ? { fields } : {}),
      },
    });

  return {
    list,
    get,
    async secretsOf(id) {
      const { key_pem: key, secret } = await rowOf(db, id);
      return { key, secret };
    },
    async find(nameOrTitle) {
      const all = await list();
      const named = all.find(({ id, name }) => id === nameOrTitle || fold(name) === fold(nameOrTitle));
      const titled = all.filter(({ kind, aeTitle }) => kind === 'dimse' && aeTitle === nameOrTitle);
      if (named) return named;
      if (titled.length === 1) return titled[0]!;
      throw unknown();
    },

    async add(given, by) {
      demand(by, ['admin']);
      const form = checked({ ...BLANK, ...given }, now());
      return write(async (tx) => {
        const at = now();
        const id = uuidv7(at);
        await refuseTwins(tx, form, id);
        const row = await tx
          .insertInto('remote_system')
          .values({ id, ...columns(form), created_at: at, changed_at: at })
          .returningAll()
          .executeTakeFirstOrThrow();
        const system = asSystem(row);
        await tell(tx, 'added', system, by);
        return system;
      });
    },

    async change(id, given, by) {
      demand(by, ['admin']);
      return write(async (tx) => {
        const row = await rowOf(tx, id);
        const present = { ...asSystem(row), key: row.key_pem, secret: row.secret };
        const form = checked({ ...present, ...given }, now());
        const fields = FORM_FIELDS.filter((field) => form[field] !== present[field]);
        if (fields.length === 0) return asSystem(row);
        await refuseTwins(tx, form, id);
        const changed = await tx
          .updateTable('remote_system')
          .set({ ...columns(form), changed_at: now() })
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow();
        const system = asSystem(changed);
        await tell(tx, 'changed', system, by, fields);
        return system;
      });
    },

    async remove(id, by) {
      demand(by, ['admin']);
      await write(async (tx) => {
        const row = await tx
          .deleteFrom('remote_system')
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirst();
        if (!row) throw unknown();
        await tell(tx, 'removed', asSystem(row), by);
      });
    },

    async destinationOf(aeTitle) {
      const row = await db
        .selectFrom('remote_system')
        .selectAll()
        .where('ae_title', '=', aeTitle.trim())
        .where('move_to', '=', 1)
        .where('enabled', '=', 1)
        .executeTakeFirst();
      return row && asSystem(row);
    },
  };
}
