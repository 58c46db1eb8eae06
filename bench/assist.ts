/**
 * From a stored radiograph to its stored SR, beside the bare inference of onnxruntime on the same machine in the same round; the
 * same with twenty studies at once; and two processes beside one. No peer is needed: the weights are the program's own.
 */
import { createHash, randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import { archiveMigrations, createArchive, SEES_NO_AI } from '../src/archive/index.ts';
import { assistMigrations, createAssist, type RunRow } from '../src/assist/index.ts';
import { loadPackage } from '../src/assist/package.ts';
import { parseDicom, TAG } from '../src/dicom/index.ts';
import { createStore } from '../src/store/index.ts';
import { median } from './median.ts';
import type { Line, Suite } from './types.ts';

const MODEL = fileURLToPath(new URL('../models/fracture', import.meta.url));
const FILE = new URL('../../shared/radiographs/dicom/DX06_FOREARM_RL_0762.dcm', import.meta.url);
/** Studies at once. */
const STUDIES = 20;
const GOAL = { path: 1 / 1.3, processes: 1.7 };
const silent = { info() {}, warn() {}, error() {} } as never;

/** A real radiograph under new UIDs of the same length: a study of its own. */
function copies(count: number): Buffer[] {
  const template = readFileSync(FILE);
  const { dataset } = parseDicom(template);
  const uids = [TAG.SOPInstanceUID, TAG.SeriesInstanceUID, TAG.StudyInstanceUID].map((tag) =>
    dataset.string(tag)!,
  );
  return Array.from({ length: count }, () => {
    const bytes = Buffer.from(template);
    for (const uid of uids) {
      const digits = Array.from({ length: uid.length - 5 }, () => randomInt(1, 10)).join('');
      for (let at = bytes.indexOf(uid); at >= 0; at = bytes.indexOf(uid, at + 1))
        bytes.write(`2.25.${digits}`, at, 'latin1');
    }
    return bytes;
  });
}

/** Milliseconds of each bare inference: the network alone on an input that is ready, one thread. */
async function bare(count: number): Promise<number[]> {
  const { manifest, dir } = await loadPackage(MODEL);
  const bytes = readFileSync(join(dir, manifest.weights.file));
  if (createHash('sha256').update(bytes).digest('hex') !== manifest.weights.sha256)
    throw new Error('The weights are not those of the manifest');
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
  const { input } = manifest;
  if (input.kind === 'volume') throw new Error('The model of this suite takes images');
  const tensor = new ort.Tensor(
    'float32',
    Float32Array.from({ length: input.width * input.height }, (_, i) => Math.sin(i)),
    [1, 1, input.height, input.width],
  );
  await session.run({ [input.name]: tensor }); // warm, as the processes of the program are
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const began = performance.now();
    await session.run({ [input.name]: tensor });
    times.push(performance.now() - began);
  }
  await session.release();
  return times;
}

/** Takes studies in and waits until each has its stored result. `seconds`: from the first arrival to the last result. */
async function whole(
  files: readonly Buffer[],
  processes: number,
): Promise<{ runs: RunRow[]; seconds: number }> {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-bench-'));
  const store = await createStore({ dir, migrations: [...archiveMigrations, ...assistMigrations] });
  const archive = createArchive({ store, log: silent, settings: { silenceMs: 20, minFree: 0 } });
  const assist = createAssist({ store, archive, log: silent, modelDirs: [MODEL], processes });
  const take = async (bytes: Buffer): Promise<void> => {
    const outcome = await archive.ingest(
      (async function* () {
        yield bytes;
      })(),
      { door: 'import', from: 'bench' },
    );
    if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
  };
  const done = async (count: number): Promise<RunRow[]> => {
    for (;;) {
      const studies = await archive.findStudies({ match: {}, limit: 1000 }, SEES_NO_AI);
      const runs = await assist.runs(studies.map(({ studyUid }) => studyUid));
      const ended = runs.filter(({ finishedAt }) => finishedAt !== null);
      const wrong = ended.find(({ state }) => state !== 'analysed');
      if (wrong) throw new Error(`${wrong.state}: ${wrong.reason ?? wrong.detail}`);
      if (ended.length >= count) return ended;
      await pause(20);
    }
  };
  try {
    await archive.start();
    await assist.start();
    // Every process is started and warm before anything is measured.
    for (const bytes of copies(processes)) await take(bytes);
    const warm = new Set((await done(processes)).map(({ id }) => id));
    const began = performance.now();
    for (const bytes of files) await take(bytes);
    const runs = (await done(processes + files.length)).filter(({ id }) => !warm.has(id));
    return { runs, seconds: (performance.now() - began) / 1000 };
  } finally {
    await assist.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

const tookMs = ({ startedAt, finishedAt }: RunRow): number => finishedAt! - startedAt!;
const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(0.95 * values.length) - 1]!;

function line(work: string, ours: number, peer: number, peerName: string, unit: string, goal: number): Line {
  const ratio = unit === 'ms' ? peer / ours : ours / peer;
  return {
    suite: 'assist',
    work,
    ours,
    peer,
    peerName,
    unit,
    ratio,
    goal: Number(goal.toFixed(2)),
    met: ratio >= goal,
  };
}

export const assist: Suite = async function* ({ count = STUDIES, rounds, only, say }) {
  // As the processes of models are: otherwise the bare inference would be served first.
  os.setPriority(10);
  const wants = (work: string): boolean => work.includes(only);
  const alone = 'one study, from stored to stored SR';
  const atOnce = `${count} studies at once, p95 of each`;
  const two = `${count} studies, two processes`;
  const figures = { bare: [] as number[], bareP95: [] as number[], one: [] as number[], p95: [] as number[] };
  const rates = { one: [] as number[], two: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    const times = await bare(Math.max(5, count));
    figures.bare.push(median(times));
    figures.bareP95.push(p95(times));
    if (wants(alone)) {
      const each: number[] = [];
      for (let i = 0; i < 3; i += 1) each.push(tookMs((await whole(copies(1), 1)).runs[0]!));
      figures.one.push(median(each));
    }
    if (wants(atOnce) || wants(two)) {
      const loaded = await whole(copies(count), 1);
      figures.p95.push(p95(loaded.runs.map(tookMs)));
      rates.one.push(count / loaded.seconds);
    }
    if (wants(two)) rates.two.push(count / (await whole(copies(count), 2)).seconds);
  }
  const peer = 'onnxruntime alone';
  if (wants(alone)) yield line(alone, median(figures.one), median(figures.bare), peer, 'ms', GOAL.path);
  if (wants(atOnce))
    yield line(atOnce, median(figures.p95), median(figures.bareP95), `${peer}, p95`, 'ms', GOAL.path);
  if (wants(two))
    yield line(two, median(rates.two), median(rates.one), 'one process', 'studies/s', GOAL.processes);
};
