/** kill -9, ten times each: while AI runs, while somebody signs. The rest is in crash.test.ts. */
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
