import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newUid } from '../dicom/index.ts';
import type { Store } from '../store/index.ts';
import { eachStore } from '../store/testing.ts';
import { archiveMigrations, createArchive, type Origin, SEES_ALL, SEES_NO_AI } from './index.ts';
import { moveInbox } from './life.ts';
import type { ArchiveTables } from './tables.ts';
import { chunks, dicomFile, principal, shared, silentLog } from './testing.ts';

const admin = principal('admin');
const TABLES = ['instance_header', 'instance', 'series', 'study_word', 'study'] as const;

eachStore((_label, make) => {
  const everything = async (store: Store, without: readonly string[] = []) => {
    const db = store.read.withTables<ArchiveTables>();
    const rows = await Promise.all(
      TABLES.map((table) => db.selectFrom(table).selectAll().execute() as Promise<object[]>),
    );
    return rows.map((table) =>
      table
        .map((row) =>
          JSON.stringify(
            Object.entries(row)
              .filter(([column]) => !without.includes(column))
              .sort(),
          ),
        )
        .sort(),
    );
  };
  const lose = (store: Store) =>
    store.write<ArchiveTables, void>(async (tx) => {
      for (const table of TABLES) await tx.deleteFrom(table).execute();
    });
  const filled = async (dir?: string) => {
    const store = await make({ migrations: archiveMigrations, ...(dir ? { dir } : {}) });
    const known = new Map<string, { kind: 'ai'; aiRunId: string }>();
    const archive = createArchive({ store, log: silentLog, known: async () => known });
    const put = (bytes: Uint8Array, origin: Origin, options = {}) =>
      archive.ingest(chunks(bytes), origin, options);
    const study = newUid();
    const [sop, result] = [newUid(), newUid()];
    await put(dicomFile({ study, sop }), { door: 'dimse', from: 'CT1', address: '10.0.0.9' });
    await put(dicomFile({ study, rows: 300, columns: 300, modality: 'CT' }), { door: 'stow', from: 'x' });
    await put(
      dicomFile({ study, sop: result, modality: 'SR' }),
      { door: 'assist', from: 'm' },
      { kind: 'ai', aiRunId: 'run-1' },
    );
    known.set(result, { kind: 'ai', aiRunId: 'run-1' });
    for (const folder of ['charsets', 'ct', 'mr'])
      for (const name of readdirSync(new URL(`../../../shared/dicom/${folder}/`, import.meta.url)).slice(
        0,
        12,
      ))
        await put(shared(`${folder}/${name}`), { door: 'stow', from: 'x' }).catch(() => undefined);
    await archive.correct(study, { patientName: 'Martin^Zoé' }, 'typing error', admin);
    while ((await moveInbox(store)) > 0);
    return { store, archive, study, sop, result };
  };

  test('an emptied index is made again from the files, study for study', async () => {
    const { store, archive, study, result } = await filled();
    const bin = newUid();
    await archive.ingest(chunks(dicomFile({ study: bin })), { door: 'stow', from: 'x' });
    await archive.recycle.remove({ studyUid: bin }, { reason: 'test' }, admin);
    // What only rows knew.
    const lost = [
      'received_at',
      'door',
      'from_name',
      'from_address',
      'first_received_at',
      'last_received_at',
      'order_at',
      'complete',
      'was_complete',
    ];
    const before = await everything(store, lost);
    await lose(store);
    expect(await archive.study(study)).toBeUndefined();
    const done = await archive.reindex({});
    expect(done).toMatchObject({ unreadable: [], missing: [], surplus: [] });
    expect(await everything(store, lost)).toEqual(before);
    expect(await archive.study(study)).toMatchObject({ patientName: 'Martin^Zoé', images: 2 });
    expect(await archive.study(bin)).toBeUndefined();
    expect(await archive.instance(result, SEES_NO_AI)).toBeUndefined();
    expect(await archive.reindex({})).toMatchObject({ added: 0, files: done.files });
    expect(await archive.verification.run({ all: true })).toMatchObject({ damaged: 0 });
  }, 60_000);

  test('a rebuilt index takes over what only rows knew, also after it was interrupted', async () => {
    const { store, archive } = await filled();
    const ignored = ['complete'];
    const before = await everything(store, ignored);
    const stop = new AbortController();
    stop.abort();
    await archive.reindex({ rebuild: true, signal: stop.signal });
    expect(await archive.reindex({ rebuild: true })).toMatchObject({ missing: [], unreadable: [] });
    expect(await everything(store, ignored)).toEqual(before);
  }, 60_000);

  test('finds rows without files and files that are none', async () => {
    const { store, archive, sop, study } = await filled();
    const db = store.read.withTables<ArchiveTables>();
    const { blob } = await db
      .selectFrom('instance')
      .select('blob')
      .where('sop_instance_uid', '=', sop)
      .executeTakeFirstOrThrow();
    await rm(join(store.dir, blob!));
    const staged = await store.blobs.stage();
    await staged.write(Buffer.from('no image'));
    await staged.finish();
    const [stray] = await store.blobs.commit([staged]);
    const done = await archive.reindex({});
    expect(done.missing).toEqual([{ sopInstanceUid: sop, studyUid: study }]);
    expect(done.unreadable).toMatchObject([{ file: stray }]);
  }, 60_000);

  test('a name that was kept ready and went meanwhile is not a file that cannot be read', async () => {
    const { store } = await filled();
    const gone = 'objects/2026/01/01/00/7b1ad1ae-0000-4000-8000-000000000000.dcm';
    const list = async function* () {
      yield* store.blobs.list();
      yield gone;
    };
    const during = createArchive({ store: { ...store, blobs: { ...store.blobs, list } }, log: silentLog });
    expect(await during.reindex({})).toMatchObject({ missing: [], unreadable: [] });
  }, 60_000);

  test('a start with a lost index removes no file', async () => {
    const { store, archive, study } = await filled();
    await lose(store);
    await archive.start();
    expect(await archive.reindex({})).toMatchObject({ missing: [], unreadable: [] });
    expect(await archive.findInstances({ match: {}, studyUid: study }, SEES_ALL)).toHaveLength(3);
  }, 60_000);
});
