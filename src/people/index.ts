import { randomUUID } from 'node:crypto';
import { NegatoscopeError } from '../errors.ts';
import type { Db, Store, Tx } from '../store/types.ts';
import { actorOf } from './actor.ts';
import { type PeopleTables } from './migrations.ts';
import { digest, hashOfNothing, hashSecret, newSecret, verifySecret } from './secrets.ts';
import { FORGET_MS, FREE_ATTEMPTS, FREE_ATTEMPTS_OF_ADDRESS, waitMs } from './throttle.ts';
import { createTokens } from './tokens.ts';
import { ROLES, TOKEN_ROLES, type Language, type Person, type Principal, type Role } from './types.ts';

export { peopleMigrations } from './migrations.ts';
export { isWorker, ROLES, TOKEN_ROLES } from './types.ts';
export type { Language, Person, Principal, Role } from './types.ts';

export interface PeopleSettings {
  /** The screen locks after this silence. */
  idleLockMs: number;
  /** After this silence the password signs, not the PIN. */
  pinIdleMs: number;
  /** A session ends, whatever happens in it. */
  sessionMs: number;
}
export const PEOPLE_DEFAULTS: PeopleSettings = {
  idleLockMs: 10 * 60_000,
  pinIdleMs: 60 * 60_000,
  sessionMs: 12 * 3_600_000,
};

/** A live session as a door sees it. */
export interface Session {
  /** For cookies' holders and the revoke list; not the secret. */
  readonly publicId: string;
  readonly person: Person;
  readonly theme: string;
  readonly principal: Principal;
  readonly locked: boolean;
  readonly passwordNeeded: boolean;
  readonly lastSeenAt: number;
}

export interface NewPerson {
  login: string;
  name: string;
  password: string;
  roles: readonly Role[];
  language: Language;
  pin?: string;
}

type Tables = PeopleTables;
const MIN_PASSWORD = 10;
const PIN_FORM = /^\d{4,8}$/;
const MAX_PIN_FAILURES = 5;
/** Verified against when no such login exists, so that the answer takes as long. */
const NOBODY = hashOfNothing();

const setupLinkWrong = () =>
  new NegatoscopeError('setup-link', 'This link is not valid. Use the one that the program printed.', {
    status: 403,
  });

const foldLogin = (login: string): string => login.normalize('NFKC').trim().toLowerCase();

/**
 * Accounts, roles, sessions, machine tokens. Throws NegatoscopeError with the codes `login-failed`, `throttled`,
 * `secret-wrong`, `password-needed`, `password-too-short`, `pin-form`, `login-taken`, `last-admin`, `not-found`.
 */
export function createPeople(deps: { store: Store; now?: () => number; settings?: Partial<PeopleSettings> }) {
  const { store } = deps;
  const now = deps.now ?? Date.now;
  const settings = { ...PEOPLE_DEFAULTS, ...deps.settings };
  const read = store.read as unknown as Db<Tables>;
  let setupSecret: string | undefined;

  const write = <R>(work: (tx: Tx<Tables>) => Promise<R>) => store.write<Tables, R>(work);

  async function rolesOf(db: Db<Tables> | Tx<Tables>, personIds: string[]): Promise<Map<string, Role[]>> {
    const map = new Map<string, Role[]>(personIds.map((id) => [id, []]));
    if (personIds.length === 0) return map;
    const rows = await (db as Db<Tables>)
      .selectFrom('person_role')
      .selectAll()
      .where('person_id', 'in', personIds)
      .where('active', '=', 1)
      .execute();
    for (const row of rows) map.get(row.person_id)?.push(row.role as Role);
    for (const roles of map.values()) roles.sort((a, b) => TOKEN_ROLES.indexOf(a) - TOKEN_ROLES.indexOf(b));
    return map;
  }

  const asPerson = (row: Tables['person'], roles: Role[]): Person => ({
    id: row.id,
    login: row.login,
    name: row.name,
    roles,
    language: row.language as Language,
    hasPin: row.pin !== null,
    ownPassword: row.own_password === 1,
    disabled: row.disabled === 1,
  });

  function checkPassword(password: string): void {
    if ([...password].length < MIN_PASSWORD)
      throw new NegatoscopeError(
        'password-too-short',
        `Use a password of ${MIN_PASSWORD} characters or more.`,
        {
          details: { minimum: MIN_PASSWORD },
        },
      );
  }
  function checkPin(pin: string): void {
    if (!PIN_FORM.test(pin)) throw new NegatoscopeError('pin-form', 'A PIN has 4 to 8 digits.');
  }

  async function guard(keys: string[]): Promise<void> {
    const rows = await read.selectFrom('throttle').selectAll().where('key', 'in', keys).execute();
    const wait = Math.max(
      0,
      ...rows.map((row) =>
        waitMs(row, now(), row.key.startsWith('address:') ? FREE_ATTEMPTS_OF_ADDRESS : FREE_ATTEMPTS),
      ),
    );
    if (wait > 0)
      throw new NegatoscopeError('throttled', 'Too many failed attempts. Wait, then try again.', {
        status: 429,
        details: { seconds: Math.ceil(wait / 1000) },
      });
  }
  async function countFailure(keys: string[], actor: string | undefined, kind: string): Promise<void> {
    await write(async (tx) => {
      for (const key of keys) {
        const row = await tx.selectFrom('throttle').selectAll().where('key', '=', key).executeTakeFirst();
        const failures = row && now() - row.last_at <= FORGET_MS ? row.failures + 1 : 1;
        await tx
          .insertInto('throttle')
          .values({ key, failures, last_at: now() })
          .onConflict((c) => c.column('key').doUpdateSet({ failures, last_at: now() }))
          .execute();
      }
      await store.events.append(tx, { kind, ...(actor ? { subject: actor, actor } : {}) });
    });
  }
  /** Attempts on one login or person one after the other: those sent at once would all pass before the first is counted. */
  const queues = new Map<string, Promise<unknown>>();
  function inTurn<R>(key: string, attempt: () => Promise<R>): Promise<R> {
    const mine = (queues.get(key) ?? Promise.resolve()).then(attempt, attempt);
    queues.set(key, mine);
    const leave = () => {
      if (queues.get(key) === mine) queues.delete(key);
    };
    mine.then(leave, leave);
    return mine;
  }
  const forgetFailures = (tx: Tx<Tables>, keys: string[]) =>
    tx.deleteFrom('throttle').where('key', 'in', keys).execute();

  /** At the machine itself the person is taken to type their own; in the pages an administrator chooses for somebody else. */
  const isOwn = (personId: string, by: Principal | null): boolean =>
    by === null || by.via === 'cli' || by.personId === personId;

  async function insertPerson(
    tx: Tx<Tables>,
    id: string,
    person: NewPerson,
    password: string,
    pin: string | null,
    own: boolean,
  ) {
    const login = foldLogin(person.login);
    const taken = await tx.selectFrom('person').select('id').where('login', '=', login).executeTakeFirst();
    if (taken)
      throw new NegatoscopeError('login-taken', 'This login is in use. Choose another.', { status: 409 });
    await tx
      .insertInto('person')
      .values({
        id,
        login,
        name: person.name.trim(),
        password,
        pin,
        pin_failures: 0,
        own_password: Number(own),
        language: person.language,
        theme: 'dark',
        disabled: 0,
        created_at: now(),
      })
      .execute();
    for (const role of new Set(person.roles))
      await tx.insertInto('person_role').values({ person_id: id, role, active: 1 }).execute();
  }

  function validate(person: NewPerson): void {
    if (!/^[^\s,]{2,64}$/.test(foldLogin(person.login)))
      throw new NegatoscopeError('login-form', 'A login has 2 to 64 characters, no spaces and no commas.');
    if (person.name.trim().length < 1 || person.name.length > 64)
      throw new NegatoscopeError(
        'name-form',
        'Give the name as it is printed on reports, 64 characters at most.',
      );
    for (const role of person.roles)
      if (!(ROLES as readonly Role[]).includes(role))
        throw new NegatoscopeError('role-unknown', `There is no role ${String(role)}.`);
    checkPassword(person.password);
    if (person.pin) checkPin(person.pin);
  }

  async function add(person: NewPerson, by: Principal | null): Promise<Person> {
    validate(person);
    const id = randomUUID();
    const [password, pin] = await Promise.all([
      hashSecret(person.password),
      person.pin ? hashSecret(person.pin) : Promise.resolve(null),
    ]);
    await write(async (tx) => {
      await insertPerson(tx, id, person, password, pin, isOwn(id, by));
      await store.events.append(tx, {
        kind: 'people.person.added',
        subject: id,
        actor: actorOf(by) ?? id,
        payload: { roles: [...new Set(person.roles)] },
      });
    });
    return (await find(id))!;
  }

  async function find(id: string): Promise<Person | undefined> {
    const row = await read.selectFrom('person').selectAll().where('id', '=', id).executeTakeFirst();
    return row && asPerson(row, (await rolesOf(read, [id])).get(id)!);
  }

  /** The person whose login and password these are. @throws `login-failed` 401, `throttled` 429 */
  function rightLogin(login: string, password: string, address?: string): Promise<Tables['person']> {
    const folded = foldLogin(login).slice(0, 64);
    const keys = [`login:${folded}`, ...(address ? [`address:${address}`] : [])];
    return inTurn(keys[0]!, async () => {
      await guard(keys);
      const row = await read.selectFrom('person').selectAll().where('login', '=', folded).executeTakeFirst();
      const right = await verifySecret(password.slice(0, 1024), row?.password ?? NOBODY);
      if (!row || !right || row.disabled === 1) {
        await countFailure(keys, row?.id, 'people.login.failed');
        throw new NegatoscopeError('login-failed', 'Login or password is not right.', { status: 401 });
      }
      return row;
    });
  }

  async function openSession(
    row: Tables['person'],
    client: { address: string; userAgent: string },
  ): Promise<{ secret: string; session: Session }> {
    const secret = newSecret();
    await write(async (tx) => {
      await tx.deleteFrom('session').where('expires_at', '<', now()).execute();
      await tx
        .insertInto('session')
        .values({
          id: digest(secret),
          public_id: randomUUID(),
          person_id: row.id,
          created_at: now(),
          last_seen_at: now(),
          expires_at: now() + settings.sessionMs,
          locked: 0,
          password_needed: 0,
          user_agent: client.userAgent.slice(0, 200),
          address: client.address,
        })
        .execute();
      await forgetFailures(tx, [`login:${row.login}`]);
      await store.events.append(tx, { kind: 'people.login', subject: row.id, actor: row.id });
    });
    return { secret, session: (await sessionOf(secret))! };
  }

  /** The session of a cookie's secret, its time of activity renewed; undefined when it ended. */
  async function sessionOf(secret: string, touch = true): Promise<Session | undefined> {
    const id = digest(secret);
    const row = await read
      .selectFrom('session')
      .innerJoin('person', 'person.id', 'session.person_id')
      .selectAll('person')
      .select([
        'session.public_id',
        'session.last_seen_at',
        'session.expires_at',
        'session.locked',
        'session.password_needed',
      ])
      .where('session.id', '=', id)
      .executeTakeFirst();
    if (!row || row.expires_at < now() || row.disabled === 1) return undefined;
    const silence = now() - row.last_seen_at;
    const locked = row.locked === 1 || silence > settings.idleLockMs;
    const passwordNeeded = row.password_needed === 1 || silence > settings.pinIdleMs;
    const turned = Number(locked) !== row.locked || Number(passwordNeeded) !== row.password_needed;
    // Written at most every 15 s, or when something turned: a viewer asks for many frames a second. What a page behind the
    // lock asks is nobody's activity: the silence after which only the password serves goes on.
    if (touch && (turned || (silence > 15_000 && !locked)))
      await write((tx) =>
        tx
          .updateTable('session')
          .set({
            ...(locked ? {} : { last_seen_at: now() }),
            locked: Number(locked),
            password_needed: Number(passwordNeeded),
          })
          .where('id', '=', id)
          .execute(),
      );
    const roles = (await rolesOf(read, [row.id])).get(row.id)!;
    const person = asPerson(row, roles);
    return {
      publicId: row.public_id,
      person,
      theme: row.theme,
      locked,
      passwordNeeded,
      lastSeenAt: row.last_seen_at,
      principal: {
        personId: row.id,
        name: row.login,
        roles: new Set(roles),
        via: 'session',
        sessionId: row.public_id,
        language: person.language,
      },
    };
  }

  async function rowOf(personId: string): Promise<Tables['person']> {
    const row = await read.selectFrom('person').selectAll().where('id', '=', personId).executeTakeFirst();
    if (!row) throw new NegatoscopeError('not-found', 'There is no such person.', { status: 404 });
    return row;
  }

  /**
   * Checks a PIN or the password of the person in this session, for unlocking and for signed acts.
   * The PIN does not serve after `pinIdleMs` of silence (`password-needed`), nor after five wrong ones.
   */
  const checkSecret = (session: Session, secret: string): Promise<'pin' | 'password'> =>
    inTurn(`secret:${session.person.id}`, () => checkedSecret(session, secret));
  async function checkedSecret(session: Session, secret: string): Promise<'pin' | 'password'> {
    const row = await rowOf(session.person.id);
    const keys = [`secret:${row.id}`];
    await guard(keys);
    const pinServes = row.pin !== null && !session.passwordNeeded && row.pin_failures < MAX_PIN_FAILURES;
    if (PIN_FORM.test(secret) && row.pin !== null && !pinServes)
      throw new NegatoscopeError('password-needed', 'Give your password instead of the PIN.', {
        status: 403,
      });
    if (pinServes && PIN_FORM.test(secret) && (await verifySecret(secret, row.pin!))) {
      if (row.pin_failures > 0)
        await write((tx) =>
          tx.updateTable('person').set({ pin_failures: 0 }).where('id', '=', row.id).execute(),
        );
      return 'pin';
    }
    if (await verifySecret(secret, row.password)) {
      await write(async (tx) => {
        await tx.updateTable('person').set({ pin_failures: 0 }).where('id', '=', row.id).execute();
        await tx
          .updateTable('session')
          .set({ password_needed: 0 })
          .where('public_id', '=', session.publicId)
          .execute();
        await forgetFailures(tx, keys);
      });
      return 'password';
    }
    await write((tx) =>
      tx
        .updateTable('person')
        .set({ pin_failures: row.pin_failures + 1 })
        .where('id', '=', row.id)
        .execute(),
    );
    await countFailure(keys, row.id, 'people.secret.failed');
    throw new NegatoscopeError('secret-wrong', 'That PIN or password is not right.', { status: 403 });
  }

  /**
   * PIN or password for a signed act. Refused while the password is one that somebody else chose (`own-password-first`, 403):
   * a signature is the physician's alone.
   */
  async function checkSignature(session: Session, secret: string): Promise<'pin' | 'password'> {
    if ((await rowOf(session.person.id)).own_password === 0)
      throw new NegatoscopeError(
        'own-password-first',
        'Somebody else chose your password. Choose your own under Settings → My account, then sign.',
        { status: 403 },
      );
    return checkSecret(session, secret);
  }

  const setLocked = (publicId: string, locked: boolean) =>
    write((tx) =>
      tx
        .updateTable('session')
        .set({ locked: Number(locked), last_seen_at: now() })
        .where('public_id', '=', publicId)
        .execute(),
    );

  async function assertAnAdminStays(tx: Tx<Tables>, exceptId: string): Promise<void> {
    const other = await tx
      .selectFrom('person_role')
      .innerJoin('person', 'person.id', 'person_role.person_id')
      .select('person.id')
      .where('role', '=', 'admin')
      .where('active', '=', 1)
      .where('person.disabled', '=', 0)
      .where('person.id', '!=', exceptId)
      .executeTakeFirst();
    if (!other)
      throw new NegatoscopeError('last-admin', 'This is the last administrator. Make another one first.', {
        status: 409,
      });
  }

  /** @throws `setup-link` 403 */
  async function checkSetupLink(secret: string): Promise<void> {
    const needed = (await read.selectFrom('person').select('id').limit(1).executeTakeFirst()) === undefined;
    if (!needed || !setupSecret || digest(secret) !== digest(setupSecret)) throw setupLinkWrong();
  }

  return {
    settings,
    checkSetupLink,

    async setupNeeded(): Promise<boolean> {
      return (await read.selectFrom('person').select('id').limit(1).executeTakeFirst()) === undefined;
    },
    /** Secret of the one-time link; the same until the process ends or the setup is done. */
    setupSecret(): string {
      setupSecret ??= newSecret();
      return setupSecret;
    },
    /** Makes the first account. The link works once. */
    async completeSetup(secret: string, person: NewPerson): Promise<Person> {
      await checkSetupLink(secret);
      // Taken before the next pause: the same link sent twice makes one account.
      const link = setupSecret;
      if (!link) throw setupLinkWrong();
      setupSecret = undefined;
      try {
        return await add(person, null);
      } catch (error) {
        setupSecret = link;
        throw error;
      }
    },

    /** @throws `login-failed` 401, `throttled` 429 */
    async login(
      login: string,
      password: string,
      client: { address: string; userAgent: string },
    ): Promise<{ secret: string; session: Session }> {
      const row = await rightLogin(login, password, client.address);
      return openSession(row, client);
    },
    /** Right after the setup: the person who holds the link is the person. */
    async loginAs(personId: string, client: { address: string; userAgent: string }) {
      return openSession(await rowOf(personId), client);
    },
    sessionOf,
    checkSecret,
    checkSignature,
    lock: (publicId: string) => setLocked(publicId, true),
    async unlock(session: Session, secret: string): Promise<void> {
      await checkSecret(session, secret);
      await setLocked(session.publicId, false);
    },
    async logout(session: Session): Promise<void> {
      await write(async (tx) => {
        await tx.deleteFrom('session').where('public_id', '=', session.publicId).execute();
        await store.events.append(tx, {
          kind: 'people.logout',
          subject: session.person.id,
          actor: session.person.id,
        });
      });
    },
    async sessions(personId: string) {
      const rows = await read
        .selectFrom('session')
        .selectAll()
        .where('person_id', '=', personId)
        .where('expires_at', '>', now())
        .orderBy('last_seen_at', 'desc')
        .execute();
      return rows.map((row) => ({
        id: row.public_id,
        createdAt: row.created_at,
        lastSeenAt: row.last_seen_at,
        userAgent: row.user_agent,
        address: row.address,
      }));
    },
    async revokeSession(publicId: string, by: Principal): Promise<void> {
      await write(async (tx) => {
        const row = await tx
          .selectFrom('session')
          .selectAll()
          .where('public_id', '=', publicId)
          .executeTakeFirst();
        if (!row || (row.person_id !== by.personId && !by.roles.has('admin')))
          throw new NegatoscopeError('not-found', 'There is no such session.', { status: 404 });
        await tx.deleteFrom('session').where('public_id', '=', publicId).execute();
        await store.events.append(tx, {
          kind: 'people.session.revoked',
          subject: row.person_id,
          ...(actorOf(by) ? { actor: actorOf(by)! } : {}),
        });
      });
    },

    add,
    find,
    async findByLogin(login: string): Promise<Person | undefined> {
      const row = await read
        .selectFrom('person')
        .select('id')
        .where('login', '=', foldLogin(login))
        .executeTakeFirst();
      return row && find(row.id);
    },
    async list(): Promise<Person[]> {
      const rows = await read.selectFrom('person').selectAll().orderBy('login').execute();
      const roles = await rolesOf(
        read,
        rows.map((row) => row.id),
      );
      return rows.map((row) => asPerson(row, roles.get(row.id)!));
    },
    /** Changes by an administrator. Disabling, new roles and a new password end the person's sessions. */
    async change(
      personId: string,
      change: {
        name?: string;
        password?: string;
        roles?: readonly Role[];
        language?: Language;
        disabled?: boolean;
      },
      by: Principal,
    ): Promise<Person> {
      if (change.password !== undefined) checkPassword(change.password);
      const password = change.password === undefined ? undefined : await hashSecret(change.password);
      await write(async (tx) => {
        const row = await tx.selectFrom('person').selectAll().where('id', '=', personId).executeTakeFirst();
        if (!row) throw new NegatoscopeError('not-found', 'There is no such person.', { status: 404 });
        const before = (await rolesOf(tx, [personId])).get(personId)!;
        const losesAdmin = before.includes('admin') && change.roles && !change.roles.includes('admin');
        if (losesAdmin || (change.disabled && before.includes('admin')))
          await assertAnAdminStays(tx, personId);
        await tx
          .updateTable('person')
          .set({
            name: change.name?.trim() || row.name,
            language: change.language ?? row.language,
            disabled: change.disabled === undefined ? row.disabled : Number(change.disabled),
            ...(password
              ? {
                  password,
                  pin: null,
                  pin_failures: 0,
                  own_password: Number(isOwn(personId, by)),
                }
              : {}),
          })
          .where('id', '=', personId)
          .execute();
        if (change.roles) {
          await tx.updateTable('person_role').set({ active: 0 }).where('person_id', '=', personId).execute();
          for (const role of new Set(change.roles))
            await tx
              .insertInto('person_role')
              .values({ person_id: personId, role, active: 1 })
              .onConflict((c) => c.columns(['person_id', 'role']).doUpdateSet({ active: 1 }))
              .execute();
        }
        if (change.roles || change.disabled || password)
          await tx.deleteFrom('session').where('person_id', '=', personId).execute();
        await store.events.append(tx, {
          kind: 'people.person.changed',
          subject: personId,
          ...(actorOf(by) ? { actor: actorOf(by)! } : {}),
          payload: {
            changed: Object.keys(change).filter((key) => change[key as keyof typeof change] !== undefined),
            ...(change.roles ? { roles: [...change.roles] } : {}),
          },
        });
      });
      return (await find(personId))!;
    },
    /** One's own settings. A new PIN or password needs the present password. */
    async changeOwn(
      session: Session,
      change: {
        language?: Language;
        theme?: string;
        currentPassword?: string;
        pin?: string;
        password?: string;
      },
    ): Promise<void> {
      const row = await rowOf(session.person.id);
      if (change.pin !== undefined || change.password !== undefined) {
        await inTurn(`secret:${row.id}`, async () => {
          await guard([`secret:${row.id}`]);
          if (!change.currentPassword || !(await verifySecret(change.currentPassword, row.password))) {
            await countFailure([`secret:${row.id}`], row.id, 'people.secret.failed');
            throw new NegatoscopeError('secret-wrong', 'Your present password is not right.', {
              status: 403,
            });
          }
        });
      }
      if (change.pin !== undefined) checkPin(change.pin);
      if (change.password !== undefined) checkPassword(change.password);
      if (
        row.own_password === 0 &&
        change.password !== undefined &&
        change.password === change.currentPassword
      )
        throw new NegatoscopeError('password-same', 'Choose a password that nobody else knows.');
      const pin = change.pin === undefined ? undefined : await hashSecret(change.pin);
      const password = change.password === undefined ? undefined : await hashSecret(change.password);
      await write(async (tx) => {
        await tx
          .updateTable('person')
          .set({
            language: change.language ?? row.language,
            theme: change.theme ?? row.theme,
            // A PIN that came with somebody else's password is known to them as well.
            ...(password && row.own_password === 0 ? { pin: null } : {}),
            ...(pin ? { pin, pin_failures: 0 } : {}),
            ...(password ? { password, own_password: 1 } : {}),
          })
          .where('id', '=', row.id)
          .execute();
        if (password)
          await tx
            .deleteFrom('session')
            .where('person_id', '=', row.id)
            .where('public_id', '!=', session.publicId)
            .execute();
        if (pin || password)
          await store.events.append(tx, {
            kind: 'people.secret.changed',
            subject: row.id,
            actor: row.id,
            payload: { what: [...(pin ? ['pin'] : []), ...(password ? ['password'] : [])] },
          });
      });
    },
    /** For commands on the machine itself: checks login and password without a session. */
    async authenticate(login: string, password: string): Promise<Principal> {
      const row = await rightLogin(login, password);
      const person = (await find(row.id))!;
      return {
        personId: row.id,
        name: row.login,
        roles: new Set(person.roles),
        via: 'cli',
        language: person.language,
      };
    },
    ...createTokens({ store, read, write, now }),
  };
}
export type People = ReturnType<typeof createPeople>;
