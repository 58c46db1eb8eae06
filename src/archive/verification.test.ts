import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newUid } from '../dicom/index.ts';
import { eachStore } from '../store/testing.ts';
import { archiveMigrations, createArchive } from './index.ts';
import type { ArchiveTables } from './tables.ts';
import { chunks, dicomFile, principal, silentLog } from './testing.ts';

eachStore((_label, make) => {
  test('finds files that changed or are gone, says so once, and says when they are sound again', async () => {
    const store = await make({ migrations: archiveMigrations });
    const archive = createArchive({ store, log: silentLog });
    const sops = Array.from({ length: 5 }, () => newUid());
    const study = newUid();
    for (const sop of sops)
      await archive.ingest(chunks(dicomFile({ study, sop, rows: 300, columns: 300 })), {
        door: 'stow',
        from: 'x',
      });
    const seen: number[] = [];
    expect(await archive.verification.run({ progress: ({ checked }) => seen.push(checked) })).toMatchObject({
      checked: 5,
      total: 5,
      damaged: 0,
      after: '',
    });
    expect(seen.at(-1)).toBe(5);
    const db = store.read.withTables<ArchiveTables>();
    const files = new Map(
      (await db.selectFrom('instance').select(['sop_instance_uid', 'blob']).execute()).map((row) => [
        row.sop_instance_uid,
        join(store.dir, row.blob!),
      ]),
    );
    await appendFile(files.get(sops[0]!)!, 'x');
    await rm(files.get(sops[1]!)!);
    for (let n = 0; n < 2; n++)
      expect(await archive.verification.run({ all: true })).toMatchObject({ damaged: 2, checked: 5 });
    const damaged = await archive.verification.damaged();
    expect(Object.fromEntries(damaged.map((row) => [row.sopInstanceUid, row.what]))).toEqual({
      [sops[0]!]: 'changed',
      [sops[1]!]: 'missing',
    });
    await store.events.settled();
    expect(await store.events.page({ kind: 'archive.file.damaged' })).toHaveLength(2);

    await archive.recycle.remove(
      { studyUid: study, sopInstanceUid: sops[1]! },
      { reason: 'gone' },
      principal('admin'),
    );
    expect(await archive.verification.run({ all: true })).toMatchObject({ damaged: 1, checked: 4 });
    expect((await archive.verification.state()).finishedAt).not.toBeNull();
  });

  test('goes on where it was stopped', async () => {
    const store = await make({ migrations: archiveMigrations });
    const archive = createArchive({ store, log: silentLog });
    for (let n = 0; n < 40; n++) await archive.ingest(chunks(dicomFile({})), { door: 'stow', from: 'x' });
    const stop = new AbortController();
    const half = await archive.verification.run({ signal: stop.signal, progress: () => stop.abort() });
    expect(half.checked).toBe(32);
    expect(half.after).not.toBe('');
    const seen: number[] = [];
    await archive.verification.run({ progress: ({ checked }) => seen.push(checked) });
    expect(seen).toEqual([40, 40]);
  });

  test('knows who sent last, and who fell silent', async () => {
    let clock = Date.UTC(2026, 0, 5);
    const store = await make({ migrations: archiveMigrations, now: () => clock });
    const archive = createArchive({ store, log: silentLog, now: () => clock });
    await archive.start();
    for (let day = 0; day < 6; day++) {
      await archive.ingest(chunks(dicomFile({})), { door: 'dimse', from: 'CT1' });
      await store.events.settled();
      clock += 86_400_000;
    }
    await archive.ingest(chunks(dicomFile({})), { door: 'stow', from: 'once' });
    await archive.ingest(chunks(dicomFile({})), { door: 'upload', from: 'anne' });
    await store.events.settled();
    expect((await archive.senders.list()).map(({ name, silent }) => [name, silent])).toEqual([
      ['once', false],
      ['CT1', false],
    ]);
    clock += 9 * 86_400_000;
    expect((await archive.senders.list()).map(({ name, silent }) => [name, silent])).toEqual([
      ['once', false],
      ['CT1', true],
    ]);
  });
});
