/** kill -9 at each step of deleting, bringing back and erasing: before, or after, and never in between for whoever asks. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newUid } from '../dicom/index.ts';
import { createStore, type Store } from '../store/index.ts';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from './index.ts';
import type { ArchiveTables } from './tables.ts';
import { bytesOf, chunks, dicomFile, principal, silentLog } from './testing.ts';

const child = fileURLToPath(new URL('./testing/recycle-child.ts', import.meta.url));
const LONG = 240_000;
const admin = principal('admin');
const study = newUid();
/** 16 bytes wait in the inbox, 250 KB are in a file, 2 MB were renamed. */
const SIDES = [4, 500, 1500];
const files = SIDES.map((side) => {
  const sop = newUid();
  return { sop, bytes: dicomFile({ study, sop, rows: side, columns: side }) };
});

let root: string;
let ids: { binned: string };
const opened = async (dir: string): Promise<{ store: Store; archive: Archive }> => {
  const store = await createStore({ dir, migrations: archiveMigrations });
  return { store, archive: createArchive({ store, log: silentLog, settings: { inboxMs: 3_600_000 } }) };
};

/** `here`: the study; `binned`: the study in the bin, and sent once more since then. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'negatoscope-recycle-kill-'));
  const { store, archive } = await opened(join(root, 'here'));
  const put = async (its: Archive) => {
    for (const { bytes } of files)
      expect(await its.ingest(chunks(bytes), { door: 'stow', from: 'test' })).toMatchObject({
        status: 'stored',
      });
  };
  await put(archive);
  await store.close();
  cpSync(join(root, 'here'), join(root, 'binned'), { recursive: true });
  const next = await opened(join(root, 'binned'));
  const { id } = await next.archive.recycle.remove({ studyUid: study }, { reason: 'test' }, admin);
  ids = { binned: id };
  await next.store.close();
  cpSync(join(root, 'binned'), join(root, 'again'), { recursive: true });
  const last = await opened(join(root, 'again'));
  await put(last.archive);
  await last.store.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const objectsIn = (dir: string): string[] =>
  readdirSync(join(dir, 'objects'), {
    recursive: true,
    encoding: 'utf8',
  }).filter((name) => name.endsWith('.dcm') && statSync(join(dir, 'objects', name)).size > 0);

/** Runs it on a copy, killed at one step after the other, and looks at what is left each time. Gives how many kills there were. */
async function killedAtEachStep(
  from: 'here' | 'binned' | 'again',
  what: 'remove' | 'restore' | 'erase',
  look: (archive: Archive, store: Store, dir: string) => Promise<void>,
): Promise<number> {
  for (let step = 1; ; step++) {
    const dir = join(root, 'copy');
    rmSync(dir, { recursive: true, force: true });
    cpSync(join(root, from), dir, { recursive: true });
    const id = what === 'remove' ? study : ids.binned;
    const run = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', child, dir, what, id, String(step)],
      {
        encoding: 'utf8',
      },
    );
    if (run.signal !== 'SIGKILL') {
      expect([run.stderr, run.status]).toEqual(['', 0]);
      expect(Number(run.stdout)).toBe(step - 1);
      return step - 1;
    }
    const { store, archive } = await opened(dir);
    try {
      await look(archive, store, dir);
      await store.events.settled();
      expect(await store.events.verify()).toMatchObject({ ok: true });
    } finally {
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    }
  }
}

async function expectHere(archive: Archive): Promise<void> {
  expect(await archive.study(study)).toMatchObject({ images: files.length });
  for (const { sop, bytes } of files)
    expect((await bytesOf(await archive.file(sop, SEES_ALL))).equals(bytes)).toBe(true);
}

test(
  'deleting: all of it is there, or all of it is in the bin and comes back',
  async () => {
    const seen = new Set<boolean>();
    const kills = await killedAtEachStep('here', 'remove', async (archive) => {
      const { rows } = await archive.recycle.page({});
      seen.add(rows.length > 0);
      if (rows.length > 0) {
        expect(await archive.study(study)).toBeUndefined();
        expect(rows).toMatchObject([{ instances: files.length }]);
        await archive.recycle.restore(rows[0]!.id, admin);
      }
      await expectHere(archive);
    });
    expect(kills).toBe(3);
    expect(seen.size).toBe(2);
  },
  LONG,
);

test(
  'bringing back: all of it is in the bin, or all of it is there',
  async () => {
    const seen = new Set<boolean>();
    const kills = await killedAtEachStep('binned', 'restore', async (archive) => {
      const { rows } = await archive.recycle.page({});
      seen.add(rows.length > 0);
      if (rows.length > 0) {
        expect(await archive.study(study)).toBeUndefined();
        await archive.recycle.restore(rows[0]!.id, admin);
      }
      await expectHere(archive);
    });
    expect(kills).toBe(3);
    expect(seen.size).toBe(2);
  },
  LONG,
);

test(
  'erasing: begun is ended, no file and no row stays',
  async () => {
    const seen = new Set<string>();
    const kills = await killedAtEachStep('binned', 'erase', async (archive, store, dir) => {
      const [row] = (await archive.recycle.page({})).rows;
      seen.add(row?.state ?? 'erased');
      expect(await archive.study(study)).toBeUndefined();
      if (row?.state === 'kept') {
        await archive.recycle.restore(row.id, admin);
        await expectHere(archive);
        return;
      }
      if (row) {
        await expect(archive.recycle.restore(row.id, admin)).rejects.toMatchObject({ status: 404 });
        await archive.recycle.erase(row.id, admin);
      }
      const db = store.read.withTables<ArchiveTables>();
      expect(await db.selectFrom('recycled_instance').selectAll().execute()).toEqual([]);
      expect(objectsIn(dir)).toEqual([]);
    });
    expect(kills).toBe(10); // two transactions, two files
    expect([...seen]).toEqual(['kept', 'erasing', 'erased']);
  },
  LONG,
);

test(
  'bringing back what was sent again: the file that is not needed goes, however old it is',
  async () => {
    // Received years ago: the sweep at start does not look there any more.
    const store = await createStore({
      dir: join(root, 'again'),
      migrations: archiveMigrations,
    });
    const db = store.read.withTables<ArchiveTables>();
    const old = await db.selectFrom('recycled_instance').select(['sop_instance_uid', 'blob']).execute();
    for (const { sop_instance_uid, blob } of old) {
      if (blob === null) continue;
      const aged = blob.replace(/^objects\/\d{4}/, 'objects/2020');
      mkdirSync(dirname(join(root, 'again', aged)), { recursive: true });
      renameSync(join(root, 'again', blob), join(root, 'again', aged));
      await store.write<ArchiveTables, void>(async (tx) => {
        await tx
          .updateTable('recycled_instance')
          .set({ blob: aged })
          .where('sop_instance_uid', '=', sop_instance_uid)
          .execute();
      });
    }
    await store.setSetting('archive.swept', String(Date.now()));
    await store.close();
    const kills = await killedAtEachStep('again', 'restore', async (archive, _store, dir) => {
      const { rows } = await archive.recycle.page({});
      if (rows.length > 0) await archive.recycle.restore(rows[0]!.id, admin);
      await archive.start();
      await expectHere(archive);
      await expect.poll(() => objectsIn(dir).filter((name) => name.startsWith('2020'))).toEqual([]);
      expect(objectsIn(dir).length).toBeLessThanOrEqual(files.length);
    });
    expect(kills).toBe(7);
  },
  LONG,
);
