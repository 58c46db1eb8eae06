/**
 * AI work on another machine: the real program as server and as worker, with everything between them that can break. No run is
 * lost and none is done twice, and nobody sees what they may not.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PROGRAM, PROGRAM_FLAGS } from '../scripts/node24.mjs';
import { dicomFile } from '../src/archive/testing.ts';
import { bright, manifestOf, packageOf, slice, volume } from '../src/assist/onnxTesting.ts';
import { type DicomJson, jsonItems, jsonString, TAG } from '../src/dicom/index.ts';
import {
  Client,
  firstAccount,
  newDir,
  PASSWORD,
  radiograph,
  remove,
  startServer,
  until,
  upload,
  type Server,
} from './harness.ts';

const LEASE_SECONDS = 4;
const FILES = [
  'DX06_FOREARM_RL_0762.dcm',
  'DX16_KNEE_AP_2390.dcm',
  'DX21_HAND_PA_1494.dcm',
  'DX01_FOOT_AP_1604.dcm',
];

let server: Server;
let admin: Client;
let evidence: Client;
let token: string;
let tokenFile: string;
let port: number;
let pack: string; // a tool that segments a volume
let cable: Cable;
const workers: ChildProcess[] = [];

/** What lies between worker and server: it can be cut, and leads to wherever the server is now. */
interface Cable {
  port: number;
  cut(): void;
  mend(): void;
  close(): void;
}
async function layCable(target: () => number): Promise<Cable> {
  const sockets = new Set<Socket>();
  let whole = true;
  const listener = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connect(target(), '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => (sockets.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as { port: number }).port,
    cut: () => ((whole = false), drop()),
    mend: () => void (whole = true),
    close: () => (drop(), void listener.close()),
  };
}

function startWorker(): { child: ChildProcess; output: () => string } {
  const child = spawn(
    process.execPath,
    [
      ...PROGRAM_FLAGS,
      PROGRAM,
      'worker',
      '--server',
      `http://127.0.0.1:${cable.port}`,
      '--token-file',
      tokenFile,
      '--processes',
      '1',
      '--beat-seconds',
      '0.5',
      '--models',
      pack,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  workers.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}
async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill(signal);
  await ended;
}

const items = async (query = ''): Promise<DicomJson[]> => {
  const response = await admin.call('GET', `/dicom-web/workitems${query}`);
  return response.status === 204 ? [] : ((await response.json()) as DicomJson[]);
};
const ofStudy = (studyUid: string) => items(`?StudyInstanceUID=${studyUid}`);
const states = (all: readonly DicomJson[]) =>
  all.map((item) => jsonString(item, TAG.ProcedureStepState)).sort();
const inProgress = (studyUid: string) =>
  until(
    () => ofStudy(studyUid),
    (all) => states(all).includes('IN PROGRESS'),
    120_000,
  );
const done = (studyUid: string) =>
  until(
    () => ofStudy(studyUid),
    (all) => states(all).includes('COMPLETED'),
    180_000,
  );
interface View {
  ai: {
    status: { state: string; runId: string; modelId: string };
    run: {
      attempt: number;
      images: { score: number }[];
      segments: { label: string; pixels: number; ml: number | null; sopInstanceUid: string | null }[];
    } | null;
  }[];
  series: { instances: { sopInstanceUid: string }[] }[];
}
const view = (client: Client, studyUid: string) => client.json<View>('GET', `/api/studies/${studyUid}`);
/** What is said of the one tool that runs on radiographs. */
const fracture = async (client: Client, studyUid: string) =>
  (await view(client, studyUid)).ai.find(({ status }) => status.modelId === 'fracture')!;
/** Results of AI in the archive, as this client sees them. */
const results = async (client: Client, studyUid: string): Promise<number> =>
  (await client.json<DicomJson[]>('GET', `/dicom-web/studies/${studyUid}/instances`)).filter(
    (each) => jsonString(each, TAG.SOPClassUID) === '1.2.840.10008.5.1.4.1.1.88.33',
  ).length;
async function send(file: string): Promise<string> {
  const [answer] = (await upload(admin, radiograph(file))) as { studyUid: string }[];
  const studyUid = answer!.studyUid;
  await until(
    () => ofStudy(studyUid),
    (all) => all.length > 0,
  );
  return studyUid;
}
/** Done once, and no more than once. */
async function onceDone(studyUid: string): Promise<void> {
  await done(studyUid);
  expect(states(await ofStudy(studyUid)).filter((state) => state !== 'CANCELED')).toEqual(['COMPLETED']);
  expect(await results(evidence, studyUid)).toBe(1);
  expect(await fracture(evidence, studyUid)).toMatchObject({ status: { state: 'analysed' } });
}

beforeAll(async () => {
  const dir = newDir();
  pack = packageOf(bright, manifestOf({ id: 'bright', ...volume }));
  const settings = { assistProcesses: 0, workerLeaseSeconds: LEASE_SECONDS, models: [pack] };
  writeFileSync(join(dir, 'negatoscope.json'), JSON.stringify(settings));
  server = await startServer(dir);
  admin = await firstAccount(server);
  const make = (name: string, role: string) =>
    admin.json<{ token: string }>('POST', '/api/tokens', { name, roles: [role] });
  evidence = new Client(server.url, (await make('evidence', 'evidence')).token);
  ({ token } = await make('north', 'worker'));
  tokenFile = join(dir, 'worker.token');
  writeFileSync(tokenFile, `${token}\n`);
  port = Number(new URL(server.url).port);
  cable = await layCable(() => port);
});
afterEach(async () => {
  cable.mend();
  for (const child of workers.splice(0)) await end(child);
});
afterAll(async () => {
  cable.close();
  await server.stop();
  remove(server);
  rmSync(pack, { recursive: true });
});

test('a worker takes what waits and returns it; the stage hides it as it hides our own', async () => {
  const studyUid = await send(FILES[0]!);
  expect(states(await ofStudy(studyUid))).toEqual(['SCHEDULED']);
  const { child, output } = startWorker();
  await onceDone(studyUid);
  const seen = await fracture(evidence, studyUid);
  expect(seen.run!.images[0]!.score).toBeCloseTo(0.269, 2); // expected_fracture_scores.csv
  // The administrator, who reads too, has to conclude first: nothing of it leaves before its time, nor that there is something.
  expect(await results(admin, studyUid)).toBe(0);
  expect((await fracture(admin, studyUid)).run).toBeNull();
  const [item] = await ofStudy(studyUid);
  const [performed] = jsonItems(item!, TAG.UnifiedProcedureStepPerformedProcedureSequence);
  expect(jsonItems(performed!, TAG.OutputInformationSequence)).toEqual([]);
  // With its work done, the worker sees no image, no report, no list of anything.
  const worker = new Client(server.url, token);
  const [input] = jsonItems(item!, TAG.InputInformationSequence);
  const series = jsonString(input!, TAG.SeriesInstanceUID);
  const image = jsonString(jsonItems(input!, TAG.ReferencedSOPSequence)[0]!, TAG.ReferencedSOPInstanceUID);
  const path = `/dicom-web/studies/${studyUid}/series/${series}/instances/${image}`;
  expect((await worker.call('GET', path)).status).toBe(404);
  for (const other of [
    '/dicom-web/studies',
    `/dicom-web/studies/${studyUid}`,
    '/api/worklist',
    `/api/studies/${studyUid}`,
  ])
    expect([other, (await worker.call('GET', other)).status]).toEqual([other, 403]);
  // What it says of itself has no patient in it.
  expect(output()).not.toMatch(/\^|FRACATLAS/i);
  await end(child, 'SIGTERM');
  expect(child.exitCode).toBe(0);
});

test('a worker that is killed, and one that hangs: others take over, and what comes late is not taken', async () => {
  const studyUid = await send(FILES[1]!);
  const first = startWorker();
  await inProgress(studyUid);
  await end(first.child, 'SIGKILL');
  const second = startWorker();
  await until(
    () => ofStudy(studyUid),
    (all) => states(all).join() === 'CANCELED,IN PROGRESS',
    60_000,
  );
  second.child.kill('SIGSTOP');
  await until(
    () => ofStudy(studyUid),
    (all) => states(all).join() === 'CANCELED,CANCELED,SCHEDULED',
    60_000,
  );
  startWorker();
  await onceDone(studyUid);
  second.child.kill('SIGCONT');
  await until(
    async () => second.output(),
    (text) => text.includes('given up'),
    60_000,
  );
  await onceDone(studyUid);
});

test('the network is cut in the middle, and comes back: the same worker ends what it began', async () => {
  const studyUid = await send(FILES[2]!);
  startWorker();
  await inProgress(studyUid);
  cable.cut();
  await pause(1500);
  cable.mend();
  await onceDone(studyUid);
});

test('the server is killed and starts again while a worker works', async () => {
  const studyUid = await send(FILES[3]!);
  startWorker();
  await inProgress(studyUid);
  server = await server.restart();
  port = Number(new URL(server.url).port);
  admin = await new Client(server.url).login('anne', PASSWORD);
  const made = await admin.json<{ token: string }>('POST', '/api/tokens', {
    name: 'e2',
    roles: ['evidence'],
  });
  evidence = new Client(server.url, made.token);
  await onceDone(studyUid);
});

test('segments of a volume come back with their object', async () => {
  const folder = newDir();
  const paths = [5, 0, 3, 1, 6, 2, 4].map((i) => {
    const path = join(folder, `${i}.dcm`);
    writeFileSync(path, dicomFile(slice(i)));
    return path;
  });
  await upload(admin, ...paths);
  rmSync(folder, { recursive: true });
  await until(
    () => ofStudy('1.2.3'),
    (all) => all.length > 0,
  );
  startWorker();
  await done('1.2.3');
  const seen = (await view(evidence, '1.2.3')).ai.find(({ status }) => status.state === 'analysed')!;
  // Three bright slices of 16 × 16 voxels of 2 × 2 × 3 mm; nothing is of the other label.
  const [one, other] = seen.run!.segments;
  expect(one).toMatchObject({ label: 'one-thing', pixels: 3 * 256 });
  expect(one!.ml).toBeCloseTo(3 * 256 * 0.012, 9);
  expect(other).toMatchObject({ label: 'another-thing', pixels: 0, sopInstanceUid: null });
  const held = await evidence.json<DicomJson[]>('GET', '/dicom-web/studies/1.2.3/instances');
  expect(held.map((each) => jsonString(each, TAG.SOPInstanceUID))).toContain(one!.sopInstanceUid);
  const shown = (await view(evidence, '1.2.3')).series.flatMap(({ instances }) => instances);
  expect(shown.map(({ sopInstanceUid }) => sopInstanceUid)).toContain(one!.sopInstanceUid);
  const before = (await view(admin, '1.2.3')).series.flatMap(({ instances }) => instances);
  expect(before).toHaveLength(7);
});

test('a token of another role is told what it lacks, and the worker ends', async () => {
  const made = await admin.json<{ token: string }>('POST', '/api/tokens', { name: 'v', roles: ['viewer'] });
  writeFileSync(tokenFile, made.token);
  const { child, output } = startWorker();
  await once(child, 'exit');
  expect(child.exitCode).toBe(77);
  expect(output()).toContain('role worker');
});
