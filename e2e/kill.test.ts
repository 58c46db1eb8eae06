/** kill -9, ten times each: while images come in, while AI runs, while somebody signs. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dicomFile } from '../src/archive/testing.ts';
import { newUid } from '../src/dicom/index.ts';
import {
  Client,
  firstAccount,
  PIN,
  radiograph,
  remove,
  startServer,
  until,
  worklist,
  type Server,
} from './harness.ts';

const ROUNDS = 10;
let server: Server;
let client: Client;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  server = await startServer();
  client = await firstAccount(server);
});
afterAll(async () => {
  await server.stop();
  remove(server);
});
/** After a kill: the same data, the same person. */
async function again(): Promise<void> {
  server = await server.restart();
  client = await new Client(server.url).login('anne');
}

test('in ingest: what was acknowledged is there, byte for byte, and nothing is half there', async () => {
  const acknowledged = new Map<string, { path: string; sha: string }>();
  for (let round = 0; round < ROUNDS; round++) {
    let on = true;
    const sender = async (size: number) => {
      const study = newUid();
      const series = newUid();
      while (on) {
        const sop = newUid();
        const bytes = dicomFile({ study, series, sop, rows: size, columns: size });
        const path = `/dicom-web/studies/${study}/series/${series}/instances/${sop}`;
        const answer = await client
          .json<{ status: string }>('POST', '/api/upload', bytes, { 'x-file-name': 'x' })
          .catch(() => undefined);
        if (answer?.status === 'stored') acknowledged.set(sop, { path, sha: sha256(bytes) });
      }
    };
    // 16 KiB goes with the rows, 250 KiB by way of a file.
    const senders = [sender(128), sender(128), sender(500), sender(500)];
    await pause(150 + Math.random() * 500);
    await server.kill();
    on = false;
    await Promise.all(senders);
    await again();
  }
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * 4);
  const missing: string[] = [];
  for (const [sop, { path, sha }] of acknowledged) {
    const response = await client.call('GET', path, undefined, {
      accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
    });
    const body = Buffer.from(await response.arrayBuffer());
    const start = body.indexOf('\r\n\r\n') + 4;
    const end = body.lastIndexOf('\r\n--');
    if (sha256(body.subarray(start, end)) !== sha) missing.push(sop);
  }
  expect(missing).toEqual([]);
  // Every instance that the index shows has its bytes.
  for (const { study } of await worklist(client)) {
    const instances = await client.json<Record<string, { Value: string[] }>[]>(
      'GET',
      `/dicom-web/studies/${study.studyUid}/instances?limit=5000`,
    );
    expect(instances).toHaveLength(study.images);
    for (const each of instances.slice(-3)) {
      const path = `/dicom-web/studies/${study.studyUid}/series/${each['0020000E']!.Value[0]}/instances/${each['00080018']!.Value[0]}`;
      expect((await client.call('GET', `${path}/frames/1`)).status).toBe(200);
    }
  }
  expect((await client.json('POST', '/api/audit/verify', {})).ok).toBe(true);
}, 300_000);

test('in an AI run: it happens again, once', async () => {
  const names = [
    'DX06_FOREARM_RL_0762.dcm',
    'DX11_SHOULDER_AP_3616.dcm',
    'DX16_KNEE_AP_2390.dcm',
    'DX21_HAND_PA_1494.dcm',
  ];
  for (const name of names)
    await client.json('POST', '/api/upload', readFileSync(radiograph(name)), { 'x-file-name': name });
  const ours = async () =>
    (await worklist(client)).filter(
      ({ study }) => !study.bodyParts.includes('WRIST') && !study.bodyParts.includes('CHEST'),
    );
  for (let round = 0; round < ROUNDS; round++) {
    await pause(300 + Math.random() * 900);
    await killed();
  }
  const rows = await until(
    ours,
    (list) => list.length === names.length && list.every(({ ai }) => ai[0]?.state === 'analysed'),
    120_000,
  );
  for (const { ai } of rows) expect(ai).toHaveLength(1);
  // One result object a run, for whoever may see it.
  const { token } = await client.json<{ token: string }>('POST', '/api/tokens', {
    name: 'proof',
    roles: ['evidence'],
  });
  const evidence = new Client(server.url, token);
  for (const { study } of rows) {
    const results = await evidence.json<unknown[]>(
      'GET',
      `/dicom-web/studies/${study.studyUid}/instances?Modality=SR`,
    );
    expect(results).toHaveLength(1);
  }
}, 300_000);
async function killed(): Promise<void> {
  await server.kill();
  await again();
}

test('in a signature: signed whole or not at all', async () => {
  let before = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const study = newUid();
    await client.json('POST', '/api/upload', dicomFile({ study, modality: 'US' }), { 'x-file-name': 'x' });
    await client.json('POST', `/api/studies/${study}/claim`, {});
    const draft = await client.json<{ revision: number }>('PUT', `/api/studies/${study}/draft`, {
      revision: (await client.json(`GET`, `/api/studies/${study}`)).draft.revision,
      fields: { findings: 'Sans particularité.', conclusion: 'Examen normal.' },
    });
    const answer = client
      .json<{ id: string }>('POST', `/api/studies/${study}/sign`, { revision: draft.revision, secret: PIN })
      .catch(() => undefined);
    // The PIN's hash takes some 100 ms; then the transaction.
    await pause(60 + Math.random() * 200);
    await server.kill();
    const report = await answer;
    await again();
    const view = await client.json('GET', `/api/studies/${study}`);
    if (report) expect(view.reports.map(({ id }: { id: string }) => id)).toEqual([report.id]);
    if (view.reports.length === 0) {
      before++;
      expect(view.state).not.toBe('signed');
      await client.json('POST', `/api/studies/${study}/claim`, {});
      await client.json('POST', `/api/studies/${study}/sign`, {
        revision: view.draft.revision,
        secret: PIN,
      });
    }
    const signed = await until(
      () => client.json('GET', `/api/studies/${study}`),
      (each) => each.reports[0]?.pdfSopInstanceUid && each.reports[0]?.srSopInstanceUid,
    );
    expect(signed.state).toBe('signed');
    expect(signed.reports).toHaveLength(1);
    expect((await client.call('GET', `/api/reports/${signed.reports[0].id}/pdf`)).status).toBe(200);
    const kept = await client.json<Record<string, { Value: string[] }>[]>(
      'GET',
      `/dicom-web/studies/${study}/instances`,
    );
    expect(kept.map((each) => each['00080016']!.Value[0]).toSorted()).toHaveLength(3); // image, SR, PDF: once each
  }
  expect(before).toBeLessThanOrEqual(ROUNDS);
  expect((await client.json('POST', '/api/audit/verify', {})).ok).toBe(true);
}, 300_000);
