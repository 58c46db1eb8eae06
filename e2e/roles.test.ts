/**
 * Role × route, the whole table: every route that the server registers stands in it, and every role is tried on every
 * route, with a session and with a token. Only whether somebody is let in is asked here; 404 or 400 means: let in.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, firstAccount, PASSWORD, remove, startServer, type Server } from './harness.ts';

const ROLES = ['admin', 'reader', 'technologist', 'evidence', 'viewer'] as const;
/** `worker` is a role of tokens alone. */
const TOKEN_ROLES = [...ROLES, 'worker'] as const;
type Who = (typeof TOKEN_ROLES)[number];
const ALL = ROLES as readonly Who[];
const SEND: readonly Who[] = ['admin', 'reader', 'technologist'];
/** The worklist of AI work. */
const LIST: readonly Who[] = ['admin', 'worker'];
const WEB = '/dicom-web';
const INSTANCE = `${WEB}/studies/{study}/series/{series}/instances/{instance}`;
const PUBLIC = 'public';
const PERSON = 'person'; // any person who is signed in, no machine

const TABLE: Record<string, typeof PUBLIC | typeof PERSON | readonly Who[]> = {
  'GET /health': PUBLIC,
  'GET /ca.crt': PUBLIC,
  'GET /api/status': PUBLIC,
  'POST /api/setup': PUBLIC,
  'POST /api/login': PUBLIC,
  'POST /api/logout': PERSON,
  'GET /api/me': PERSON,
  'PATCH /api/me': PERSON,
  'POST /api/lock': PERSON,
  'POST /api/unlock': PERSON,
  'GET /api/sessions': PERSON,
  'DELETE /api/sessions/{id}': PERSON,
  'GET /api/openapi.json': PERSON,
  'GET /api/users': ['admin'],
  'POST /api/users': ['admin'],
  'PATCH /api/users/{id}': ['admin'],
  'GET /api/readers': ['admin'],
  'GET /api/tokens': ['admin'],
  'POST /api/tokens': ['admin'],
  'DELETE /api/tokens/{id}': ['admin'],
  'GET /api/worklist': ALL,
  'GET /api/studies/{uid}': ALL,
  'POST /api/studies/{uid}/claim': ['reader'],
  'DELETE /api/studies/{uid}/claim': ['reader'],
  'POST /api/studies/{uid}/opinion': ['reader'],
  'POST /api/studies/{uid}/findings': ['reader'],
  'PUT /api/findings/{id}/decision': ['reader'],
  'DELETE /api/findings/{id}': ['reader'],
  'PUT /api/studies/{uid}/marks/{id}': ['reader'],
  'DELETE /api/studies/{uid}/marks/{id}': ['reader'],
  'PUT /api/studies/{uid}/draft': ['reader'],
  'POST /api/studies/{uid}/sign': ['reader'],
  'POST /api/reports/{id}/addenda': ['reader'],
  'GET /api/reports/{id}/pdf': ALL,
  'PATCH /api/studies/{uid}/patient': ['admin', 'technologist'],
  'GET /api/templates': ALL,
  'GET /api/runs/{id}/heatmap/{sop}': ALL,
  'GET /api/discrepancies': ['reader'],
  'POST /api/discrepancies/{id}/seen': ['reader'],
  'GET /api/models': ALL,
  'POST /api/models/{id}/stage': ['admin'],
  'POST /api/packages': ['admin'],
  'GET /api/packages/broken': ['admin'],
  'POST /api/models/{id}/check': ['admin'],
  'PUT /api/models/{id}/enabled': ['admin'],
  'PUT /api/models/{id}/version': ['admin'],
  'DELETE /api/models/{id}/versions/{version}': ['admin'],
  'GET /api/claims': ['admin', 'reader', 'evidence'],
  'POST /api/claims': ['admin', 'evidence'],
  'PUT /api/claims/{id}': ['admin', 'evidence'],
  'GET /api/claims/{id}/versions': ['admin', 'reader', 'evidence'],
  'GET /api/evidence': ['admin', 'reader', 'evidence'],
  'GET /api/evidence/report.pdf': ['admin', 'reader', 'evidence'],
  'GET /api/evidence/{id}/export/{file}': ['admin', 'evidence'],
  'GET /api/evidence/{id}': ['admin', 'reader', 'evidence'],
  'GET /api/evidence/{id}/cases': ['admin', 'reader', 'evidence'],
  'GET /api/evidence/{id}/monitoring': ['admin', 'reader', 'evidence'],
  'GET /api/gates/{id}': ['admin', 'reader', 'evidence'],
  'POST /api/gates/plan': ['admin', 'reader', 'evidence'],
  'POST /api/gates/{id}/protocols': ['admin'],
  'POST /api/gates/{id}/protocols/{protocol}/deviations': ['admin'],
  'GET /api/evidence/{id}/turnaround': ['admin', 'reader', 'evidence'],
  'GET /api/validation': ['admin', 'evidence'],
  'POST /api/validation': ['admin', 'evidence'],
  'POST /api/validation/{id}/cancel': ['admin', 'evidence'],
  'POST /api/validation/{id}/again': ['admin', 'evidence'],
  'DELETE /api/validation/{id}': ['admin', 'evidence'],
  'GET /api/validation/{id}/{file}': ['admin', 'evidence'],
  'GET /api/labelling': ['evidence'],
  'POST /api/labelling': ['evidence'],
  'POST /api/labelling/frame': ['evidence'],
  'GET /api/labelling/mine': ['reader'],
  'GET /api/labelling/{id}': ['evidence'],
  'PATCH /api/labelling/{id}': ['evidence'],
  'POST /api/labelling/{id}/extend': ['evidence'],
  'POST /api/labelling/{id}/close': ['evidence'],
  'GET /api/labelling/{id}/cases': ['evidence'],
  'GET /api/labelling/{id}/labels.csv': ['evidence'],
  'POST /api/labelling/{id}/next': ['reader'],
  'POST /api/labelling/{id}/labels': ['reader'],
  'POST /api/labelling/{id}/undo': ['reader'],
  'POST /api/labelling/{id}/pause': ['reader'],
  'GET /api/evidence/{id}/measures': ['admin', 'reader', 'evidence'],
  'GET /api/evidence/{id}/measures/cases': ['admin', 'reader', 'evidence'],
  'GET /api/evidence/{id}/inputs': ['admin', 'reader', 'evidence'],
  'GET /api/evidence/{id}/versions': ['admin', 'reader', 'evidence'],
  'GET /api/studies/{uid}/references': ['reader', 'evidence'],
  'POST /api/studies/{uid}/references': ['reader', 'evidence'],
  'POST /api/references/{id}/withdraw': ['reader', 'evidence'],
  'POST /api/references/import': ['evidence'],
  'GET /api/associations': ['admin'],
  'GET /api/knocks': ['admin'],
  'POST /api/knocks/{aet}/admit': ['admin'],
  'POST /api/knocks/{aet}/refuse': ['admin'],
  'GET /api/remotes': ['admin', 'technologist', 'reader'],
  'POST /api/remotes': ['admin'],
  'GET /api/remotes/authority': ['admin'],
  'POST /api/remotes/{id}/echo': ['admin', 'technologist', 'reader'],
  'POST /api/remotes/{id}/query': ['admin', 'technologist', 'reader'],
  'POST /api/remotes/{id}/pulls': ['admin', 'technologist', 'reader'],
  'GET /api/pulls': ['admin', 'technologist', 'reader'],
  'POST /api/pulls/{id}/again': ['admin', 'technologist', 'reader'],
  'POST /api/pulls/{id}/cancel': ['admin', 'technologist', 'reader'],
  'PATCH /api/remotes/{id}': ['admin'],
  'DELETE /api/remotes/{id}': ['admin'],
  'GET /api/folders': ['admin', 'technologist'],
  'POST /api/folders/trial': ['admin'],
  'POST /api/folders': ['admin'],
  'PATCH /api/folders/{id}': ['admin'],
  'DELETE /api/folders/{id}': ['admin'],
  'GET /api/rules': ['admin'],
  'POST /api/rules': ['admin'],
  'PATCH /api/rules/{id}': ['admin'],
  'DELETE /api/rules/{id}': ['admin'],
  'POST /api/studies/{uid}/forward': ['admin', 'technologist', 'reader'],
  'GET /api/forwards': ['admin', 'technologist', 'reader'],
  'POST /api/forwards/{id}/again': ['admin', 'technologist', 'reader'],
  'POST /api/forwards/{id}/cancel': ['admin', 'technologist', 'reader'],
  'GET /api/quarantine': ['admin', 'technologist'],
  'GET /api/quarantine/decisions': ['admin', 'technologist'],
  'GET /api/quarantine/{id}': ['admin', 'technologist'],
  'GET /api/quarantine/{id}/file': ['admin', 'technologist'],
  'GET /api/quarantine/{id}/peek': ['admin', 'technologist'],
  'GET /api/quarantine/{id}/picture': ['admin', 'technologist'],
  'POST /api/quarantine/{id}/release': ['admin', 'technologist'],
  'POST /api/quarantine/{id}/as-new': ['admin', 'technologist'],
  'POST /api/quarantine/{id}/replace': ['admin'],
  'POST /api/quarantine/{id}/discard': ['admin'],
  'GET /api/recycled': ['admin'],
  'POST /api/recycled': ['admin'],
  'POST /api/recycled/{id}/restore': ['admin'],
  'DELETE /api/recycled/{id}': ['admin'],
  'GET /api/upkeep': ['admin'],
  'POST /api/upkeep/jobs/{kind}/retry': ['admin'],
  'POST /api/upkeep/backup': ['admin'],
  'GET /api/deletion': ['admin'],
  'PUT /api/deletion': ['admin'],
  'POST /api/deletion/preview': ['admin'],
  'GET /api/audit': ['admin'],
  'POST /api/audit/verify': ['admin'],
  'GET /api/doctor': ['admin'],
  'GET /api/practice': ['admin'],
  'PATCH /api/practice': ['admin'],
  'PUT /api/practice/network': ['admin'],
  [`GET ${WEB}/workitems`]: LIST,
  [`POST ${WEB}/workitems`]: ['admin'],
  [`GET ${WEB}/workitems/{workitem}`]: LIST,
  [`POST ${WEB}/workitems/{workitem}`]: ['worker'],
  [`PUT ${WEB}/workitems/{workitem}/state`]: ['worker'],
  [`POST ${WEB}/workitems/{workitem}/cancelrequest`]: ['admin'],
  [`POST ${WEB}/workitems/{workitem}/subscribers/{aetitle}`]: LIST,
  [`DELETE ${WEB}/workitems/{workitem}/subscribers/{aetitle}`]: LIST,
  [`POST ${WEB}/workitems/{workitem}/subscribers/{aetitle}/suspend`]: LIST,
  [`GET ${WEB}/subscribers/{aetitle}`]: LIST,
  // Of what it has claimed alone: src/doors/dicomweb/ups.test.ts.
  [`POST ${WEB}/studies/{study}`]: [...SEND, 'worker'],
  [`GET ${INSTANCE}`]: [...ROLES, 'worker'],
  [`GET ${INSTANCE}/metadata`]: [...ROLES, 'worker'],
  [`GET ${INSTANCE}/bulkdata/{*}`]: [...ROLES, 'worker'],
  [`GET ${INSTANCE}/frames/{frames}`]: [...ROLES, 'worker'],
  'POST /api/upload': SEND,
  'GET /api/upload/here/{sop}': SEND,
  'POST /api/attachments': SEND,
};
/** Not in the description of the API: it never ends. */
const LIVE = 'GET /api/live';

let server: Server;
let admin: Client;
const tokens = new Map<Who, string>();
const sessions = new Map<Who, Client>();

beforeAll(async () => {
  server = await startServer();
  admin = await firstAccount(server);
  for (const role of TOKEN_ROLES) {
    const { token } = await admin.json<{ token: string }>('POST', '/api/tokens', {
      name: role,
      roles: [role],
    });
    tokens.set(role, token);
    if (role === 'worker') continue;
    await admin.json('POST', '/api/users', {
      name: role,
      login: role,
      password: PASSWORD,
      roles: [role],
      language: 'en',
    });
    sessions.set(role, await new Client(server.url).login(role));
  }
});
afterAll(async () => {
  await server.stop();
  remove(server);
});

const routes = async (): Promise<string[]> => {
  const { paths } = await admin.json<{ paths: Record<string, Record<string, unknown>> }>(
    'GET',
    '/api/openapi.json',
  );
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => method !== 'head')
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
};
/** DICOMweb says its rule by method: sending for who sends, looking for everyone; what it can do is no secret. */
const ruleOf = (route: string) =>
  TABLE[route] ??
  (route.startsWith('OPTIONS /dicom-web') ? PUBLIC : undefined) ??
  (route.includes(' /dicom-web') ? (route.startsWith('GET') ? ALL : SEND) : undefined);
const pathOf = (route: string): [string, string] => {
  const [method, path] = route.split(' ') as [string, string];
  return [method, path.replace(/\{[^}]+\}/g, '1.2.3').replaceAll('*', 'x')];
};
const refused = (status: number) => status === 401 || status === 403;

test('every route of the server stands in the table, and nothing else does', async () => {
  const present = await routes();
  expect(present.filter((route) => ruleOf(route) === undefined)).toEqual([]);
  expect(Object.keys(TABLE).filter((route) => !present.includes(route))).toEqual([]);
  expect(present.some((route) => route.includes('/dicom-web/studies'))).toBe(true);
});

test('nobody gets in without a session or a token, except where the table says public', async () => {
  const nobody = new Client(server.url);
  const wrong: string[] = [];
  for (const route of [...(await routes()), LIVE]) {
    const [method, path] = pathOf(route);
    const { status } = await nobody.call(method, path, method === 'GET' ? undefined : {});
    const open = ruleOf(route) === PUBLIC;
    if (open ? status === 403 : status !== 401) wrong.push(`${route}: ${status}`);
  }
  // A wrong link and wrong credentials are refused by their own rules.
  expect(wrong.filter((line) => !/setup|login/.test(line))).toEqual([]);
});

test.each(TOKEN_ROLES)('a token with the role %s opens what the table says', async (role) => {
  const client = new Client(server.url, tokens.get(role));
  const wrong: string[] = [];
  for (const route of await routes()) {
    const rule = ruleOf(route)!;
    if (rule === PUBLIC) continue;
    const [method, path] = pathOf(route);
    const { status } = await client.call(method, path, method === 'GET' ? undefined : {});
    const allowed = rule !== PERSON && rule.includes(role);
    // Acts of a person are refused to a machine even with the role: by the room, with 403.
    const personal =
      rule !== PERSON &&
      (rule.includes('reader') || /stage|labelling|references|POST \/dicom-web\/workitems$/.test(route)) &&
      status === 403;
    if (refused(status) !== !allowed && !personal) wrong.push(`${route}: ${status}`);
    if (!allowed && !refused(status)) wrong.push(`${route}: ${status} (must be refused)`);
  }
  expect(wrong).toEqual([]);
});

test.each(ROLES)('a person with the role %s is let in where the table says', async (role) => {
  const client = sessions.get(role)!;
  const wrong: string[] = [];
  for (const route of await routes()) {
    const rule = ruleOf(route)!;
    // Ends the session, or is tried above.
    if (rule === PUBLIC || /logout|lock/.test(route)) continue;
    const [method, path] = pathOf(route);
    const { status } = await client.call(method, path, method === 'GET' ? undefined : {});
    const allowed = rule === PERSON || rule.includes(role);
    if (!allowed && status !== 403) wrong.push(`${route}: ${status} (must be 403)`);
    if (allowed && status === 401) wrong.push(`${route}: ${status}`);
  }
  expect(wrong).toEqual([]);
});

test('nobody is a worker beside something else, and no person is one', async () => {
  const call = (path: string, body: unknown) => admin.call('POST', path, body);
  expect((await call('/api/tokens', { name: 'x', roles: ['worker', 'viewer'] })).status).toBe(400);
  const person = { name: 'x', login: 'xx', password: PASSWORD, roles: ['worker'], language: 'en' };
  expect((await call('/api/users', person)).status).toBe(400);
});

test('a writing call from another site is refused although the cookie came along', async () => {
  const anne = await new Client(server.url).login('admin');
  for (const headers of [
    { origin: 'https://elsewhere.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'x-csrf': 'guessed' },
  ] as Record<string, string>[])
    expect((await anne.call('POST', '/api/tokens', { name: 'x', roles: ['viewer'] }, headers)).status).toBe(
      403,
    );
  expect((await anne.call('POST', '/api/tokens', { name: 'x', roles: ['viewer'] })).status).toBe(200);
});

test('a locked screen answers nothing but the lock', async () => {
  const reader = await new Client(server.url).login('reader');
  await reader.call('POST', '/api/lock', {});
  expect((await reader.call('GET', '/api/worklist')).status).toBe(423);
  expect((await reader.call('GET', '/dicom-web/studies')).status).toBe(423);
  expect((await reader.call('POST', '/api/unlock', { secret: PASSWORD })).status).toBe(200);
  expect((await reader.call('GET', '/api/worklist')).status).toBe(200);
});

test('the page and its parts carry the headers that keep others out', async () => {
  const { headers } = await new Client(server.url).call('GET', '/');
  expect(headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(headers.get('content-security-policy')).not.toContain("'unsafe-eval'");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('same-origin');
});
