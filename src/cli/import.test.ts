import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from '../archive/index.ts';
import { dicomFile, SHARED, shared, silentLog } from '../archive/testing.ts';
import { createStore, type Store } from '../store/index.ts';
import { importPaths } from './import.ts';
import { EXIT } from './io.ts';

let dir: string;
let disc: string;
let store: Store;
let archive: Archive;
let lines: { out: string[]; err: string[]; progress: string[] };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-import-'));
  disc = join(dir, 'disc');
  store = await createStore({ dir: join(dir, 'data'), migrations: archiveMigrations });
  archive = createArchive({ store, log: silentLog });
  lines = { out: [], err: [], progress: [] };
  await mkdir(join(disc, 'a', 'b'), { recursive: true });
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});
const run = (paths: string[], json = false): Promise<number> =>
  importPaths({
    archive,
    paths,
    json,
    out: (line) => void lines.out.push(line),
    err: (line) => void lines.err.push(line),
    progress: (line) => void lines.progress.push(line),
  });

test('walks a disc and says what became of each file', async () => {
  await writeFile(join(disc, 'a', 'IM1'), dicomFile());
  await writeFile(join(disc, 'a', 'b', 'IM2'), dicomFile());
  await writeFile(join(disc, 'DICOMDIR'), shared('dicomdir/DICOMDIR'));
  await writeFile(join(disc, 'README.TXT'), 'hello');
  await symlink(disc, join(disc, 'a', 'circle'));
  expect(await run([disc])).toBe(EXIT.ok);
  expect(lines.out).toEqual(['2 stored, 2 no images']);
  expect(lines.err).toEqual([]);
  await writeFile(join(disc, 'a', 'bad'), shared('malformed/truncated_pixel_data_half.dcm'));
  lines.out.length = 0;
  expect(await run([disc, join(disc, 'a', 'IM1')], true)).toBe(EXIT.notRight);
  const rows = lines.out.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows.at(-1)).toEqual({
    summary: { stored: 0, duplicate: 3, quarantined: 1, refused: 0, ignored: 2, unreadable: 0 },
    total: 6,
  });
  expect(rows.find(({ path }) => path === join(disc, 'a', 'bad'))).toMatchObject({ reason: 'truncated' });
});

test('the whole series of a scan', async () => {
  await cp(fileURLToPath(new URL('transfer-syntax-ct/', SHARED)), join(disc, 'ct'), { recursive: true });
  expect(await run([disc])).toBeLessThanOrEqual(EXIT.notRight);
  expect((await archive.findStudies({ match: {} }, SEES_ALL)).length).toBeGreaterThan(0);
});

test('a wrong path and an empty folder are errors', async () => {
  expect(await run([join(dir, 'nowhere')])).toBe(EXIT.data);
  expect(lines.err.join()).toMatch(/no such file or folder/);
  expect(await run([disc])).toBe(EXIT.data);
});
