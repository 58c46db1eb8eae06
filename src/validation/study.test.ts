import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPackage } from '../assist/package.ts';
import { modelDir, readCsv, shared } from '../assist/testing.ts';
import { delong } from '../evidence/roc.ts';
import { openFolder } from './folder.ts';
import { writeWhole } from './out.ts';
import { runStudy } from './study.ts';
import type { Progress, Result, StudyOptions } from './types.ts';

const model = await loadPackage(modelDir('fracture'));
// Small files first: most of the time would go into their decoding.
const labels = readCsv(shared('radiographs/labels.csv')).sort((a, b) => Number(a.bytes) - Number(b.bytes));
const expected = new Map(
  readCsv(shared('radiographs/expected_fracture_scores.csv')).map(({ image, score }) => [
    image!,
    Number(score),
  ]),
);
const pick = (split: string, fractured: string, count: number) =>
  labels
    .filter((row) => row.model_split === split && row.fractured === fractured && row.hardware === '0')
    .slice(0, count);
const chosen = [
  ...pick('open-test', '1', 3),
  ...pick('open-test', '0', 3),
  ...labels.filter((row) => row.model_split === 'open-test' && row.hardware === '1').slice(0, 1),
  ...pick('val', '0', 1),
  ...pick('train', '1', 1),
];

let dir: string;
let images: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-validation-'));
  images = join(dir, 'images');
  await mkdir(join(images, 'below'), { recursive: true });
  for (const { image } of chosen) await symlink(shared(`radiographs/images/${image}`), join(images, image!));
  // A truncated JPEG, a file that is no image, one without a label, one under two names.
  const whole = await readFile(shared(`radiographs/images/${chosen[3]!.image}`));
  await writeFile(join(images, 'torn.jpg'), whole.subarray(0, whole.length / 2));
  await writeFile(join(images, 'notes.txt'), 'not an image');
  await copyFile(shared('radiographs/dicom/DX07_HAND_PA_0206.dcm'), join(images, 'unlabelled.dcm'));
  await writeFile(join(images, 'below', 'again.jpg'), whole);
});
afterAll(() => rm(dir, { recursive: true }));

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const table = [
  'image,fractured,region,hardware,boxes',
  ...chosen.map((row) => [row.image, row.fractured, row.region, row.hardware, quoted(row.boxes!)].join(',')),
  'torn.jpg,0,leg,0,',
  'gone.jpg,1,leg,0,',
  'again.jpg,0,leg,0,[]',
  'no-label.jpg,,leg,0,',
  'unclear.jpg,?,leg,0,',
].join('\n');
const study = async (name: string, options: Partial<StudyOptions> = {}) =>
  runStudy({
    model,
    images: await openFolder(images),
    labels: new TextEncoder().encode(table),
    labelColumn: 'fractured',
    out: join(dir, name),
    ...options,
  });
const bytesOf = (name: string, file: string) => readFile(join(dir, name, file), 'utf8');
const rows = async (name: string) => readCsv(join(dir, name, 'cases.csv'));

describe('a study', { timeout: 240_000 }, () => {
  let result: Result;
  beforeAll(async () => {
    ({ result } = await study('one', { processes: 1 }));
  }, 240_000);

  test('counts what may be counted, and says of the rest why', async () => {
    expect(result).toMatchObject({
      model: 'fracture',
      version: model.manifest.version,
      weightsSha256: model.manifest.weights.sha256,
      n: 7,
      positives: 4,
    });
    expect(result.excluded.map(({ image, reason }) => [image, reason])).toEqual([
      [chosen[7]!.image, 'tuning-image'],
      [chosen[8]!.image, 'training-image'],
      ['torn.jpg', 'unreadable'],
      ['gone.jpg', 'file-missing'],
      ['again.jpg', 'duplicate'],
      ['no-label.jpg', 'label-missing'],
      ['unclear.jpg', 'label-invalid'],
    ]);
    expect(result.counts).toMatchObject({ rows: 14, filesWithoutLabel: 1, training: 1, tuning: 1 });
  });

  test('has the scores of the reference implementation, and the area that follows from cases.csv', async () => {
    const cases = await rows('one');
    expect(Object.keys(cases[0]!).slice(0, 4)).toEqual(['image', 'label', 'score', 'excluded']);
    expect(cases).toHaveLength(14);
    for (const { image, score } of cases)
      if (expected.has(image!)) expect(Math.abs(Number(score) - expected.get(image!)!)).toBeLessThan(0.01);
    const counted = cases.filter(({ excluded }) => excluded === '');
    const area = delong(
      counted.map(({ label, score }) => ({ score: Number(score), positive: label === '1' })),
    )!;
    expect(result.auc).toBe(area.auc);
    const point = result.operatingPoints.find(({ name }) => name === 'balanced')!;
    const marked = counted.filter(({ score }) => Number(score) >= point.threshold);
    expect(point.tp).toBe(marked.filter(({ label }) => label === '1').length);
    expect(point.fp).toBe(marked.filter(({ label }) => label === '0').length);
  });

  test('shows the same without hardware, and with what the tool knows', () => {
    expect(result.variants.withoutHardware).toMatchObject({ column: 'hardware', n: 6, positives: 3 });
    expect(result.variants.withTuningImages).toMatchObject({ n: 8, positives: 4 });
    expect(result.variants.withKnownImages).toMatchObject({ n: 9, positives: 5 });
    expect(Object.keys(result.subgroups)).toEqual(['region', 'hardware']);
    expect(result.subgroups.hardware!['1']).toMatchObject({ n: 1, positives: 1, auc: null });
    expect(result.frocCounts!.images).toBe(7);
  });

  test('gives the same bytes with two processes, and in a folder of its own', async () => {
    await study('two', { processes: 2 });
    for (const file of ['result.json', 'cases.csv'])
      expect(await bytesOf('two', file)).toBe(await bytesOf('one', file));
  });

  test('goes on after it was stopped, and gives the same bytes', async () => {
    const stop = new AbortController();
    const stopped = study('three', {
      signal: stop.signal,
      progress: ({ phase, done }: Progress) => phase === 'analysing' && done === 3 && stop.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    // As a crash leaves it: a line torn in the middle.
    const kept = await bytesOf('three', 'scores.jsonl');
    await writeFile(join(dir, 'three', 'scores.jsonl'), kept.slice(0, -20));
    const { run } = await study('three');
    expect(run.kept).toBeGreaterThanOrEqual(2);
    expect(run.analysed + run.kept).toBe(9);
    for (const file of ['result.json', 'cases.csv'])
      expect(await bytesOf('three', file)).toBe(await bytesOf('one', file));
    expect((await study('three')).run).toMatchObject({ analysed: 0, kept: 9 });
  });

  test('counts tuning images where that is asked for', async () => {
    const { result: more } = await study('one', { countTuning: true, out: join(dir, 'three') });
    expect(more).toMatchObject({ n: 8, variants: { withoutKnownImages: { n: 7 }, withTuningImages: null } });
  });

  test.each(['fr', 'en'] as const)('writes a report in %s that stands alone', async (language) => {
    await study('three', { language, compare: model });
    const html = await bytesOf('three', 'report.html');
    expect(html).toContain(`<html lang="${language}">`);
    expect(html).toContain(
      language === 'fr' ? 'pas un dispositif médical certifié' : 'not a certified medical device',
    );
    expect(html).not.toMatch(/(?:src|href)=|undefined|NaN|\[object/);
    if (language === 'fr')
      expect(html.replace(/<style>.*?<\/style>/s, '')).not.toMatch(/[a-zé] [:;?!»](?: |<)/);
    expect((await readFile(join(dir, 'three', 'report.pdf'))).subarray(0, 5).toString()).toBe('%PDF-');
  });

  test('weighs each image where the table has weights', async () => {
    const [first, ...rest] = table.split('\n');
    const text = [`${first},weight`, ...rest.map((line, i) => `${line},${i % 2 === 0 ? '1' : '2.5'}`)].join(
      '\n',
    );
    const labels = new TextEncoder().encode(text);
    const { result: weighed } = await study('three', { labels });
    expect(weighed.subgroups).not.toHaveProperty('weight');
    expect(weighed.auc).toBe(result.auc);
    expect(weighed.weighted).toMatchObject({ n: 4 + 3 * 2.5 });
    const csv = await rows('three');
    const of = (positive: string) => csv.filter((row) => row.excluded === '' && row.label === positive);
    const marked = of('1').filter((row) => row.positive_balanced === '1');
    const sum = (some: Record<string, string>[]) =>
      some.reduce((total, row) => total + Number(row.weight), 0);
    const point = weighed.weighted!.operatingPoints.find(({ name }) => name === 'balanced')!;
    expect(point.sensitivity).toBeCloseTo(sum(marked) / sum(of('1')), 12);
    expect(await bytesOf('three', 'report.html')).toContain('Weighed by the chance');
  });

  test('compared with itself a model does not differ', async () => {
    const { result: compared } = await study('three', { compare: model });
    expect(compared.comparison).toMatchObject({ n: 7, areas: { difference: 0, z: null } });
    expect(compared.comparison!.points[0]!.amongPositives).toMatchObject({ onlyFirst: 0, exact: null });
  });
});

describe('refused with a reason', () => {
  test('a finding that the model does not have, and a model that judges no image', async () => {
    await expect(study('refused', { finding: 'nodule' })).rejects.toMatchObject({ code: 'finding-unknown' });
    const { finding: _, ...manifest } = model.manifest;
    const measures = { ...model, manifest: { ...manifest, outputs: {} } };
    await expect(study('refused', { model: measures })).rejects.toMatchObject({ code: 'model-no-score' });
  });
  test('a weight that is none', () => fails('image,fractured,weight\na,1,1\nb,0,\n', 'labels-weight'));
  const fails = (text: string, code: string) =>
    expect(study('refused', { labels: new TextEncoder().encode(text) })).rejects.toMatchObject({ code });
  test('nothing to count', () => fails('image,fractured\ngone.jpg,1\n', 'no-cases'));
  test('one class', () =>
    fails(`image,fractured\n${chosen[0]!.image},1\n${chosen[1]!.image},1\n`, 'one-class'));
  test('the same bytes with two labels', async () => {
    const normal = chosen[3]!.image;
    await fails(`image,fractured\n${normal},0\nagain.jpg,1\n${chosen[0]!.image},1\n`, 'one-class');
  });
  test('a folder without images, or none', async () => {
    await mkdir(join(dir, 'empty'));
    await expect(openFolder(join(dir, 'empty'))).rejects.toMatchObject({ code: 'images-missing' });
    await expect(openFolder(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'images-missing' });
  });
  test('two studies in one folder', async () => {
    await mkdir(join(dir, 'held'));
    await writeFile(join(dir, 'held', '.lock'), String(process.pid));
    await expect(study('held')).rejects.toMatchObject({ code: 'out-in-use' });
  });
  test('a full disk', async () => {
    await mkdir(join(dir, 'full'));
    await symlink('/dev/full', join(dir, 'full', 'result.json.part'));
    await expect(writeWhole(join(dir, 'full'), 'result.json', 'x')).rejects.toMatchObject({
      code: 'disk-full',
    });
  });
  test('a folder that is a file', async () => {
    await writeFile(join(dir, 'file'), '');
    await chmod(join(dir, 'file'), 0o600);
    await expect(study('file')).rejects.toMatchObject({ code: 'out-unusable' });
  });
});
