import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from '../../archive/index.ts';
import { dicomFile, manifest, shared, silentLog } from '../../archive/testing.ts';
import { createStore, type Store } from '../../store/index.ts';
import { makeZip } from '../../wire/zip/testing.ts';
import { createFolderDoor, type FolderDoor } from './door.ts';
import type { WatchFolder } from './watch.ts';

let dir: string;
let inbox: string;
let store: Store;
let archive: Archive;
let door: FolderDoor;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-folder-'));
  inbox = join(dir, 'inbox');
  await mkdir(join(inbox, 'sub'), { recursive: true });
  store = await createStore({ dir: join(dir, 'data'), migrations: archiveMigrations });
  archive = createArchive({ store, log: silentLog });
});
afterEach(async () => {
  await door.close();
  await store.close();
  await rm(dir, { recursive: true });
});

function watch(more: Partial<WatchFolder> = {}, its: Archive = archive): void {
  const folder = { path: inbox, after: 'leave', settleSeconds: 0.3, everySeconds: 0.1, ...more } as const;
  door = createFolderDoor({
    ...{ archive: its, folders: [folder], spoolDir: dir, log: silentLog },
    dataDir: join(dir, 'data'),
  });
  void door.start();
}
const count = async (): Promise<number> => (await archive.findInstances({ match: {} }, SEES_ALL)).length;
async function until(check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await check()); tries++) {
    if (tries > 200) throw new Error('it did not come to be');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const looks = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) {
    const [before] = await door.state();
    await until(async () => (await door.state())[0]!.lookedAt !== before!.lookedAt);
  }
};
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test('takes what is there and what comes, once, and remembers it over a restart', async () => {
  await writeFile(join(inbox, 'a'), dicomFile());
  watch();
  await until(async () => (await count()) === 1);
  await writeFile(join(inbox, 'sub', 'b'), dicomFile());
  await writeFile(join(inbox, 'all.zip'), makeZip([{ name: 'c', bytes: dicomFile() }]));
  await until(async () => (await count()) === 3);
  await rename(join(inbox, 'a'), join(inbox, 'renamed'));
  await looks(5);
  expect([await count(), (await door.state())[0]!.taken]).toEqual([3, 4]);
  await door.close();
  watch();
  await looks(5);
  expect([await count(), (await door.state())[0]!.taken]).toEqual([3, 0]);
  expect((await readdir(inbox)).sort()).toEqual(['all.zip', 'renamed', 'sub']);
});

test('takes what comes after a look that took long for what it took in', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await writeFile(join(inbox, name), dicomFile());
  let slow = true;
  const ingest: Archive['ingest'] = async (...given) => {
    if (slow) await new Promise((resolve) => setTimeout(resolve, 4000));
    return archive.ingest(...given);
  };
  watch({ settleSeconds: 0 }, { ...archive, ingest });
  await until(async () => (await count()) === 4);
  slow = false;
  await writeFile(join(inbox, 'e'), dicomFile());
  await until(async () => (await count()) === 5);
});

test('waits for the end of a file that is being written', async () => {
  const bytes = dicomFile({ rows: 100, columns: 100 });
  const path = join(inbox, 'slow');
  watch();
  await writeFile(path, bytes.subarray(0, 500));
  for (let at = 500; at < bytes.length; at += 2000) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await appendFile(path, bytes.subarray(at, at + 2000));
  }
  await writeFile(join(inbox, 'IM.part'), bytes);
  await until(async () => (await door.state())[0]!.taken === 1);
  expect(await archive.quarantine.list()).toEqual([]);
  expect(await count()).toBe(1);
  expect((await door.state())[0]).toMatchObject({ taken: 1, failures: [] });
});

test('moves: what was taken in to done, what failed to failed, with its reason', async () => {
  await writeFile(join(inbox, 'sub', 'a.dcm'), dicomFile());
  await writeFile(join(inbox, 'bad'), shared('malformed/truncated_pixel_data_half.dcm'));
  await writeFile(join(inbox, 'readme.txt'), 'hello');
  watch({ after: 'move' });
  await until(async () => exists(join(inbox, 'failed', 'bad.reason.txt')));
  await until(async () => exists(join(inbox, 'done', 'sub', 'a.dcm')));
  await until(async () => exists(join(inbox, 'done', 'readme.txt')));
  expect(await readFile(join(inbox, 'failed', 'bad.reason.txt'), 'utf8')).toMatch(/^truncated: /);
  await writeFile(join(inbox, 'sub', 'a.dcm'), dicomFile());
  await until(async () => exists(join(inbox, 'done', 'sub', 'a-2.dcm')));
  expect(await count()).toBe(2);
  expect((await door.state())[0]!.failures).toMatchObject([{ name: 'bad', outcome: 'failed' }]);
});

/** A disc: its DICOMDIR names 31 files below 77654033, 98892001 and 98892003. */
async function layDisc(to: string): Promise<void> {
  for (const { path } of manifest().filter((each) => each.path.startsWith('dicomdir/'))) {
    const place = join(to, path.slice('dicomdir/'.length));
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, shared(path));
  }
}

test.each(['move', 'delete'] as const)(
  'a disc: what its DICOMDIR names is not missing after %s',
  async (after) => {
    await layDisc(join(dir, 'disc'));
    // Copied in any order, and named in any case.
    const late = join(dir, 'disc', '98892003', 'MR700', '4467');
    await rename(late, join(dir, 'late'));
    await rename(join(dir, 'disc'), join(inbox, 'disc'));
    watch({ after, settleSeconds: 0 });
    await until(async () => (await count()) === 30);
    await looks(3);
    expect((await door.state())[0]!.failures).toMatchObject([
      {
        name: 'disc/DICOMDIR',
        detail: 'dicomdir: files that are not there yet: 1; 98892003/MR700/4467',
      },
    ]);
    await rename(join(dir, 'late'), join(inbox, 'disc', '98892003', 'MR700', '4467'));
    await until(async () => (await count()) === 31);
    await until(async () => (await door.state())[0]!.taken === 32);
    expect((await door.state())[0]!.failures).toEqual([]);
    const place = after === 'move' ? join(inbox, 'done', 'disc') : join(inbox, 'disc');
    await until(() => exists(join(place, 'DICOMDIR')));
  },
);

test('deletes only what is in the archive to its last byte', async () => {
  await writeFile(join(inbox, 'a'), dicomFile());
  await writeFile(join(inbox, 'readme.txt'), 'hello');
  await writeFile(
    join(inbox, 'mixed.zip'),
    makeZip([
      { name: 'x', bytes: dicomFile() },
      { name: 'y.txt', bytes: Buffer.from('y') },
    ]),
  );
  await writeFile(join(inbox, 'bad'), shared('malformed/truncated_pixel_data_half.dcm'));
  watch({ after: 'delete' });
  await until(async () => !(await exists(join(inbox, 'a'))) && (await door.state())[0]!.taken === 4);
  await looks(3);
  expect((await readdir(inbox)).sort()).toEqual(['bad', 'mixed.zip', 'readme.txt', 'sub']);
  expect(await count()).toBe(2);
});

test('a crash between taking in and remembering, and between remembering and moving, doubles and loses nothing', async () => {
  await writeFile(join(inbox, 'a'), dicomFile());
  const failing = {
    ...archive,
    ledger: { ...archive.ledger, remember: () => Promise.reject(new Error('killed')) },
  };
  watch({ after: 'move' }, failing);
  await until(async () => (await count()) === 1);
  await door.close();
  expect(await exists(join(inbox, 'a'))).toBe(true);
  // The second time it is remembered, and the program ends before the move.
  const { size, mtimeMs } = await stat(join(inbox, 'a'));
  await archive.ledger.remember(`folder:${inbox}`, [
    { path: join(inbox, 'a'), size, mtime: Math.floor(mtimeMs), outcome: 'stored', detail: '' },
  ]);
  watch({ after: 'move' });
  await until(() => exists(join(inbox, 'done', 'a')));
  expect(await count()).toBe(1);
  expect(await archive.ledger.counts(`folder:${inbox}`)).toEqual({});
});

test('a folder that goes and comes back, and one file written over another', async () => {
  await writeFile(join(inbox, 'a'), dicomFile());
  watch();
  await until(async () => (await count()) === 1);
  await rename(inbox, `${inbox}-away`);
  await until(async () => (await door.state())[0]!.state === 'absent');
  await writeFile(join(`${inbox}-away`, 'a'), dicomFile({ value: 9 }));
  await utimes(join(`${inbox}-away`, 'a'), 1_700_000_000, 1_700_000_000); // a copy that keeps an old time
  await rename(`${inbox}-away`, inbox);
  await until(async () => (await count()) === 2);
  expect((await door.state())[0]).toMatchObject({ state: 'watching', failures: [] });
});
