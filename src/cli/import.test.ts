import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from '../archive/index.ts';
import { dicomFile, SHARED, shared, silentLog } from '../archive/testing.ts';
import { createStore, type Store } from '../store/index.ts';
import { makeZip } from '../wire/zip/testing.ts';
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
const run = (paths: string[], json = false, signal = new AbortController().signal): Promise<number> =>
  importPaths({
    archive,
    dir: join(dir, 'data'),
    paths,
    json,
    io: {
      out: (line) => void lines.out.push(line),
      err: (line) => void lines.err.push(line),
      progress: (line) => void lines.progress.push(line),
      drained: async () => {},
      signal,
    },
  });
const rows = () => lines.out.map((line) => JSON.parse(line) as Record<string, unknown>);

test('walks a disc and says what became of each file', async () => {
  await writeFile(join(disc, 'a', 'IM1'), dicomFile());
  await writeFile(join(disc, 'a', 'b', 'IM2'), dicomFile());
  await writeFile(join(disc, 'DICOMDIR'), shared('dicomdir/DICOMDIR'));
  await writeFile(join(disc, 'README.TXT'), 'hello');
  await symlink(disc, join(disc, 'a', 'circle'));
  expect(await run([disc])).toBe(EXIT.notRight); // what its DICOMDIR names is missing
  expect(lines.out[0]).toMatch(/^2 stored, \d+ missing, 2 no images \(/);
  expect(lines.err).toEqual([]);
  await writeFile(join(disc, 'a', 'bad'), shared('malformed/truncated_pixel_data_half.dcm'));
  lines.out.length = 0;
  expect(await run([disc, join(disc, 'a', 'IM1')], true)).toBe(EXIT.notRight);
  expect(rows().at(-1)).toMatchObject({
    summary: { stored: 0, duplicate: 3, quarantined: 1, refused: 0, ignored: 2, unreadable: 0, missing: 31 },
    total: 37,
  });
  const list = await readFile(String(rows().at(-1)!.problems), 'utf8');
  expect(list).toContain(`"${join(disc, 'a', 'bad')}","quarantined","truncated"`);
  expect(list).toContain(`"${join(disc, '98892003/MR1/4919')}","missing","dicomdir"`);
  expect(rows().find(({ path }) => path === join(disc, 'a', 'bad'))).toMatchObject({ reason: 'truncated' });
});

test('the whole series of a scan', async () => {
  await cp(fileURLToPath(new URL('transfer-syntax-ct/', SHARED)), join(disc, 'ct'), { recursive: true });
  expect(await run([disc])).toBeLessThanOrEqual(EXIT.notRight);
  expect((await archive.findStudies({ match: {} }, SEES_ALL)).length).toBeGreaterThan(0);
});

test('a disc by its DICOMDIR: what it names and what it does not', async () => {
  await cp(fileURLToPath(new URL('dicomdir/', SHARED)), disc, { recursive: true });
  await rm(join(disc, '98892003', 'MR700', '4467'));
  await rename(join(disc, '77654033', 'CR1', '6154'), join(disc, '77654033', 'CR1', '6154.;1'));
  await writeFile(join(disc, 'a', 'unnamed'), dicomFile());
  expect(await run([join(disc, 'DICOMDIR')], true)).toBe(EXIT.notRight);
  expect(rows().at(-1)).toMatchObject({ summary: { stored: 31, ignored: 1, missing: 1 } });
  expect(rows().find(({ status }) => status === 'missing')?.path).toBe(join(disc, '98892003/MR700/4467'));
});

test('what is no UTF-8 is read, and a zip archive beside', async () => {
  await writeFile(Buffer.concat([Buffer.from(`${disc}/`), Buffer.from('\xe9tude', 'latin1')]), dicomFile());
  await writeFile(join(disc, 'more.zip'), makeZip([{ name: 'x/y', bytes: dicomFile() }]));
  await writeFile(join(disc, 'bad.zip'), 'PK\x03\x04');
  expect(await run([disc], true)).toBe(EXIT.notRight);
  expect(rows().at(-1)).toMatchObject({ summary: { stored: 2, unreadable: 1 } });
  expect(rows().find(({ reason }) => reason === 'zip-truncated')).toBeDefined();
});

test('goes on where it was interrupted, and looks at everything once it came to its end', async () => {
  for (let i = 0; i < 40; i++) await writeFile(join(disc, `IM${i}`), dicomFile());
  const stop = new AbortController();
  const ingest = archive.ingest;
  let taken = 0;
  archive.ingest = async (...given) => {
    const outcome = await ingest(...given);
    if (++taken === 20) stop.abort();
    return outcome;
  };
  expect(await run([disc], true, stop.signal)).toBe(EXIT.interrupted);
  const first = rows().at(-1) as { summary: { stored: number }; interrupted: boolean };
  expect(first.interrupted).toBe(true);
  expect(first.summary.stored).toBeLessThan(40);
  lines.out.length = 0;
  expect(await run([disc], true)).toBe(EXIT.ok);
  const second = rows().at(-1) as { summary: { stored: number; duplicate: number }; before: number };
  expect(second.before).toBeGreaterThan(0);
  expect(second.before + second.summary.stored + second.summary.duplicate).toBe(40);
  lines.out.length = 0;
  await run([disc], true);
  expect(rows().at(-1)).toMatchObject({ summary: { duplicate: 40 }, total: 40 });
  expect((await archive.findInstances({ match: {} }, SEES_ALL)).length).toBe(40);
});

test('a wrong path and an empty folder are errors', async () => {
  expect(await run([join(dir, 'nowhere')])).toBe(EXIT.data);
  expect(lines.err.join()).toMatch(/no such file or folder/);
  expect(await run([disc])).toBe(EXIT.data);
});
