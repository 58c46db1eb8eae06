import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readCsv, shared } from '../assist/testing.ts';
import { loadConfig } from '../config.ts';
import { openRooms } from '../open.ts';
import type { Principal } from '../people/index.ts';
import type { StudyForm } from './studies.ts';
import type { Result } from './types.ts';

const by: Principal = {
  personId: null,
  name: 'operator',
  roles: new Set(['evidence']),
  via: 'cli',
  language: 'en',
};
const known = readCsv(shared('radiographs/labels.csv')).sort((a, b) => Number(a.bytes) - Number(b.bytes));
const chosen = ['0', '1'].flatMap((fractured) =>
  known.filter((row) => row.model_split === 'open-test' && row.fractured === fractured).slice(0, 3),
);
const table = ['image,label', ...chosen.map((row) => `${row.image},${row.fractured}`)].join('\n');
const base64 = (of: string) => Buffer.from(of).toString('base64');

let dir: string;
let images: string;
type Rooms = Awaited<ReturnType<typeof openRooms>>;
let rooms: Rooms | undefined;
const open = async (): Promise<Rooms> => {
  rooms = await openRooms(loadConfig(join(dir, 'data'), {}, {}));
  await rooms.start();
  return rooms;
};
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-studies-'));
  images = join(dir, 'images');
  await mkdir(images);
  await mkdir(join(dir, 'data'));
  await writeFile(join(dir, 'data', 'negatoscope.json'), JSON.stringify({ studyFolders: [images] }));
  for (const { image } of chosen) await symlink(shared(`radiographs/images/${image}`), join(images, image!));
});
afterEach(async () => {
  await rooms?.close();
  rooms = undefined;
});
afterAll(() => rm(dir, { recursive: true }));

const form = (more: Partial<StudyForm> = {}): StudyForm => ({
  modelId: 'fracture',
  compareId: null,
  finding: null,
  source: images,
  labelColumn: 'label',
  language: 'fr',
  countTuning: false,
  labels: base64(table),
  ...more,
});
async function until(
  id: string,
  reached: (row: Awaited<ReturnType<Rooms['validation']['study']>>) => boolean,
) {
  for (let i = 0; i < 2400; i += 1) {
    const row = await rooms!.validation.study(id);
    if (reached(row)) return row;
    await pause(50);
  }
  throw new Error('it takes too long');
}

test('a study survives a restart, goes on, and leaves its report', { timeout: 240_000 }, async () => {
  const { validation } = await open();
  expect(validation.folders).toEqual([images]);
  const { id } = await validation.add(form(), by);
  await until(id, ({ phase, done }) => phase === 'analysing' && done >= 1);
  await rooms!.close();

  await open();
  const done = await until(id, ({ state }) => state === 'done' || state === 'failed');
  expect(done).toMatchObject({ state: 'done', error: null, summary: { n: 6, positives: 3, excluded: 0 }, person: 'operator' }); // prettier-ignore
  const result = JSON.parse(await text(await rooms!.validation.file(id, 'result.json'))) as Result;
  expect(result).toMatchObject({ n: 6, model: 'fracture' });
  expect(await text(await rooms!.validation.file(id, 'report.html'))).toContain('<html lang="fr">');
  const run = JSON.parse(await readFile(join(dir, 'data', 'validation', id, 'run.json'), 'utf8')) as {
    kept: number;
  };
  expect(run.kept).toBeGreaterThanOrEqual(1);

  await rooms!.validation.remove(id, by);
  await expect(rooms!.validation.study(id)).rejects.toMatchObject({ status: 404 });
  await expect(readFile(join(dir, 'data', 'validation', id, 'run.json'))).rejects.toThrow();
  await rooms!.store.events.settled();
  const events = await rooms!.store.events.page({ limit: 50 });
  expect(events.filter(({ subject }) => subject === id).map(({ kind }) => kind)).toEqual([
    'validation.study.removed', 'validation.study.finished', 'validation.study.started',
  ]); // prettier-ignore
});

test('cancelled, it ends and keeps what was analysed; again, it goes on', { timeout: 240_000 }, async () => {
  const { validation } = await open();
  const { id } = await validation.add(form(), by);
  await until(id, ({ phase, done }) => phase === 'analysing' && done >= 1);
  expect(await validation.cancel(id, by)).toMatchObject({ state: 'cancelled' });
  await expect(validation.cancel(id, by)).rejects.toMatchObject({ code: 'study-ended' });
  await expect(validation.file(id, 'report.pdf')).rejects.toMatchObject({ status: 404 });
  await validation.again(id, by);
  await expect(validation.remove(id, by)).rejects.toMatchObject({ code: 'study-running' });
  expect(await until(id, ({ state }) => !['waiting', 'running'].includes(state))).toMatchObject({
    state: 'done',
  });
});

test('the images of the archive, by SOP Instance UID', { timeout: 240_000 }, async () => {
  const { validation, archive } = await open();
  const rows = readCsv(shared('radiographs/dicom.csv'));
  const lines = ['image;label'];
  // Those that were made from training images and encoded anew cannot be recognised; these two suffice for both classes.
  for (const file of [
    'DX20_HAND_PA_0252.dcm',
    'DX21_HAND_PA_1494.dcm',
    'DX22_HAND_PA_3116.dcm',
    'DX23_FEMUR_AP_2522.dcm',
  ]) {
    const bytes = await readFile(shared(`radiographs/dicom/${file}`));
    const outcome = await archive.ingest([bytes] as never, { door: 'import', from: 'cli' });
    if (!('sopInstanceUid' in outcome)) throw new Error('not taken in');
    lines.push(`${outcome.sopInstanceUid};${rows.find((row) => row.file === file)!.fractured}`);
  }
  lines.push('1.2.3.4;1');
  const { id } = await validation.add(form({ source: 'archive', labels: base64(lines.join('\r\n')) }), by);
  const ended = await until(id, ({ state }) => !['waiting', 'running'].includes(state));
  expect(ended.error).toBeNull();
  const result = JSON.parse(await text(await validation.file(id, 'result.json'))) as Result;
  expect(result.excluded).toContainEqual({ image: '1.2.3.4', reason: 'file-missing', detail: '' });
  expect(result.n + result.excluded.length).toBe(5);
});

test('what cannot be begun is refused at once; what fails says why', { timeout: 240_000 }, async () => {
  const { validation } = await open();
  const refused = (more: Partial<StudyForm>, code: string) =>
    expect(validation.add(form(more), by)).rejects.toMatchObject({ code });
  await refused({ modelId: 'nothing' }, 'model-unknown');
  await refused({ source: '/etc' }, 'source-unknown');
  await refused({ labelColumn: 'fractured' }, 'labels-column');
  await refused({ labels: base64('image,label\na,1\na,1\n') }, 'labels-twice');
  const { id } = await validation.add(form({ labels: base64('image,label\ngone.jpg,1\n') }), by);
  const failed = await until(id, ({ state }) => state === 'failed');
  expect(failed.error).toMatchObject({ code: 'no-cases' });
});
