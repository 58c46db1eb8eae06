import { cpSync, createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, expect, test } from 'vitest';
import { archiveMigrations, createArchive, SEES_ALL, SEES_NO_AI } from '../archive/index.ts';
import type { Archive } from '../archive/index.ts';
import { chunks, dicomFile } from '../archive/testing.ts';
import { dciodvfyErrors, hasDciodvfy } from '../dicom/build/dciodvfy.ts';
import type { Principal } from '../people/types.ts';
import { createStore } from '../store/index.ts';
import type { Store } from '../store/types.ts';
import { eachStore } from '../store/testing.ts';
import { createAssist } from './assist.ts';
import { keptResult } from './keep.ts';
import { resultDocuments, resultUidOf, storeResult } from './result.ts';
import { assistMigrations } from './tables.ts';
import type { AssistTables } from './tables.ts';
import { beyondFirstPage, modelDir, shared } from './testing.ts';
import type { Assist, RunRow } from './types.ts';

const silent = { info() {}, warn() {}, error() {} } as never;
const migrations = [...archiveMigrations, ...assistMigrations];
const ADMIN: Principal = {
  personId: 'p1',
  name: 'admin',
  roles: new Set(['admin']),
  via: 'cli',
  language: 'en',
};
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Rooms {
  store: Store;
  archive: Archive;
  assist: Assist;
}
async function rooms(
  store: Store,
  options: { modelDirs?: string[]; backoffMs?: number } = {},
): Promise<Rooms> {
  const archive = createArchive({ store, log: silent, settings: { silenceMs: 50, minFree: 0 } });
  const assist = createAssist({
    store,
    archive,
    log: silent,
    modelDirs: options.modelDirs ?? [modelDir('fracture')],
    backoffMs: () => options.backoffMs ?? 50,
  });
  await archive.start();
  await assist.start();
  closing.push(() => assist.close());
  return { store, archive, assist };
}
async function send(archive: Archive, file: string): Promise<string> {
  const path = shared(`radiographs/dicom/${file}`);
  const outcome = await archive.ingest(createReadStream(path), { door: 'import', from: 'test' });
  if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
  return outcome.studyUid;
}
async function bytesOf(archive: Archive, sop: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await archive.file(sop, SEES_ALL)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
async function settledRun(assist: Assist, studyUid: string, past?: string): Promise<RunRow> {
  for (let i = 0; i < 600; i += 1) {
    const [run] = await assist.runs([studyUid]);
    if (run && run.id !== past && !['waiting', 'running'].includes(run.state)) return run;
    await pause(50);
  }
  throw new Error(`no run of ${studyUid} came to an end`);
}

eachStore((_label, make) => {
  test('a radiograph arrives: the tool runs, its result stands in rows and in the archive, once', async () => {
    const { store, archive, assist } = await rooms(await make({ migrations }));
    const studyUid = await send(archive, 'DX06_FOREARM_RL_0762.dcm');
    const run = await settledRun(assist, studyUid);
    expect(run).toMatchObject({
      state: 'analysed',
      reason: null,
      detail: null,
      operatingPoint: 'balanced',
      attempt: 1,
    });
    expect(run.threshold).toBe(0.196141);
    expect(run.finishedAt).toBeGreaterThanOrEqual(run.startedAt!);
    // The reference implementation gives its JPEG 0.2690 (expected_fracture_scores.csv).
    expect(run.images).toHaveLength(1);
    const [image] = run.images;
    expect(image!.score).toBeCloseTo(0.269, 2);
    expect(image!.positive).toBe(true);
    expect(image!.bodyPart).toBe('FOREARM');

    const findings = await assist.findings(run.id);
    expect(findings).toMatchObject([
      { runId: run.id, studyUid, sopInstanceUid: image!.sopInstanceUid, number: 1, label: 'fracture' },
    ]);

    const { rows, columns } = image!.heatmap!;
    const png = (await assist.heatmap(run.id, image!.sopInstanceUid))!;
    expect(await sharp(png).metadata()).toMatchObject({
      format: 'png',
      width: columns,
      height: rows,
      hasAlpha: true,
    });
    const box = (await assist.heatmapBox(run.id, image!.sopInstanceUid))!;
    const [instance] = await archive.findInstances({ match: {}, studyUid }, SEES_NO_AI);
    // It covers the image and overhangs by less than a cell.
    const cell = box.width / columns;
    expect(box.x).toBeLessThanOrEqual(0);
    expect(box.x).toBeGreaterThan(-cell);
    expect(box.x + box.width).toBeGreaterThanOrEqual(instance!.columns!);
    expect(box.y + box.height - instance!.rows!).toBeLessThan(box.height / rows);
    expect(await assist.heatmap(run.id, '1.2.3')).toBeUndefined();
    expect(await assist.heatmap('nothing', image!.sopInstanceUid)).toBeUndefined();

    // One DICOM result, guarded by the run, valid, saying what ran.
    const series = await archive.findSeries({ match: {}, studyUid }, SEES_ALL);
    expect(series.map((s) => [s.modality, s.kind, s.aiRunId])).toContainEqual(['SR', 'ai', run.id]);
    expect(await archive.findSeries({ match: {}, studyUid }, SEES_NO_AI)).toHaveLength(1);
    const results = (await archive.findInstances({ match: {}, studyUid }, SEES_ALL)).filter(
      (i) => i.kind === 'ai',
    );
    expect(results).toMatchObject([{ aiRunId: run.id, sopInstanceUid: resultUidOf(run.id) }]);
    const sr = await bytesOf(archive, results[0]!.sopInstanceUid);
    if (hasDciodvfy) expect(dciodvfyErrors(sr)).toEqual([]);
    const words = sr.toString('utf8');
    for (const said of [
      'Extremity fractures',
      `weights=sha256:${run.weightsSha256}`,
      'threshold=0.196141',
      '125605004',
    ])
      expect(words).toContain(said);

    await store.events.settled();
    await pause(300); // the study is complete again after the result came: nothing runs a second time
    expect((await assist.runs([studyUid]))[0]!.id).toBe(run.id);
    const kinds = (await store.events.page({ studyUid })).filter((e) => e.kind.startsWith('assist.'));
    expect(kinds.map((e) => e.kind).reverse()).toEqual([
      'assist.run.queued',
      'assist.run.started',
      'assist.run.finished',
    ]);
    expect(JSON.stringify(kinds.map((e) => e.payload))).not.toMatch(/score|positive|finding/);
  });

  test('why it did not run stands there at once', async () => {
    const { archive, assist } = await rooms(await make({ migrations }));
    const studyUid = await send(archive, 'DX13_PELVIS_AP_1232.dcm');
    const run = await settledRun(assist, studyUid);
    expect(run).toMatchObject({ state: 'not-run', reason: 'body-part', detail: 'PELVIS', images: [] });
    expect(await assist.findings(run.id)).toEqual([]);
  });
});

/** The rest does not depend on the database. */
async function make(): Promise<Store> {
  const dir = mkdtempSync(join(tmpdir(), 'assist-'));
  const store = await createStore({ dir, migrations });
  closing.push(async () => {
    await store.close();
    rmSync(dir, { recursive: true });
  });
  return store;
}

/** A copy of the package whose files may be changed. */
function ownPackage(): string {
  const dir = mkdtempSync(join(tmpdir(), 'package-'));
  cpSync(modelDir('fracture'), dir, { recursive: true });
  closing.push(async () => rmSync(dir, { recursive: true }));
  return dir;
}
const children = (): number[] =>
  readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);

test('an image that comes late: the study runs again with all its images, findings numbered through', async () => {
  const { archive, assist } = await rooms(await make());
  const studyUid = await send(archive, 'DX04_FOREARM_PA_1342.dcm');
  const first = await settledRun(assist, studyUid);
  expect(first.images).toHaveLength(1);
  expect(await assist.findings(first.id)).toEqual([]);
  await send(archive, 'DX05_FOREARM_LL_3510.dcm');
  const second = await settledRun(assist, studyUid, first.id);
  expect(second.images.map((i) => i.positive)).toEqual([false, true]);
  expect((await assist.findings(second.id)).map((f) => [f.number, f.sopInstanceUid])).toEqual([
    [1, second.images[1]!.sopInstanceUid],
  ]);
  const results = (await archive.findInstances({ match: {}, studyUid }, SEES_ALL)).filter(
    (i) => i.kind === 'ai',
  );
  expect(new Set(results.map((r) => r.aiRunId))).toEqual(new Set([first.id, second.id]));
  expect(await assist.run(first.id)).toEqual(first); // what was shown stays
  // Names of another character set (ISO_IR 100 here) read right in the result.
  for (const { sopInstanceUid } of results) {
    const sr = await bytesOf(archive, sopInstanceUid);
    expect(sr.includes(Buffer.from('Béranger^François', 'utf8'))).toBe(true);
    if (hasDciodvfy) expect(dciodvfyErrors(sr)).toEqual([]);
  }
});

test('a corrected birth date is judged again; a corrected name changes nothing', async () => {
  const { archive, assist } = await rooms(await make());
  const studyUid = await send(archive, 'DX16_KNEE_AP_2390.dcm');
  const adult = await settledRun(assist, studyUid);
  await archive.correct(studyUid, { patientName: 'Autre^Nom' }, 'typing error', ADMIN);
  await pause(300);
  expect((await assist.runs([studyUid]))[0]!.id).toBe(adult.id);
  const { studyDate } = (await archive.study(studyUid))!;
  const birthDate = `${Number(studyDate.slice(0, 4)) - 9}0101`;
  await archive.correct(studyUid, { birthDate }, 'typing error', ADMIN);
  const child = await settledRun(assist, studyUid, adult.id);
  expect(child).toMatchObject({ state: 'not-run', reason: 'child', detail: '9' });
});

test('the process of the model is killed in the middle of a run: the run happens again', async () => {
  const { archive, assist } = await rooms(await make());
  const before = children();
  const studyUid = await send(archive, 'DX16_KNEE_AP_2390.dcm');
  let killed = 0;
  for (let i = 0; i < 400 && killed === 0; i += 1) {
    const [child] = children().filter((pid) => !before.includes(pid) && pid > 0);
    if (child && (await assist.runs([studyUid]))[0]?.state === 'running') {
      process.kill(child, 'SIGKILL');
      killed = child;
    } else await pause(5);
  }
  expect(killed).toBeGreaterThan(0);
  const run = await settledRun(assist, studyUid);
  expect(run).toMatchObject({ state: 'analysed', attempt: 2, detail: null });
});

test('a run that was interrupted after its results were written computes nothing again and stores nothing twice', async () => {
  const { archive, assist, store } = await rooms(await make());
  const studyUid = await send(archive, 'DX16_KNEE_AP_2390.dcm');
  const run = await settledRun(assist, studyUid);
  const before = await bytesOf(archive, resultUidOf(run.id));
  const row = async () =>
    store.read
      .withTables<AssistTables>()
      .selectFrom('ai_run')
      .selectAll()
      .where('id', '=', run.id)
      .executeTakeFirstOrThrow();
  const computed = (await row()).computed_at;
  await store.write<AssistTables, void>(async (tx) => {
    await tx
      .updateTable('ai_run')
      .set({ state: 'running', sr_sop_instance_uid: null, finished_at: null })
      .where('id', '=', run.id)
      .execute();
    await store.jobs.enqueue(tx, { kind: 'assist.run', key: run.id });
  });
  for (let i = 0; i < 200 && (await assist.run(run.id))!.state !== 'analysed'; i += 1) await pause(50);
  expect(await row()).toMatchObject({
    state: 'analysed',
    computed_at: computed,
    sr_sop_instance_uid: resultUidOf(run.id),
  });
  const ai = (await archive.findInstances({ match: {}, studyUid }, SEES_ALL)).filter((i) => i.kind === 'ai');
  expect(ai).toHaveLength(1);
  expect(await archive.quarantine.list()).toEqual([]);

  // Had it been lost before it was stored, it would have been made again byte for byte.
  let study;
  for await (const json of archive.metadata(
    await archive.findInstances({ match: {}, studyUid }, SEES_NO_AI),
    SEES_NO_AI,
  ))
    study = json;
  const kept = (await keptResult(store.read.withTables<AssistTables>(), run.id))!;
  const { seriesUid, sopInstanceUid } = run.images[0]!;
  const [again] = resultDocuments({
    ...kept,
    runId: run.id,
    manifest: (await assist.model('fracture'))!.manifest,
    at: new Date(kept.at),
    study: study!,
    instances: new Map([[sopInstanceUid, { seriesUid, sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1' }]]),
  });
  expect(again!.bytes.equals(before)).toBe(true);
});

test('it fails with its reason, is not tried for ever, and can be tried again', async () => {
  const dir = ownPackage();
  const weights = join(dir, 'model.fp16.onnx');
  const right = readFileSync(weights);
  writeFileSync(weights, right.subarray(0, -1));
  const { archive, assist, store } = await rooms(await make(), { modelDirs: [dir], backoffMs: 10 });
  const studyUid = await send(archive, 'DX16_KNEE_AP_2390.dcm');
  const run = await settledRun(assist, studyUid);
  expect(run).toMatchObject({ state: 'failed', attempt: 3, images: [] });
  expect(run.detail).toMatch(/weights of fracture 1.0.0 are not those/);
  writeFileSync(weights, right);
  await assist.retry(run.id, ADMIN);
  for (let i = 0; i < 200 && (await assist.run(run.id))!.state !== 'analysed'; i += 1) await pause(50);
  expect(await assist.run(run.id)).toMatchObject({ state: 'analysed', detail: null });
  await expect(assist.retry(run.id, ADMIN)).rejects.toMatchObject({ code: 'run-not-failed' });
  await expect(assist.retry('nothing', ADMIN)).rejects.toMatchObject({ code: 'run-unknown' });
  // The job is booked off just after the run says that it is done.
  await expect
    .poll(async () => (await store.jobs.counts())['assist.run'], { timeout: 10_000 })
    .toMatchObject({ waiting: 0, running: 0 });
});

test('when not even deciding works, the study says so, and trying again decides again', async () => {
  const store = await make();
  const archive = createArchive({ store, log: silent, settings: { minFree: 0 } });
  const studyUid = await send(archive, 'DX16_KNEE_AP_2390.dcm');
  const header = {
    from: (json: string) =>
      store.db
        .updateTable('instance_header' as never)
        .set({ json } as never)
        .execute(),
  };
  const { json } = (await store.db
    .selectFrom('instance_header' as never)
    .selectAll()
    .executeTakeFirst()) as { json: string };
  await header.from('{');
  const { assist } = await rooms(store, { backoffMs: 5 });
  const failed = await settledRun(assist, studyUid);
  expect(failed).toMatchObject({ state: 'failed', images: [] });
  expect(failed.detail).not.toBe('');
  await header.from(json);
  await assist.retry(failed.id, ADMIN);
  expect(await settledRun(assist, studyUid, failed.id)).toMatchObject({ state: 'analysed' });
});

test('too little memory for the model: failed, the server lives', async () => {
  const dir = ownPackage();
  const manifest = JSON.parse(readFileSync(join(dir, 'model.json'), 'utf8'));
  manifest.resources.memoryMB = 40;
  writeFileSync(join(dir, 'model.json'), JSON.stringify(manifest));
  const { archive, assist } = await rooms(await make(), { modelDirs: [dir], backoffMs: 10 });
  const run = await settledRun(assist, await send(archive, 'DX16_KNEE_AP_2390.dcm'));
  expect(run.state).toBe('failed');
  expect(run.detail).toMatch(/MB, more than 40 MB/);
});

test('pixels that cannot be decoded are a reason, not a failure', async () => {
  const { archive, assist } = await rooms(await make());
  const bytes = readFileSync(shared('radiographs/dicom/DX17_KNEE_AP_1876.dcm'));
  const start = bytes.indexOf(Buffer.from([0xff, 0xd8, 0xff]));
  bytes.fill(0, start, start + 40);
  const outcome = await archive.ingest([bytes] as never, { door: 'import', from: 'test' });
  if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
  const run = await settledRun(assist, outcome.studyUid);
  expect(run).toMatchObject({ state: 'not-run', reason: 'pixels-undecodable', images: [], attempt: 1 });
});

test('switched off it says so, switched on it runs what waited; only an administrator may', async () => {
  const { archive, assist } = await rooms(await make());
  const reader = { ...ADMIN, roles: new Set(['reader'] as const) };
  await expect(assist.setEnabled('fracture', false, reader)).rejects.toMatchObject({
    code: 'forbidden',
    status: 403,
  });
  await expect(assist.setEnabled('other', false, ADMIN)).rejects.toMatchObject({
    code: 'model-unknown',
    status: 404,
  });
  await assist.setEnabled('fracture', false, ADMIN);
  expect((await assist.model('fracture'))!.enabled).toBe(false);
  const studyUid = await send(archive, 'DX16_KNEE_AP_2390.dcm');
  const off = await settledRun(assist, studyUid);
  expect(off).toMatchObject({ state: 'not-run', reason: 'disabled' });
  await assist.setEnabled('fracture', true, ADMIN);
  expect(await settledRun(assist, studyUid, off.id)).toMatchObject({ state: 'analysed' });
});

test('an object that somebody put under the identifier of a result is not taken for the result', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-result-'));
  const store = await createStore({ dir, migrations });
  closing.push(async () => {
    await store.close();
    rmSync(dir, { recursive: true });
  });
  const { archive, assist } = await rooms(store);
  const foreign = dicomFile({ sop: resultUidOf('run-1') });
  const outcome = await archive.ingest(chunks(foreign), { door: 'stow', from: 'somebody' });
  expect(outcome.status).toBe('stored');
  const { manifest } = (await assist.model('fracture'))!;
  await expect(storeResult({ store, archive }, 'run-1', manifest)).rejects.toMatchObject({
    code: 'result-not-stored',
  });
});

test('nothing that is logged names a patient', async () => {
  const lines: string[] = [];
  const keep = (o: object, m: string): void => void lines.push(JSON.stringify(o) + m);
  const store = await make();
  const archive = createArchive({ store, log: silent, settings: { silenceMs: 50, minFree: 0 } });
  const dir = ownPackage();
  writeFileSync(join(dir, 'model.fp16.onnx'), 'no model');
  const assist = createAssist({
    store,
    archive,
    log: { info: keep, warn: keep, error: keep },
    modelDirs: [dir, join(dir, 'train')],
    backoffMs: () => 10,
  });
  closing.push(() => assist.close());
  await archive.start();
  await assist.start();
  const studyUid = await send(archive, 'DX16_KNEE_AP_2390.dcm');
  const run = await settledRun(assist, studyUid);
  const { patientName, patientId } = (await archive.study(studyUid))!;
  for (const text of [...lines, JSON.stringify(run)]) {
    expect(text).not.toContain(patientName.split('^')[0]);
    expect(text).not.toContain(patientId);
  }
});

test('an image of the training data is known by its original stream', async () => {
  const { store, archive, assist } = await rooms(await make());
  // DX07 holds the original JPEG of a training image; DX20 shows an image that was not trained on.
  const trainedOn = await send(archive, 'DX07_HAND_PA_0206.dcm');
  expect(await assist.inTraining('fracture', trainedOn)).toBe(true);
  const large = createAssist({ store, archive: beyondFirstPage(archive), modelDirs: [modelDir('fracture')] });
  expect(await large.inTraining('fracture', trainedOn)).toBe(true);
  expect(await assist.inTraining('fracture', await send(archive, 'DX20_HAND_PA_0252.dcm'))).toBe(false);
  expect(await assist.inTraining('fracture', '1.2.3')).toBe(false);
  // What its thresholds were chosen on says as little of its accuracy.
  const dir = ownPackage();
  const list = join(dir, 'split.csv');
  const tuned = readFileSync(list, 'utf8').replaceAll(',train,', ',val,');
  writeFileSync(list, tuned);
  const own = await rooms(await make(), { modelDirs: [dir] });
  expect(await own.assist.inTraining('fracture', await send(own.archive, 'DX07_HAND_PA_0206.dcm'))).toBe(
    true,
  );
  await expect(assist.inTraining('other', '1.2.3')).rejects.toMatchObject({ code: 'model-unknown' });
});

test('golden cases: the built-in package passes; a changed number is shown', async () => {
  const dir = ownPackage();
  const file = join(dir, 'golden.json');
  const golden = JSON.parse(readFileSync(file, 'utf8'));
  golden.cases[0].score += 0.2;
  golden.cases[1].heatmapRow += 5;
  writeFileSync(file, JSON.stringify(golden));
  const store = await make();
  const archive = createArchive({ store, log: silent });
  const built = createAssist({ store, archive, modelDirs: [modelDir('fracture')] });
  expect(await built.check('fracture')).toMatchObject({ ok: true });
  const changed = await createAssist({ store, archive, modelDirs: [dir] }).check('fracture');
  expect(changed.ok).toBe(false);
  expect(changed.cases.map((c) => c.ok)).toEqual([false, false, true, true, true]);
  expect(changed.cases[0]!.detail).toMatch(/^score .*, expected .* ± 0.01$/);
  expect(changed.cases[1]!.detail).toMatch(/^heatmapRow /);
});
