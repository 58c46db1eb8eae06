/** Why a peer cannot be reached, each cause on its own. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownCertificate } from '../authority.ts';
import { associate } from './client.ts';
import type { AssociateOptions } from './client.ts';
import { Channel, DEFAULT_LIMITS } from './channel.ts';
import { COMMAND, NO_DATA_SET } from './command.ts';
import { APPLICATION_CONTEXT, decodeAssociateRequest, encodeAssociateAccept } from './pdu.ts';
import { VERIFICATION } from './policy.ts';
import { freePort } from './testing/peers.ts';

const host = '127.0.0.1';
let dir: string;
let ours: Awaited<ReturnType<typeof ownCertificate>>;
let other: Awaited<ReturnType<typeof ownCertificate>>;
const servers: Server[] = [];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'negatoscope-connect-'));
  ours = await ownCertificate(join(dir, 'ours'), ['localhost', '127.0.0.1']);
  other = await ownCertificate(join(dir, 'other'), ['other.example']);
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(dir, { recursive: true });
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
/** Accepts an echo. */
async function echoing(socket: import('node:net').Socket): Promise<void> {
  socket.on('error', () => {});
  const channel = new Channel(socket, DEFAULT_LIMITS);
  const request = decodeAssociateRequest((await channel.readControl()).body);
  await channel.write(
    encodeAssociateAccept({
      ...request,
      applicationContext: APPLICATION_CONTEXT,
      contexts: [{ id: 1, result: 0, transferSyntax: '1.2.840.10008.1.2' }],
    }),
  );
  const message = await channel.next();
  if (message === 'release') return;
  await channel.send(1, {
    CommandField: COMMAND.echoRsp,
    MessageIDBeingRespondedTo: message.command.MessageID!,
    CommandDataSetType: NO_DATA_SET,
    Status: 0,
  });
  await channel.next();
  channel.replyRelease();
}
const secure = (cert: { cert: string; key: string }) =>
  listen(createTlsServer(cert, (socket) => void echoing(socket).catch(() => {})));

async function attempt(options: Partial<AssociateOptions> & { port: number }): Promise<string> {
  try {
    const association = await associate({
      host,
      callingAe: 'A',
      calledAe: 'B',
      contexts: [{ abstractSyntax: VERIFICATION, transferSyntaxes: ['1.2.840.10008.1.2'] }],
      connectTimeoutMs: 500,
      limits: { artimMs: 500 },
      ...options,
    });
    const { status } = await association.echo();
    await association.release();
    return String(status);
  } catch (error) {
    const { code, details } = error as { code: string; details?: { reason?: string } };
    return details?.reason ?? code;
  }
}

test('name, port, silence', async () => {
  expect(await attempt({ host: 'nobody.invalid', port: 104, connectTimeoutMs: 10_000 })).toBe('name');
  expect(await attempt({ port: await freePort() })).toBe('refused');
  const controller = new AbortController();
  const quiet = await listen(createServer((socket) => socket.on('error', () => {})));
  setTimeout(() => controller.abort(), 50);
  expect(await attempt({ port: quiet, signal: controller.signal, limits: { artimMs: 5000 } })).toBe(
    'dimse-cancelled',
  );
});

test('TLS: trusted by an authority, or as itself whatever its name; else told apart', async () => {
  const good = await secure(ours);
  expect(await attempt({ port: good, tls: { ca: ours.ca } })).toBe('0');
  expect(await attempt({ port: good, tls: { ca: other.ca } })).toBe('tls-certificate');
  expect(await attempt({ port: good, tls: {} })).toBe('tls-certificate');
  const named = await secure(other);
  expect(await attempt({ port: named, tls: { ca: other.ca } })).toBe('tls-name');
  expect(await attempt({ port: named, tls: { ca: other.cert } })).toBe('0');
});

test('TLS on one side alone', async () => {
  // OpenSSL of some peers sends an alert (RFC 8446 6), Node closes without a word.
  const alert = await listen(
    createServer((socket) => socket.on('error', () => {}).end(Buffer.from('15030300020246', 'hex'))),
  );
  expect(await attempt({ port: alert })).toBe('dimse-tls-wanted');
  expect(await attempt({ port: await secure(ours) })).toBe('dimse-closed');
  const plain = await listen(createServer((socket) => void echoing(socket).catch(() => socket.destroy())));
  expect(await attempt({ port: plain, tls: { ca: ours.ca } })).toBe('tls-none');
  const quiet = await listen(createServer((socket) => socket.on('error', () => {})));
  expect(await attempt({ port: quiet, tls: { ca: ours.ca } })).toBe('tls-none');
});

test('whatever a peer answers, it ends in time with an error of ours', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, accepting) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          const start = Buffer.from([accepting ? 0x02 : 0x04, 0, 0, 0, 0, bytes.length]);
          socket.end(Buffer.concat([start, bytes]));
        });
      }).listen(0, host);
      await once(server, 'listening');
      const verdict = await attempt({ port: (server.address() as AddressInfo).port });
      server.close();
      expect(verdict).toMatch(/^dimse-/);
    }),
    { numRuns: 60 },
  );
});
