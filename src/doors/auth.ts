import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { NegatoscopeError } from '../errors.ts';
import { ROLES, type People, type Role, type Session } from '../people/index.ts';
import './principal.ts';

export const SESSION_COOKIE = 'negatoscope_session';
/** Who may send images. */
export const SENDERS = ['admin', 'reader', 'technologist'] as const satisfies readonly Role[];

/** Bound to the cookie, so that a page elsewhere cannot know it: HMAC of a fixed text under the session's secret. */
export const csrfOf = (cookieSecret: string): string =>
  createHmac('sha256', cookieSecret).update('csrf').digest('base64url');

const sameText = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

/**
 * Who asks, for every route of every door. In this order: session cookie (origin and CSRF token checked where something is
 * written), Bearer token, Basic with the token as the password (for DICOMweb clients that know nothing else).
 * Registers on the root instance before any route.
 */
export async function registerAuth(app: FastifyInstance, deps: { people: People }) {
  const { people } = deps;
  await app.register(cookie, { secret: randomBytes(32).toString('hex') });
  app.decorateRequest('session', null);
  app.decorateRequest('maybePrincipal', null);
  app.decorateRequest('principal', {
    getter(this: FastifyRequest) {
      if (!this.maybePrincipal) throw unauthenticated();
      return this.maybePrincipal;
    },
  });

  app.addHook('onRoute', (route) => {
    const config = (route.config ??= {});
    if (config.access) return;
    if (!route.url.startsWith('/api') && !route.url.startsWith('/dicom-web')) {
      config.access = 'public'; // the pages' own files
      return;
    }
    if (!route.url.startsWith('/dicom-web'))
      throw new Error(`Route ${String(route.method)} ${route.url} does not say who may use it.`);
    const methods = [route.method].flat();
    config.access = methods.some((method) => method === 'POST' || method === 'PUT' || method === 'DELETE')
      ? SENDERS
      : ROLES;
  });

  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access;
    if (!access) return; // no such route: the 404 handler answers
    await identify(request, people);
    if (access === 'public') return;
    const principal = request.maybePrincipal;
    if (!principal) throw unauthenticated();
    if (request.session?.locked && !request.routeOptions.config.whileLocked)
      throw new NegatoscopeError('locked', 'The screen is locked. Unlock it with your PIN or password.', {
        status: 423,
      });
    if (access === 'person') {
      if (principal.personId === null) throw forbidden();
      return;
    }
    if (!access.some((role) => principal.roles.has(role))) throw forbidden();
  });
}

async function identify(request: FastifyRequest, people: People): Promise<void> {
  const secret = request.cookies[SESSION_COOKIE];
  if (secret) {
    const session = await people.sessionOf(secret, request.routeOptions.url !== '/api/live');
    if (session) {
      const writes = !['GET', 'HEAD', 'OPTIONS'].includes(request.method);
      if (writes && request.routeOptions.config.access !== 'public') checkOrigin(request, secret);
      request.session = session;
      request.maybePrincipal = session.principal;
      return;
    }
  }
  const header = request.headers.authorization;
  if (!header) return;
  const [scheme, value = ''] = header.split(' ', 2);
  const token =
    scheme?.toLowerCase() === 'bearer'
      ? value
      : scheme?.toLowerCase() === 'basic'
        ? Buffer.from(value, 'base64').toString().split(':').slice(1).join(':')
        : '';
  if (token) request.maybePrincipal = (await people.tokenOf(token)) ?? null;
}

function checkOrigin(request: FastifyRequest, secret: string): void {
  const origin = request.headers.origin;
  const site = request.headers['sec-fetch-site'];
  // A page without an origin of its own sends "null".
  const own = origin === undefined || (URL.canParse(origin) && new URL(origin).host === request.host);
  const token = request.headers['x-csrf'];
  if (
    !own ||
    (site !== undefined && site !== 'same-origin') ||
    typeof token !== 'string' ||
    !sameText(token, csrfOf(secret))
  )
    throw new NegatoscopeError('csrf', 'This request did not come from the page. Reload it and try again.', {
      status: 403,
    });
}

export function setSessionCookie(reply: FastifyReply, secret: string, secure: boolean): void {
  reply.setCookie(SESSION_COOKIE, secret, { path: '/', httpOnly: true, sameSite: 'strict', secure });
}
export function clearSessionCookie(reply: FastifyReply): void {
  reply.clearCookie(SESSION_COOKIE, { path: '/' });
}

export const requireSession = (request: FastifyRequest): Session => {
  if (!request.session) throw forbidden();
  return request.session;
};

const unauthenticated = () =>
  new NegatoscopeError('unauthenticated', 'Sign in, or send a token: Authorization: Bearer <token>.', {
    status: 401,
  });
const forbidden = () =>
  new NegatoscopeError('forbidden', 'Your roles do not include this. Ask an administrator.', { status: 403 });
