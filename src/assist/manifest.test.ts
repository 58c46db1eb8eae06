import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readGolden } from './golden.ts';
import { manifestJsonSchema, parseManifest } from './manifest.ts';
import { findPackages, loadPackage } from './package.ts';
import { modelDir } from './testing.ts';
import { hashesOf, knownImages } from './training.ts';

const models = fileURLToPath(new URL('../../models', import.meta.url));
const built = await Promise.all((await findPackages(models)).map(loadPackage));
const json = (): any => JSON.parse(readFileSync(`${modelDir('fracture')}/model.json`, 'utf8'));

describe('a manifest that is wrong is refused, naming the field', () => {
  test.each<[string, (m: any) => void]>([
    ['format', (m) => (m.format = 2)],
    ['weights.file', (m) => (m.weights.file = '../../../etc/passwd')],
    ['weights.sha256', (m) => (m.weights.sha256 = 'abc')],
    ['golden', (m) => (m.golden = '/tmp/golden.json')],
    ['name.fr', (m) => delete m.name.fr],
    ['finding.label', (m) => (m.finding.label = 'other')],
    ['defaultOperatingPoint', (m) => (m.defaultOperatingPoint = 'none')],
    ['intendedUse.photos', (m) => (m.intendedUse.photos = 'accept')],
    ['intendedUse.bodyParts.0', (m) => (m.intendedUse.bodyParts[0] = 'the hand')],
    ['outputs.heatmap.stride', (m) => (m.outputs.heatmap.stride = 5)],
    ['operatingPoints.balanced.threshold', (m) => (m.operatingPoints.balanced.threshold = 20)],
    [
      'operatingPoints.balanced.measured',
      (m) => m.operatingPoints.balanced.measured[1].bodyParts.push('CHEST'),
    ],
    ['(root)', (m) => (m.surprise = 1)],
  ])('%s', (field, change) => {
    const manifest = json();
    change(manifest);
    expect(() => parseManifest(manifest, 'x')).toThrow(
      expect.objectContaining({ code: 'model-manifest', details: { where: 'x', field } }),
    );
  });
  test('no JSON at all', () => expect(() => parseManifest(null, 'x')).toThrow(/\(root\)/));
  test('a folder without a manifest', async () => {
    await expect(loadPackage(models)).rejects.toMatchObject({ code: 'model-manifest' });
  });
});

test('the written JSON Schema is that of the code', () => {
  expect(JSON.parse(readFileSync(`${models}/manifest.schema.json`, 'utf8'))).toEqual(manifestJsonSchema());
});

test('a folder of packages, or a package itself', async () => {
  expect(await findPackages(modelDir('fracture'))).toEqual([modelDir('fracture')]);
  expect(await findPackages(models)).toContain(modelDir('fracture'));
  expect(await findPackages('/does/not/exist')).toEqual([]);
});

describe.each(built)('the package $manifest.id', (pack) => {
  const { manifest, dir } = pack;
  test('its files are there, the weights are those it names', async () => {
    for (const file of [manifest.weights.file, manifest.golden, 'CARD.md', 'README.md'])
      expect(existsSync(`${dir}/${file}`), file).toBe(true);
    const weights = readFileSync(`${dir}/${manifest.weights.file}`);
    expect(createHash('sha256').update(weights).digest('hex')).toBe(manifest.weights.sha256);
    expect((await readGolden(pack)).cases.length).toBeGreaterThanOrEqual(3);
  });

  test('the sentences say the figures they stand beside, in both languages', () => {
    for (const point of Object.values(manifest.operatingPoints)) {
      expect(point.measured[0]!.region).toBe('');
      for (const { text, sensitivity, specificity, positives, negatives } of point.measured)
        for (const sentence of [text.fr, text.en]) {
          const numbers = sentence
            .match(/\d+/g)!
            .map(Number)
            .filter((n) => n !== 100);
          const percent = [Math.round(sensitivity * 100), Math.round((1 - specificity) * 100)];
          const counts = [
            Math.round(sensitivity * positives), positives,
            Math.round((1 - specificity) * negatives), negatives,
          ]; // prettier-ignore
          // Few cases are told as counts: a percentage would say more than is known.
          expect(numbers, sentence).toEqual(positives < 30 ? counts : percent);
        }
    }
  });

  test('the figures are those of its metrics.json', () => {
    if (!existsSync(`${dir}/metrics.json`)) return;
    const metrics = JSON.parse(readFileSync(`${dir}/metrics.json`, 'utf8')).test;
    for (const [name, point] of Object.entries(manifest.operatingPoints)) {
      const key = name.replaceAll('-', '_');
      for (const m of point.measured) {
        const from = (m.region === '' ? metrics : metrics.regions[m.region])[key];
        expect(point.threshold).toBe(from.threshold);
        expect([m.positives, m.negatives]).toEqual([from.tp + from.fn, from.fp + from.tn]);
        expect(m.sensitivity).toBeCloseTo(from.tp / (from.tp + from.fn), 4);
        expect(m.specificity).toBeCloseTo(from.tn / (from.fp + from.tn), 4);
      }
    }
  });

  test('of the listed images those trained and tuned on are known', async () => {
    const known = (await knownImages(pack))!;
    const rows = readFileSync(`${dir}/${manifest.training!.hashes}`, 'utf8').trim().split(/\r?\n/);
    const of = (split: string) =>
      new Set(rows.filter((row) => row.split(',')[1] === split).map((row) => row.split(',').at(-1)!));
    const [trained, tuned] = [of('train'), of('val')];
    expect(new Set(known.keys())).toEqual(new Set([...trained, ...tuned])); // exact copies share a hash
    for (const [hash, how] of known) expect(how).toBe(trained.has(hash) ? 'training' : 'tuning');
    expect([trained.size > 1000, tuned.size > 300]).toEqual([true, true]);
    const test = rows.find((row) => row.split(',')[1] === 'test')!;
    expect(known.has(test.split(',').at(-1)!)).toBe(false);
  });
});

test('a list of training images as spreadsheets write it: marks, quotes, semicolons', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'negatoscope-list-'));
  const listed = (text: string) => {
    writeFileSync(join(folder, 'split.csv'), text);
    const pack = { dir: folder, manifest: { id: 'x', training: { hashes: 'split.csv' } } };
    return knownImages(pack as never);
  };
  const known = new Map([
    ['aa', 'training'],
    ['bb', 'tuning'],
  ]);
  try {
    expect(
      await listed('image,split,sha256\n"hand, left.jpg",train,AA\nb.jpg,val,bb\nc.jpg,test,cc\n'),
    ).toEqual(known);
    expect(await listed('\ufeffsplit;sha256\r\ntrain;aa\r\n"val";"bb"\r\n')).toEqual(known);
    // Of a row that is cut nobody can say which image it meant.
    for (const cut of ['split,sha256\ntrain\n', 'split,sha256\ntrain,aa,bb\n'])
      await expect(listed(cut)).rejects.toMatchObject({ code: 'model-training', details: { model: 'x' } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an image is known by its file and by the stream inside, with and without the padding byte', () => {
  const of = (...bytes: number[]): string =>
    createHash('sha256').update(Uint8Array.from(bytes)).digest('hex');
  expect(hashesOf('file', null)).toEqual(['file']);
  expect(hashesOf('file', Uint8Array.of(255, 217))).toEqual(['file', of(255, 217)]);
  expect(hashesOf('file', Uint8Array.of(1, 255, 217, 0))).toEqual([
    'file',
    of(1, 255, 217, 0),
    of(1, 255, 217),
  ]);
});
