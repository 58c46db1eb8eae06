/** What leaves by DICOMweb: to Orthanc's plugin, to another archive of our own, and to services that answer as they please. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from '../../archive/index.ts';
import { bytesOf, chunks, dicomFile, principal, shared, silentLog } from '../../archive/testing.ts';
import { ownCertificate, ownClientCertificate } from '../../authority.ts';
import { EXPLICIT_LE, newUid, parseDicom } from '../../dicom/index.ts';
import { openDoor } from '../../doors/dicomweb/testing.ts';
import type { Log } from '../../log.ts';
import { createRemote, remoteMigrations, type NewRemote, type Remote } from '../../remote/index.ts';
import { createStore, type Store } from '../../store/index.ts';
import { boundaryOf, readMultipart } from '../../wire/index.ts';
import { freePort, orthancMissing, startOrthanc } from '../../wire/testing/peers.ts';
import { createForwarding, deliveryMigrations } from './index.ts';
import { batchesOf } from './stow.ts';
import { waitingOn } from './testing.ts';
import type { Forwarding } from './types.ts';

const ADMIN = principal('admin');
const log = { ...silentLog, debug() {} } as unknown as Log;
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const closing: (() => Promise<unknown> | void)[] = [];

let dir: string;
let store: Store;
let archive: Archive;
let remote: Remote;
let forwarding: Forwarding;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'negatoscope-stow-'));
  store = await createStore({
    dir,
    migrations: [...archiveMigrations, ...remoteMigrations, ...deliveryMigrations],
  });
  archive = createArchive({ store, log: silentLog });
  const here = async () => ({ aeTitle: 'NEGATOSCOPE', port: 11112, network: false });
  remote = createRemote({ store, archive, here, log, ownCertificate: () => ownClientCertificate(dir) });
  forwarding = createForwarding({
    ...{ store, archive, remote, log },
    isRoutine: async () => false,
    pause: () => 150,
  });
  forwarding.start();
});
vi.setConfig({ testTimeout: 30_000 });

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const study = newUid();
async function put(file: Buffer): Promise<{ uid: string; hash: string; studyUid: string }> {
  const outcome = await archive.ingest(chunks(file), { door: 'upload', from: 'anne' });
  if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
  return { uid: outcome.sopInstanceUid, hash: sha(file), studyUid: outcome.studyUid };
}
const images = async (count: number) => {
  const all = [];
  for (let value = 0; value < count; value++) all.push(await put(dicomFile({ study, value })));
  return all;
};
const service = (url: string, more: Partial<NewRemote> = {}) =>
  remote.add({ name: `Service ${Math.random()}`, kind: 'dicomweb', url, sendTo: true, ...more }, ADMIN);
const { until, ended } = waitingOn(() => forwarding);
const trial = async (id: string) => (await remote.tryOut(id)).there.code;

describe.skipIf(orthancMissing)('Orthanc', () => {
  test('takes a study by its DICOMweb plugin, compressed images as they are', async () => {
    const orthanc = await startOrthanc();
    closing.push(() => orthanc.remove());
    const { id } = await service(`${orthanc.url}/dicom-web/`);
    expect(await trial(id)).toBe('ok');
    const sent = await images(3);
    const jpeg = await put(shared('transfer-syntax-mr/MR_small_jpeg_ls_lossless.dcm'));
    await forwarding.send(study, id, ['images'], ADMIN);
    expect(await ended()).toMatchObject({ state: 'done', total: 3, sent: 3, text: null });
    await forwarding.send(jpeg.studyUid, id, ['images'], ADMIN);
    await until(({ studyUid, state }) => studyUid === jpeg.studyUid && state === 'done');
    expect((await orthanc.instances()).sort()).toEqual([...sent, jpeg].map(({ uid }) => uid).sort());
  });
});

test('another Negatoscope keeps every byte', async () => {
  const other = await openDoor();
  closing.push(() => other.close());
  const { id } = await service(other.url);
  expect(await trial(id)).toBe('ok');
  const sent = await images(60);
  await forwarding.send(study, id, ['images'], ADMIN);
  expect(await ended()).toMatchObject({ state: 'done', total: 60, sent: 60 });
  for (const { uid, hash } of sent) {
    const out = await other.archive.outgoing(uid, SEES_ALL);
    expect(sha(await bytesOf(await out.file()))).toBe(hash);
  }
});

/** What a scripted service was sent in one request. */
interface Asked {
  readonly uids: readonly string[];
  readonly syntaxes: readonly string[];
  readonly headers: IncomingMessage['headers'];
}
type Script = (asked: Asked, reply: (status: number, body?: object) => void) => void;

async function scripted(script: Script, tls?: Parameters<typeof createHttps>[0]) {
  const asked: Asked[] = [];
  const answer: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    void (async () => {
      const uids: string[] = [];
      const syntaxes: string[] = [];
      if (request.method === 'POST')
        for await (const part of readMultipart(request, boundaryOf(request.headers['content-type']))) {
          const bytes = await bytesOf(part.body);
          const { dataset, transferSyntax } = parseDicom(bytes);
          uids.push(dataset.string(0x00080018)!);
          syntaxes.push(transferSyntax);
        }
      asked.push({ uids, syntaxes, headers: request.headers });
      script(asked.at(-1)!, (status, body) => {
        response.writeHead(status, { 'content-type': 'application/dicom+json' });
        response.end(body === undefined ? '' : JSON.stringify(body));
      });
    })().catch(() => response.destroy());
  };
  const server = tls ? createHttps(tls, answer) : createHttp(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/web`, asked };
}
const sequence = (items: readonly (readonly [string, number?])[]) => ({
  vr: 'SQ',
  Value: items.map(([uid, reason]) => ({
    '00081155': { vr: 'UI', Value: [uid] },
    ...(reason === undefined ? {} : { '00081197': { vr: 'US', Value: [reason] } }),
  })),
});
const stored = (uids: readonly string[]) => ({ '00081199': sequence(uids.map((uid) => [uid] as const)) });

test('each instance by what the answer says of it: stored, refused, for another transfer syntax', async () => {
  const sent = await images(3);
  const fourth = await put(dicomFile({ study }));
  const compressed = await put(shared('transfer-syntax-mr/MR_small_jpeg_ls_lossless.dcm'));
  const bad = sent[0]!.uid;
  const { url, asked } = await scripted(({ uids, syntaxes }, reply) => {
    if (uids.includes(bad)) {
      const rest = uids.filter((uid) => uid !== bad);
      return reply(202, { ...stored(rest), '00081198': sequence([[bad, 0xa900]]) });
    }
    if (syntaxes[0] !== EXPLICIT_LE) return reply(409, { '00081198': sequence([[uids[0]!, 0xc122]]) });
    return reply(200, stored(uids));
  });
  const { id } = await service(url);
  await forwarding.send(study, id, ['images'], ADMIN);
  const row = await ended();
  expect(row).toMatchObject({ state: 'partial', total: 4, sent: 3 });
  expect(row.failed).toMatchObject([{ sopInstanceUid: bad, text: { en: /kind of images/ } }]);
  expect(asked.flatMap(({ uids }) => uids).filter((uid) => uid === fourth.uid)).toHaveLength(1);
  await forwarding.send(compressed.studyUid, id, ['images'], ADMIN);
  await until(({ studyUid, state }) => studyUid === compressed.studyUid && state === 'done');
  expect(asked.slice(-2).map(({ syntaxes }) => syntaxes[0])).toEqual(['1.2.840.10008.1.2.4.80', EXPLICIT_LE]);
});

test('400 without a word about any instance: they are asked about one by one, nothing is taken for granted', async () => {
  const sent = await images(4);
  const bad = sent[2]!.uid;
  const { url, asked } = await scripted(({ uids }, reply) =>
    uids.includes(bad) ? reply(400) : reply(200, stored(uids)),
  );
  const { id } = await service(url);
  await forwarding.send(study, id, ['images'], ADMIN);
  const row = await ended();
  expect(row).toMatchObject({ state: 'partial', total: 4, sent: 3 });
  expect(row.failed).toMatchObject([{ sopInstanceUid: bad, text: { fr: /HTTP 400/ } }]);
  expect(asked[0]!.uids).toHaveLength(4);
  expect(asked.slice(1, 5).every(({ uids }) => uids.length === 1)).toBe(true);
});

test('200 without a word about an instance is no word that it is kept', async () => {
  await images(2);
  const { url, asked } = await scripted((_, reply) => reply(200, stored([])));
  const { id } = await service(url);
  await forwarding.send(study, id, ['images'], ADMIN);
  const row = await ended();
  expect(row).toMatchObject({ state: 'partial', total: 2, sent: 0 });
  expect(row.failed).toMatchObject([{ text: { en: /does not say/ } }, { text: { en: /does not say/ } }]);
  expect(asked).toHaveLength(9); // both, then each, three times
});

test('what a service took before it was full, or behind it, is not sent to it again', async () => {
  await images(3);
  let full = true;
  const { url, asked } = await scripted(({ uids }, reply) => {
    const [first, second, third] = uids;
    if (!full) return reply(200, stored(uids));
    full = false;
    reply(202, { ...stored([first!, third!]), '00081198': sequence([[second!, 0xa700]]) });
  });
  const { id } = await service(url);
  await forwarding.send(study, id, ['images'], ADMIN);
  expect(await ended()).toMatchObject({ state: 'done', total: 3, sent: 3 });
  expect(asked.map(({ uids }) => uids)).toEqual([asked[0]!.uids, [asked[0]!.uids[1]]]);
});

test('a service that is full, fails, or does not know us waits, and gets each instance once', async () => {
  const sent = await images(3);
  const script: [number, object?][] = [
    [401],
    [503],
    [409, { '00081198': sequence(sent.map(({ uid }) => [uid, 0xa700] as const)) }],
  ];
  const { url, asked } = await scripted(({ uids }, reply) =>
    reply(...(script.shift() ?? ([200, stored(uids)] as const))),
  );
  const { id } = await service(url);
  await forwarding.send(study, id, ['images'], ADMIN);
  const said = new Set<string>();
  await until(({ state, text }) => {
    if (text) said.add(text.en);
    return state === 'done';
  });
  expect([...said].join(' ')).toMatch(/password or token.*busy, or short of space.*short of space or memory/);
  expect(asked).toHaveLength(4);
});

test('by TLS with a certificate of ours and a token: both are shown, neither is sent in clear', async () => {
  const theirs = await ownCertificate(join(dir, 'theirs'), ['localhost', '127.0.0.1']);
  const { url, asked } = await scripted(
    ({ uids, headers }, reply) => {
      if (headers.authorization !== 'Bearer s3cret') return reply(401);
      return uids.length > 0 ? reply(200, stored(uids)) : reply(200, []);
    },
    {
      cert: theirs.cert,
      key: theirs.key,
      requestCert: true,
      rejectUnauthorized: true,
      ca: await remote.ownAuthority(),
    },
  );
  const proof = { auth: 'bearer', secret: 's3cret', ca: theirs.ca, identity: 'own' } as const;
  const { id } = await service(url, proof);
  expect(await trial(id)).toBe('ok');
  await images(2);
  await forwarding.send(study, id, ['images'], ADMIN);
  expect(await ended()).toMatchObject({ state: 'done', sent: 2 });
  expect(asked.at(-1)!.uids).toHaveLength(2);
  expect(JSON.stringify(await remote.list())).not.toContain('s3cret');
  expect(await trial((await service(url, { ...proof, secret: 'wrong' })).id)).toBe('web-credentials');
  expect(await trial((await service(url, { ...proof, identity: 'none' })).id)).toBe('tls-client');
  expect(await trial((await service(url, { ...proof, ca: null })).id)).toBe('tls-certificate');
  await expect(service('http://pacs.example/web', proof)).rejects.toMatchObject({
    details: { field: 'url' },
  });
});

test('a trial tells a wrong path, a log-in page, another port and a service that only takes from one that is right', async () => {
  const codes = async (script: Script) => trial((await service((await scripted(script)).url)).id);
  expect(await codes((_, reply) => reply(404))).toBe('web-path');
  expect(await codes((_, reply) => reply(302))).toBe('web-moved');
  expect(await codes((_, reply) => reply(403))).toBe('web-forbidden');
  expect(await codes((_, reply) => reply(500))).toBe('web-fails');
  expect(await codes((_, reply) => reply(200, { page: 'log in' }))).toBe('web-other');
  expect(await codes((_, reply) => reply(204))).toBe('ok');
  expect(await codes(({ headers }, reply) => reply(headers['content-type'] ? 400 : 404))).toBe('ok');
  expect(await trial((await service(`http://127.0.0.1:${await freePort()}`)).id)).toBe('refused');
  expect(await trial((await service('https://nobody.invalid/dicom-web')).id)).toBe('name');
  const plain = await scripted((_, reply) => reply(200, []));
  expect(await trial((await service(plain.url.replace('http:', 'https:'))).id)).toBe('tls-none');
});

test('batches: no more than 50 instances or 64 MiB, but always one', () => {
  const rows = (sizes: number[]) => sizes.map((size) => ({ size })) as never[];
  const counts = (sizes: number[]) => [...batchesOf(rows(sizes))].map((batch) => batch.length);
  expect(counts(Array(120).fill(9000))).toEqual([50, 50, 20]);
  expect(counts([40e6, 40e6, 3e9, 1, 1])).toEqual([1, 1, 1, 2]);
  expect(counts([])).toEqual([]);
});
