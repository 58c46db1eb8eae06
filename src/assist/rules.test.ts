import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { archiveMigrations, createArchive, SEES_NO_AI } from '../archive/index.ts';
import type { InstanceRow, SeriesRow } from '../archive/index.ts';
import { createStore } from '../store/index.ts';
import { bodyPartsOf } from './bodyparts.ts';
import { loadPackage } from './package.ts';
import { mayRun } from './rules.ts';
import type { SeriesFacts } from './rules.ts';
import { modelDir, readCsv, shared } from './testing.ts';

const { manifest } = await loadPackage(modelDir('fracture'));

const series = (over: Partial<SeriesFacts> = {}): SeriesFacts => ({
  seriesUid: '1.2.3.4',
  studyUid: '1.2.3',
  modality: 'DX',
  number: 1,
  description: '',
  bodyPart: 'HAND',
  laterality: '',
  kind: 'image',
  aiRunId: null,
  instances: 1,
  ...over,
});
const instance = (over: Partial<InstanceRow> = {}): InstanceRow => ({
  sopInstanceUid: '1.2.3.4.5',
  sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
  seriesUid: '1.2.3.4',
  studyUid: '1.2.3',
  kind: 'image',
  aiRunId: null,
  transferSyntax: '1.2.840.10008.1.2.1',
  number: 1,
  rows: 454,
  columns: 373,
  frames: 1,
  photometric: 'MONOCHROME2',
  viewPosition: 'PA',
  size: 1000,
  sha256: 'ab',
  receivedAt: 0,
  photo: false,
  ...over,
});
const adult = { ageYears: 40, description: '' };
const ask = (
  study: { ageYears: number | null; description: string },
  ofSeries: Partial<SeriesFacts> = {},
  ofInstance: Partial<InstanceRow> = {},
): string => {
  const answer = mayRun(manifest, study, [instance(ofInstance)], [series(ofSeries)]);
  return 'run' in answer
    ? `run ${answer.run.map((i) => i.bodyPart).join()}`
    : `${answer.notRun} ${answer.detail}`;
};

describe('one image', () => {
  const CT: Partial<InstanceRow> = { sopClassUid: '1.2.840.10008.5.1.4.1.1.2' };
  const SC: Partial<InstanceRow> = { sopClassUid: '1.2.840.10008.5.1.4.1.1.7', photo: true };
  test.each([
    ['a hand of an adult', adult, {}, {}, 'run HAND'],
    ['of exactly 18 years', { ageYears: 18, description: '' }, {}, {}, 'run HAND'],
    ['of 17 years', { ageYears: 17, description: '' }, {}, {}, 'child 17'],
    ['of a newborn', { ageYears: 0, description: '' }, {}, {}, 'child 0'],
    ['of unknown age', { ageYears: null, description: '' }, {}, {}, 'age-unknown null'],
    ['CR', adult, { modality: 'CR' }, { sopClassUid: '1.2.840.10008.5.1.4.1.1.1' }, 'run HAND'],
    ['DX for processing', adult, {}, { sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1.1' }, 'modality DX'],
    ['CT of a hand', adult, { modality: 'CT' }, CT, 'modality CT'],
    ['a cine', adult, {}, { frames: 30 }, 'modality DX'],
    ['a photo', adult, { modality: 'OT' }, SC, 'photo null'],
    ['a photo that says DX', adult, {}, SC, 'photo null'],
    ['a chest', adult, { bodyPart: 'CHEST' }, {}, 'body-part CHEST'],
    ['a chest of a child', { ageYears: 3, description: '' }, { bodyPart: 'CHEST' }, {}, 'body-part CHEST'],
    ['a pelvis', adult, { bodyPart: 'PELVIS' }, {}, 'body-part PELVIS'],
    ['a hip', adult, { bodyPart: 'HIP' }, {}, 'run HIP'],
    ['no body part at all', adult, { bodyPart: '' }, {}, 'body-part-unknown null'],
    ['an unknown term', adult, { bodyPart: 'NASALBONE' }, {}, 'body-part NASALBONE'],
    ['an unknown term and a telling description', adult, { bodyPart: 'NASALBONE', description: 'hand' }, {}, 'body-part NASALBONE'],
    ['lower case, padded', adult, { bodyPart: ' wrist ' }, {}, 'run WRIST'],
    ['a French value', adult, { bodyPart: 'MAIN' }, {}, 'run HAND'],
    ['a French value with accents', adult, { bodyPart: 'Épaule' }, {}, 'run SHOULDER'],
    ['with its side', adult, { bodyPart: 'LEFT_KNEE' }, {}, 'run KNEE'],
    ['code says chest, text says hand', adult, { anatomicRegions: ['51185008'] }, {}, 'body-part CHEST'],
    ['code says wrist', adult, { bodyPart: '', anatomicRegions: ['74670003'] }, {}, 'run WRIST'],
    ['an unknown code', adult, { anatomicRegions: ['1'] }, {}, 'run HAND'],
    ['extremity, no more', adult, { bodyPart: 'EXTREMITY' }, {}, 'run EXTREMITY'],
    ['extremity, described', adult, { bodyPart: 'EXTREMITY', description: 'Cheville D face' }, {}, 'run ANKLE'],
  ])('%s', (_name, study, ofSeries, ofInstance, expected) => {
    expect(ask(study, ofSeries, ofInstance)).toBe(expected);
  }); // prettier-ignore
});

describe('the body part from descriptions, when the header does not say it', () => {
  test.each([
    ['POIGNET G FACE PROFIL', ['WRIST']],
    ['Radio de la main droite', ['HAND']],
    ['MAIN', ['HAND']],
    ['Mains F + 3/4, main gauche', ['HAND']],
    ['Main campus, room 3', []],
    ['Avant-bras gauche', ['FOREARM']],
    ['Bras gauche', ['HUMERUS']],
    ['cheville côté droit', ['ANKLE']],
    ['côtes droites', ['RIB']],
    ['XR Tib/Fib', ['LEG']],
    ['Right forearm 2 views', ['FOREARM']],
    ['C-arm guidance', []],
    ['Colonne du pouce', ['THUMB']],
    ['Thorax face', ['CHEST']],
    ['BASSIN + HANCHE DROITE', ['PELVIS', 'HIP']],
    ['Genoux', ['KNEE']],
    ['handling test', []],
    ['Study 1', []],
    ['', []],
  ])('%s', (studyDescription, expected) => {
    const known = new Set(manifest.intendedUse.bodyParts);
    expect(bodyPartsOf({ bodyPartExamined: '', seriesDescription: '', studyDescription, known })).toEqual(
      expected,
    );
  });

  test('whatever stands in a header, the answer is a list of terms, the same for upper and lower case', () => {
    const known = new Set(manifest.intendedUse.bodyParts);
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('main', 'Épaule', 'hip', 'RACHIS', 'bras', 'C-arm', ' '),
    );
    fc.assert(
      fc.property(text, text, text, (bodyPartExamined, seriesDescription, studyDescription) => {
        const of = (change: (t: string) => string): string[] =>
          bodyPartsOf({
            bodyPartExamined: change(bodyPartExamined),
            seriesDescription: change(seriesDescription),
            studyDescription: change(studyDescription),
            known,
          });
        const parts = of((t) => t);
        for (const part of parts) expect(part).toMatch(/^[A-Z0-9]+$/);
        expect(new Set(parts).size).toBe(parts.length);
        // Case folding of letters beyond ASCII (ß, ﬁ) is not reversible.
        if (/^[\x20-\x7e]*$/.test(bodyPartExamined + seriesDescription + studyDescription))
          expect(of((t) => t.toLowerCase())).toEqual(parts);
      }),
    );
  });
  test('pelvis and hip together are not known to be a hip', () => {
    const study = { ageYears: 50, description: 'BASSIN + HANCHE' };
    expect(ask(study, { bodyPart: '' })).toBe('body-part-unknown null');
  });
  test('the series is asked before the study', () => {
    const study = { ageYears: 50, description: 'Thorax + main droite' };
    expect(ask(study, { bodyPart: '', description: 'MAIN D' })).toBe('run HAND');
  });
});

describe('several images', () => {
  const chest: SeriesRow = series({ seriesUid: '1.9', bodyPart: 'CHEST' });
  const hand = instance({ sopInstanceUid: '1.1' });
  const lung = instance({ sopInstanceUid: '1.2', seriesUid: '1.9' });
  const photo = instance({ sopInstanceUid: '1.3', photo: true });

  test('those that may run do, the others are left', () => {
    const answer = mayRun(manifest, adult, [photo, lung, hand], [series(), chest]);
    expect('run' in answer && answer.run.map((i) => i.sopInstanceUid)).toEqual(['1.1']);
  });
  test('the reason is that of the image that came furthest', () => {
    expect(mayRun(manifest, adult, [photo, lung], [series(), chest])).toEqual({
      notRun: 'body-part',
      detail: 'CHEST',
    });
    const child = { ageYears: 9, description: '' };
    expect(mayRun(manifest, child, [lung, photo, hand], [series(), chest])).toEqual({
      notRun: 'child',
      detail: '9',
    });
  });
  test('results and reports of the study are no images', () => {
    const ai = instance({ kind: 'ai', aiRunId: 'r' });
    expect(mayRun(manifest, adult, [ai], [series()])).toEqual({ notRun: 'no-image', detail: null });
    expect(mayRun(manifest, adult, [], [])).toEqual({ notRun: 'no-image', detail: null });
  });
});

test('the shared radiographs, as the archive reads them: only the pelvis is refused, then a CT', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rules-'));
  const store = await createStore({ dir, migrations: archiveMigrations });
  const archive = createArchive({
    store,
    log: { info() {}, warn() {}, error() {} },
    settings: { minFree: 0 },
  });
  const answers = new Map<string, string>();
  const paths = readCsv(shared('radiographs/dicom.csv')).map((row) => `radiographs/dicom/${row['file']}`);
  for (const path of [...paths, 'dicom/ct/CT_small.dcm']) {
    const outcome = await archive.ingest(createReadStream(shared(path)), { door: 'import', from: 'test' });
    if (outcome.status !== 'stored') throw new Error(`${path} ${JSON.stringify(outcome)}`);
    const found = (await archive.instance(outcome.sopInstanceUid, SEES_NO_AI))!;
    const ofStudy = await archive.findSeries({ match: {}, studyUid: found.studyUid }, SEES_NO_AI);
    const answer = mayRun(manifest, (await archive.study(found.studyUid))!, [found], ofStudy);
    answers.set(basename(path), 'run' in answer ? 'run' : `${answer.notRun} ${answer.detail}`);
  }
  await store.close();
  rmSync(dir, { recursive: true });
  const refused = Object.fromEntries([...answers].filter(([, answer]) => answer !== 'run'));
  expect(answers.size).toBe(25);
  expect(refused).toEqual({
    'DX13_PELVIS_AP_1232.dcm': 'body-part PELVIS',
    'DX14_PELVIS_AP_2180.dcm': 'body-part PELVIS',
    'CT_small.dcm': 'modality CT',
  });
});

describe('rules beyond radiographs of a body part', () => {
  const use = (over: object) => ({ intendedUse: { ...manifest.intendedUse, ...over } });
  const asked = (
    over: object,
    { study = {}, ofSeries = {}, ofInstance = {}, views = [] as string[] } = {},
  ): string => {
    const one = instance(ofInstance);
    const answer = mayRun(
      use(over),
      { ...adult, ...study },
      [one],
      [series(ofSeries)],
      new Map([[one.sopInstanceUid, views]]),
    );
    return 'run' in answer ? 'run' : `${answer.notRun} ${answer.detail}`;
  };

  test('sex', () => {
    const sex = { values: ['F' as const], unknown: 'refuse' as const };
    expect(asked({ sex }, { study: { sex: 'F' } })).toBe('run');
    expect(asked({ sex }, { study: { sex: 'M' } })).toBe('sex M');
    expect(asked({ sex }, { study: { sex: '' } })).toBe('sex null');
    expect(asked({ sex: { ...sex, unknown: 'accept' } }, { study: { sex: '' } })).toBe('run');
  });
  test('view, by its position or its code', () => {
    const views = { values: ['PA', '399033003'], unknown: 'refuse' as const };
    expect(asked({ views })).toBe('run');
    expect(asked({ views }, { ofInstance: { viewPosition: 'LL' } })).toBe('view LL');
    expect(asked({ views }, { ofInstance: { viewPosition: '' } })).toBe('view null');
    // 399033003, SCT: postero-anterior projection (CID 4010).
    expect(asked({ views }, { ofInstance: { viewPosition: '' }, views: ['399033003'] })).toBe('run');
    expect(asked({ views: { ...views, unknown: 'accept' } }, { ofInstance: { viewPosition: '' } })).toBe(
      'run',
    );
  });
  test('photometric interpretation, matrix and spacing', () => {
    expect(asked({ photometric: ['MONOCHROME1'] })).toBe('photometric MONOCHROME2');
    expect(asked({ minMatrix: 373 })).toBe('run');
    expect(asked({ minMatrix: 374 })).toBe('matrix 373 × 454');
    const spacingMm = { pixel: { min: 0.1, max: 0.2 }, unknown: 'refuse' as const };
    expect(asked({ spacingMm }, { ofSeries: { pixelSpacing: [0.15, 0.15] } })).toBe('run');
    expect(asked({ spacingMm }, { ofSeries: { pixelSpacing: [0.15, 0.25] } })).toBe('spacing 0.25');
    expect(asked({ spacingMm })).toBe('spacing null');
    expect(asked({ spacingMm: { ...spacingMm, unknown: 'accept' } })).toBe('run');
  });

  describe('the series of a volume', () => {
    const acquisition = {
      any: ['t1', 'mprage'],
      none: ['t2', 'gado', 'c+'],
      parameters: { repetitionTimeMs: { max: 3000 }, echoTimeMs: { max: 8 } },
    };
    const rules = use({ series: { slices: { min: 3, max: 5 }, acquisition } });
    const of = (all: { uid: string; count: number; facts?: Partial<SeriesFacts> }[]): string => {
      const images = all.flatMap(({ uid, count }) =>
        Array.from({ length: count }, (_, i) => instance({ seriesUid: uid, sopInstanceUid: `${uid}.${i}` })),
      );
      const answer = mayRun(rules, adult, images, all.map(({ uid, facts }) => series({ seriesUid: uid, ...facts }))); // prettier-ignore
      return 'run' in answer
        ? `run ${new Set(answer.run.map((i) => i.seriesUid)).values().next().value} ${answer.run.length}`
        : `${answer.notRun} ${answer.detail}`;
    };
    const t1 = { description: 'Sag T1 3D' };

    test('the largest that its rules permit', () => {
      expect(of([{ uid: '1', count: 3, facts: t1 }, { uid: '2', count: 4, facts: t1 }, { uid: '3', count: 9, facts: t1 }])).toBe('run 2 4'); // prettier-ignore
      expect(of([{ uid: '1', count: 2, facts: t1 }])).toBe('slices 2');
    });
    test.each<[Partial<SeriesFacts>, boolean]>([
      [{ description: 'T1_MPRAGE-sag' }, true],
      [{ description: 'AX T2' }, false],
      [{ description: 'T1 FSE GADO' }, false],
      [{ description: 'T1 C+' }, false],
      [{ description: 'ST100' }, false], // no word, and no parameters
      [{ description: 'Série 3', protocol: '3D T1 TFE' }, true],
      [{ description: 'Série 3', repetitionTimeMs: 2000, echoTimeMs: 3 }, true],
      [{ description: 'Série 3', repetitionTimeMs: 5000, echoTimeMs: 90 }, false],
      [{ description: 'Série 3', echoTimeMs: 3 }, false],
    ])('%j', (facts, permitted) => {
      expect(of([{ uid: '1', count: 4, facts }])).toBe(permitted ? 'run 1 4' : 'acquisition null');
    });
  });
});
