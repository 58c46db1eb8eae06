import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brainSlices } from '../brainTesting.ts';
import { sliceOfDicom } from '../runner/pixels.ts';
import type { VolumeInput } from '../types.ts';
import { labelsOnSource, networkGrid, resampled, sourceGrid } from './conform.ts';
import { volumeOf, voxelMl } from './geometry.ts';
import type { SliceGeometry, Vector } from './geometry.ts';
import { conformTop, prepareVolume } from './prepare.ts';

const AXES: Record<string, Vector> = {
  L: [1, 0, 0],
  R: [-1, 0, 0],
  P: [0, 1, 0],
  A: [0, -1, 0],
  S: [0, 0, 1],
  I: [0, 0, -1],
};
const input = (over: Partial<VolumeInput> = {}): VolumeInput => ({
  kind: 'volume',
  name: 'x',
  axes: 'LIA',
  intensity: { kind: 'min-max' },
  normalise: { offset: 0, scale: 1 },
  ...over,
});
/** Axial slices, 2 mm apart, pixels of 1 × 0.5 mm. */
const axial = (count: number, over: (i: number) => Partial<SliceGeometry> = () => ({})): SliceGeometry[] =>
  Array.from({ length: count }, (_, i) => ({
    rows: 4,
    columns: 6,
    orientation: [1, 0, 0, 0, 1, 0],
    position: [-10, -20, 2 * i] as const,
    spacing: [1, 0.5] as const,
    thickness: 2,
    frameOfReferenceUid: '1.2',
    ...over(i),
  }));

describe('images as a volume', () => {
  test('sorted by their place, not by their order', () => {
    const slices = axial(5);
    const shuffled = [3, 0, 4, 1, 2].map((i) => slices[i]!);
    const volume = volumeOf(shuffled);
    expect(volume.order.map((i) => shuffled[i]!.position[2])).toEqual([0, 2, 4, 6, 8]);
    expect(volume).toMatchObject({ slices: 5, between: 2, steps: [[0.5, 0, 0], [0, 1, 0], [0, 0, 2]] }); // prettier-ignore
    expect(voxelMl(volume)).toBeCloseTo(0.001, 12);
  });
  test('a tilted gantry is one, and its voxels have the volume of a sheared box', () => {
    const tilted = volumeOf(axial(5, (i) => ({ position: [-10, -20 + 0.7 * i, 2 * i] })));
    expect(tilted.between).toBe(2);
    expect(voxelMl(tilted)).toBeCloseTo(0.001, 12);
  });
  test.each<[string, SliceGeometry[], RegExp]>([
    ['one image', axial(1), /two images/],
    ['one is missing', axial(6).filter((_, i) => i !== 3), /evenly/],
    ['one is moved', axial(6, (i) => (i === 2 ? { position: [-9, -20, 4] } : {})), /evenly/],
    ['one comes twice', [...axial(6), axial(6)[2]!], /one place/],
    ['all at one place', axial(3, () => ({ position: [0, 0, 0] })), /one place/],
    ['another size', axial(3, (i) => (i === 1 ? { rows: 5 } : {})), /size/],
    [
      'another orientation',
      axial(3, (i) => (i === 1 ? { orientation: [1, 0, 0, 0, 0, 1] } : {})),
      /orientation/,
    ],
    ['another spacing', axial(3, (i) => (i === 1 ? { spacing: [1, 0.6] } : {})), /spacing/],
    [
      'another frame of reference',
      axial(3, (i) => (i === 1 ? { frameOfReferenceUid: '1.3' } : {})),
      /reference/,
    ],
    ['no plane', axial(3, () => ({ orientation: [1, 0, 0, 1, 0, 0] })), /plane/],
    ['no numbers', axial(3, () => ({ orientation: [NaN, 0, 0, 0, 1, 0] })), /plane|orientation/],
  ])('%s is none', (_name, slices, reason) => {
    expect(() => volumeOf(slices)).toThrow(
      expect.objectContaining({ code: 'volume-geometry', message: expect.stringMatching(reason) }),
    );
  });
});

/** A volume in any of the 48 ways to lie along the axes; its values say where they are. */
const place = fc.tuple(fc.constantFrom('LR', 'RL'), fc.constantFrom('AP', 'PA'), fc.constantFrom('SI', 'IS'), fc.shuffledSubarray([0, 1, 2], { minLength: 3 })); // prettier-ignore
function lying([x, y, z, order]: [string, string, string, number[]], n = 6) {
  const letters = order.map((i) => [x, y, z][i]![1]!);
  const [slice, row, column] = letters.map((letter) => AXES[letter]!) as [Vector, Vector, Vector];
  const origin = [0, 1, 2].map(
    (d) => -(slice[d]! + row[d]! + column[d]!) * (n / 2 - 0.5),
  ) as unknown as Vector;
  const at = (k: number, j: number, i: number): Vector =>
    [0, 1, 2].map((d) => origin[d]! + k * slice[d]! + j * row[d]! + i * column[d]!) as unknown as Vector;
  const places = Array.from({ length: n }, (_, k): SliceGeometry => ({
    rows: n,
    columns: n,
    orientation: [...column, ...row],
    position: at(k, 0, 0),
    spacing: [1, 1],
    thickness: 1,
    frameOfReferenceUid: '1.2',
  }));
  const said = ([a, b, c]: Vector): number => (a + 10) * 10000 + (b + 10) * 100 + (c + 10);
  const values = places.map((_, k) =>
    Float32Array.from({ length: n * n }, (__, p) => said(at(k, Math.floor(p / n), p % n))),
  );
  return { places, values, said };
}

describe('on the grid of a network', () => {
  test('however the images lie, the same tensor comes out, and labels find the way back', () => {
    fc.assert(
      fc.property(place, fc.constantFrom('LIA', 'RAS', 'LPS', 'SPL'), (how, axes) => {
        const { places, values, said } = lying(how as never);
        const volume = volumeOf(places);
        const source = sourceGrid(volume);
        const sorted = volume.order.map((i) => values[i]!);
        const grid = networkGrid(source, input({ axes, size: [8, 8, 8], spacing: [1, 1, 1] }));
        const tensor = resampled(sorted, source, grid, -1);
        const [d0, d1, d2] = [...axes].map((letter) => AXES[letter]!) as [Vector, Vector, Vector];
        for (let a = 0; a < 8; a += 1)
          for (let b = 0; b < 8; b += 1)
            for (let c = 0; c < 8; c += 1) {
              const at = [0, 1, 2].map(
                (d) => (a - 3.5) * d0[d]! + (b - 3.5) * d1[d]! + (c - 3.5) * d2[d]!,
              ) as unknown as Vector;
              const inside = at.every((value) => Math.abs(value) < 3);
              expect(tensor[(a * 8 + b) * 8 + c]).toBe(inside ? Math.fround(said(at)) : -1);
            }
        const labels = Uint8Array.from(tensor, (value) => (value < 0 ? 9 : value % 251));
        labelsOnSource(labels, grid, source).forEach((slice, k) =>
          slice.forEach((label, p) => expect(label).toBe(Math.trunc(sorted[k]![p]! % 251))),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('between the voxels it interpolates: a function that is linear in the patient stays it', () => {
    // 25° about the head axis: nothing lies on the grid.
    const [c, s] = [Math.cos(0.436), Math.sin(0.436)];
    const n = 12;
    const places = axial(n, (i) => ({
      rows: n,
      columns: n,
      orientation: [c, s, 0, -s, c, 0],
      position: [-5, -5, 1.3 * i - 7],
      spacing: [0.9, 1.1],
    }));
    const volume = volumeOf(places);
    const source = sourceGrid(volume);
    const f = (x: number, y: number, z: number): number => 3 * x - 2 * y + 0.5 * z + 40;
    const values = volume.positions.map((position) =>
      Float32Array.from({ length: n * n }, (_, p) => {
        const [j, i] = [Math.floor(p / n) * 0.9, (p % n) * 1.1];
        return f(position[0] + c * i - s * j, position[1] + s * i + c * j, position[2]);
      }),
    );
    const grid = networkGrid(source, input({ axes: 'RAS', size: [6, 6, 6], spacing: [1, 1, 1] }));
    const tensor = resampled(values, source, grid, NaN);
    expect(tensor.some(Number.isNaN)).toBe(false);
    for (let a = 0; a < 6; a += 1)
      for (let b = 0; b < 6; b += 1)
        for (let k = 0; k < 6; k += 1) {
          const [x, y, z] = [0, 1, 2].map(
            (d) => grid.origin[d]! + a * grid.steps[0][d]! + b * grid.steps[1][d]! + k * grid.steps[2][d]!,
          ) as [number, number, number];
          expect(tensor[(a * 6 + b) * 6 + k]).toBeCloseTo(f(x, y, z), 3);
        }
    // Its own axes are kept where the package says so: as many voxels, only named and turned.
    const kept = networkGrid(source, input({ axes: 'LPS', oblique: 'keep' }));
    expect(kept.size).toEqual([n, n, n]);
    expect(resampled(values, source, kept, NaN).slice().sort()).toEqual(
      Float32Array.from(values.flatMap((v) => [...v])).sort(),
    );
  });

  test('without a size it covers the source, in multiples where wanted', () => {
    const source = sourceGrid(volumeOf(axial(10)));
    expect(networkGrid(source, input({ axes: 'SPL' })).size).toEqual([10, 4, 6]);
    expect(networkGrid(source, input({ axes: 'SPL', spacing: [1, 1, 1] })).size).toEqual([20, 4, 3]);
    expect(networkGrid(source, input({ axes: 'LPS', multipleOf: 8 })).size).toEqual([8, 8, 16]);
  });
});

describe('intensity', () => {
  const { places, values } = lying(['LR', 'AP', 'SI', [0, 1, 2]]);
  const volume = volumeOf(places);
  const source = sourceGrid(volume);
  const of = (over: Partial<VolumeInput>, slices = values): Float32Array =>
    prepareVolume(slices, source, input({ axes: 'LPS', ...over })).tensor;
  const all = Float32Array.from(values.flatMap((v) => [...v]));

  test('smallest to largest, window, quantiles, z-score', () => {
    const unit = of({});
    expect([Math.min(...unit), Math.max(...unit)]).toEqual([0, 1]);
    const window = of({ intensity: { kind: 'window', centre: 100000, width: 20000 } });
    expect([Math.min(...window), Math.max(...window)]).toEqual([0, 1]);
    const sorted = all.slice().sort();
    const open = of({ intensity: { kind: 'percentile', low: 0.05, high: 0.95, clip: false } });
    const [low, high] = [sorted[10]!, sorted[204]!]; // floor(0.05 · 215), floor(0.95 · 215)
    expect(Math.max(...open)).toBeCloseTo((sorted[215]! - low) / (high - low), 5);
    const z = of({ intensity: { kind: 'z-score', of: 'all' } });
    const mean = z.reduce((a, b) => a + b, 0) / z.length;
    expect(mean).toBeCloseTo(0, 4);
    expect(z.reduce((a, b) => a + b * b, 0) / z.length).toBeCloseTo(1, 4);
    const scaled = of({ normalise: { mean: [0.5], std: [0.25] } });
    expect(Math.max(...scaled)).toBeCloseTo(2, 6);
  });

  test('FreeSurfer’s 8 bits: the brightest 0.1 % do not count; 8 bits stay as they are', () => {
    const { places: many, values: shape } = lying(['LR', 'AP', 'SI', [0, 1, 2]], 12);
    const large = volumeOf(many);
    const spread = shape.map((slice, k) => slice.map((_, p) => 1 + (((k * 144 + p) * 37) % 1000)));
    spread[0]![0] = 50_000; // one bright artefact of 1728 voxels
    const conformed = prepareVolume(
      spread,
      sourceGrid(large),
      input({ axes: 'LPS', intensity: { kind: 'conform' } }),
    ).tensor;
    // Without it everything else would lie below 0.02.
    expect(conformed.filter((x) => x > 0.4).length).toBeGreaterThan(800);
    expect(new Set(conformed).size).toBeLessThan(257);
  });

  test('8 bits stay as they are', () => {
    const eight = values.map((slice, k) => slice.map((_, p) => ((k * 36 + p) * 37) % 256));
    expect(of({ intensity: { kind: 'conform' } }, eight)).toEqual(of({}, eight));
  });

  test('where 255 comes to lie on the real series is what its makers found', async () => {
    // shared/models/golden.json, with_freesurfer_intensity_step: "maximum becomes 189.72".
    const slices = brainSlices().map(async (path) => (await sliceOfDicom(readFileSync(path))).values);
    expect(conformTop(await Promise.all(slices))).toBeCloseTo(189.72, 6);
  });
});
