import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STAGES, type Stage } from '../evidence/types.ts';
import type { RunRow } from '../assist/types.ts';
import type { Role } from '../people/types.ts';
import { canonicalJson } from '../store/canonical.ts';
import { acceptedText, boxWithin } from './findings.ts';
import { doseLine, techniqueLine } from './header.ts';
import { blindConclusion, factOf, type Analysed } from './snapshot.ts';
import { templates } from './templates/index.ts';
import type { Finding, RecordedAi, ReportRecord } from './types.ts';
import { hiddenFrom } from './visibility.ts';
import { midnight } from './worklist.ts';

const person = (...roles: Role[]) => ({ personId: 'p', roles: new Set(roles) });

describe('the rule of visibility', () => {
  const ask = (
    stage: Stage,
    of: { named?: boolean; blindFirst?: boolean; opinion?: boolean; signed?: boolean } = {},
    who: Parameters<typeof hiddenFrom>[0] = person('reader'),
  ) =>
    hiddenFrom(who, {
      stage: { stage, readers: of.named ? ['p'] : ['q'], blindFirst: of.blindFirst ?? false },
      opinion: of.opinion ?? false,
      signed: of.signed ?? false,
    });

  test.each(STAGES)('%s: the signature opens it to everyone', (stage) => {
    for (const who of [null, person('viewer'), person('technologist'), person('reader')])
      expect(ask(stage, { signed: true }, who)).toBeNull();
  });
  test.each(['evaluation', 'shadow', 'retired'] as const)('%s: nobody sees it before', (stage) => {
    expect(ask(stage, { named: true, opinion: true })).toBe('stage');
  });
  test('pilot: the named readers, after their own conclusion', () => {
    expect(ask('pilot', { named: true })).toBeNull();
    expect(ask('pilot')).toBe('not-named');
    expect(ask('pilot', { named: true, blindFirst: true })).toBe('opinion-first');
    expect(ask('pilot', { named: true, blindFirst: true, opinion: true })).toBeNull();
    expect(ask('pilot', { named: true }, person('admin', 'viewer'))).toBe('stage');
  });
  test('routine: all readers, and only readers; machines and nobody never', () => {
    expect(ask('routine')).toBeNull();
    expect(ask('routine', { blindFirst: true })).toBe('opinion-first');
    for (const who of [null, person('viewer'), person('admin'), { ...person('reader'), personId: null }])
      expect(ask('routine', {}, who)).toBe('stage');
  });
});

describe('facts of a signed report', () => {
  const images = [
    { sopInstanceUid: 'a', seriesUid: 's', score: 0.9, positive: true, heatmap: null },
    { sopInstanceUid: 'b', seriesUid: 's', score: 0.1, positive: false, heatmap: null },
  ];
  const run = {
    id: 'run',
    modelId: 'm',
    modelVersion: '1',
    studyUid: '1.2',
    state: 'analysed',
    images,
  } as unknown as RunRow;
  const proposal = {
    id: 'f1',
    runId: 'run',
    sopInstanceUid: 'a',
    number: 1,
    label: 'fracture',
    score: 0.9,
    places: [],
  };
  const analysed: Analysed = {
    run,
    findings: [{ ...proposal, studyUid: '1.2' }],
    inTraining: false,
    stage: 'evaluation',
  };
  const entry = (of: Partial<RecordedAi> = {}) =>
    ({
      modelId: 'm',
      runId: 'run',
      state: 'analysed',
      stage: 'evaluation',
      shownAt: null,
      opinion: null,
      labels: { fracture: { text: { fr: 'Fracture suspectée', en: 'Suspected fracture' } } },
      ...of,
    }) as unknown as RecordedAi;
  const finding = (of: Partial<Finding>): Finding => ({
    ...proposal,
    by: 'ai',
    modelId: 'm',
    decision: null,
    box: null,
    text: null,
    decidedAt: 1,
    ...of,
  });
  const record = (answer: string | null, ai: RecordedAi[], findings: Finding[] = []) =>
    ({
      id: 'r',
      studyUid: '1.2',
      signedAt: 100,
      reader: { id: 'p', name: 'P' },
      fields: { answers: answer ? { m: answer } : {} },
      findings,
      study: { bodyParts: ['WRIST'], priority: 'STAT' },
      ai,
    }) as unknown as ReportRecord;
  const more = { amended: false, exposed: false, arrivedAt: 40 };

  test('unseen: the whole signed answer is blind, "no" makes its marks false alarms and speaks of every image', () => {
    expect(factOf(record('no', [entry()]), analysed, more)).toMatchObject({
      aiPositive: true,
      aiScoreMax: 0.9,
      blindConclusion: 'no',
      marks: 1,
      falseAlarms: 1,
      arrivedAt: 40,
      signedAt: 100,
      bodyPart: 'WRIST',
      perImage: { truePositive: 0, falsePositive: 1, falseNegative: 0, trueNegative: 1 },
    });
  });
  test('unseen: "yes" speaks of the images that the reader marked, and of no other', () => {
    const own = [
      finding({
        id: 'o',
        by: 'reader',
        runId: null,
        modelId: null,
        sopInstanceUid: 'b',
        label: 'Fracture suspectée',
      }),
      finding({
        id: 'x',
        by: 'reader',
        runId: null,
        modelId: null,
        sopInstanceUid: 'a',
        label: 'Corps étranger',
      }),
    ];
    expect(factOf(record('yes', [entry()], own), analysed, more)).toMatchObject({
      falseAlarms: 0,
      marksAdded: 1,
      perImage: { truePositive: 0, falsePositive: 0, falseNegative: 1, trueNegative: 0 },
    });
  });
  test('shown: only a conclusion given before counts as blind; rejected marks are the false alarms', () => {
    const shown = (opinionAt: number | null) =>
      entry({
        stage: 'pilot',
        shownAt: 50,
        opinion: opinionAt === null ? null : { answer: 'yes', at: opinionAt },
      });
    const rejected = [finding({ decision: 'rejected', runId: 'run' })];
    const fact = factOf(record('no', [shown(49)], rejected), analysed, more);
    expect(fact).toMatchObject({
      conclusion: 'no',
      blindConclusion: 'yes',
      marksRejected: 1,
      falseAlarms: 1,
    });
    expect(fact.perImage).toEqual({ truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 });
    expect(blindConclusion(record('no', []), 'm', shown(51), false)).toBeNull();
    expect(blindConclusion(record('no', []), 'm', shown(null), false)).toBeNull();
    expect(blindConclusion(record('no', []), 'm', entry(), true)).toBeNull();
  });
  test('finished after the signature: blind by nature, and not in the report', () => {
    const waiting = entry({ state: 'waiting' });
    expect(factOf(record('uncertain', [waiting]), analysed, more)).toMatchObject({
      inReport: false,
      blindConclusion: 'uncertain',
      falseAlarms: 0,
    });
  });
});

test('the dose is what the headers say, with its source', () => {
  const dap = (value: number) => ({ '0018115E': { Value: [value] } });
  expect(doseLine([dap(0.12)], 'fr')).toBe('PDS 0,12 dGy·cm² (en-tête DICOM)');
  expect(doseLine([dap(0.12), dap(0.1), {}], 'en')).toBe('DAP 0.22 dGy·cm² (DICOM header, 2 of 3 images)');
  expect(doseLine([{ '00181411': { Value: [250] }, '00181412': { Value: [300] } }], 'fr')).toBe(
    "Indice d'exposition 250 (cible 300) (en-tête DICOM)",
  );
  expect(doseLine([{}, { '0018115E': { Value: ['x'] } }, { '0018115E': {} }, dap(0)], 'en')).toBe('');
});

test('technique: facts of the header, and nothing that it does not say', () => {
  const study = { modalities: ['DX'], bodyParts: ['WRIST'], laterality: 'L' };
  expect(techniqueLine(study, [{ viewPosition: 'PA' }, { viewPosition: 'LL' }], 'fr')).toBe(
    'Radiographie numérique, poignet, côté gauche : 2 images, face (PA), profil (LL).',
  );
  expect(techniqueLine({ ...study, bodyParts: [], laterality: '' }, [{ viewPosition: '' }], 'en')).toBe(
    'Digital radiography: 1 image.',
  );
  expect(techniqueLine(study, [], 'en')).toBe('');
});

test('the draft holds what was accepted, corrected or drawn; no side that the header does not give', () => {
  const of = (number: number, more: Partial<Finding>): Finding => ({
    id: String(number),
    by: 'ai',
    modelId: 'm',
    sopInstanceUid: 'a',
    number,
    label: 'l',
    places: [],
    score: 1,
    decision: null,
    box: null,
    text: null,
    decidedAt: null,
    ...more,
  });
  const models = [{ manifest: { labels: { l: { text: { fr: 'Fracture suspectée', en: 'x' } } } } }] as never;
  const images = [{ sopInstanceUid: 'a', viewPosition: 'PA', laterality: '' }];
  const text = acceptedText(
    [
      of(1, {}),
      of(2, { decision: 'rejected' }),
      of(3, { decision: 'accepted' }),
      of(4, { decision: 'corrected', text: 'Fracture de la styloïde.' }),
      of(5, { by: 'reader', decision: 'accepted', label: 'Corps étranger' }),
    ],
    images,
    models,
    'fr',
  );
  expect(text).toBe(
    'Image 1, face (PA) : Fracture suspectée.\nImage 1, face (PA) : Fracture de la styloïde.\nImage 1, face (PA) : Corps étranger.',
  );
});

test('a box is cut to its image, or refused', () => {
  const side = fc.double({ min: -200, max: 200, noNaN: true });
  const size = fc.double({ min: 0.01, max: 300, noNaN: true });
  fc.assert(
    fc.property(side, side, size, size, (x, y, width, height) => {
      const inside = x < 100 && y < 50 && x + width > 0 && y + height > 0;
      if (!inside) {
        expect(() => boxWithin({ x, y, width, height }, { rows: 50, columns: 100 })).toThrow(/inside/);
        return;
      }
      const box = boxWithin({ x, y, width, height }, { rows: 50, columns: 100 });
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(100 + 1e-9);
      expect(box.y + box.height).toBeLessThanOrEqual(50 + 1e-9);
      expect(box.width > 0 && box.height > 0).toBe(true);
    }),
  );
  for (const bad of [NaN, Infinity])
    expect(() => boxWithin({ x: bad, y: 0, width: 1, height: 1 }, { rows: 5, columns: 5 })).toThrow();
});

test('canonical JSON does not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse());
      expect(canonicalJson(turned)).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('midnight of the site, also on the days when clocks change', () => {
  const paris = (at: string, midnightAt: string) =>
    expect(new Date(midnight(Date.parse(at), 'Europe/Paris')).toISOString()).toBe(midnightAt);
  paris('2026-01-15T10:00:00.123Z', '2026-01-14T23:00:00.000Z');
  paris('2026-07-15T22:30:00Z', '2026-07-15T22:00:00.000Z');
  paris('2026-03-29T12:00:00Z', '2026-03-28T23:00:00.000Z');
  paris('2026-10-25T12:00:00Z', '2026-10-24T22:00:00.000Z');
  expect(new Date(midnight(Date.parse('2026-05-05T02:00:00Z'), 'Asia/Kathmandu')).toISOString()).toBe(
    '2026-05-04T18:15:00.000Z',
  );
});

test('templates: the same regions in both languages, normal and free, a free one concludes nothing', () => {
  const [fr, en] = [templates('fr'), templates('en')];
  expect(fr.map(({ region, kind }) => [region, kind])).toEqual(en.map(({ region, kind }) => [region, kind]));
  expect(new Set([...fr, ...en].map(({ id }) => id)).size).toBe(fr.length + en.length);
  const regions = 'hand wrist forearm elbow shoulder hip femur knee leg ankle foot generic'.split(' ');
  expect([...new Set(fr.map(({ region }) => region))]).toEqual(regions);
  for (const { kind, fields } of [...fr, ...en]) {
    if (kind === 'normal') expect(fields.conclusion).toMatch(/\w.*\.$/);
    else expect(fields.conclusion).toBeUndefined();
    expect(fields.technique).toBeUndefined();
  }
});
