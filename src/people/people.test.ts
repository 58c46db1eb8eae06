import { expect, test } from 'vitest';
import { eachStore } from '../store/testing.ts';
import { createPeople, peopleMigrations, type NewPerson } from './index.ts';
import type { Principal } from './types.ts';

const client = { address: '127.0.0.1', userAgent: 'test' };
const anne: NewPerson = {
  login: 'Anne',
  name: 'Dr Anne Marchand',
  password: 'a long password',
  pin: '2468',
  roles: ['admin', 'reader'],
  language: 'fr',
};
const admin: Principal = {
  personId: null,
  name: 'operator',
  roles: new Set(['admin']),
  via: 'cli',
  language: 'en',
};

eachStore((_label, make) => {
  async function people(settings = {}) {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const store = await make({ migrations: peopleMigrations, now: () => clock.now });
    return { store, clock, people: createPeople({ store, now: () => clock.now, settings }) };
  }

  test('the one-time link makes the first account once', async () => {
    const { people: house } = await people();
    expect(await house.setupNeeded()).toBe(true);
    const link = house.setupSecret();
    await expect(house.completeSetup('guessed', anne)).rejects.toMatchObject({ code: 'setup-link' });
    const person = await house.completeSetup(link, anne);
    expect(person).toMatchObject({ login: 'anne', roles: ['admin', 'reader'], hasPin: true });
    expect(await house.setupNeeded()).toBe(false);
    await expect(house.completeSetup(link, { ...anne, login: 'eve' })).rejects.toMatchObject({
      code: 'setup-link',
    });
  });

  test('nobody signs with a password that somebody else chose', async () => {
    const { people: house } = await people();
    const chief = await house.completeSetup(house.setupSecret(), anne);
    const by: Principal = { ...admin, via: 'session', personId: chief.id };
    const paul = await house.add({ ...anne, login: 'paul', roles: ['reader'] }, by);
    expect(paul.ownPassword).toBe(false);
    const { session } = await house.login('paul', anne.password, client);
    await expect(house.checkSignature(session, '2468')).rejects.toMatchObject({ code: 'own-password-first' });
    // It opens the lock: that is no act of anybody.
    expect(await house.checkSecret(session, '2468')).toBe('pin');
    const change = (password: string) =>
      house.changeOwn(session, { currentPassword: anne.password, password });
    await expect(change(anne.password)).rejects.toMatchObject({ code: 'password-same' });
    await change('my very own words');
    // The PIN came with the other's password and went with it.
    expect(await house.findByLogin('paul')).toMatchObject({ ownPassword: true, hasPin: false });
    expect(await house.checkSignature(session, 'my very own words')).toBe('password');
    await house.change(paul.id, { password: 'given once more' }, by);
    expect((await house.findByLogin('paul'))!.ownPassword).toBe(false);
    // One's own account, and whoever types at the machine itself.
    await house.change(chief.id, { password: 'chosen by myself' }, by);
    expect((await house.findByLogin('anne'))!.ownPassword).toBe(true);
    expect((await house.add({ ...anne, login: 'cli' }, admin)).ownPassword).toBe(true);
  });

  test('a session begins with the password, is found by its cookie and ends', async () => {
    const { people: house, clock } = await people({ sessionMs: 3_600_000 });
    await house.add(anne, admin);
    const { secret, session } = await house.login(' ANNE ', anne.password, client);
    expect(session.principal.roles).toEqual(new Set(['admin', 'reader']));
    expect(await house.sessionOf('another secret')).toBeUndefined();
    clock.now += 3_600_001;
    expect(await house.sessionOf(secret)).toBeUndefined();
    const again = await house.login('anne', anne.password, client);
    await house.logout(again.session);
    expect(await house.sessionOf(again.secret)).toBeUndefined();
  });

  test('failed log-ins slow down, for a login that exists and for one that does not', async () => {
    const { people: house, clock } = await people();
    await house.add(anne, admin);
    for (const login of ['anne', 'nobody-at-all']) {
      for (let i = 0; i < 5; i++)
        await expect(house.login(login, 'wrong', { ...client, address: login })).rejects.toMatchObject({
          code: 'login-failed',
          status: 401,
        });
      await expect(house.login(login, anne.password, { ...client, address: login })).rejects.toMatchObject({
        code: 'throttled',
        status: 429,
      });
    }
    clock.now += 31_000;
    await expect(house.login('anne', anne.password, client)).resolves.toBeDefined();
  });

  test('the screen locks after idleness; the PIN opens it, later only the password', async () => {
    const { people: house, clock } = await people({ idleLockMs: 60_000, pinIdleMs: 600_000 });
    await house.add(anne, admin);
    const { secret } = await house.login('anne', anne.password, client);
    clock.now += 61_000;
    const locked = (await house.sessionOf(secret))!;
    expect(locked.locked).toBe(true);
    await expect(house.unlock(locked, '0000')).rejects.toMatchObject({ code: 'secret-wrong' });
    await house.unlock(locked, '2468');
    expect((await house.sessionOf(secret))!.locked).toBe(false);
    clock.now += 601_000;
    const idle = (await house.sessionOf(secret))!;
    await expect(house.unlock(idle, '2468')).rejects.toMatchObject({ code: 'password-needed' });
    await house.unlock(idle, anne.password);
    const open = (await house.sessionOf(secret))!;
    expect([open.locked, open.passwordNeeded]).toEqual([false, false]);
  });

  test('many guesses sent at once are no more than a few', async () => {
    const { people: house } = await people();
    await house.add(anne, admin);
    const { session } = await house.login('anne', anne.password, client);
    const outcomes = (tries: Promise<unknown>[]) =>
      Promise.all(
        tries.map((each) =>
          each.then(
            () => 'in',
            (error: { code: string }) => error.code,
          ),
        ),
      );
    const pins = ['1111', '2222', '3333', '4444', '5555', '6666', '7777', '2468'];
    expect(await outcomes(pins.map((pin) => house.checkSecret(session, pin)))).toEqual([
      ...Array<string>(5).fill('secret-wrong'),
      ...Array<string>(3).fill('throttled'),
    ]);
    const passwords = [...'abcdefg', anne.password];
    expect(await outcomes(passwords.map((word) => house.login('anne', word, client)))).toEqual([
      ...Array<string>(5).fill('login-failed'),
      ...Array<string>(3).fill('throttled'),
    ]);
  });

  test('five who mistype at one desk do not lock the sixth out; guessing many logins does', async () => {
    const { people: house } = await people();
    await house.add(anne, admin);
    for (let i = 0; i < 6; i++)
      await expect(house.login(`person-${i}`, 'wrong', client)).rejects.toMatchObject({
        code: 'login-failed',
      });
    await house.login('anne', anne.password, client);
    for (let i = 6; i < 30; i++)
      await expect(house.login(`person-${i}`, 'wrong', client)).rejects.toMatchObject({
        code: 'login-failed',
      });
    await expect(house.login('anne', anne.password, client)).rejects.toMatchObject({ code: 'throttled' });
  });

  test('the one-time link sent twice at once makes one account', async () => {
    const { people: house } = await people();
    const link = house.setupSecret();
    const both = await Promise.allSettled([
      house.completeSetup(link, anne),
      house.completeSetup(link, { ...anne, login: 'eve' }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await house.list()).toHaveLength(1);
  });

  test('what a page asks behind the lock does not keep the PIN good', async () => {
    const { people: house, clock } = await people({ idleLockMs: 60_000, pinIdleMs: 600_000 });
    await house.add(anne, admin);
    const { secret, session } = await house.login('anne', anne.password, client);
    await house.lock(session.publicId);
    for (let asked = 0; asked < 30; asked++) {
      clock.now += 30_000;
      await house.sessionOf(secret);
    }
    expect(await house.sessionOf(secret)).toMatchObject({ locked: true, passwordNeeded: true });
  });

  test('five wrong PINs switch the PIN off until the password was given', async () => {
    const { people: house, clock } = await people();
    await house.add(anne, admin);
    const { session } = await house.login('anne', anne.password, client);
    for (let i = 0; i < 5; i++)
      await expect(house.checkSecret(session, '1111')).rejects.toMatchObject({ code: 'secret-wrong' });
    clock.now += 31_000;
    await expect(house.checkSecret(session, '2468')).rejects.toMatchObject({ code: 'password-needed' });
    expect(await house.checkSecret(session, anne.password)).toBe('password');
    expect(await house.checkSecret(session, '2468')).toBe('pin');
  });

  test('new roles end the sessions, and the last administrator stays', async () => {
    const { people: house } = await people();
    const person = await house.add(anne, admin);
    const { secret } = await house.login('anne', anne.password, client);
    await expect(house.change(person.id, { roles: ['reader'] }, admin)).rejects.toMatchObject({
      code: 'last-admin',
    });
    await expect(house.change(person.id, { disabled: true }, admin)).rejects.toMatchObject({
      code: 'last-admin',
    });
    await house.add({ ...anne, login: 'jean', roles: ['admin'] }, admin);
    const changed = await house.change(person.id, { roles: ['technologist'] }, admin);
    expect(changed.roles).toEqual(['technologist']);
    expect(await house.sessionOf(secret)).toBeUndefined();
    expect((await house.change(person.id, { roles: ['reader'] }, admin)).roles).toEqual(['reader']);
  });

  test('a token sends and looks but is nobody, and ends when it is revoked', async () => {
    const { people: house } = await people();
    const token = await house.addToken('ct scanner', ['technologist'], admin);
    expect(token).toMatch(/^ngs_[\w-]{43}$/);
    expect(await house.tokenOf(token)).toMatchObject({ personId: null, roles: new Set(['technologist']) });
    const [row] = await house.tokens();
    expect(JSON.stringify(row)).not.toContain(token);
    await house.revokeToken(row!.id, admin);
    expect(await house.tokenOf(token)).toBeUndefined();
  });

  test('what happened to accounts stands in the event log, secrets do not', async () => {
    const { people: house, store } = await people();
    const person = await house.add(anne, admin);
    await house.login('anne', anne.password, client);
    await store.events.settled();
    const events = await store.events.page({ limit: 50 });
    expect(events.map(({ kind }) => kind).toSorted()).toEqual(['people.login', 'people.person.added']);
    expect(events.every(({ subject }) => subject === person.id)).toBe(true);
    expect(JSON.stringify(events)).not.toMatch(/password|2468|Marchand/);
  });

  test.each([
    [{ password: 'short' }, 'password-too-short'],
    [{ pin: '12' }, 'pin-form'],
    [{ login: 'two words' }, 'login-form'],
    [{ roles: ['boss' as never] }, 'role-unknown'],
  ])('refuses an account with %j', async (wrong, code) => {
    const { people: house } = await people();
    await expect(house.add({ ...anne, ...wrong }, admin)).rejects.toMatchObject({ code });
  });
});
