/** The first visit over HTTP: what it may choose, and what may not be asked without the link. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { Client, firstAccount, newDir, PASSWORD, remove, startServer, type Server } from './harness.ts';

const servers: Server[] = [];
async function fresh(env: Record<string, string> = {}): Promise<Server> {
  Object.assign(process.env, env);
  try {
    const server = await startServer(newDir());
    servers.push(server);
    return server;
  } finally {
    for (const key of Object.keys(env)) delete process.env[key];
  }
}
afterAll(async () => {
  for (const server of servers) {
    await server.stop();
    remove(server);
  }
});
const form = (server: Server, more: object) => ({
  token: new URL(server.setup!).searchParams.get('token'),
  name: 'Dr Anne Marchand',
  login: 'anne',
  password: PASSWORD,
  alsoReader: true,
  language: 'fr',
  understood: true,
  exposure: 'network',
  ...more,
});
const setup = async (server: Server, more: object) => {
  const response = await new Client(server.url).call('POST', '/api/setup', form(server, more));
  return {
    status: response.status,
    code: ((await response.json()) as { error?: { code: string } }).error?.code,
  };
};
const needed = async (server: Server) =>
  ((await (await fetch(`${server.url}/api/status`)).json()) as { setupNeeded: boolean }).setupNeeded;

test('a choice that cannot be opened makes no account; files are looked at for the holder of the link alone', async () => {
  const taken = createServer().listen(0, '0.0.0.0');
  await once(taken, 'listening');
  const port = String((taken.address() as AddressInfo).port);
  const server = await fresh({ NEGATOSCOPE_NETWORK_PORT: port });
  const here = join(import.meta.dirname, 'harness.ts');
  const files = { tls: 'certificate', certPath: here, keyPath: here };
  expect(await setup(server, { ...files, certPath: '/nowhere' })).toMatchObject({ code: 'tls-file' });
  expect(await setup(server, files)).toMatchObject({ code: 'tls-file' });
  expect(await setup(server, { tls: 'own-ca' })).toMatchObject({ code: 'port-in-use' });
  for (const certPath of ['/nowhere', here])
    expect(await setup(server, { ...files, certPath, token: 'guessed' })).toEqual({
      status: 403,
      code: 'setup-link',
    });
  expect(await needed(server)).toBe(true);
  taken.close();
  await once(taken, 'close');
  expect((await setup(server, { tls: 'own-ca' })).status).toBe(200);
  expect(await needed(server)).toBe(false);
  expect(readFileSync(join(server.dir, 'tls/ca.crt'), 'utf8')).toContain('BEGIN CERTIFICATE');
});

test('behind a proxy on this computer its word is taken at once, and only then', async () => {
  const server = await fresh();
  const login = () =>
    fetch(`${server.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' },
      body: JSON.stringify({ login: 'anne', password: PASSWORD }),
    });
  expect((await setup(server, { tls: 'proxy' })).status).toBe(200);
  expect((await login()).headers.get('set-cookie')).toContain('Secure');

  const local = await fresh();
  await firstAccount(local);
  const answer = await fetch(`${local.url}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' },
    body: JSON.stringify({ login: 'anne', password: PASSWORD }),
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('set-cookie')).not.toContain('Secure');
});

test('the practice may open itself to its network later, and close again', async () => {
  const probe = createServer().listen(0, '0.0.0.0');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  const server = await fresh({ NEGATOSCOPE_NETWORK_PORT: String(port) });
  const anne = await firstAccount(server);
  const choose = (choice: object) => anne.call('PUT', '/api/practice/network', choice);
  expect(((await (await choose({ exposure: 'network' })).json()) as { error: object }).error).toMatchObject({
    code: 'port-in-use',
  });
  expect(await anne.json('GET', '/api/practice')).toMatchObject({ network: { exposure: 'local' } });
  probe.close();
  await once(probe, 'close');

  const isOpen = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined));
      socket.once('error', () => resolve(false));
    });
  expect(await isOpen()).toBe(false);
  expect((await choose({ exposure: 'network', tls: 'own-ca' })).status).toBe(200);
  expect(await isOpen()).toBe(true);
  const { site } = await anne.json<{ site: { webUrl: string; network: string } }>('GET', '/api/status');
  expect(site).toMatchObject({ network: 'network', webUrl: expect.stringMatching(/^https:.*:\d+$/) });
  // The same again changes nothing; its own port is not taken for another program's.
  expect((await choose({ exposure: 'network', tls: 'own-ca' })).status).toBe(200);
  expect((await choose({ exposure: 'local' })).status).toBe(200);
  await expect.poll(isOpen, { timeout: 5000 }).toBe(false);
  expect((await anne.json<{ site: object }>('GET', '/api/status')).site).toMatchObject({ network: 'local' });

  await anne.json('PATCH', '/api/practice', { name: 'Cabinet du Port' });
  expect(await anne.json('GET', '/api/practice')).toMatchObject({ name: 'Cabinet du Port' });
  const audit = await anne.json<{ kind: string }[]>('GET', '/api/audit');
  expect(audit.filter(({ kind }) => /network|practice/.test(kind))).toHaveLength(4);
});

test('no page is stored, no patient’s data either; a foreign or nameless origin writes nothing', async () => {
  const server = await fresh();
  const anne = await firstAccount(server);
  for (const path of ['/', '/index.html', '/read/1.2.3'])
    expect((await fetch(server.url + path)).headers.get('cache-control')).toBe('no-store');
  expect((await anne.call('GET', '/api/worklist')).headers.get('cache-control')).toBe('no-store');
  for (const origin of ['null', 'https://elsewhere.example', 'rubbish']) {
    const answer = await anne.call('POST', '/api/lock', undefined, { origin });
    expect([origin, answer.status]).toEqual([origin, 403]);
  }
  expect((await anne.call('GET', '/api/worklist')).status).toBe(200);
});

test('a stream of events ends with its session', async () => {
  const server = await fresh();
  const anne = await firstAccount(server);
  const stream = await anne.call('GET', '/api/live');
  const reader = stream.body!.getReader();
  await reader.read(); // the greeting
  expect((await anne.call('POST', '/api/logout')).status).toBe(204);
  const ended = (async () => {
    for (;;) if ((await reader.read()).done) return true;
  })();
  expect(
    await Promise.race([ended, new Promise((resolve) => setTimeout(() => resolve(false), 10_000))]),
  ).toBe(true);
});
