import { cpSync, createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, describe, expect, test } from 'vitest';
import { archiveMigrations, createArchive, SEES_ALL, SEES_NO_AI } from '../archive/index.ts';
import type { Archive } from '../archive/index.ts';
import type { Principal } from '../people/types.ts';
import type { Store } from '../store/types.ts';
import { eachStore } from '../store/testing.ts';
import { createAssist } from './assist.ts';
import { assistMigrations } from './tables.ts';
import { modelDir, shared } from './testing.ts';
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

    await store.events.settled();
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
