import { expect, test } from 'vitest';
import { newUid, parseDicom, TAG } from '../dicom/index.ts';
import { eachStore } from '../store/testing.ts';
import { type Archive, archiveMigrations, createArchive, type IngestOutcome, SEES_ALL } from './index.ts';
import { bytesOf, chunks, dicomFile, principal, shared, silentLog } from './testing.ts';

const admin = principal('admin');
const technologist = principal('technologist');

eachStore((_label, make) => {
  const open = async () => {
    const store = await make({ migrations: archiveMigrations });
    return { store, archive: createArchive({ store, log: silentLog }) };
  };
  const put = (archive: Archive, bytes: Uint8Array, options = {}): Promise<IngestOutcome> =>
    archive.ingest(chunks(bytes), { door: 'dimse', from: 'CT1', address: '10.0.0.9' }, options);
  /** Two instances of one name: the patient and a pixel differ. */
  const conflict = async (archive: Archive) => {
    const made = { study: newUid(), series: newUid(), sop: newUid() };
    await put(archive, dicomFile({ ...made, patientName: 'Martin^Zoé', value: 7 }));
    const other = dicomFile({ ...made, patientName: 'Martin^Zoe', value: 7 });
    other[other.length - 6] = 9; // of 4 × 4 pixels of one byte: x 2, y 2
    const outcome = await put(archive, other);
    if (outcome.status !== 'quarantined') throw new Error(outcome.status);
    return { ...made, id: outcome.id, other };
  };

  test('a conflict shows both sides, which elements differ, and where the pixels do', async () => {
    const { archive } = await open();
    const { id, study } = await conflict(archive);
    const look = await archive.quarantine.look(id);
    expect(look.facts).toMatchObject({ patientName: 'Martin^Zoe', studyUid: study, rows: 4 });
    expect(look.here).toMatchObject({ door: 'dimse', from: 'CT1', facts: { patientName: 'Martin^Zoé' } });
    expect(look.comparison).toMatchObject({
      more: false,
      elements: [{ tag: '(0010,0010)', name: 'PatientName', here: 'Martin^Zoé', there: 'Martin^Zoe' }],
      pixels: {
        verdict: 'different',
        frames: [1, 1],
        differing: 1,
        first: { frame: 1, x: 2, y: 2 },
        pixels: 1,
        largest: 2,
      },
    });
    expect(await archive.quarantine.counts()).toEqual({ conflict: 1 });
  });

  test('taken as a new instance it lies beside the other, and says what its name was', async () => {
    const { archive, store } = await open();
    const { id, study, sop, other } = await conflict(archive);
    await expect(archive.quarantine.takeAsNew(id, ' ', technologist)).rejects.toMatchObject({
      code: 'reason-missing',
    });
    const outcome = await archive.quarantine.takeAsNew(id, 'Two images of one name', technologist);
    if (outcome.status !== 'stored') throw new Error(outcome.status);
    expect(await archive.study(study)).toMatchObject({ images: 2 });
    const made = parseDicom(await bytesOf(await archive.file(outcome.sopInstanceUid, SEES_ALL)));
    expect(made.dataset.string(TAG.SOPInstanceUID)).toBe(outcome.sopInstanceUid);
    const [original] = made.dataset.items(TAG.OriginalAttributesSequence);
    const [modified] = original!.items(TAG.ModifiedAttributesSequence);
    expect(modified!.string(TAG.SOPInstanceUID)).toBe(sop);
    const pixels = parseDicom(other).dataset.bytes(TAG.PixelData)!;
    expect(Buffer.from(made.dataset.bytes(TAG.PixelData)!).equals(Buffer.from(pixels))).toBe(true);
    expect(await archive.quarantine.get(id)).toBeUndefined();
    expect(await archive.quarantine.decisions()).toMatchObject([
      {
        decision: 'as-new',
        because: 'conflict',
        became: outcome.sopInstanceUid,
        reason: 'Two images of one name',
      },
    ]);
    await store.events.settled();
    const [event] = await store.events.page({ kind: 'archive.quarantine.released' });
    expect(event!.payload).toEqual({ reason: 'conflict', decision: 'as-new' });
  });

  test('put in the place of the other it sends that to the recycle bin, from where it is had', async () => {
    const { archive } = await open();
    const { id, sop, other } = await conflict(archive);
    await expect(archive.quarantine.replace(id, 'better', technologist)).rejects.toMatchObject({
      status: 403,
    });
    expect(await archive.quarantine.replace(id, 'The first was sent in error', admin)).toMatchObject({
      status: 'stored',
    });
    expect((await bytesOf(await archive.file(sop, SEES_ALL))).equals(other)).toBe(true);
    expect((await archive.recycle.page({})).rows).toMatchObject([
      { level: 'instance', sopInstanceUid: sop, cause: 'replaced', reason: 'The first was sent in error' },
    ]);
    expect(await archive.quarantine.counts()).toEqual({});
    await expect(archive.quarantine.replace(id, 'again', admin)).rejects.toMatchObject({ status: 404 });
  });

  test('a conflict that is over can only be taken in as it is', async () => {
    const { archive } = await open();
    const { id, study, sop, other } = await conflict(archive);
    await archive.recycle.remove({ studyUid: study }, { reason: 'test' }, admin);
    expect(await archive.quarantine.look(id)).toMatchObject({ here: null, comparison: null });
    await expect(archive.quarantine.takeAsNew(id, 'why', admin)).rejects.toMatchObject({
      code: 'no-conflict',
    });
    expect(await archive.quarantine.release(id, technologist)).toMatchObject({ status: 'stored' });
    expect((await bytesOf(await archive.file(sop, SEES_ALL))).equals(other)).toBe(true);
  });

  test('an unreadable file tells where it broke, whose it seems to be, and its bytes', async () => {
    const { archive } = await open();
    const whole = dicomFile({ patientName: 'Durand^Paul' });
    const at = whole.indexOf(Buffer.from('WRIST'));
    const cut = whole.subarray(0, at + 2);
    const outcome = await put(archive, cut);
    if (outcome.status !== 'quarantined') throw new Error(outcome.status);
    const look = await archive.quarantine.look(outcome.id);
    expect(look).toMatchObject({
      facts: { patientName: 'Durand^Paul' },
      place: { tag: '(0018,0015)', name: 'BodyPartExamined' },
      picture: false,
      here: null,
    });
    expect((await archive.quarantine.peek(outcome.id, 128, 4)).toString()).toBe('DICM');
    expect(await archive.quarantine.peek(outcome.id, 1e9, 4)).toHaveLength(0);
    await archive.quarantine.discard(outcome.id, 'sent again', admin);
    expect(await archive.quarantine.decisions()).toMatchObject([
      { decision: 'discarded', reason: 'sent again' },
    ]);
  });

  test('pages through thousands by reason and by words', async () => {
    const { archive, store } = await open();
    for (let n = 0; n < 3; n++)
      await put(archive, Buffer.from(`no image ${n}`), { fileName: `note_${n}.txt` });
    await conflict(archive);
    const first = await archive.quarantine.page({ limit: 2 });
    expect(first.counts).toEqual({ 'not-dicom': 3, conflict: 1 });
    const second = await archive.quarantine.page({ limit: 2, after: first.rows[1]!.id });
    expect(new Set([...first.rows, ...second.rows].map(({ id }) => id)).size).toBe(4);
    expect((await archive.quarantine.page({ reason: 'conflict' })).rows).toHaveLength(1);
    const found = await archive.quarantine.page({ search: 'NOTE_1' });
    expect(found.rows.map(({ fileName }) => fileName)).toEqual(['note_1.txt']);
    expect((await archive.quarantine.page({ search: '%' })).rows).toEqual([]);
    await store.events.settled();
  });

  test('looks at every damaged file of the collection without stumbling', async () => {
    const { archive } = await open();
    const { readdirSync } = await import('node:fs');
    const names = readdirSync(new URL('../../../shared/dicom/malformed/', import.meta.url)).slice(0, 40);
    for (const name of names) {
      const outcome = await put(archive, shared(`malformed/${name}`));
      if (outcome.status !== 'quarantined') continue;
      expect((await archive.quarantine.look(outcome.id)).row.id, name).toBe(outcome.id);
    }
  }, 60_000);
});
