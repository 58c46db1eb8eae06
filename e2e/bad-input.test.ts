/** Bad input on the running program: a clear answer each, nothing lost, the server up. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dicomFile, manifest } from '../src/archive/testing.ts';
import { newUid } from '../src/dicom/index.ts';
import {
  firstAccount,
  radiograph,
  remove,
  SHARED,
  startServer,
  type Client,
  type Server,
} from './harness.ts';

let server: Server;
let client: Client;
const scratch = mkdtempSync(join(tmpdir(), 'negatoscope-bad-'));
beforeAll(async () => {
  server = await startServer();
  client = await firstAccount(server);
});
afterAll(async () => {
  await server.stop();
  remove(server);
  rmSync(scratch, { recursive: true });
});
const send = (bytes: Uint8Array, name = 'x.dcm') =>
  client.json('POST', '/api/upload', bytes, { 'x-file-name': encodeURIComponent(name) });
const good = () => readFileSync(radiograph('DX21_HAND_PA_1494.dcm'));

test.each([
  ['a truncated file', () => good().subarray(0, 100_000), /truncated|pixel-length/],
  ['a text that calls itself DICOM', () => Buffer.from('this is no image'.repeat(100)), /not-dicom/],
  [
    'too few pixels',
    () => {
      const bytes = dicomFile({ rows: 64, columns: 64 });
      const at = bytes.indexOf(Buffer.from([0x28, 0x00, 0x10, 0x00])) + 8;
      bytes.writeUInt16LE(4000, at);
      return bytes;
    },
    /pixel-length/,
  ],
  [
    'an unknown transfer syntax',
    () => {
      const bytes = good();
      const at = bytes.indexOf('1.2.840.10008.1.2.1\0');
      bytes.write('1.2.840.10008.9.9.9\0', at, 'latin1');
      return bytes;
    },
    /unknown-transfer-syntax/,
  ],
])('%s is set aside with its reason', async (_what, make, reason) => {
  const bytes = make();
  const result = await send(bytes);
  expect(result.status).toBe('quarantined');
  expect(result.reason).toMatch(reason);
  const rows = await client.json<{ rows: { id: string; reason: string }[] }>('GET', '/api/quarantine');
  expect(rows.rows.map(({ id }) => id)).toContain(result.id);
  const kept = await client.call('GET', `/api/quarantine/${result.id}/file`);
  expect(Buffer.from(await kept.arrayBuffer()).equals(bytes)).toBe(true);
});

test('an empty file is refused', async () => {
  const response = await client.call('POST', '/api/upload', new Uint8Array(), { 'x-file-name': 'x' });
  expect(await response.text()).toMatch(/empty/);
});

test('every damaged file of the collection gets an answer in time, and the server stays up', async () => {
  const counts: Record<string, number> = {};
  for (const { path } of manifest().filter(({ expected }) => expected.startsWith('malformed'))) {
    const started = Date.now();
    const result = await send(readFileSync(join(SHARED, 'dicom', path)), path);
    expect([path, Date.now() - started < 5000]).toEqual([path, true]);
    counts[result.status] = (counts[result.status] ?? 0) + 1;
  }
  expect(counts.quarantined).toBeGreaterThan(20);
  expect((await client.call('GET', '/health')).status).toBe(200);
}, 120_000);

test('the same instance again is a duplicate; with other bytes it is a conflict and the first stays', async () => {
  const sop = newUid();
  const study = newUid();
  const series = newUid();
  const first = dicomFile({ sop, study, series, value: 1 });
  expect((await send(first)).status).toBe('stored');
  expect((await send(first)).status).toBe('duplicate');
  const other = await send(dicomFile({ sop, study, series, value: 2 }));
  expect(other).toMatchObject({ status: 'quarantined', reason: 'conflict' });
  const frame = await client.call(
    'GET',
    `/dicom-web/studies/${study}/series/${series}/instances/${sop}/frames/1`,
    undefined,
    {
      accept: 'application/octet-stream; transfer-syntax=*',
    },
  );
  expect(Buffer.from(await frame.arrayBuffer()).includes(Buffer.alloc(16, 1))).toBe(true);
});

test('paths in file names and UIDs go nowhere', async () => {
  expect((await send(dicomFile(), '../../../../etc/passwd')).status).toBe('stored');
  const result = await send(dicomFile({ sop: '../../etc/passwd' }));
  expect(result).toMatchObject({ status: 'quarantined', reason: 'bad-uid' });
  for (const path of [
    '/dicom-web/studies/..%2f..%2f..%2fetc%2fpasswd/metadata',
    '/assets/..%2f..%2f..%2fpackage.json',
  ])
    expect((await client.call('GET', path)).status).toBeGreaterThanOrEqual(400);
});

test('storescu is told that what was set aside was not stored', () => {
  const file = join(scratch, 'short.dcm');
  // Pixel Data is shorter than rows and columns say.
  const bytes = dicomFile({ rows: 64, columns: 64 });
  bytes.writeUInt16LE(4000, bytes.indexOf(Buffer.from([0x28, 0x00, 0x10, 0x00])) + 8);
  writeFileSync(file, bytes);
  const bad = spawnSync('storescu', [
    '-v',
    '-aec',
    'NEGATOSCOPE',
    '127.0.0.1',
    String(server.dicomPort),
    file,
  ]);
  expect(
    bad.status === 0 && !/Failed|Error|Refused|Warning/i.test(bad.stderr.toString() + bad.stdout.toString()),
  ).toBe(false);
  execFileSync('echoscu', ['-aec', 'NEGATOSCOPE', '127.0.0.1', String(server.dicomPort)]);
});

test('a second start on the same data says so', () => {
  const second = spawnSync(
    process.execPath,
    ['src/main.ts', 'start', '--data', server.dir, '--port', '0', '--dicom-port', '0'],
    { encoding: 'utf8' },
  );
  expect(second.status).toBe(69);
  expect(second.stderr).toMatch(/already|in use/i);
  expect(second.stderr).toContain(String(server.pid));
});
