import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadPackage } from '../assist/package.ts';
import { checkPackage } from '../assist/packages/check.ts';
import { type Answers, kindOf, labelsOf, manifestOf } from '../assist/packages/generate.ts';
import { modelDir } from '../assist/testing.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;
const WEIGHTS = join(modelDir('fracture'), 'model.fp16.onnx');
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-new-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function run(args: string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    MAIN,
    'models',
    'new',
    ...args,
  ]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

/** One answer a line; an empty one takes what is proposed. */
const LINES = [
  'Hand fractures', 'Fractures de la main', '', 'Says whether.', 'Dit si.', 'A maker', 'Apache-2.0', 'dx', 'hand, wrist', '',
  'Adults.', 'Adultes.', '', '', 'Fracture', 'Fracture', '', 'two', '0.2', '', '0.5', '0.25',
]; // prettier-ignore
const ANSWERS: Answers = {
  id: 'chest', name: { en: 'Chest', fr: 'Thorax' }, summary: { en: 'x', fr: 'x' }, maker: 'A maker', licence: 'MIT',
  modalities: ['DX'], bodyParts: ['CHEST'], minAge: null, use: { en: 'x', fr: 'x' }, output: 'out', kind: 'scores',
  labels: ['a', 'b'].map((key) => ({ key, text: { en: key, fr: key } })), threshold: 0.5, intensity: 'voi', mean: 0, std: 1,
}; // prettier-ignore

test('asks, and what it writes is a package that passes its own check', async () => {
  const folder = join(dir, 'own');
  const { code, out, err } = await run([folder, '--weights', WEIGHTS], LINES.join('\n'));
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('image: float32 [n, 1, 448, 448]');
  expect(out).toContain('That does not fit.'); // a threshold of "two"
  expect((await readdir(folder)).sort()).toEqual(['CARD.md', 'golden.json', 'model.fp16.onnx', 'model.json']);
  const pack = await loadPackage(folder);
  expect(pack.manifest).toMatchObject({
    id: 'hand-fractures',
    intendedUse: {
      modalities: ['DX'],
      bodyParts: ['HAND', 'WRIST'],
      ageYears: { min: 18, unknown: 'refuse' },
    },
    input: { name: 'image', width: 448, height: 448, normalise: { offset: 0.5, scale: 4 } },
    outputs: { score: { name: 'score' } },
    finding: { label: 'fracture' },
    operatingPoints: { default: { threshold: 0.2, measured: [] } },
  });
  // Prepared as the built-in package says: the same scores.
  const golden = async (of: string) =>
    JSON.parse(await readFile(join(of, 'golden.json'), 'utf8')).cases[0].score;
  expect(Math.abs((await golden(folder)) - (await golden(modelDir('fracture'))))).toBeLessThan(0.01);
  expect(await checkPackage(pack)).toMatchObject({ ok: true });
  expect(await readFile(join(folder, 'CARD.md'), 'utf8')).toMatch(/not a medical device/);
  expect((await run([folder, '--weights', WEIGHTS])).err).toMatch(/is not empty/);
}, 120_000);

test('answers from a file, answers that end, a network that is none', async () => {
  const file = join(dir, 'answers.json');
  await writeFile(file, JSON.stringify({ ...ANSWERS, kind: 'rainbow' }));
  const wrong = await run([join(dir, 'x'), '--weights', WEIGHTS, '--answers', file]);
  expect(wrong.code).toBe(65);
  expect(wrong.err).toMatch(/answers\.json: kind/);
  const ended = await run([join(dir, 'x'), '--weights', WEIGHTS], LINES.slice(0, 5).join('\n'));
  expect([ended.code, ended.err]).toEqual([65, 'negatoscope: The answers end at: Who made it\n']);
  await writeFile(join(dir, 'no.onnx'), 'no network');
  const none = await run([join(dir, 'x'), '--weights', join(dir, 'no.onnx'), '--answers', file]);
  expect(none.err).toMatch(/no ONNX network/);
  expect((await readdir(dir)).sort()).toEqual(['answers.json', 'no.onnx']);
}, 120_000);

describe('what a network seems to give', () => {
  test.each([
    [['n'], 'float32', 'score', 1],
    [[1, 1], 'float32', 'score', 1],
    [['batch', 18], 'float32', 'scores', 18],
    [[1, 25200, 14], 'float32', 'yolov5', 9],
    [[1, 13, 8400], 'float32', 'yolov8', 9],
    [[1, 3, 96, 96, 96], 'float32', 'segmentation', 3],
    [[1, 'a', 'b', 'c'], 'uint8', 'segmentation', NaN],
  ] as const)('%j %s', (shape, type, kind, labels) => {
    const tensor = { name: 'x', type, shape: [...shape] };
    expect([kindOf(tensor), labelsOf(tensor, kind)]).toEqual([kind, labels]);
  });
  test('a heat map alone says nothing', () =>
    expect(kindOf({ name: 'x', type: 'float32', shape: [1, 18, 7, 7] })).toBeUndefined());
});

test('inputs of other layouts and types; none but a single image', () => {
  const weights = { file: 'w.onnx', sha256: '0'.repeat(64) };
  const of = (...inputs: { shape: (number | string)[]; type?: string }[]) =>
    manifestOf(
      ANSWERS,
      { inputs: inputs.map((each) => ({ name: 'in', type: 'float32', ...each })), outputs: [] },
      weights,
    ).input;
  expect(of({ shape: [1, 3, 224, 320] })).toMatchObject({ channels: 3, height: 224, width: 320 });
  expect(of({ shape: [1, 224, 320, 3], type: 'uint8' })).toMatchObject({ layout: 'NHWC', type: 'uint8', width: 320 });
  expect(of({ shape: ['n', 1, 'h', 'w'] })).toMatchObject({ width: 512, height: 512 });
  for (const inputs of [[{ shape: [1, 1, 64, 64, 64] }], [{ shape: [1, 2, 64, 64] }], [], [{ shape: [1, 1, 64, 64] }, { shape: [1] }]])
    expect(() => of(...inputs)).toThrow(expect.objectContaining({ code: 'model-shape' }));
}); // prettier-ignore
