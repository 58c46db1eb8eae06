/**
 * `node scripts/run24.mjs bench/large.ts [GIGABYTES]`: how much memory the program takes while a multi-frame of 3 GB goes in and
 * out by every door. The file is sparse, what is sent is made as it goes; needs four times its size on disk.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  elementHeader,
  encodeElements,
  EXPLICIT_LE,
  fileMeta,
  newUid,
  TAG,
  UTF8,
} from '../src/dicom/index.ts';
import { associate, multipartWriter } from '../src/wire/index.ts';
import { PROGRAM, PROGRAM_FLAGS } from '../scripts/node24.mjs';
import { freePort } from '../src/wire/testing/peers.ts';
import { exitOnSignal } from './signals.ts';

const SIDE = 2048;
const FRAME = SIDE * SIDE * 2;
const FRAMES = Math.round((Number(process.argv[2] ?? 3) * 1e9) / FRAME);
const PIXELS = FRAME * FRAMES;
const ALLOWED_MB = 300;
const SOP_CLASS = '1.2.840.10008.5.1.4.1.1.7.3'; // Multi-frame Grayscale Word Secondary Capture

interface Large {
  sop: string;
  path: string;
  /** File meta information, and the data set up to the value of the pixel data. */
  meta: Buffer;
  head: Buffer;
}

function large(): Large {
  const [sop, study, series] = [newUid(), newUid(), newUid()];
  const text = (vr: string, value: string | number) => ({ vr, Value: [value] });
  const json = {
    '00080016': text('UI', SOP_CLASS),
    '00080018': text('UI', sop),
    '00080060': text('CS', 'OT'),
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Large^File' }] },
    '00100020': text('LO', 'LARGE'),
    '0020000D': text('UI', study),
    '0020000E': text('UI', series),
    '00280002': text('US', 1),
    '00280004': text('CS', 'MONOCHROME2'),
    '00280008': text('IS', FRAMES),
    '00280010': text('US', SIDE),
    '00280011': text('US', SIDE),
    '00280100': text('US', 16),
    '00280101': text('US', 16),
    '00280102': text('US', 15),
    '00280103': text('US', 0),
  };
  return {
    sop,
    path: `/studies/${study}/series/${series}/instances/${sop}`,
    meta: fileMeta({ sopClassUid: SOP_CLASS, sopInstanceUid: sop, transferSyntax: EXPLICIT_LE }),
    head: Buffer.concat([
      ...encodeElements(json, { explicit: true, charset: UTF8 }, 0),
      elementHeader(TAG.PixelData, 'OW', PIXELS, true),
    ]),
  };
}

async function* pixels(): AsyncGenerator<Uint8Array> {
  const zeros = Buffer.alloc(1024 * 1024);
  for (let left = PIXELS; left > 0; left -= zeros.length)
    yield zeros.subarray(0, Math.min(left, zeros.length));
}

const dir = mkdtempSync(join(tmpdir(), 'negatoscope-large-'));
exitOnSignal();
process.on('exit', () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
const data = join(dir, 'data');
const node = process.execPath;
const token = execFileSync(
  node,
  [PROGRAM, 'token', 'add', 'large', '--roles', 'technologist', '--data', data],
  {
    encoding: 'utf8',
  },
).trim();
const [port, dicomPort] = [await freePort(), await freePort()];
const child = spawn(
  node,
  [
    ...PROGRAM_FLAGS,
    PROGRAM,
    'start',
    '--data',
    data,
    '--host',
    '127.0.0.1',
    '--port',
    `${port}`,
    '--dicom-port',
    `${dicomPort}`,
  ],
  { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, UV_THREADPOOL_SIZE: '16' } },
);
process.on('exit', () => child.kill('SIGTERM'));
const base = `http://127.0.0.1:${port}/dicom-web`;
const headers = { authorization: `Bearer ${token.split(/\s+/).at(-1)}` };
for (;;) {
  const up = await fetch(`${base}/studies?limit=1`, { headers }).then(
    (response) => response.ok,
    () => false,
  );
  if (up) break;
  await new Promise((resolve) => setTimeout(resolve, 200));
}

const residentMb = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
await new Promise((resolve) => setTimeout(resolve, 2000));
const idle = residentMb();
console.log(`idle: ${idle.toFixed(0)} MB; ${FRAMES} frames, ${(PIXELS / 1e9).toFixed(2)} GB`);

let worst = 0;
async function watched(name: string, work: () => Promise<number>): Promise<void> {
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, residentMb())), 100);
  const start = performance.now();
  const bytes = await work();
  clearInterval(timer);
  const seconds = (performance.now() - start) / 1000;
  worst = Math.max(worst, peak - idle);
  console.log(
    `${name.padEnd(28)} ${(bytes / 1e6 / seconds).toFixed(0).padStart(5)} MB/s, at most ${(peak - idle).toFixed(0)} MB above idle`,
  );
}

async function get(path: string, accept: string): Promise<number> {
  const response = await fetch(base + path, { headers: { ...headers, accept } });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) bytes += chunk.length;
  return bytes;
}

const byStow = large();
await watched('STOW-RS', async () => {
  const writer = multipartWriter();
  const call = request(`${base}/studies`, {
    method: 'POST',
    agent: new Agent(),
    headers: { ...headers, 'content-type': writer.contentType('application/dicom') },
  });
  const answered = once(call, 'response');
  const write = async (bytes: Uint8Array) => void (call.write(bytes) || (await once(call, 'drain')));
  await write(writer.part({ 'Content-Type': 'application/dicom' }));
  await write(byStow.meta);
  await write(byStow.head);
  for await (const chunk of pixels()) await write(chunk);
  call.end(writer.end());
  const [response] = await answered;
  response.resume();
  if (response.statusCode !== 200) throw new Error(`STOW-RS answered ${response.statusCode}`);
  return PIXELS;
});

await watched('C-STORE', async () => {
  const byDimse = large();
  const association = await associate({
    host: '127.0.0.1',
    port: dicomPort,
    callingAe: 'LARGE',
    calledAe: 'NEGATOSCOPE',
    contexts: [{ abstractSyntax: SOP_CLASS, transferSyntaxes: [EXPLICIT_LE] }],
  });
  const stream = async function* () {
    yield byDimse.head;
    yield* pixels();
  };
  const { status } = await association.store({
    sopClassUid: SOP_CLASS,
    sopInstanceUid: byDimse.sop,
    transferSyntax: EXPLICIT_LE,
    data: stream(),
  });
  if (status !== 0) throw new Error(`C-STORE answered 0x${status.toString(16)}`);
  await association.release();
  return PIXELS;
});

await watched('import', async () => {
  const byImport = large();
  const path = join(dir, 'large.dcm');
  const file = openSync(path, 'w');
  writeSync(file, Buffer.concat([byImport.meta, byImport.head]));
  ftruncateSync(file, byImport.meta.length + byImport.head.length + PIXELS);
  closeSync(file);
  const importing = spawn(node, [PROGRAM, 'import', path, '--data', data], { stdio: 'ignore' });
  const [code] = await once(importing, 'exit');
  if (code !== 0) throw new Error(`import ended with ${code}`);
  return PIXELS;
});

const octets = 'application/octet-stream';
await watched('WADO-RS instance', () => get(byStow.path, 'application/dicom; transfer-syntax=*'));
await watched('WADO-RS instance, implicit', () =>
  get(byStow.path, 'application/dicom; transfer-syntax=1.2.840.10008.1.2'),
);
await watched('WADO-RS bulk data', () => get(`${byStow.path}/bulkdata/7FE00010`, octets));
await watched('WADO-RS last frame', () => get(`${byStow.path}/frames/${FRAMES}`, octets));
await watched('WADO-RS 100 frames', () =>
  get(
    `${byStow.path}/frames/${Array.from({ length: Math.min(100, FRAMES) }, (_, i) => i + 1)}`,
    `multipart/related; type="${octets}"`,
  ),
);
await watched('WADO-RS rendered', () => get(`${byStow.path}/rendered`, 'image/jpeg'));
console.log(`worst: ${worst.toFixed(0)} MB above idle, allowed ${ALLOWED_MB}`);
child.kill('SIGTERM');
await once(child, 'exit');
process.exit(worst <= ALLOWED_MB ? 0 : 1);
