import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ROLES, TOKEN_ROLES } from '../../people/index.ts';
import type { Rooms } from '../../rooms.ts';
import { clearSessionCookie, csrfOf, requireSession, SESSION_COOKIE, setSessionCookie } from '../auth.ts';
import type { Me, SessionRow, TokenRow } from './contract.ts';
import type { NetworkControl } from './index.ts';
import { bodyOf } from './schema.ts';

const secretText = z.string().min(1).max(1024);
const roles = z.array(z.enum(ROLES)).max(ROLES.length);
const language = z.enum(['fr', 'en']);

export const Login = z.object({ login: z.string().max(200), password: secretText });
export const NetworkChoice = z.object({
  exposure: z.enum(['local', 'network']),
  tls: z.enum(['own-ca', 'certificate', 'proxy']).optional(),
  certPath: z.string().max(1000).optional(),
  keyPath: z.string().max(1000).optional(),
});
export const Setup = NetworkChoice.extend({
  token: z.string().max(200),
  name: z.string().min(1).max(64),
  login: z.string().min(2).max(64),
  password: secretText,
  pin: z.string().max(8).optional(),
  alsoReader: z.boolean(),
  language,
  siteName: z.string().max(64).optional(),
  understood: z.literal(true),
});
const MePatchBody = z.object({
  language: language.optional(),
  theme: z.enum(['dark', 'light', 'system']).optional(),
  currentPassword: secretText.optional(),
  pin: z.string().max(8).optional(),
  password: secretText.optional(),
});
const Secret = z.object({ secret: secretText });
const NewUser = z.object({
  name: z.string().min(1).max(64),
  login: z.string().min(2).max(64),
  password: secretText,
  roles,
  language: language.default('fr'),
  pin: z.string().max(8).optional(),
});
const UserPatch = z.object({
  name: z.string().min(1).max(64).optional(),
  password: secretText.optional(),
  roles: roles.optional(),
  language: language.optional(),
  disabled: z.boolean().optional(),
});
const NewToken = z.object({
  name: z.string().min(1).max(64),
  roles: z.array(z.enum(TOKEN_ROLES)).min(1).max(TOKEN_ROLES.length),
});

/** Accounts, sessions, first visit, tokens. */
export function registerAccount(app: FastifyInstance, rooms: Rooms, network: NetworkControl): void {
  const { people, store } = rooms;
  const client = (request: FastifyRequest) => ({
    address: request.ip,
    userAgent: String(request.headers['user-agent'] ?? ''),
  });
  const isSecure = (request: FastifyRequest) => request.protocol === 'https';

  async function me(request: FastifyRequest, secret?: string): Promise<Me> {
    const cookie = secret ?? request.cookies[SESSION_COOKIE]!;
    const session = (await people.sessionOf(cookie))!;
    return {
      person: session.person,
      locked: session.locked,
      pinUsableUntil:
        session.person.hasPin && !session.passwordNeeded ? Date.now() + people.settings.pinIdleMs : null,
      idleLockMs: people.settings.idleLockMs,
      csrf: csrfOf(cookie),
      theme: session.theme as Me['theme'],
    };
  }
  const entered = (request: FastifyRequest, reply: FastifyReply, secret: string) => {
    setSessionCookie(reply, secret, isSecure(request));
    return me(request, secret);
  };

  app.post('/api/setup', { config: { access: 'public', perMinute: 10 } }, async (request, reply) => {
    const form = bodyOf(request, Setup);
    // Before anything is looked at: the answer about a certificate's path is for the holder of the link alone.
    await people.checkSetupLink(form.token);
    const plan = await network.check(form);
    const person = await people.completeSetup(form.token, {
      login: form.login,
      name: form.name,
      password: form.password,
      ...(form.pin ? { pin: form.pin } : {}),
      roles: form.alsoReader ? ['admin', 'reader'] : ['admin'],
      language: form.language,
    });
    if (form.siteName) await store.setSetting('site.name', form.siteName);
    await store.setSetting('site.language', form.language);
    await store.write(async (tx) =>
      store.events.append(tx, {
        kind: 'people.setup.done',
        subject: person.id,
        actor: person.id,
        payload: { exposure: form.exposure, tls: form.tls ?? null, understoodNotMedicalDevice: true },
      }),
    );
    await network.apply(plan);
    const { secret } = await people.loginAs(person.id, client(request));
    return entered(request, reply, secret);
  });

  app.post('/api/login', { config: { access: 'public', perMinute: 30 } }, async (request, reply) => {
    const { login, password } = bodyOf(request, Login);
    const { secret } = await people.login(login, password, client(request));
    return entered(request, reply, secret);
  });
  app.post('/api/logout', { config: { access: 'person', whileLocked: true } }, async (request, reply) => {
    await people.logout(requireSession(request));
    clearSessionCookie(reply);
    return reply.code(204).send();
  });
  app.get('/api/me', { config: { access: 'person', whileLocked: true } }, async (request) => me(request));
  app.patch('/api/me', { config: { access: 'person' } }, async (request) => {
    await people.changeOwn(requireSession(request), clean(bodyOf(request, MePatchBody)));
    return me(request);
  });
  app.post('/api/lock', { config: { access: 'person', whileLocked: true } }, async (request, reply) => {
    await people.lock(requireSession(request).publicId);
    return reply.code(204).send();
  });
  app.post(
    '/api/unlock',
    { config: { access: 'person', whileLocked: true, perMinute: 30 } },
    async (request) => {
      await people.unlock(requireSession(request), bodyOf(request, Secret).secret);
      return me(request);
    },
  );
  app.get('/api/sessions', { config: { access: 'person' } }, async (request): Promise<SessionRow[]> => {
    const session = requireSession(request);
    const rows = await people.sessions(session.person.id);
    return rows.map((row) => ({ ...row, current: row.id === session.publicId }));
  });
  app.delete<{ Params: { id: string } }>(
    '/api/sessions/:id',
    { config: { access: 'person' } },
    async (request, reply) => {
      await people.revokeSession(request.params.id, request.principal);
      return reply.code(204).send();
    },
  );

  app.get('/api/users', { config: { access: ['admin'] } }, async () => people.list());
  app.post('/api/users', { config: { access: ['admin'] } }, async (request) => {
    const form = bodyOf(request, NewUser);
    return people.add(clean(form), request.principal);
  });
  app.patch<{ Params: { id: string } }>(
    '/api/users/:id',
    { config: { access: ['admin'] } },
    async (request) => people.change(request.params.id, clean(bodyOf(request, UserPatch)), request.principal),
  );

  app.get('/api/tokens', { config: { access: ['admin'] } }, async (): Promise<TokenRow[]> => people.tokens());
  app.post('/api/tokens', { config: { access: ['admin'] } }, async (request) => {
    const { name, roles: granted } = bodyOf(request, NewToken);
    return { token: await people.addToken(name, granted, request.principal) };
  });
  app.delete<{ Params: { id: string } }>(
    '/api/tokens/:id',
    { config: { access: ['admin'] } },
    async (request, reply) => {
      await people.revokeToken(request.params.id, request.principal);
      return reply.code(204).send();
    },
  );
}

/** Without keys whose value is undefined, as `exactOptionalPropertyTypes`-minded callees expect. */
function clean<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never;
}
