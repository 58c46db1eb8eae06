/** Reading costs no memory that stays: what is read by every door is many times what the program may grow by. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dicomFile } from '../src/archive/testing.ts';
import { dataset, EXPLICIT_LE, newUid } from '../src/dicom/index.ts';
import { associate } from '../src/wire/index.ts';
import { admit, Client, firstAccount, remove, ROOT, type Server, startServer } from './harness.ts';

const STUDY = newUid();
const SERIES = newUid();
/** 4.8 MB each. */
const SOPS = Array.from({ length: 16 }, () => newUid());
const TIMES = 4;
const ALLOWED_MB = 160;
const GET = '1.2.840.10008.5.1.4.1.2.2.3';
const DX = '1.2.840.10008.5.1.4.1.1.1.1';

let server: Server;
let client: Client;
beforeAll(async () => {
  server = await startServer();
  client = await firstAccount(server);
  await admit(client, 'READER');
  for (const sop of SOPS)
    await client.json(
      'POST',
      '/api/upload',
      dicomFile({ study: STUDY, series: SERIES, sop, rows: 2200, columns: 2200, birthDate: '20200101' }),
      { 'x-file-name': 'x.dcm' },
    );
});
afterAll(async () => {
  await server.stop();
  remove(server);
});

test('what is measured runs as it is shipped', () => {
  const command = readFileSync(join(ROOT, 'negatoscope'), 'utf8');
  const shipped = /^exec "\$node" (-.*) "\$here\/src\/main\.ts"/m.exec(command)![1]!.split(' ');
  const [, ...running] = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').split('\0');
  expect(running.slice(0, running.indexOf(join(ROOT, 'src/main.ts')))).toEqual(shipped);
});

/** Resident memory of the server, MB. */
const resident = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) / 1024;

async function drained(path: string): Promise<number> {
  const response = await client.call('GET', path, undefined, {
    accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
  });
  let bytes = 0;
  for await (const piece of response.body!) bytes += piece.length;
  return bytes;
}

async function fetched(): Promise<number> {
  const association = await associate({
    host: '127.0.0.1',
    port: server.dicomPort,
    callingAe: 'READER',
    calledAe: 'NEGATOSCOPE',
    contexts: [
      { abstractSyntax: GET, transferSyntaxes: [EXPLICIT_LE] },
      { abstractSyntax: DX, transferSyntaxes: [EXPLICIT_LE], role: 'scp' },
    ],
  });
  let bytes = 0;
  const identifier = dataset({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: STUDY });
  const answers = association.get({ sopClassUid: GET, identifier }, async (_, body) => {
    for await (const piece of body) bytes += piece.length;
    return { status: 0 };
  });
  for await (const _ of answers);
  await association.release();
  return bytes;
}

test('memory stays while everything is read again and again, by DICOMweb and by C-GET', async () => {
  const volume = SOPS.length * 2200 * 2200;
  const before = resident();
  let most = 0;
  const watching = setInterval(() => (most = Math.max(most, resident())), 50);
  try {
    for (let i = 0; i < TIMES; i++) {
      expect(await drained(`/dicom-web/studies/${STUDY}`)).toBeGreaterThan(volume);
      expect(await fetched()).toBeGreaterThan(volume);
    }
  } finally {
    clearInterval(watching);
  }
  expect(2 * TIMES * volume).toBeGreaterThan(3 * ALLOWED_MB * 1e6);
  expect(most - before).toBeLessThan(ALLOWED_MB);
}, 60_000);
