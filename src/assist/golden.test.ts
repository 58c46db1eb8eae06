import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenPattern, observe } from './golden.ts';
import { loadPackage } from './package.ts';
import { preprocess } from './preprocess.ts';
import { createRunner } from './runner/runner.ts';
import type { ImageInput } from './types.ts';
import { greyOfPhoto, modelDir, readCsv, shared } from './testing.ts';

// The reference implementation's numbers (Python, Pillow, torch), shared/models/fracture/golden.json.
const reference = JSON.parse(readFileSync(shared('models/fracture/golden.json'), 'utf8')) as {
  tolerance: { input_mean: number; input_std: number; score: number; heatmap_cell: number };
  images: {
    image: string;
    input_mean: number;
    input_std: number;
    input_at_224_224: number;
    score: number;
    heatmap_max: number;
    heatmap_max_row: number;
    heatmap_max_col: number;
  }[];
};
const model = await loadPackage(modelDir('fracture'));
const runner = createRunner({ model });
afterAll(() => runner.close());

describe('the built-in model gives the numbers of its reference implementation', () => {
  test.each(reference.images)('$image', async (golden) => {
    const plane = await greyOfPhoto(shared(`models/fracture/golden/${golden.image}`));
    const { tensor } = preprocess(plane, model.manifest.input as ImageInput);
    const seen = observe(await runner.analyse({ kind: 'grey', plane }));
    const t = reference.tolerance;
    const near = (value: number | undefined, expected: number, by: number): void =>
      expect(Math.abs(value! - expected), `${value} is not ${expected} ± ${by}`).toBeLessThanOrEqual(by);
    near(seen.inputMean, golden.input_mean, t.input_mean);
    near(seen.inputStd, golden.input_std, t.input_std);
    near(tensor[224 * 448 + 224], golden.input_at_224_224, 0.03);
    near(seen.score, golden.score, t.score);
    near(seen.heatmapMax, golden.heatmap_max, t.score);
    near(seen.heatmapRow, golden.heatmap_max_row, t.heatmap_cell);
    near(seen.heatmapColumn, golden.heatmap_max_col, t.heatmap_cell);
  });
});

// All 240 with NEGATOSCOPE_ALL_SCORES=1; a spread dozen otherwise.
const scores = readCsv(shared('radiographs/expected_fracture_scores.csv'));
const every = process.env['NEGATOSCOPE_ALL_SCORES'] ? 1 : Math.ceil(scores.length / 12);
test(`scores of images that the model was not trained on (1 of ${every})`, { timeout: 600_000 }, async () => {
  const wrong: string[] = [];
  for (const { image, score } of scores.filter((_, i) => i % every === 0)) {
    const plane = await greyOfPhoto(shared(`radiographs/images/${image}`));
    const result = await runner.analyse({ kind: 'grey', plane });
    if (Math.abs(result.score - Number(score)) > 0.01)
      wrong.push(`${image}: ${result.score}, expected ${score}`);
  }
  expect(wrong).toEqual([]);
});

test('a pattern is the same for the same seed, another for another, and keeps its range', () => {
  const shape = { columns: 61, rows: 83, max: 4095 };
  const one = goldenPattern({ seed: 7, ...shape });
  expect(goldenPattern({ seed: 7, ...shape })).toEqual(one);
  expect(goldenPattern({ seed: 8, ...shape }).values).not.toEqual(one.values);
  expect(Math.min(...one.values)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...one.values)).toBeLessThanOrEqual(4095);
  expect(Math.max(...one.values)).toBeGreaterThan(1000);
});
