import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { heatmapPng } from './heatmap.ts';
import { components, heatOverImage, verdict } from './postprocess.ts';
import type { HeatGrid } from './postprocess.ts';
import { letterboxOf, luma, preprocess, resizeTriangle } from './preprocess.ts';
import type { ModelManifest } from './types.ts';

/** '.' 0, 'o' 0.3, 'X' 0.9 */
const grid = (...lines: string[]): HeatGrid => ({
  rows: lines.length,
  columns: lines[0]!.length,
  values: Float32Array.from([...lines.join('')].map((c) => ({ '.': 0, o: 0.3, X: 0.9 })[c]!)),
});
const outputs = (connectivity: 4 | 8): ModelManifest['outputs'] => ({
  score: { name: 's' },
  heatmap: { name: 'h', stride: 4, componentThreshold: 0.25, connectivity },
});

describe('components', () => {
  const two = grid('oo..', 'oX..', '..o.', '...o');
  test('neighbours across a corner count with 8, not with 4', () => {
    expect(components(two, 0.25, 4).map((c) => [c.row, c.column, c.rows, c.columns])).toEqual([
      [0, 0, 2, 2],
      [2, 2, 1, 1],
      [3, 3, 1, 1],
    ]);
    expect(components(two, 0.25, 8)).toEqual([
      { row: 0, column: 0, rows: 4, columns: 4, peak: expect.closeTo(0.9) },
    ]);
  });
  test('rows do not touch around the edge', () => {
    expect(components(grid('..o', 'o..'), 0.25, 4)).toHaveLength(2);
    expect(components(grid('...o', 'o...'), 0.25, 8)).toHaveLength(2);
  });
  test('hottest first; the threshold itself belongs to it', () => {
    expect(components(grid('o.X'), 0.25, 4).map((c) => c.column)).toEqual([2, 0]);
    const exact = { rows: 1, columns: 1, values: Float32Array.of(0.25) };
    expect(components(exact, 0.25, 4)).toHaveLength(1);
    expect(components(grid('..', '..'), 0.25, 4)).toEqual([]);
  });
  test('every cell above the threshold lies in one component, none is empty', () => {
    const cells = fc.array(fc.constantFrom(0, 0.1, 0.3, 0.9), { minLength: 35, maxLength: 35 });
    fc.assert(
      fc.property(cells, fc.constantFrom(4 as const, 8 as const), (values, connectivity) => {
        const g = { rows: 5, columns: 7, values: Float32Array.from(values) };
        const found = components(g, 0.25, connectivity);
        const inside = (i: number): boolean =>
          found.some(
            (c) =>
              Math.floor(i / 7) >= c.row &&
              Math.floor(i / 7) < c.row + c.rows &&
              i % 7 >= c.column &&
              i % 7 < c.column + c.columns,
          );
        values.forEach((v, i) => v >= 0.25 && expect(inside(i)).toBe(true));
        for (const c of found) expect(c.peak).toBeGreaterThanOrEqual(0.25);
        if (connectivity === 8) expect(found.length).toBeLessThanOrEqual(components(g, 0.25, 4).length);
      }),
    );
  });
});

describe('verdict', () => {
  // 8 × 16 pixels into 16 × 16: scale 1, 4 pixels of padding left and right, cells of 4 pixels.
  const upright = letterboxOf(8, 16, { width: 16, height: 16 });
  test('a place in pixels of the image, the letterbox undone', () => {
    const { positive, places } = verdict(0.5, grid('....', '..X.', '..X.', '....'), upright, outputs(4), 0.5);
    expect(positive).toBe(true);
    expect(places).toEqual([{ box: { x: 4, y: 4, width: 4, height: 8 }, peak: expect.closeTo(0.9) }]);
  });
  test('the scale too: the centre of a cell as PREPROCESSING.md states it', () => {
    const l = letterboxOf(2000, 1000, { width: 448, height: 448 });
    const values = new Float32Array(112 * 112);
    values[50 * 112 + 30] = 1;
    const box = verdict(1, { rows: 112, columns: 112, values }, l, outputs(8), 0.1).places[0]!.box;
    expect(box.x + box.width / 2).toBeCloseTo(((4 * 30 + 2 - l.left) * 2000) / l.width, 3);
    expect(box.y + box.height / 2).toBeCloseTo(((4 * 50 + 2 - l.top) * 1000) / l.height, 3);
  });
  test('what overhangs is cut off, what lies in the padding is no place', () => {
    expect(verdict(1, grid('X...', 'XX..', '....', '....'), upright, outputs(4), 0.5).places[0]!.box).toEqual(
      { x: 0, y: 0, width: 4, height: 8 },
    );
    expect(verdict(1, grid('X..X', '....', '....', '....'), upright, outputs(4), 0.5).places).toEqual([]);
  });
  test('positive without a place; no places when negative', () => {
    const cold = grid('....', '....', '....', '....');
    expect(verdict(0.7, cold, upright, outputs(8), 0.5)).toEqual({ score: 0.7, positive: true, places: [] });
    const hot = grid('....', '..X.', '....', '....');
    expect(verdict(0.4999, hot, upright, outputs(8), 0.5)).toEqual({
      score: 0.4999,
      positive: false,
      places: [],
    });
    expect(verdict(0.5, null, upright, {}, 0.5).positive).toBe(true);
  });
});

test('the heat map over the image leaves out the padding and says where it lies', () => {
  const l = letterboxOf(8, 16, { width: 16, height: 16 });
  const heat = heatOverImage(grid('X..X', '.Xo.', '....', '....'), l, 4);
  expect(heat).toMatchObject({ rows: 4, columns: 2, box: { x: 0, y: 0, width: 8, height: 16 } });
  expect([...heat.cells.slice(0, 4)]).toEqual([0, 0, 229, 77]);
});

test('the picture of a heat map: clear where it is cold, more opaque where it is hotter, violet', async () => {
  const png = await heatmapPng(Uint8Array.of(0, 10, 80, 255), 2, 2);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([2, 2, 4]);
  const alpha = [3, 7, 11, 15].map((i) => data[i]!);
  expect(alpha.slice(0, 2)).toEqual([0, 0]);
  expect(alpha[2]).toBeGreaterThan(50);
  expect(alpha[3]).toBeGreaterThan(alpha[2]!);
  const [r, g, b] = data.subarray(8, 11);
  expect(b).toBeGreaterThan(r!);
  expect(r).toBeGreaterThan(g!);
});

describe('pre-processing', () => {
  test('luma is that of Pillow', () => {
    // PIL.Image.new('RGB', (1, 1), c).convert('L') for these colours: 76, 150, 29, 255, 18
    const rgb = Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 10, 20, 30]);
    expect([...luma(rgb, 5)]).toEqual([76, 150, 29, 255, 18]);
  });
  test('resizing keeps a flat image flat, and the same size as it is', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, size, size, (columns, rows, width, height) => {
        const flat = { rows, columns, values: new Float32Array(rows * columns).fill(7) };
        for (const v of resizeTriangle(flat, width, height)) expect(v).toBeCloseTo(7, 4);
      }),
      { numRuns: 50 },
    );
    const plane = { rows: 2, columns: 3, values: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect(resizeTriangle(plane, 3, 2)).toEqual(plane.values);
  });
  test('halving a line averages with the triangle', () => {
    // Worked by hand: support 2, centre 1 → taps 0, 1, 2 at distances 0.5, 0.5, 1.5: weights 3, 3, 1 of 7.
    const [first] = resizeTriangle({ rows: 1, columns: 4, values: Float32Array.of(7, 14, 28, 0) }, 2, 1);
    expect(first).toBeCloseTo((3 * 7 + 3 * 14 + 28) / 7, 4);
  });
  test('inverting, scaling and shifting the unit changes nothing but the percentile order', () => {
    const input = {
      name: 'i', width: 32, height: 32, fit: 'letterbox', resize: 'triangle-antialias',
      intensity: { kind: 'percentile', low: 0, high: 1 }, normalise: { offset: 0.5, scale: 4 }, padding: 0,
    } as const; // prettier-ignore
    const values = Float32Array.from({ length: 20 * 30 }, (_, i) => (i * 37) % 101);
    const one = preprocess({ rows: 30, columns: 20, values }, input).tensor;
    const other = preprocess(
      { rows: 30, columns: 20, values: values.map((v) => v * 16 + 1000) },
      input,
    ).tensor;
    one.forEach((v, i) => expect(other[i]).toBeCloseTo(v, 3));
    expect(one[0]).toBe(-2);
    expect(Math.min(...one)).toBe(-2);
    expect(Math.max(...one)).toBe(2);
  });
});
