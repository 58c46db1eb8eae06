import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  EXPLICIT_LE,
  IMPLICIT_LE,
  isVideo,
  newUid,
  parseDicom,
  TAG,
  transferSyntax,
} from '../dicom/index.ts';
import { canDecode, decodeFileFrame } from '../dicom/pixels/index.ts';
import { createStore } from '../store/index.ts';
import type { Store } from '../store/types.ts';
import { type Archive, archiveMigrations, createArchive, SEES_ALL, SEES_NO_AI } from './index.ts';
import { bytesOf, chunks, dicomFile, manifest, principal, shared, silentLog } from './testing.ts';

const run = promisify(execFile);
let dir: string;
let store: Store;
let archive: Archive;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'negatoscope-outgoing-'));
  store = await createStore({ dir: join(dir, 'data'), migrations: archiveMigrations });
  archive = createArchive({ store, log: silentLog });
  await archive.start();
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const put = async (bytes: Buffer, options = {}) => {
  const outcome = await archive.ingest(chunks(bytes), { door: 'stow', from: 'test' }, options);
  if (outcome.status !== 'stored' && outcome.status !== 'duplicate') throw new Error(outcome.status);
  return outcome;
};
const leaves = async (sop: string, accepted?: string[]) => {
  const out = await archive.outgoing(sop, SEES_ALL, accepted);
  return { out, bytes: await bytesOf(await out.file()) };
};
const correct = (study: string, fields: Parameters<Archive['correct']>[1]) =>
  archive.correct(study, fields, 'wrong patient', principal('admin'));

test('leaves as it came while nothing is to be changed', async () => {
  const file = dicomFile({ rows: 300, columns: 300 });
  const { sopInstanceUid } = await put(file);
  const { out, bytes } = await leaves(sopInstanceUid, [IMPLICIT_LE, EXPLICIT_LE]);
  expect(out).toMatchObject({ original: true, size: file.length, transferSyntax: EXPLICIT_LE });
  expect(bytes.equals(file)).toBe(true);
  const dataset = await bytesOf(await out.dataset());
  expect(dataset.equals(file.subarray(parseDicom(file).datasetOffset))).toBe(true);
});

test('a data set that came without file meta information leaves as a file of PS3.10', async () => {
  const file = shared('rt/rtstruct.dcm');
  const { sopInstanceUid } = await put(file);
  const { out, bytes } = await leaves(sopInstanceUid);
  expect(out).toMatchObject({ original: false, transferSyntax: IMPLICIT_LE });
  const { meta, datasetOffset } = parseDicom(bytes);
  expect(meta.string(TAG.TransferSyntaxUID)).toBe(IMPLICIT_LE);
  expect(bytes.subarray(datasetOffset).equals(file)).toBe(true);
  expect((await bytesOf(await out.dataset())).equals(file)).toBe(true);
});

test('an instance that the sight hides does not leave', async () => {
  const { sopInstanceUid } = await put(dicomFile(), { kind: 'ai', aiRunId: 'r1' });
  await expect(archive.outgoing(sopInstanceUid, SEES_NO_AI)).rejects.toMatchObject({
    code: 'instance-not-found',
  });
});

describe('a correction', () => {
  test('changes what it names and nothing else, in the character set of the file', async () => {
    const latin1 = shared('charsets/chrFren.dcm');
    const { sopInstanceUid, studyUid } = await put(latin1);
    await correct(studyUid, { patientName: 'Crêté^Zoë', indication: 'Chute' });
    const before = parseDicom(latin1);
    const { out, bytes } = await leaves(sopInstanceUid);
    expect(out).toMatchObject({ original: false, transferSyntax: before.transferSyntax });
    const { dataset } = parseDicom(bytes);
    expect(dataset.person(TAG.PatientName)).toEqual({ alphabetic: 'Crêté^Zoë' });
    expect(dataset.strings(TAG.SpecificCharacterSet)).toEqual(
      before.dataset.strings(TAG.SpecificCharacterSet),
    );
    expect(dataset.string(TAG.ReasonForTheRequestedProcedure)).toBe('Chute');
    const changed = new Set<number>([TAG.PatientName, TAG.ReasonForTheRequestedProcedure]);
    for (const tag of before.dataset.tags.filter((each) => !changed.has(each) && (each & 0xffff) !== 0))
      expect(dataset.bytes(tag), tag.toString(16)).toEqual(before.dataset.bytes(tag));
    // The stored file is what it was.
    expect((await bytesOf(await archive.file(sopInstanceUid, SEES_ALL))).equals(latin1)).toBe(true);
  });

  test('turns the whole header to UTF-8 where the set has no such letter', async () => {
    const before = parseDicom(shared('charsets/chrGreek.dcm'));
    const { sopInstanceUid, studyUid } = await put(shared('charsets/chrGreek.dcm'));
    await correct(studyUid, { description: 'Œdème 浮腫' });
    const { dataset } = parseDicom((await leaves(sopInstanceUid)).bytes);
    expect(dataset.strings(TAG.SpecificCharacterSet)).toEqual(['ISO_IR 192']);
    expect(dataset.string(TAG.StudyDescription)).toBe('Œdème 浮腫');
    expect(dataset.string(TAG.PatientName)).toBe(before.dataset.string(TAG.PatientName));
  });

  test('keeps compressed pixels and what is behind them, and long documents', async () => {
    for (const syntax of ['1.2.840.10008.1.2.4.70', '1.2.840.10008.1.2.4.91', '1.2.840.10008.1.2.1.99']) {
      const row = manifest().find((each) => each.transferSyntax === syntax && each.expected === 'decodable')!;
      const file = shared(row.path);
      const { sopInstanceUid, studyUid } = await put(file);
      await correct(studyUid, { patientId: 'NEW' });
      const { bytes } = await leaves(sopInstanceUid);
      const [was, now] = [parseDicom(file), parseDicom(bytes)];
      expect(now.dataset.string(TAG.PatientID)).toBe('NEW');
      const place = (f: typeof was) =>
        f.bytes.subarray(f.pixelData!.offset, f.pixelData!.offset + f.pixelData!.length);
      expect(Buffer.from(place(now)).equals(Buffer.from(place(was)))).toBe(true);
    }
    const study = newUid();
    const long = dicomFile({
      study,
      extra: { '00420011': { vr: 'OB', Binary: new Uint8Array(3_000_000).fill(5) } },
    });
    const { sopInstanceUid } = await put(long);
    await correct(study, { indication: 'Douleur', patientName: 'Neuf^Nom' });
    const { dataset } = parseDicom((await leaves(sopInstanceUid)).bytes);
    expect(dataset.string(TAG.ReasonForTheRequestedProcedure)).toBe('Douleur');
    expect(dataset.bytes(TAG.EncapsulatedDocument)?.length).toBe(3_000_000);
    expect(dataset.bytes(TAG.PixelData)?.length).toBe(16);
  });

  test('of a big endian file leaves in little endian', async () => {
    const file = shared('rt/rtdose_expb_1frame.dcm');
    const { sopInstanceUid, studyUid } = await put(file);
    await correct(studyUid, { patientId: 'BIG' });
    const { out, bytes } = await leaves(sopInstanceUid);
    expect(out.transferSyntax).toBe(EXPLICIT_LE);
    expect((await decodeFileFrame(parseDicom(bytes))).data).toEqual(
      (await decodeFileFrame(parseDicom(file))).data,
    );
  });
});

describe('for a receiver that takes only uncompressed ones', () => {
  // Several frames of one bit that begin within bytes are not given: nobody could say where (PS3.5 8.1.1).
  const rows = manifest().filter(
    ({ path, expected, transferSyntax: uid }) =>
      expected === 'decodable' &&
      transferSyntax(uid) &&
      canDecode(uid) &&
      !isVideo(uid) &&
      path !== 'seg/liver_nonbyte_aligned_rle.dcm' &&
      shared(path).length < 1_500_000,
  );
  const some = (each: number) => {
    const taken = new Map<string, number>();
    return rows.filter(({ transferSyntax: uid }) => {
      taken.set(uid, (taken.get(uid) ?? 0) + 1);
      return taken.get(uid)! <= each;
    });
  };
  test.each([
    ['explicit', EXPLICIT_LE, some(3)],
    ['implicit', IMPLICIT_LE, some(1)],
  ])(
    'images of every transfer syntax leave in %s VR with the same stored values',
    async (_, target, rows) => {
      // A store of its own: what another test took in would be a duplicate.
      const store = await createStore({ dir: join(dir, newUid()), migrations: archiveMigrations });
      const archive = createArchive({ store, log: silentLog });
      await archive.start();
      const failed: string[] = [];
      for (const { path } of rows) {
        const file = shared(path);
        const was = parseDicom(file);
        const outcome = await archive.ingest(chunks(file), { door: 'stow', from: 'test' });
        // One object in several transfer syntaxes is kept once.
        if (outcome.status !== 'stored') continue;
        try {
          const before = await decodeFileFrame(was);
          const out = await archive.outgoing(outcome.sopInstanceUid, SEES_ALL, [target]);
          const bytes = await bytesOf(await out.file());
          expect(out.transferSyntax).toBe(target);
          const now = parseDicom(bytes);
          const frames = was.dataset.number(TAG.NumberOfFrames) ?? 1;
          const after = await decodeFileFrame(now);
          expect([after.photometric, after.rows, after.columns]).toEqual([
            before.photometric,
            before.rows,
            before.columns,
          ]);
          expect(Buffer.from(after.data.buffer).equals(Buffer.from(before.data.buffer))).toBe(true);
          if (frames > 1) {
            const [last, lastWas] = [await decodeFileFrame(now, frames), await decodeFileFrame(was, frames)];
            expect(Buffer.from(last.data.buffer).equals(Buffer.from(lastWas.data.buffer))).toBe(true);
          }
          const kept = was.dataset.tags.filter((tag) => tag < 0x7fe00000 && (tag & 0xffff) !== 0);
          expect(kept.filter((tag) => !now.dataset.has(tag) && tag !== TAG.IconImageSequence)).toEqual([]);
        } catch (thrown) {
          failed.push(`${path}: ${(thrown as Error).message.slice(0, 200)}`);
        }
      }
      await store.close();
      expect(failed).toEqual([]);
    },
  );

  test('DCMTK reads what leaves, and lossy stays marked', async () => {
    const row = manifest().find(
      ({ transferSyntax: uid, expected }) => uid.endsWith('.4.50') && expected === 'decodable',
    )!;
    const { sopInstanceUid } = await put(shared(row.path));
    const { bytes } = await leaves(sopInstanceUid, [EXPLICIT_LE]);
    const path = join(dir, 'out.dcm');
    writeFileSync(path, bytes);
    const { stdout } = await run('dcmdump', ['+P', '0028,2110', '+P', '0002,0010', path]);
    expect(stdout).toContain('[01]');
    expect(stdout).toContain('LittleEndianExplicit');
    await run('dcmj2pnm', ['+on', path, join(dir, 'out.png')]);
  });

  test('a video cannot be given', async () => {
    const row = manifest().find(({ transferSyntax: uid }) => isVideo(uid))!;
    const { sopInstanceUid } = await put(shared(row.path));
    await expect(archive.outgoing(sopInstanceUid, SEES_ALL, [EXPLICIT_LE])).rejects.toMatchObject({
      code: 'not-convertible',
    });
  });
});
