import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newUid } from '../dicom/index.ts';
import type { Store } from '../store/index.ts';
import { eachStore } from '../store/testing.ts';
import { applyPolicy } from './expiry.ts';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from './index.ts';
import { moveInbox } from './life.ts';
import { cutoffOf } from './policy.ts';
import type { ArchiveTables } from './tables.ts';
import { bytesOf, chunks, dicomFile, type Made, principal, silentLog } from './testing.ts';

const DAY = 86_400_000;
const admin = principal('admin');
const WHY = { reason: 'Wrong patient' };

eachStore((_label, make) => {
  let clock: number;
  let signed: Map<string, number>;
  const signedAt = async () => signed;
  const open = async () => {
    clock = Date.UTC(2026, 5, 1);
    signed = new Map();
    const store = await make({ migrations: archiveMigrations });
    return { store, archive: createArchive({ store, log: silentLog, signedAt, now: () => clock }) };
  };
  const deps = (store: Store) => ({ store, signedAt, now: () => clock });
  const put = async (archive: Archive, made: Made): Promise<Buffer> => {
    const bytes = dicomFile(made);
    const outcome = await archive.ingest(chunks(bytes), { door: 'stow', from: 'test' });
    expect(outcome.status).toBe('stored');
    return bytes;
  };
  /** Everything the archive's tables say, but for the bin. */
  const everything = async (store: Store) => {
    const db = store.read.withTables<ArchiveTables>();
    const rows = await Promise.all(
      (['study', 'series', 'instance', 'instance_header', 'inbox', 'study_word', 'correction'] as const).map(
        (table) => db.selectFrom(table).selectAll().execute() as Promise<object[]>,
      ),
    );
    return rows.map((table) => table.map((row) => JSON.stringify(row)).sort());
  };

  test('a study disappears from every question and comes back whole', async () => {
    const { archive, store } = await open();
    const [study, other] = [newUid(), newUid()];
    const [sop, large] = [newUid(), newUid()];
    const bytes = await put(archive, { study, sop });
    const big = await put(archive, { study, sop: large, rows: 500, columns: 500, modality: 'CT' });
    await put(archive, { study: other });
    await archive.correct(study, { patientName: 'Martin^Zoé' }, 'typing error', admin);
    const before = await everything(store);

    const row = await archive.recycle.remove({ studyUid: study }, WHY, admin);
    expect(row).toMatchObject({
      level: 'study',
      instances: 2,
      patientName: 'Martin^Zoé',
      reason: 'Wrong patient',
    });
    expect(await archive.study(study)).toBeUndefined();
    expect(await archive.findStudies({ match: { PatientName: 'Martin*' } }, SEES_ALL)).toEqual([]);
    expect(await archive.findStudies({ match: { ModalitiesInStudy: 'CT' } }, SEES_ALL)).toEqual([]);
    expect(await archive.findInstances({ match: {}, studyUid: study }, SEES_ALL)).toEqual([]);
    await expect(archive.file(sop, SEES_ALL)).rejects.toMatchObject({ code: 'instance-not-found' });
    expect(await archive.study(other)).toMatchObject({ images: 1 });
    expect(await archive.recycle.page({})).toMatchObject({ total: 1, rows: [{ id: row.id, state: 'kept' }] });

    await archive.recycle.restore(row.id, admin);
    expect(await everything(store)).toEqual(before);
    expect((await bytesOf(await archive.file(sop, SEES_ALL))).equals(bytes)).toBe(true);
    expect((await bytesOf(await archive.file(large, SEES_ALL))).equals(big)).toBe(true);
    expect(await archive.recycle.page({})).toEqual({ total: 0, rows: [] });
    await moveInbox(store);
    expect(await archive.verify(sop)).toMatchObject({ ok: true });
    await expect(archive.recycle.restore(row.id, admin)).rejects.toMatchObject({ status: 404 });
    await store.events.settled();
    expect(await store.events.verify()).toMatchObject({ ok: true });
  });

  test('what is being moved to a file and replaced meanwhile leaves its place to what came', async () => {
    const { archive, store } = await open();
    const [study, series, replaced, gone, stays] = [newUid(), newUid(), newUid(), newUid(), newUid()];
    const before = await put(archive, { study, series, sop: replaced });
    await put(archive, { study, series, sop: gone });
    const unmoved = await put(archive, { study, series, sop: stays });
    const at = (sopInstanceUid: string) => ({ studyUid: study, seriesUid: series, sopInstanceUid });
    let after: Buffer | undefined;
    let files: string[] = [];
    const blobs = Object.create(store.blobs, {
      commit: {
        async value(staged: Parameters<Store['blobs']['commit']>[0]) {
          files = await store.blobs.commit(staged);
          if (after) return files;
          await archive.recycle.remove(at(replaced), WHY, admin);
          await archive.recycle.remove(at(gone), WHY, admin);
          after = await put(archive, { study, series, sop: replaced, rows: 9 });
          return files;
        },
      },
    });
    expect(await moveInbox({ ...store, blobs })).toBe(3);
    expect(after?.equals(before)).toBe(false);
    for (const moved of [false, true]) {
      if (moved) while ((await moveInbox(store)) > 0);
      expect((await bytesOf(await archive.file(replaced, SEES_ALL))).equals(after!)).toBe(true);
      expect((await bytesOf(await archive.file(stays, SEES_ALL))).equals(unmoved)).toBe(true);
      expect(await archive.verify(replaced)).toMatchObject({ ok: true });
    }
    // The files that nobody refers to are gone again.
    const kept = await Promise.allSettled(files.map((ref) => store.blobs.size(ref)));
    expect(kept.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('a series or an instance leaves a study that is counted anew', async () => {
    const { archive, store } = await open();
    const [study, one, two] = [newUid(), newUid(), newUid()];
    const sops = [newUid(), newUid(), newUid()];
    await put(archive, { study, series: one, sop: sops[0]! });
    await put(archive, { study, series: one, sop: sops[1]! });
    await put(archive, { study, series: two, sop: sops[2]!, modality: 'CT' });
    const before = await everything(store);
    const first = await archive.recycle.remove({ studyUid: study, seriesUid: two }, WHY, admin);
    expect(await archive.study(study)).toMatchObject({ images: 2, series: 1, modalities: ['DX'] });
    const second = await archive.recycle.remove(
      { studyUid: study, seriesUid: one, sopInstanceUid: sops[0]! },
      WHY,
      admin,
    );
    expect(await archive.study(study)).toMatchObject({ images: 1, series: 1 });
    expect(await archive.findSeries({ match: {}, studyUid: study }, SEES_ALL)).toMatchObject([
      { instances: 1 },
    ]);
    const third = await archive.recycle.remove({ studyUid: study }, WHY, admin);
    expect(await archive.study(study)).toBeUndefined();
    for (const { id } of [second, first, third]) await archive.recycle.restore(id, admin);
    expect(await archive.study(study)).toMatchObject({ images: 3, series: 2, modalities: ['CT', 'DX'] });
    expect(await everything(store)).toEqual(before);
  });

  test('the metadata of a series are of another revision whenever other images are there, also of one arrival', async () => {
    const { archive } = await open();
    const [study, series, one, two] = [newUid(), newUid(), newUid(), newUid()];
    for (const sop of [one, two]) await put(archive, { study, series, sop });
    const revision = async () => (await archive.metadataRevision(study, series))!;
    const remove = (sopInstanceUid: string) =>
      archive.recycle.remove({ studyUid: study, seriesUid: series, sopInstanceUid }, WHY, admin);
    const whole = await revision();
    const first = await remove(one);
    const without = await revision();
    await archive.recycle.restore(first.id, admin);
    expect(await revision()).toBe(whole);
    const second = await remove(two);
    expect(new Set([whole, without, await revision()]).size).toBe(3);
    await archive.recycle.erase(second.id, admin);
    expect([whole, without]).not.toContain(await revision());
  });

  test('what was sent again meanwhile is met: the same is kept once, another is not overwritten', async () => {
    const { archive } = await open();
    const [study, sop, twin] = [newUid(), newUid(), newUid()];
    const series = newUid();
    const made = { study, series, sop, rows: 400, columns: 400 };
    await put(archive, made);
    const same = await archive.recycle.remove({ studyUid: study }, WHY, admin);
    await put(archive, made);
    await archive.recycle.restore(same.id, admin);
    expect(await archive.study(study)).toMatchObject({ images: 1 });
    expect(await archive.verify(sop)).toMatchObject({ ok: true });

    await put(archive, { study, series, sop: twin, value: 1 });
    const gone = await archive.recycle.remove({ studyUid: study, sopInstanceUid: twin }, WHY, admin);
    await put(archive, { study, series, sop: twin, value: 2 });
    await expect(archive.recycle.restore(gone.id, admin)).rejects.toMatchObject({ code: 'restore-conflict' });
    expect(await archive.recycle.page({})).toMatchObject({ total: 1 });
    expect((await archive.frame(twin, 1, SEES_ALL)).bytes[0]).toBe(2);
  });

  test('asks for a reason, for an administrator, and once more where a signed report has to be kept', async () => {
    const { archive } = await open();
    const study = newUid();
    await put(archive, { study });
    await expect(archive.recycle.remove({ studyUid: study }, { reason: ' ' }, admin)).rejects.toMatchObject({
      code: 'reason-missing',
    });
    await expect(archive.recycle.remove({ studyUid: study }, WHY, principal('reader'))).rejects.toMatchObject(
      {
        status: 403,
      },
    );
    await expect(archive.recycle.remove({ studyUid: '1.2.3' }, WHY, admin)).rejects.toMatchObject({
      status: 404,
    });
    signed.set(study, Date.UTC(2020, 0, 1));
    await expect(archive.recycle.remove({ studyUid: study }, WHY, admin)).rejects.toMatchObject({
      code: 'report-in-retention',
      details: { until: Date.UTC(2040, 0, 1) },
    });
    expect(await archive.study(study)).toBeDefined();
    await archive.recycle.remove({ studyUid: study }, { ...WHY, despiteReport: true }, admin);
    expect(await archive.study(study)).toBeUndefined();
  });

  test('erases after the days in the bin, files and rows, however often it is interrupted', async () => {
    const { archive, store } = await open();
    const [study, sop] = [newUid(), newUid()];
    await put(archive, { study, sop, rows: 500, columns: 500 });
    await put(archive, { study, rows: 500, columns: 500 });
    const db = store.read.withTables<ArchiveTables>();
    const files = (await db.selectFrom('instance').select('blob').execute()).map(({ blob }) => blob!);
    const { id } = await archive.recycle.remove({ studyUid: study }, WHY, admin);
    await store.events.settled(); // what is not sealed yet has no place in the chain to be erased from
    clock += 29 * DAY;
    expect(await applyPolicy(deps(store), silentLog)).toEqual({ deleted: 0, erased: 0 });
    clock += 2 * DAY;
    let allowed = 0;
    const failing: Store = {
      ...store,
      blobs: {
        ...store.blobs,
        remove: async (ref) => {
          if (allowed-- <= 0) throw new Error('killed');
          await store.blobs.remove(ref);
        },
      },
    };
    for (const times of [0, 1]) {
      allowed = times;
      expect(await applyPolicy({ ...deps(store), store: failing }, silentLog)).toEqual({
        deleted: 0,
        erased: 0,
      });
      await expect(archive.recycle.restore(id, admin)).rejects.toMatchObject({ status: 404 });
    }
    expect(await applyPolicy(deps(store), silentLog)).toEqual({ deleted: 0, erased: 1 });
    for (const file of files)
      await expect(readFile(join(store.dir, file))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await db.selectFrom('recycled_instance').selectAll().execute()).toEqual([]);
    expect(await archive.recycle.page({})).toMatchObject({ total: 0 });
    const [trace] = (await archive.recycle.page({ erased: true })).rows;
    expect(trace).toMatchObject({ reason: 'Wrong patient', by: 'anne', instances: 2, patientName: '' });
    await store.events.settled();
    const [event] = await store.events.page({ kind: 'archive.erased' });
    expect(event).toMatchObject({ study_uid: study, payload: { gone: true } });
    const told = await store.events.page({ kind: 'archive.study.changed', studyUid: study });
    expect(told.every(({ payload }) => payload === null)).toBe(true);
    expect(await store.events.verify()).toMatchObject({ ok: true });
    expect(await applyPolicy(deps(store), silentLog)).toEqual({ deleted: 0, erased: 0 });
  });

  test('deletes nothing by itself until a rule says so, and never what has to be kept', async () => {
    const { archive, store } = await open();
    const [old, ct, young, undated, kept] = Array.from({ length: 5 }, () => newUid());
    await put(archive, { study: old!, studyDate: '20100101' });
    await put(archive, { study: ct!, studyDate: '20100101', modality: 'CT' });
    await put(archive, { study: young!, studyDate: '20250101' });
    await put(archive, { study: undated!, studyDate: '' });
    await put(archive, { study: kept!, studyDate: '20100101' });
    signed.set(kept!, Date.UTC(2010, 0, 2));
    expect(await archive.deletion.policy()).toMatchObject({ rules: [] });
    expect(await applyPolicy(deps(store), silentLog)).toEqual({ deleted: 0, erased: 0 });

    const policy = { recycleDays: 7, retentionYears: 20, rules: [{ modality: 'DX', olderThanYears: 10 }] };
    await expect(archive.deletion.setPolicy(policy, principal('reader'))).rejects.toMatchObject({
      status: 403,
    });
    await expect(archive.deletion.setPolicy({ ...policy, recycleDays: 0 }, admin)).rejects.toMatchObject({
      code: 'bad-policy',
    });
    expect(await archive.deletion.preview(policy)).toEqual([2]);
    await archive.deletion.setPolicy(policy, admin);
    expect(await applyPolicy(deps(store), silentLog)).toEqual({ deleted: 1, erased: 0 });
    expect(
      (await archive.studies([old!, ct!, young!, undated!, kept!])).map(({ studyUid }) => studyUid),
    ).toEqual([ct, young, undated, kept]);
    const [row] = (await archive.recycle.page({})).rows;
    expect(row).toMatchObject({ cause: 'policy', eraseAfter: clock + 7 * DAY });
    clock += 8 * DAY;
    signed.set(old!, clock); // signed by whoever had it open when it went
    expect(await applyPolicy(deps(store), silentLog)).toEqual({ deleted: 0, erased: 0 });
    expect((await archive.recycle.page({})).total).toBe(1);
  });
});

test('years are whole years before today', () => {
  expect(cutoffOf(Date.UTC(2026, 5, 1), 10)).toBe('20160601');
  expect(cutoffOf(Date.UTC(2024, 1, 29), 1)).toBe('20230301');
});
