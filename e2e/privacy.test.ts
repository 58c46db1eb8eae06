/** No patient's name, number or birth date in any log, whatever came and however it failed. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manifest } from '../src/archive/testing.ts';
import { parseDicom, TAG } from '../src/dicom/index.ts';
import {
  firstAccount,
  remove,
  SHARED,
  startServer,
  until,
  upload,
  worklist,
  type Client,
  type Server,
} from './harness.ts';

let server: Server;
let client: Client;
beforeAll(async () => {
  server = await startServer(undefined, []);
  client = await firstAccount(server);
});
afterAll(async () => {
  await server.stop();
  remove(server);
});

test('names in every character set arrive, and none of them stands in a log or in the event log', async () => {
  const folder = join(SHARED, 'dicom/charsets');
  const files = readdirSync(folder).map((name) => join(folder, name));
  const damaged = manifest()
    .filter(({ expected }) => expected.startsWith('malformed'))
    .slice(0, 20)
    .map(({ path }) => join(SHARED, 'dicom', path));
  await upload(client, ...files, ...damaged);
  execFileSync('storescu', ['-aec', 'NEGATOSCOPE', '-R', '127.0.0.1', String(server.dicomPort), files[0]!], {
    stdio: 'pipe',
  });
  const needles = new Set<string>();
  for (const file of files) {
    const { dataset } = parseDicom(readFileSync(file));
    const name = dataset.string(TAG.PatientName!) ?? '';
    for (const part of name.split(/[\^= ]+/)) if (part.length > 3) needles.add(part);
    const id = dataset.string(TAG.PatientID!);
    if (id && id.length > 4) needles.add(id);
  }
  expect(needles.size).toBeGreaterThan(15);
  // Searching puts a name into a query; an error puts it near a log.
  for (const needle of needles) {
    await client.call('GET', `/api/worklist?list=all&search=${encodeURIComponent(needle)}`);
    await client.call('GET', `/dicom-web/studies?PatientName=${encodeURIComponent(needle)}&limit=wrong`);
  }
  const rows = await until(
    () => worklist(client),
    (list) => list.length > 3,
  );
  expect(rows.some(({ study }) => study.patientName.length > 3)).toBe(true);
  // The page lays the study of each event beside it, as it is now; the log itself must not hold it.
  const rowsOfLog = await client.json<object[]>('GET', '/api/audit?limit=200');
  const audit = JSON.stringify(rowsOfLog.map((row) => ({ ...row, study: null, corrections: [] })));
  const logs = readdirSync(join(server.dir, 'logs')).map((name) =>
    readFileSync(join(server.dir, 'logs', name), 'utf8'),
  );
  expect(logs.join('').length).toBeGreaterThan(0);
  const everything = [...logs, server.output(), audit].join('\n');
  expect([...needles].filter((needle) => everything.includes(needle))).toEqual([]);
});

test('files and folders are closed to other accounts of the machine', async () => {
  const { statSync } = await import('node:fs');
  const open: string[] = [];
  const visit = (path: string) => {
    const { mode } = statSync(path);
    if (mode & 0o007 && !/\.crt$/.test(path)) open.push(`${path} ${(mode & 0o777).toString(8)}`);
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(server.dir);
  // The folder itself was made by the test's own mkdtemp (0700).
  expect(open).toEqual([]);
});
