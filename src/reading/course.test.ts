/** The way of a study from the events of the real rooms, as the turnaround figures have it. */
import { expect, test } from 'vitest';
import { eachStore } from '../store/testing.ts';
import { MODEL, migrations, openHouse } from './testing/house.ts';

const MINUTE = 60_000;
/** 15 September 2026, 10:00 in Paris. */
const START = Date.UTC(2026, 8, 15, 8);

eachStore((_label, make) => {
  test('arrival, AI ready, opened, signed, delivered; the time of rejections; nothing of a second report', async () => {
    let now = START;
    const house = await openHouse(await make({ migrations, now: () => now }), { now: () => now });
    const { reading, evidence, store } = house;
    const reader = await house.person('Anne Marchand', 'reader');
    await house.pilot([reader], false);
    const study = await house.image({ study: '1.2.7', studyDate: '20260915', studyTime: '095500' });
    now += MINUTE;
    await house.run(study.studyUid, 'analysed', { [study.sopInstanceUid]: 0.9 });
    now += 9 * MINUTE;
    await reading.claim(study.studyUid, reader);
    const view = await reading.open(study.studyUid, reader);
    const [finding] = view.findings;
    const decide = (decision: 'rejected' | null, ms: number | null) =>
      reading.decide(finding!.id, { decision, ms }, reader);
    await decide('rejected', 9000);
    await decide(null, 100);
    await decide('rejected', 4200);
    now += 5 * MINUTE;
    const draft = await reading.saveDraft(
      study.studyUid,
      { conclusion: 'Examen normal.', answers: { [MODEL]: 'no' } },
      view.draft.revision,
      reader,
    );
    const report = await reading.sign(study.studyUid, draft.revision, reader);
    await store.events.settled();
    now += 2 * MINUTE;
    await store.write((tx) =>
      store.events.append(tx, {
        kind: 'delivery.report.stored',
        studyUid: study.studyUid,
        subject: report.id,
        actor: 'system',
      }),
    );
    await store.events.settled();

    const found = await evidence.turnaround(MODEL);
    expect(found.studies).toBe(1);
    expect(found.recordedSince).toBe(report.signedAt);
    const medians = Object.fromEntries(
      Object.entries(found.stretches).map(([name, { median }]) => [name, median! / MINUTE]),
    );
    expect(medians).toEqual({
      'acquired-arrived': 5,
      'arrived-ready': 1,
      'arrived-opened': 10,
      'opened-signed': 5,
      'signed-delivered': 2,
      'arrived-signed': 15,
    });
    expect(found.load).toMatchObject({
      studies: 1,
      marks: 1,
      rejected: 1,
      timedRejections: 1,
      rejectionMs: { median: 4200 },
    });

    // Signed again for a late image: another wait, and none of these figures.
    await house.image({ study: '1.2.7' });
    await house.until(async () => (await reading.open(study.studyUid, reader)).state === 'reopened');
    now += MINUTE;
    await reading.claim(study.studyUid, reader);
    const again = await reading.open(study.studyUid, reader);
    const second = await reading.saveDraft(
      study.studyUid,
      { conclusion: 'Examen normal.', answers: { [MODEL]: 'no' } },
      again.draft.revision,
      reader,
    );
    await reading.sign(study.studyUid, second.revision, reader);
    await store.events.settled();
    expect((await evidence.turnaround(MODEL)).studies).toBe(1);
  });

  test('signed without AI in view: the tool ran, was not shown, and counts on the other side', async () => {
    const house = await openHouse(await make({ migrations }));
    const reader = await house.person('Anne Marchand', 'reader');
    const study = await house.image();
    await house.run(study.studyUid, 'analysed', { [study.sopInstanceUid]: 0.9 });
    await house.readAndSign(study.studyUid, reader);
    await house.store.events.settled();
    const found = await house.evidence.turnaround(MODEL);
    expect(found.comparison).toMatchObject({ shown: { n: 0 }, hidden: { n: 1 }, why: 'none-shown' });
    expect(found.load.studies).toBe(0);
    expect(found.series).toBeNull();
  });

  test('a report signed before its way was recorded is left out, and said to be', async () => {
    const house = await openHouse(await make({ migrations }));
    await house.store.write((tx) =>
      house.store.events.append(tx, {
        kind: 'reading.report.signed',
        studyUid: '1.2.3',
        subject: 'old',
        payload: { version: 1, sha256: 'x' },
      }),
    );
    await house.store.events.settled();
    expect(await house.evidence.turnaround(MODEL)).toMatchObject({ studies: 0, recordedSince: null });
  });
});
