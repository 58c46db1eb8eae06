/** The kinds of results through the whole room: images arrive, the tool runs, rows and DICOM objects stand there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { archiveMigrations, createArchive, SEES_ALL, SEES_NO_AI } from '../archive/index.ts';
import type { Archive } from '../archive/index.ts';
import { chunks, dicomFile } from '../archive/testing.ts';
import { dciodvfyErrors, hasDciodvfy } from '../dicom/build/dciodvfy.ts';
import { dataset } from '../dicom/builder.ts';
import { createStore } from '../store/index.ts';
import type { Store } from '../store/types.ts';
import { createAssist } from './assist.ts';
import { bright, constant, manifestOf, packageOf, SIDE, slice, volume } from './onnxTesting.ts';
import { resultUidOf } from './result.ts';
import { knownResults } from './runs.ts';
import { assistMigrations } from './tables.ts';
import type { AssistTables } from './tables.ts';
import type { Assist, RunRow } from './types.ts';

const silent = { info() {}, warn() {}, error() {} } as never;
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function rooms(
  weights: Buffer,
  parts: object,
): Promise<{ store: Store; archive: Archive; assist: Assist }> {
  const pack = packageOf(weights, manifestOf(parts));
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-keeping-'));
  const store = await createStore({ dir, migrations: [...archiveMigrations, ...assistMigrations] });
  const archive = createArchive({ store, log: silent, settings: { silenceMs: 300, minFree: 0 } });
  const assist = createAssist({ store, archive, log: silent, modelDirs: [pack], backoffMs: () => 20 });
  closing.push(
    () => [pack, dir].forEach((each) => rmSync(each, { recursive: true })),
    () => store.close(),
    () => assist.close(),
  );
  await archive.start();
  await assist.start();
  return { store, archive, assist };
}
async function send(archive: Archive, made: Parameters<typeof dicomFile>[0]): Promise<void> {
  const outcome = await archive.ingest(chunks(dicomFile(made)), { door: 'import', from: 'test' });
  if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
}
async function settled(assist: Assist, studyUid: string): Promise<RunRow> {
  for (let i = 0; i < 1200; i += 1) {
    const [run] = await assist.runs([studyUid]);
    if (run && !['waiting', 'running'].includes(run.state)) return run;
    await pause(50);
  }
  throw new Error('no run came to an end');
}
async function bytesOf(archive: Archive, sop: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of await archive.file(sop, SEES_ALL)) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

test('a volume: its segments stand in rows with their volumes, and in objects that are hidden with the run', async () => {
  const { store, archive, assist } = await rooms(bright, volume);
  for (const i of [5, 0, 3, 1, 6, 2, 4]) await send(archive, slice(i));
  // Another series of the study, which is T2.
  await send(archive, { ...slice(0, { SeriesDescription: 'T2' }), series: '1.2.3.5', sop: '1.2.3.5.1' });
  const run = await settled(assist, '1.2.3');
  expect(run).toMatchObject({ state: 'analysed', detail: null, images: [], operatingPoint: '' });
  // Three slices of 256 pixels of 2 × 2 × 3 mm.
  const [seen, unseen] = run.segments;
  expect(seen).toMatchObject({ label: 'one-thing', pixels: 768 });
  expect(seen!.ml).toBeCloseTo(9.216, 9);
  expect(unseen).toEqual({ label: 'another-thing', pixels: 0, ml: 0, sopInstanceUid: null });
  expect(await assist.findings(run.id)).toEqual([]);

  const ai = (await archive.findInstances({ match: {}, studyUid: '1.2.3' }, SEES_ALL)).filter(
    (i) => i.kind === 'ai',
  );
  expect(ai.map((i) => i.aiRunId)).toEqual([run.id, run.id]);
  expect(new Set(ai.map((i) => i.sopInstanceUid))).toEqual(
    new Set([resultUidOf(run.id), seen!.sopInstanceUid]),
  );
  const visible = await archive.findInstances({ match: {}, studyUid: '1.2.3' }, SEES_NO_AI);
  expect(visible.every((i) => i.kind === 'image')).toBe(true);
  for (const { sopInstanceUid } of ai)
    if (hasDciodvfy) expect(dciodvfyErrors(await bytesOf(archive, sopInstanceUid))).toEqual([]);
  const known = await knownResults(store, ai.map((i) => i.sopInstanceUid)); // prettier-ignore
  expect([...known.values()]).toEqual([
    { kind: 'ai', aiRunId: run.id },
    { kind: 'ai', aiRunId: run.id },
  ]);
  // The object holds the pixels: the rows need not.
  await expect
    .poll(async () =>
      (
        await store.read.withTables<AssistTables>().selectFrom('ai_segmentation').select('bits').execute()
      ).map((r) => r.bits),
    )
    .toEqual([null]);
});

test('a series with a gap is a reason, not a failure', async () => {
  const { archive, assist } = await rooms(bright, volume);
  for (const i of [0, 1, 2, 4, 5, 6]) await send(archive, slice(i));
  expect(await settled(assist, '1.2.3')).toMatchObject({
    state: 'not-run',
    reason: 'volume-geometry',
    attempt: 1,
  });
});

test('several scores, heat maps, segments and measurements of one radiograph', async () => {
  const cam = Array.from({ length: 16 }, (_, i) => (i === 5 ? 1 : 0));
  const measure = { value: 'cobb', scheme: '99TEST', meaning: 'Cobb angle' };
  const { archive, assist } = await rooms(
    constant({ name: 'x', type: 'float32', dims: [1, 1, 32, 32] }, [
      { name: 's', dims: [1, 2], values: [0.7, 0.9] },
      { name: 'h', dims: [1, 2, 4, 4], values: [...cam, ...cam.toReversed()] },
      { name: 'm', type: 'uint8', dims: [1, 4, 4], values: cam },
      { name: 'a', dims: [1], values: [12.5] },
    ]),
    {
      outputs: {
        scores: { name: 's', labels: ['one-thing', 'another-thing'] },
        heatmaps: { name: 'h', labels: ['one-thing', 'another-thing'], stride: 8, componentThreshold: 0.5, connectivity: 8 }, // prettier-ignore
        segmentation: { name: 'm', form: 'labels', labels: { 1: 'one-thing' } },
        measurements: { name: 'a', items: [{ key: 'cobb', text: { fr: 'Angle', en: 'Angle' }, code: measure, unit: { value: 'deg', scheme: 'UCUM', meaning: 'degree' } }] }, // prettier-ignore
      },
    },
  );
  const sop = '1.2.4.1';
  await send(archive, { study: '1.2.4', series: '1.2.4.0', sop, modality: 'DX', rows: SIDE, columns: SIDE, extra: dataset({ BodyPartExamined: 'CHEST' }) }); // prettier-ignore
  const run = await settled(assist, '1.2.4');
  expect(run.detail).toBeNull();
  const [image] = run.images;
  expect(image).toMatchObject({ positive: true, measurements: { cobb: 12.5 } });
  expect(image!.scores!['one-thing']).toBeCloseTo(0.7, 6);
  expect(run.segments).toMatchObject([{ label: 'one-thing', pixels: 16, ml: null }]);
  const findings = await assist.findings(run.id);
  expect(findings.map(({ number, label, places }) => [number, label, places[0]!.box])).toEqual([
    [1, 'another-thing', { x: 8, y: 8, width: 4, height: 4 }],
    [2, 'one-thing', { x: 4, y: 4, width: 4, height: 4 }],
  ]);
  // Each label has its own map; without one, that of the surest.
  const [own, surest] = [await assist.heatmap(run.id, sop, 'one-thing'), await assist.heatmap(run.id, sop)];
  expect(own!.equals(surest!)).toBe(false);
  expect((await assist.heatmap(run.id, sop, 'another-thing'))!.equals(surest!)).toBe(true);
  const ai = (await archive.findInstances({ match: {}, studyUid: '1.2.4' }, SEES_ALL)).filter(
    (i) => i.kind === 'ai',
  );
  expect(ai.length).toBe(2);
  for (const { sopInstanceUid } of ai) {
    const bytes = await bytesOf(archive, sopInstanceUid);
    if (hasDciodvfy) expect(dciodvfyErrors(bytes)).toEqual([]);
    if (sopInstanceUid !== resultUidOf(run.id)) continue;
    const words = bytes.toString('latin1');
    for (const said of ['Cobb angle', '12.5', 'Another thing', 'Referenced Segmentation Frame'])
      expect(words).toContain(said);
  }
});
