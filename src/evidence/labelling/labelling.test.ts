/** The queue with all rooms on one store: drawn, labelled by several at once, settled, undone, made again from the events. */
import { expect, test } from 'vitest';
import { beyondFirstPage } from '../../assist/testing.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import { standingOf } from '../../reading/index.ts';
import { migrations, MODEL, openHouse } from '../../reading/testing/house.ts';
import { eachStore } from '../../store/testing.ts';
import type { Db, Store } from '../../store/types.ts';
import { shuffled } from '../random.ts';
import type { Answer } from '../types.ts';
import { HOLD_MS } from './offer.ts';
import { frameDigest } from './draw.ts';
import { createLabelling, type DrawForm, type Labelling, type LabelKind } from './index.ts';
import type { LabellingTables } from './tables.ts';

const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof NegatoscopeError ? thrown.code : String(thrown)),
  );

async function practice(store: Store, options: { marked?: number; unmarked?: number } = {}) {
  const { marked = 4, unmarked = 12 } = options;
  const clock = { now: Date.now() };
  const house = await openHouse(store, { now: () => clock.now });
  const labelling = createLabelling({
    store,
    assist: house.assist,
    archive: house.archive,
    standing: (who) => standingOf(store, who),
    now: () => clock.now,
  });
  const studies: { studyUid: string; sop: string; marked: boolean }[] = [];
  for (let i = 0; i < marked + unmarked; i++) {
    const { studyUid, sopInstanceUid } = await house.image({ study: `1.2.826.0.1.${i + 1}` } as never);
    await house.run(studyUid, 'analysed', { [sopInstanceUid]: i < marked ? 0.9 : 0.1 });
    studies.push({ studyUid, sop: sopInstanceUid, marked: i < marked });
  }
  const evidence = await house.person('Dr Preuve', 'evidence');
  const version = (await house.assist.model(MODEL))!.manifest.version;
  const form: DrawForm = {
    modelId: MODEL,
    modelVersion: version,
    operatingPoint: 'balanced',
    from: 0,
    to: clock.now + 1_000_000,
    title: 'Poignets de mars',
    sample: 6,
    second: 'part',
    secondShare: 0,
    settling: 'third',
    offerUnread: true,
  };
  return {
    ...house,
    house,
    labelling,
    studies,
    evidence,
    form,
    clock,
    read: store.read as unknown as Db<LabellingTables>,
  };
}

/** Answers everything that is offered, by `answer`; what was given, in order. */
async function labelAll(
  labelling: Labelling,
  queueId: string,
  by: Principal,
  answer: (studyUid: string, kind: LabelKind) => Answer,
): Promise<string[]> {
  const given: string[] = [];
  for (let desk = await labelling.next(queueId, by); desk.case;) {
    const { kind, study } = desk.case;
    given.push(study.studyUid);
    desk = await labelling.label(
      queueId,
      { studyUid: study.studyUid, kind, answer: answer(study.studyUid, kind), boxes: [] },
      by,
    );
    if (given.length > 200) throw new Error('no end');
  }
  return given;
}
const rows = async (read: Db<LabellingTables>) => ({
  queues: await read.selectFrom('label_queue').selectAll().orderBy('id').execute(),
  cases: await read.selectFrom('label_case').selectAll().orderBy('queue_id').orderBy('study_uid').execute(),
  labels: await read.selectFrom('label').selectAll().orderBy('id').execute(),
});

eachStore((_label, make) => {
  test('a draw: all marked, a sample that its seed gives again, an extension that holds it', async () => {
    const { labelling, form, evidence, person, read, studies } = await practice(await make({ migrations }));
    expect(await labelling.frame(form, evidence)).toEqual({ marked: 4, unmarked: 12, training: 0 });
    expect(await labelling.tools(MODEL)).toEqual([
      { modelVersion: form.modelVersion, operatingPoint: 'balanced', studies: 16 },
    ]);
    const reader = await person('Dr Lecteur', 'reader');
    expect(await code(labelling.draw(form, reader))).toBe('labelling-forbidden');
    expect(await code(labelling.draw({ ...form, to: 1 }, evidence))).toBe('frame-empty');
    expect(await code(labelling.draw({ ...form, title: '  ' }, evidence))).toBe('bad-draw');
    expect(await code(labelling.draw({ ...form, modelId: 'other' }, evidence))).toBe('model-unknown');
    const queue = await labelling.draw(form, evidence);
    const drawn = async () =>
      (
        await read
          .selectFrom('label_case')
          .select(['study_uid', 'marked'])
          .where('queue_id', '=', queue.id)
          .where('drawn', '=', 1)
          .execute()
      ).map((row) => row.study_uid);
    // Anyone with the seed and the frame draws the same.
    const unmarked = studies.filter((each) => !each.marked).map(({ studyUid }) => studyUid);
    const marked = studies.filter((each) => each.marked).map(({ studyUid }) => studyUid);
    const again = shuffled(unmarked, queue.seed!);
    expect((await drawn()).sort()).toEqual([...marked, ...again.slice(0, 6)].sort());
    expect(queue.frameSha256).toBe(
      frameDigest(studies.map(({ studyUid, marked }) => ({ studyUid, runId: '', marked }))),
    );
    expect(Object.keys(queue)).not.toContain('orderSeed');
    await labelling.extend(queue.id, 9, evidence);
    expect((await drawn()).sort()).toEqual([...marked, ...again.slice(0, 9)].sort());
    expect(await code(labelling.extend(queue.id, 9, evidence))).toBe('bad-draw');
    expect((await labelling.extend(queue.id, 1000, evidence)).sample).toBe(12);
  });

  test('two at once never have the same case, a second reading is another person’s, a third settles', async () => {
    const { labelling, form, evidence, person, read, studies } = await practice(await make({ migrations }));
    const queue = await labelling.draw(form, evidence);
    const [a, b, c] = [
      await person('Dr A', 'reader'),
      await person('Dr B', 'reader'),
      await person('Dr C', 'reader'),
    ];
    const desks = await Promise.all([labelling.next(queue.id, a), labelling.next(queue.id, b)]);
    const hands = desks.flatMap(({ case: one, following }) =>
      [one!, following!].map(({ study }) => study.studyUid),
    );
    expect(new Set(hands).size).toBe(4);
    // What A has at hand nobody takes by asking for it.
    const stolen = { studyUid: hands[0]!, kind: 'reading' as const, answer: 'no' as const, boxes: [] };
    expect(await code(labelling.label(queue.id, stolen, b))).toBe('case-taken');
    // Elsewhere the same person finds the same case.
    expect((await labelling.next(queue.id, a)).case!.study.studyUid).toBe(hands[0]);

    const isMarked = (uid: string) => studies.find(({ studyUid }) => studyUid === uid)!.marked;
    const [disputed] = studies.filter(({ marked }) => marked);
    const byA = (uid: string): Answer => (isMarked(uid) ? 'yes' : 'no');
    const byB = (uid: string): Answer => (uid === disputed!.studyUid ? 'uncertain' : byA(uid));
    const [gaveA, gaveB] = await Promise.all([
      labelAll(labelling, queue.id, a, byA),
      labelAll(labelling, queue.id, b, byB),
    ]);
    expect(new Set(gaveA).size).toBe(gaveA.length);
    const more = [
      ...(await labelAll(labelling, queue.id, a, byA)),
      ...(await labelAll(labelling, queue.id, b, byB)),
    ];
    const times = new Map<string, number>();
    for (const uid of [...gaveA, ...gaveB, ...more]) times.set(uid, (times.get(uid) ?? 0) + 1);
    // Six unmarked once each, four positives by both.
    expect([...times.values()].filter((n) => n === 2).length).toBe(4);
    expect(times.size).toBe(10);

    const third = await labelling.next(queue.id, c);
    expect(third.case).toMatchObject({ kind: 'adjudication', study: { studyUid: disputed!.studyUid } });
    expect(third.case!.readings.map(({ answer }) => answer).sort()).toEqual(['uncertain', 'yes']);
    expect(JSON.stringify(third)).not.toContain(a.personId);
    await labelAll(labelling, queue.id, c, () => 'yes');
    const overview = await labelling.overview(queue.id, evidence);
    expect(overview.progress).toMatchObject({
      drawn: 10,
      answered: 10,
      open: 0,
      byRank: { 1: 6, 2: 3, 3: 1, 4: 0 },
    });
    expect(overview.figures!.readers).toMatchObject({ n: 4, same: 3 });
    expect(overview.figures!.uncertainAsPositive.positivePredictive).toMatchObject({ k: 4, n: 4 });
    // No miss among six of twelve: no estimate, but a bound, and it is the exact one.
    expect(overview.figures!.uncertainAsPositive.corrected.sensitivity).toEqual({
      kind: 'bound',
      atLeast: 4 / (4 + 3),
      atMostWrong: 3,
      wrong: 0,
    });
    const settled = await labelling.cases(queue.id, 'disagreed', evidence);
    expect(settled).toMatchObject([
      { studyUid: disputed!.studyUid, rank: 3, origin: 'adjudication', weight: 1 },
    ]);
    expect((await labelling.cases(queue.id, 'left-alone', evidence)).map(({ weight }) => weight)).toEqual(
      Array(6).fill(2),
    );
    // Decided upon: it stands.
    const last = (await read.selectFrom('label').selectAll().where('person_id', '=', a.personId!).execute())
      .sort((x, y) => Number(x.given_at) - Number(y.given_at))
      .at(-1)!;
    expect(await code(labelling.undo(queue.id, a))).toBe(
      last.study_uid === disputed!.studyUid ? 'label-settled' : 'none',
    );
  });

  test('undo gives the case again; a pause and a lapse give it to others', async () => {
    const { labelling, form, evidence, person, clock } = await practice(await make({ migrations }), {
      marked: 1,
      unmarked: 2,
    });
    const queue = await labelling.draw({ ...form, sample: 2, second: 'none' }, evidence);
    const [a, b] = [await person('Dr A', 'reader'), await person('Dr B', 'reader')];
    expect(await code(labelling.undo(queue.id, a))).toBe('nothing-to-undo');
    const first = (await labelling.next(queue.id, a)).case!;
    const box = {
      sopInstanceUid: first.series[0]!.instances[0]!.sopInstanceUid,
      box: { x: 1, y: 2, width: 30, height: 20 },
    };
    const yes = { studyUid: first.study.studyUid, kind: first.kind, answer: 'yes' as const };
    expect(await code(labelling.label(queue.id, { ...yes, answer: 'no', boxes: [box] }, a))).toBe(
      'boxes-without-yes',
    );
    const far = { ...box, box: { ...box.box, x: 60 } };
    expect(await code(labelling.label(queue.id, { ...yes, boxes: [far] }, a))).toBe('box-outside');
    const after = await labelling.label(queue.id, { ...yes, boxes: [box] }, a);
    expect(after).toMatchObject({ undo: true, queue: { given: 1 } });
    expect(await code(labelling.label(queue.id, { ...yes, boxes: [] }, a))).toBe('already-labelled');
    const back = await labelling.undo(queue.id, a);
    expect(back.case!.study.studyUid).toBe(first.study.studyUid);
    expect(back.queue.given).toBe(0);
    // A has two of three at hand.
    const only = await labelling.next(queue.id, b);
    expect([only.case !== null, only.following]).toEqual([true, null]);
    await labelling.pause(queue.id, a);
    expect((await labelling.next(queue.id, b)).following).not.toBeNull();
    clock.now += HOLD_MS + 1000;
    expect((await labelling.next(queue.id, a)).following).not.toBeNull();
    await labelling.close(queue.id, evidence);
    expect(await code(labelling.label(queue.id, { ...yes, boxes: [] }, a))).toBe('labelling-closed');
    expect((await labelling.next(queue.id, a)).case).toBeNull();
    expect(await labelling.toLabel(a)).toEqual([]);
  });

  test('who saw what the tool says, or signed with it in view, is recorded and kept apart', async () => {
    const { labelling, form, evidence, person, house, readAndSign, reading, studies } = await practice(
      await make({ migrations }),
      { marked: 2, unmarked: 1 },
    );
    const [a, b, c] = [
      await person('Dr A', 'reader'),
      await person('Dr B', 'reader'),
      await person('Dr C', 'reader'),
    ];
    await house.pilot([a, b], false);
    const [one, two, three] = studies as [(typeof studies)[0], (typeof studies)[0], (typeof studies)[0]];
    // A reads one with AI in view and signs; B opens it afterwards. Two is nobody's yet; three C signs, never shown AI.
    const view = await (await reading.claim(one.studyUid, a), reading.open(one.studyUid, a));
    for (const { id } of view.findings) await reading.decide(id, { decision: 'accepted' }, a);
    await readAndSign(one.studyUid, a, 'yes');
    await reading.open(one.studyUid, b);
    await readAndSign(three.studyUid, c, 'no');

    const queue = await labelling.draw({ ...form, offerUnread: false, second: 'all' }, evidence);
    expect((await labelling.overview(queue.id, evidence)).progress.waiting).toEqual({ unread: 1, gone: 0 });
    const offered = await labelAll(labelling, queue.id, a, () => 'yes');
    // What was seen with AI comes last; the unread one not at all.
    expect(offered).toEqual([three.studyUid, one.studyUid]);
    await labelAll(labelling, queue.id, b, () => 'no');
    await labelAll(labelling, queue.id, c, () => 'no');
    const cases = await labelling.cases(queue.id, 'apart', evidence);
    expect(cases.map(({ studyUid }) => studyUid)).toEqual([one.studyUid]);
    expect(cases[0]!.labels.map(({ exposure }) => exposure)).toEqual(['signed-with-ai', 'saw-ai', null]);
    const { figures, progress } = await labelling.overview(queue.id, evidence);
    expect(figures!.apart).toMatchObject({ labels: 2, positive: { k: 1, n: 1 }, negative: { k: 0, n: 1 } });
    // Of one, C's no alone is a reading: the yes of A is in no figure of accuracy.
    expect(figures!.uncertainAsPositive.positivePredictive).toMatchObject({ k: 0, n: 1 });
    expect(progress.open).toBeGreaterThan(0);
    await labelling.change(queue.id, { offerUnread: true }, evidence);
    expect((await labelling.next(queue.id, c)).case!.study.studyUid).toBe(two.studyUid);
  });

  test('who reads and answers for evidence sees no case before the queue is closed', async () => {
    const { labelling, form, person, studies } = await practice(await make({ migrations }), {
      marked: 2,
      unmarked: 2,
    });
    const both = await person('Dr Deux', 'reader', 'evidence');
    const queue = await labelling.draw(form, both);
    const blind = await labelling.overview(queue.id, both);
    expect([blind.figures, blind.queue.seed, queue.seed]).toEqual([null, null, null]);
    expect((await labelling.queues(MODEL, both))[0]!.seed).toBeNull();
    expect(await code(labelling.cases(queue.id, 'found', both))).toBe('labelling-blinded');
    expect(await code(labelling.csv(queue.id, 'leave-out', both))).toBe('labelling-blinded');
    await labelAll(labelling, queue.id, both, (uid) =>
      studies.find(({ studyUid }) => studyUid === uid)!.marked ? 'yes' : 'no',
    );
    await labelling.close(queue.id, both);
    expect((await labelling.overview(queue.id, both)).figures!.marked).toEqual({ drawn: 2, answered: 2 });
    const csv = (await labelling.csv(queue.id, 'leave-out', both)).trim().split('\r\n');
    expect(csv.length).toBe(5);
    expect(
      csv
        .slice(1)
        .map((line) => line.split(',').slice(0, 2).join())
        .sort(),
    ).toEqual(studies.map(({ sop, marked }) => `${sop},${Number(marked)}`).sort());
    expect(csv[0]).not.toMatch(/strat|mark|score/);
  });

  test('a case holds every image of a large study, not those of the first page of a search alone', async () => {
    const { store, labelling, form, evidence, person, house, clock } = await practice(
      await make({ migrations }),
      { marked: 1, unmarked: 1 },
    );
    const large = createLabelling({
      store,
      assist: house.assist,
      archive: beyondFirstPage(house.archive),
      standing: (who) => standingOf(store, who),
      now: () => clock.now,
    });
    const queue = await labelling.draw({ ...form, second: 'none' }, evidence);
    const reader = await person('Dr A', 'reader');
    const { case: first, following } = await large.next(queue.id, reader);
    const images = [first!, following!].map(({ series }) => series.flatMap(({ instances }) => instances));
    expect(images.map(({ length }) => length)).toEqual([1, 1]);
    const { sopInstanceUid } = images[0]![0]!;
    const boxes = [{ sopInstanceUid, box: { x: 1, y: 2, width: 30, height: 20 } }];
    const { studyUid } = first!.study;
    await large.label(queue.id, { studyUid, kind: 'reading', answer: 'yes', boxes }, reader);
    const csv = await large.csv(queue.id, 'leave-out', evidence);
    expect(csv).toContain(`${sopInstanceUid},1,"[[1,2,31,22]]",1,`);
  });

  test('everything is made again from the event log; the database refuses a label of somebody who does not read', async () => {
    const { store, labelling, form, evidence, person, read, studies } = await practice(
      await make({ migrations }),
      { marked: 2, unmarked: 5 },
    );
    const queue = await labelling.draw({ ...form, sample: 3, secondShare: 0.5 }, evidence);
    const [a, b] = [await person('Dr A', 'reader'), await person('Dr B', 'reader')];
    await labelAll(labelling, queue.id, a, () => 'yes');
    await labelling.undo(queue.id, a);
    await labelling.extend(queue.id, 4, evidence);
    await labelAll(labelling, queue.id, b, () => 'no');
    await labelling.change(queue.id, { offerUnread: false }, evidence);
    await labelling.close(queue.id, evidence);
    await store.events.settled();
    const before = await rows(read);
    expect(before.labels.length).toBeGreaterThan(5);
    await labelling.rebuild();
    expect(await rows(read)).toEqual(before);
    expect(await store.events.verify()).toMatchObject({ ok: true });

    const row = { ...before.labels[0]!, id: 'x', person_id: evidence.personId!, undone_at: null };
    await expect(
      store.write<LabellingTables, unknown>((tx) => tx.insertInto('label').values(row).execute()),
    ).rejects.toThrow();
    const viewer = await person('Dr V', 'viewer');
    const claims = { ...viewer, roles: new Set(['reader'] as const) };
    const open = await labelling.draw(form, evidence);
    const form_ = {
      studyUid: studies[0]!.studyUid,
      kind: 'reading' as const,
      answer: 'no' as const,
      boxes: [],
    };
    expect(await code(labelling.label(open.id, form_, claims))).toBe('not-a-reader');
    expect(await code(labelling.label(open.id, form_, { ...a, personId: null }))).toBe('not-a-reader');
    // What was not offered is answered alike, drawn or not, so that nobody learns which studies are in a queue.
    const drawn = new Set(
      (await rows(read)).cases.filter((c) => c.queue_id === open.id && c.drawn).map((c) => c.study_uid),
    );
    const left = studies.find(({ studyUid }) => !drawn.has(studyUid));
    expect(await code(labelling.label(open.id, { ...form_, studyUid: [...drawn][0]! }, a))).toBe(
      'case-taken',
    );
    if (left)
      expect(await code(labelling.label(open.id, { ...form_, studyUid: left.studyUid }, a))).toBe(
        'not-found',
      );
    expect(await code(labelling.label(open.id, { ...form_, studyUid: '1.2.3' }, a))).toBe('case-taken');
  });
});
