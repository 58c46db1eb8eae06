import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { eachStore } from '../store/testing.ts';
import { migrations, openHouse } from './testing/house.ts';
import type { MarkForm } from './types.ts';

eachStore((_label, make) => {
  const length = (sopInstanceUid: string, more: Partial<MarkForm> = {}): MarkForm => ({
    kind: 'length',
    sopInstanceUid,
    frame: 1,
    points: [
      [10, 10],
      [40, 50],
    ],
    text: null,
    pixels: [],
    presentation: null,
    ...more,
  });

  test('marks are kept as they are drawn: changed, taken back, signed with the report', async () => {
    const house = await openHouse(await make({ migrations }));
    const { reading } = house;
    const reader = await house.person('Dr Anne Marchand', 'reader');
    const other = await house.person('Dr Bruno Petit', 'reader');
    const { studyUid, sopInstanceUid } = await house.image({
      extra: { '00181164': { vr: 'DS', Value: [0.2, 0.1] } },
    });
    const id = randomUUID();
    await expect(reading.putMark(studyUid, id, length(sopInstanceUid), reader)).rejects.toMatchObject({
      code: 'not-claimed',
    });
    await reading.claim(studyUid, reader);

    // What a length says follows from the points and the header, whatever the page sends beside.
    const made = await reading.putMark(
      studyUid,
      id,
      length(sopInstanceUid, { pixels: [{ name: 'mean', value: 7 }] }),
      reader,
    );
    expect(made.calibration).toBe('detector');
    expect(made.quantities).toEqual([{ name: 'length', value: Math.hypot(3, 8), unit: 'mm' }]);
    const moved = await reading.putMark(
      studyUid,
      id,
      length(sopInstanceUid, {
        points: [
          [0, 0],
          [30, 0],
        ],
      }),
      reader,
    );
    expect(moved.quantities[0]!.value).toBeCloseTo(3, 9);
    const region = randomUUID();
    await reading.putMark(
      studyUid,
      region,
      length(sopInstanceUid, { kind: 'ellipse', pixels: [{ name: 'mean', value: 7 }], text: 'À revoir' }),
      reader,
    );
    const view = await reading.open(studyUid, reader);
    expect(view.marks.map(({ id: each, kind }) => [each, kind])).toEqual([
      [id, 'length'],
      [region, 'ellipse'],
    ]);
    expect(view.marks[1]).toMatchObject({
      text: 'À revoir',
      quantities: [{ name: 'area' }, { name: 'mean', unit: '' }],
    });
    // Another reader's page does not show them: an own conclusion comes first.
    expect((await reading.open(studyUid, other)).marks).toEqual([]);

    await reading.removeMark(studyUid, region, reader);
    await reading.removeMark(studyUid, region, reader);
    const signed = await house.readAndSign(studyUid, reader, null);
    expect(signed.record!.marks!.map(({ id: each }) => each)).toEqual([id]);
    expect((await reading.open(studyUid, reader)).marks).toEqual([]);
    await expect(reading.removeMark(studyUid, id, reader)).rejects.toMatchObject({ code: 'already-signed' });

    // The next version begins without them, and cannot take their names.
    await house.image({ study: studyUid });
    await house.until(async () => (await reading.open(studyUid, reader)).state === 'reopened');
    await reading.claim(studyUid, reader);
    await expect(reading.putMark(studyUid, id, length(sopInstanceUid), reader)).rejects.toMatchObject({
      code: 'mark-taken',
    });
  });

  test('a mark outside its image, of another study or of no kind is refused', async () => {
    const house = await openHouse(await make({ migrations }));
    const { reading } = house;
    const reader = await house.person('Dr Anne Marchand', 'reader');
    const { studyUid, sopInstanceUid } = await house.image();
    const elsewhere = await house.image();
    await reading.claim(studyUid, reader);
    const refused = async (form: MarkForm, code: string, id: string = randomUUID()) =>
      expect(reading.putMark(studyUid, id, form, reader)).rejects.toMatchObject({ code });
    await refused(length(elsewhere.sopInstanceUid), 'image-unknown');
    await refused(length(sopInstanceUid, { frame: 2 }), 'image-unknown');
    await refused(length(sopInstanceUid, { points: [[1, 1]] }), 'mark-points');
    await refused(
      length(sopInstanceUid, {
        points: [
          [1, 1],
          [64.5, 1],
        ],
      }),
      'mark-outside',
    );
    await refused(length(sopInstanceUid), 'mark-unknown-id', '../../etc');
    expect((await reading.open(studyUid, reader)).marks).toEqual([]);
  });
});
