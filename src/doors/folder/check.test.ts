/** What a folder is told to be before it is watched, and watching by the choice of a person. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from '../../archive/index.ts';
import { dicomFile, principal, silentLog } from '../../archive/testing.ts';
import { createStore, type Store } from '../../store/index.ts';
import { checkFolder } from './check.ts';
import { createFolderDoor, type FolderDoor } from './door.ts';

const ADMIN = principal('admin');
let dir: string;
let inbox: string;
let dataDir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-check-'));
  inbox = join(dir, 'inbox');
  dataDir = join(dir, 'data');
  await mkdir(join(inbox, 'sub'), { recursive: true });
  await mkdir(dataDir);
});
afterEach(() => rm(dir, { recursive: true }));

test('each reason against a folder is told by itself', async () => {
  const code = async (path: string, after: 'leave' | 'move' = 'leave', others: string[] = []) =>
    (await checkFolder({ path, after }, { dataDir, others })).code;
  expect(await code(inbox)).toBe('ok');
  expect(await code('inbox')).toBe('not-absolute');
  expect(await code(join(dir, 'nowhere'))).toBe('absent');
  await writeFile(join(dir, 'file'), '');
  expect(await code(join(dir, 'file'))).toBe('not-a-folder');
  // In one another, also by another name.
  await mkdir(join(dataDir, 'objects'));
  await symlink(join(dataDir, 'objects'), join(dir, 'link'));
  for (const path of [dataDir, join(dataDir, 'objects'), dir, '/', join(dir, 'link'), `${dataDir}/`])
    expect(await code(path), path).toBe('inside-data');
  for (const other of [inbox, `${inbox}/`, join(inbox, 'sub')])
    expect(await code(inbox, 'leave', [other]), other).toBe('watched-already');
  expect(await code(join(inbox, 'sub'), 'leave', [inbox])).toBe('watched-already');
  expect(await code(inbox, 'leave', [`${inbox}-2`])).toBe('ok');
});

// Nothing is closed to root.
test.skipIf(process.getuid?.() === 0)('what this account may not read, or not change', async () => {
  const code = async (after: 'leave' | 'move') =>
    (await checkFolder({ path: inbox, after }, { dataDir, others: [] })).code;
  await chmod(inbox, 0o500);
  expect([await code('leave'), await code('move')]).toEqual(['ok', 'read-only']);
  await chmod(inbox, 0o300);
  expect(await code('leave')).toBe('unreadable');
  await chmod(inbox, 0o700);
});

test('what is in it: files, and images among them', async () => {
  await writeFile(join(inbox, 'IM1'), dicomFile());
  await writeFile(join(inbox, 'sub/IM2.dcm'), dicomFile());
  await writeFile(join(inbox, 'notes.txt'), 'x');
  expect(await checkFolder({ path: inbox, after: 'leave' }, { dataDir, others: [] })).toEqual({
    ...{ ok: true, code: 'ok', files: 3, more: false, images: 2, share: false },
  });
});

test('chosen by a person it is watched, changed, still watched after a new start, and no longer watched', async () => {
  const store: Store = await createStore({ dir: dataDir, migrations: archiveMigrations });
  const archive: Archive = createArchive({ store, log: silentLog });
  const open = (): FolderDoor =>
    createFolderDoor({
      ...{ archive, folders: [], dataDir, spoolDir: dir, log: silentLog },
      pace: { settleSeconds: 0.2, everySeconds: 0.1 },
    });
  let door = open();
  const taken = async (count: number) => {
    const until = Date.now() + 20_000;
    while ((await archive.findInstances({ match: {} }, SEES_ALL)).length !== count) {
      if (Date.now() > until) throw new Error('it was not taken in');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  try {
    await door.start();
    await writeFile(join(inbox, 'IM1'), dicomFile());
    await expect(door.add({ path: dataDir, after: 'delete' }, ADMIN)).rejects.toMatchObject({
      ...{ code: 'folder-path', details: { code: 'inside-data' } },
    });
    await expect(door.add({ path: inbox, after: 'leave' }, principal('technologist'))).rejects.toMatchObject({
      code: 'forbidden',
    });
    const { id } = await door.add({ path: inbox, after: 'leave' }, ADMIN);
    await taken(1);
    await expect(door.add({ path: join(inbox, 'sub'), after: 'leave' }, ADMIN)).rejects.toMatchObject({
      details: { code: 'watched-already' },
    });
    const other = join(dir, 'other');
    await mkdir(other);
    await door.change(id, { path: other, after: 'move' }, ADMIN);
    expect(await door.state()).toMatchObject([{ id, path: other, after: 'move' }]);

    await door.close();
    door = open();
    await door.start();
    await writeFile(join(other, 'IM2'), dicomFile());
    await taken(2);
    await door.remove(id, ADMIN);
    expect(await door.state()).toEqual([]);
    await expect(door.remove(id, ADMIN)).rejects.toMatchObject({ code: 'not-found' });
    await store.events.settled();
    const events = (await store.events.page({})).filter(({ kind }) => kind.startsWith('archive.folder.'));
    expect(events.map(({ kind, subject }) => [kind.split('.')[2], subject])).toEqual([
      ['removed', id],
      ['changed', id],
      ['added', id],
    ]);
  } finally {
    await door.close();
    await store.close();
  }
});
