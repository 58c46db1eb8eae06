import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NegatoscopeError } from '../errors.ts';
import type { Principal, Role } from '../people/types.ts';
import { createPeople, peopleMigrations } from '../people/index.ts';
import { eachStore } from '../store/testing.ts';
import type { Store } from '../store/types.ts';
import { behind, counted, figuresOf, type Cell } from './figures.ts';
import { createEvidence, evidenceMigrations } from './index.ts';
import type { EvidenceTables } from './tables.ts';
import type { Answer, FigureKey, ReadingFact, ReadingSnapshot, Stage } from './types.ts';

const MODEL = 'fracture';
let version = '1.0.0';
const assist = {
  model: async (id: string) =>
    id === MODEL
      ? ({ manifest: { id, version, operatingPoints: {}, defaultOperatingPoint: 'x' } } as never)
      : undefined,
};
const migrations = [...peopleMigrations, ...evidenceMigrations];
const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof NegatoscopeError ? thrown.code : String(thrown)),
  );

async function house(store: Store) {
  const people = createPeople({ store });
  const evidence = createEvidence({ store, assist, timeZone: 'Europe/Paris' });
  await evidence.start();
  let persons = 0;
  return {
    store,
    people,
    evidence,
    async person(...roles: Role[]): Promise<Principal> {
      const login = `person${++persons}`;
      const { id } = await people.add(
        { login, name: `Dr ${login}`, password: 'correct horse battery', roles, language: 'fr' },
        null,
      );
      return { personId: id, name: login, roles: new Set(roles), via: 'session', language: 'fr' };
    },
    async say(snapshot: ReadingSnapshot) {
      await store.write((tx) =>
        store.events.append(tx, {
          kind: 'reading.report.signed',
          studyUid: snapshot.studyUid,
          subject: snapshot.facts[0]?.reportId ?? 'r',
          payload: { snapshot },
        }),
      );
    },
  };
}

const answers = fc.constantFrom<Answer | null>('yes', 'no', 'uncertain', null);
const fact = (index: number) =>
  fc
    .record({
      conclusion: answers,
      blindConclusion: answers,
      aiPositive: fc.boolean(),
      inTraining: fc.boolean(),
      marks: fc.integer({ min: 0, max: 4 }),
      falseAlarms: fc.integer({ min: 0, max: 2 }),
      signedAt: fc.integer({ min: 1_000_000, max: 9_000_000 }),
      tp: fc.integer({ min: 0, max: 3 }),
      tn: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ tp, tn, ...rest }): ReadingFact => ({
      ...rest,
      reportId: `r${index}`,
      studyUid: `1.2.${index}`,
      modelId: MODEL,
      modelVersion: '1.0.0',
      stage: 'evaluation',
      readerId: 'p',
      bodyPart: 'WRIST',
      priority: 'ROUTINE',
      arrivedAt: rest.signedAt - 60_000 * (index + 1),
      aiScoreMax: 0.25,
      images: 2,
      marksRejected: 0,
      marksAccepted: 0,
      marksCorrected: 0,
      marksAdded: 0,
      amended: false,
      inReport: true,
      perImage: { truePositive: tp, falsePositive: 1, falseNegative: 0, trueNegative: tn },
    }));
const facts = fc
  .integer({ min: 0, max: 30 })
  .chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => fact(i))));

/** Of a study of which nothing but a conclusion before AI is known. */
const blindOf = ({
  blindConclusion,
  blindAiPositive,
  aiPositive,
}: Partial<ReadingFact>): Cell['reference'] =>
  blindConclusion
    ? {
        answer: blindConclusion,
        origin: 'blind-conclusion',
        rank: 1,
        aiPositive: blindAiPositive ?? aiPositive!,
      }
    : null;
const cellOf = (of: ReadingFact): Cell => ({
  conclusion: of.conclusion,
  aiPositive: of.aiPositive,
  reference: blindOf(of),
  inTraining: of.inTraining,
  studies: 1,
  marks: of.marks,
  falseAlarms: of.falseAlarms!,
  perImage: of.perImage!,
});

describe('figures', () => {
  test('a worked example, counted by hand', () => {
    const of = (blind: Answer | null, aiPositive: boolean, inTraining = false): Cell => ({
      conclusion: blind,
      aiPositive,
      reference: blindOf({ blindConclusion: blind, aiPositive }),
      inTraining,
      studies: 1,
      marks: aiPositive ? 1 : 0,
      falseAlarms: aiPositive && blind === 'no' ? 1 : 0,
      perImage: { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 },
    });
    // 3 fractures (2 found), 4 normal (1 marked), 1 uncertain and marked, 1 of the training data, 1 without an answer.
    const figures = figuresOf([
      of('yes', true),
      of('yes', true),
      of('yes', false),
      of('no', true),
      of('no', false),
      of('no', false),
      of('no', false),
      of('uncertain', true),
      of('yes', true, true),
      of(null, true),
    ]);
    const { sensitivity, specificity } = figures.accuracy;
    expect(sensitivity.uncertainAsPositive).toMatchObject({ k: 3, n: 4 });
    expect(sensitivity.uncertainAsNegative).toMatchObject({ k: 2, n: 3 });
    expect(specificity.uncertainAsPositive).toMatchObject({ k: 3, n: 4 });
    expect(specificity.uncertainAsNegative).toMatchObject({ k: 3, n: 5 });
    expect(figures).toMatchObject({ studiesRead: 10, trainingExcluded: 1, marks: 5, falseAlarms: 1 });
    expect(figures.marksPer100).toBeCloseTo(500 / 9);
  });

  test('do not depend on how facts are put together into cells', () => {
    fc.assert(
      fc.property(facts, (list) => {
        const cells = list.map(cellOf);
        const merged = new Map<string, Cell>();
        for (const cell of cells) {
          const key = JSON.stringify([cell.conclusion, cell.reference, cell.aiPositive, cell.inTraining]);
          const before = merged.get(key);
          if (!before) merged.set(key, structuredClone(cell));
          else {
            before.studies += 1;
            before.marks += cell.marks;
            before.falseAlarms += cell.falseAlarms;
            for (const name of Object.keys(cell.perImage) as (keyof Cell['perImage'])[])
              before.perImage[name] += cell.perImage[name];
          }
        }
        expect(figuresOf([...merged.values()])).toEqual(figuresOf(cells));
      }),
    );
  });

  test('a study is in either the positives or the negatives of a way, never in both', () => {
    fc.assert(
      fc.property(fact(0), (of) => {
        for (const way of ['positive', 'negative'] as const) {
          const judged = { ...of, reference: blindOf(of) };
          const inPositive = counted(judged, 'sensitivity', way).n;
          const inNegative = counted(judged, 'specificity', way).n;
          expect(inPositive && inNegative).toBe(false);
          expect(inPositive || inNegative).toBe(of.blindConclusion !== null && !of.inTraining);
        }
        expect(behind('training', of)).toBe(of.inTraining);
      }),
    );
  });
});

eachStore((_label, make) => {
  test('every figure opens exactly its studies', async () => {
    const { evidence, say, store } = await house(await make({ migrations }));
    const [list] = fc.sample(
      facts.filter(({ length }) => length > 20),
      { numRuns: 1, seed: 7 },
    );
    for (const of of list!) await say({ studyUid: of.studyUid, facts: [of] });
    await store.events.settled();
    const summary = await evidence.summary(MODEL);
    const cases = (figure: FigureKey) => evidence.cases(MODEL, figure);
    expect((await cases('read')).length).toBe(summary.studiesRead);
    expect(summary.studiesRead).toBe(list!.length);
    expect((await cases('training')).length).toBe(summary.trainingExcluded);
    expect((await cases('turnaround')).length).toBe(summary.turnaround.n);
    for (const figure of [
      'read',
      'training',
      'marks',
      'false-alarms',
      'missed',
      'sensitivity',
      'specificity',
      'agreement-positive',
      'agreement-negative',
      'turnaround',
    ] as const)
      expect((await cases(figure)).map(({ reportId }) => reportId).sort()).toEqual(
        list!
          .filter((of) => behind(figure, { ...of, reference: blindOf(of) }))
          .map(({ reportId }) => reportId)
          .sort(),
      );
    const sum = (of: ReadingFact[], key: 'marks' | 'falseAlarms') =>
      of.reduce((n, each) => n + each[key]!, 0);
    expect(sum(await cases('marks'), 'marks')).toBe(summary.marks);
    expect(sum(await cases('false-alarms'), 'falseAlarms')).toBe(summary.falseAlarms);
    for (const [figure, both] of [
      ['sensitivity', summary.accuracy.sensitivity],
      ['specificity', summary.accuracy.specificity],
      ['agreement-positive', summary.agreement.positive],
      ['agreement-negative', summary.agreement.negative],
    ] as const) {
      const of = await cases(figure);
      for (const [way, figures] of [
        ['positive', both.uncertainAsPositive],
        ['negative', both.uncertainAsNegative],
      ] as const) {
        const inWay = of.filter((each) => counted(each, figure, way).n);
        expect(inWay.length).toBe(figures.n);
        expect(inWay.filter((each) => counted(each, figure, way).k).length).toBe(figures.k);
      }
    }
    const missed = (await cases('missed')).filter((each) => counted(each, 'sensitivity', 'positive').n);
    const { k, n } = summary.accuracy.sensitivity.uncertainAsPositive;
    expect(missed.length).toBe(n - k);
    // What was read back is what was said.
    const back = (await cases('read')).sort(
      (a, b) => Number(a.reportId.slice(1)) - Number(b.reportId.slice(1)),
    );
    expect(back).toEqual(
      list!.map((each) => {
        const reference = blindOf(each);
        return {
          ...each,
          blindAiPositive: each.aiPositive,
          reference: reference && { ...reference, method: null },
          ownReference: null,
        };
      }),
    );
    expect((await cases('read')).map(({ signedAt }) => signedAt)).toEqual(
      list!.map(({ signedAt }) => signedAt).sort((a, b) => b - a),
    );
    const from = list![3]!.signedAt;
    expect((await evidence.summary(MODEL, { from })).studiesRead).toBe(
      list!.filter(({ signedAt }) => signedAt >= from).length,
    );
    // Turnaround of the sample: minutes 1 … n, whatever the order.
    expect(summary.turnaround.medianMs).toBe(60_000 * ((list!.length + 1) / 2));
  });

  test('a study is replaced whole, and the summary follows', async () => {
    const { evidence, say, store } = await house(await make({ migrations }));
    const [one] = fc.sample(fact(1), { numRuns: 1, seed: 1 });
    const first = { ...one!, conclusion: 'yes' as const };
    await say({ studyUid: first.studyUid, facts: [first] });
    await store.events.settled();
    const before = await evidence.summary(MODEL);
    expect(await evidence.summary(MODEL)).toBe(before);
    await say({ studyUid: first.studyUid, facts: [{ ...first, reportId: 'second', conclusion: 'no' }] });
    await store.events.settled();
    const after = await evidence.summary(MODEL);
    expect(after.lastSeq).toBeGreaterThan(before.lastSeq);
    expect(after.studiesRead).toBe(1);
    expect(await evidence.cases(MODEL, 'read')).toMatchObject([{ reportId: 'second', conclusion: 'no' }]);
    await say({ studyUid: first.studyUid, facts: [] });
    await store.events.settled();
    expect((await evidence.summary(MODEL)).studiesRead).toBe(0);
  });

  test('watched over time: the version in use alone, without training images, in the order of signatures', async () => {
    const { evidence, say, store } = await house(await make({ migrations }));
    const [template] = fc.sample(fact(0), { numRuns: 1, seed: 1 });
    const study = async (i: number, more: Partial<ReadingFact>) =>
      say({
        studyUid: `1.2.${i}`,
        facts: [{ ...template!, reportId: `r${i}`, studyUid: `1.2.${i}`, modelId: MODEL, modelVersion: '1.0.0', signedAt: i, inTraining: false, aiPositive: true, blindConclusion: 'yes', ...more, blindAiPositive: more.aiPositive ?? true }],
      }); // prettier-ignore
    // The last ones come first.
    for (let i = 130; i > 60; i -= 1) await study(i, { aiPositive: i < 105 });
    for (let i = 1; i <= 60; i += 1) await study(i, { blindConclusion: i % 6 === 0 ? 'uncertain' : 'yes' });
    for (let i = 131; i <= 140; i += 1) await study(i, { inTraining: true, aiPositive: false });
    await study(141, { modelVersion: '0.9.0', aiPositive: false });
    await store.events.settled();
    const { missed, falseMarks, scores, version: watched, decidedAt } = await evidence.monitoring(MODEL);
    expect([watched, decidedAt, scores.n, falseMarks.n]).toEqual(['1.0.0', 0, 130, 0]);
    expect(missed).toMatchObject({ n: 120, failures: 26, reference: { failures: 0 } });
    expect(missed.alarms[0]).toMatchObject({ from: 105 });
    expect(missed.path.map(({ at }) => at)).toEqual(Array.from({ length: 70 }, (_, i) => i + 61));
  });

  test('another version begins in evaluation; a step back takes every version with it', async () => {
    const { evidence, person } = await house(await make({ migrations }));
    const chief = await person('admin', 'reader');
    const set = (to: Stage) =>
      code(evidence.setStage(MODEL, to, { readers: [chief.personId!], reason: 'Parce que.' }, chief));
    const stages = async () =>
      Promise.all(['1.0.0', '2.0.0', undefined].map(async (v) => (await evidence.stage(MODEL, v)).stage));
    try {
      expect(await stages()).toEqual(['evaluation', 'evaluation', 'evaluation']);
      expect([await set('pilot'), await set('routine')]).toEqual(['none', 'none']);
      version = '2.0.0';
      expect(await stages()).toEqual(['routine', 'evaluation', 'evaluation']);
      expect(await set('routine')).toBe('stage-step');
      expect(await set('pilot')).toBe('none');
      expect(await stages()).toEqual(['routine', 'pilot', 'pilot']);
      version = '1.0.0';
      expect(await stages()).toEqual(['routine', 'pilot', 'routine']);
      expect(await set('retired')).toBe('none');
      version = '2.0.0';
      expect(await stages()).toEqual(['retired', 'retired', 'retired']);
      expect(await set('evaluation')).toBe('none');
      expect(await stages()).toEqual(['evaluation', 'evaluation', 'evaluation']);
      // A step forward of one version later does not give the others back what the step back took.
      expect([await set('pilot'), await set('routine'), await set('evaluation')]).toEqual([
        'none',
        'none',
        'none',
      ]);
      version = '1.0.0';
      expect([await set('pilot'), ...(await stages())]).toEqual(['none', 'pilot', 'evaluation', 'pilot']);
      expect((await evidence.acts(MODEL)).slice(4).map((act) => `${act.modelVersion} ${act.to}`)).toEqual([
        '2.0.0 evaluation',
        '1.0.0 retired',
        '2.0.0 pilot',
        '1.0.0 routine',
        '1.0.0 pilot',
      ]);
    } finally {
      version = '1.0.0';
    }
  });

  test('stages: signed acts of an administrator who reads, one step at a time', async () => {
    const { evidence, person, store, people } = await house(await make({ migrations }));
    const chief = await person('admin', 'reader');
    const admin = await person('admin');
    const reader = await person('reader');
    const viewer = await person('viewer');
    const set = (to: Stage, readers: Principal[] = [], by = chief, reason = 'Parce que.') =>
      code(evidence.setStage(MODEL, to, { readers: readers.map((each) => each.personId!), reason }, by));

    expect(await evidence.stage(MODEL)).toMatchObject({
      stage: 'evaluation',
      readers: [],
      blindFirst: false,
    });
    expect(await set('pilot', [reader], admin)).toBe('stage-forbidden');
    expect(await set('pilot', [reader], reader)).toBe('stage-forbidden');
    const claims = { ...admin, roles: new Set<Role>(['admin', 'reader']) };
    expect(await set('pilot', [reader], claims)).toBe('stage-forbidden');
    expect(await set('pilot', [reader], { ...chief, personId: null })).toBe('stage-forbidden');
    expect(await set('pilot', [])).toBe('readers-missing');
    expect(await set('pilot', [viewer])).toBe('reader-unknown');
    expect(await set('pilot', [reader], chief, '   ')).toBe('reason-missing');
    expect(await set('routine')).toBe('stage-step');
    expect(await set('evaluation')).toBe('stage-step');
    expect(await code(evidence.setStage('nothing', 'shadow', { reason: 'x' }, chief))).toBe('model-unknown');

    expect(await set('pilot', [reader])).toBe('none');
    expect(await evidence.stage(MODEL)).toMatchObject({
      stage: 'pilot',
      readers: [reader.personId],
      blindFirst: true,
    });
    expect(await set('pilot', [reader, chief])).toBe('none');
    expect(await set('routine')).toBe('none');
    expect(await set('retired')).toBe('none');
    expect(await set('routine')).toBe('stage-step');
    expect(await set('evaluation')).toBe('none');
    const acts = await evidence.acts(MODEL);
    expect(acts.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'retired evaluation',
      'routine retired',
      'pilot routine',
      'pilot pilot',
      'evaluation pilot',
    ]);
    expect(acts[4]).toMatchObject({ personName: 'Dr person1', reason: 'Parce que.', modelVersion: '1.0.0' });

    // Two at once: one is the next act, the other is judged after it.
    const both = await Promise.all([set('shadow'), set('shadow')]);
    expect(both.sort()).toEqual(['none', 'stage-step']);
    // The database by itself refuses an act of somebody without the roles.
    const act = {
      id: 'x',
      model_id: MODEL,
      number: 99,
      model_version: '1',
      from_stage: 'shadow' as const,
      to_stage: 'pilot' as const,
      blind_first: 0,
      reason: 'x',
      person_id: admin.personId!,
      person_admin: 'admin' as const,
      person_reader: 'reader' as const,
      person_name: 'x',
      at: 1,
      gate: null,
      breach: null,
    };
    await expect(
      store.write<EvidenceTables, unknown>((tx) => tx.insertInto('stage_act').values(act).execute()),
    ).rejects.toThrow();
    // A role that was taken away.
    await people.change(chief.personId!, { roles: ['reader'] }, admin);
    expect(await set('evaluation')).toBe('stage-forbidden');
  });
});
