import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDicom, toJson } from '../../../../dicom/index.ts';
import { cross, dot, type Vector } from '../../stacks/frameData.ts';
import { crossing, nearest, offsetBetween, planeOf, type Plane } from './space.ts';

const SERIES = fileURLToPath(new URL('../../../../../../shared/mr-t1/series/', import.meta.url));
const plane = (more: Partial<Plane> = {}): Plane => ({
  frameOfReference: '1.2',
  origin: [0, 0, 0],
  across: [1, 0, 0],
  down: [0, 1, 0],
  spacing: { row: 1, column: 1 },
  rows: 100,
  columns: 100,
  ...more,
});
const axial = (z: number, more: Partial<Plane> = {}) => plane({ origin: [-50, -50, z], ...more });
const sagittal = (x: number): Plane => plane({ origin: [x, -50, 50], across: [0, 1, 0], down: [0, 0, -1] });

describe('the plane of an image', () => {
  it('is read from a real series, slice by slice', () => {
    const files = readdirSync(SERIES, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.dcm$/i.test(name),
    );
    const planes = files.map((name) => planeOf(toJson(parseDicom(readFileSync(SERIES + name)).dataset))!);
    expect(new Set(planes.map(({ frameOfReference }) => frameOfReference)).size).toBe(1);
    // Each slice is the nearest to itself, and all lie apart.
    planes.forEach((each, i) => expect(nearest(each, planes)).toBe(i));
  });
  it('is none where the header does not place the image', () => {
    expect(
      planeOf({ '00280010': { vr: 'US', Value: [4] }, '00280011': { vr: 'US', Value: [4] } }),
    ).toBeUndefined();
  });
});

describe('the same place in another series', () => {
  it('is the nearest plane, whatever way the stack runs and however thick its slices are', () => {
    const thick = [0, 5, 10, 15, 20].map((z) => axial(z));
    expect(nearest(axial(11), thick)).toBe(2);
    expect(nearest(axial(11), thick.toReversed())).toBe(2);
    expect(nearest(axial(18), thick.toReversed())).toBe(0);
    expect(nearest(axial(3), [undefined, axial(40), axial(2)])).toBe(2);
    // Seen from the other side it is the same place.
    expect(
      nearest(
        axial(11),
        thick.map((each) => ({ ...each, down: [0, -1, 0] as Vector })),
      ),
    ).toBe(2);
  });
  it('keeps the distance that two exams had when they were joined', () => {
    const prior = [100, 105, 110, 115].map((z) => axial(z, { frameOfReference: '9' }));
    const offset = offsetBetween(axial(10), prior[1]!);
    expect(offset).toBeCloseTo(95, 9);
    expect(nearest(axial(15), prior, offset)).toBe(2);
  });
  it('does not follow a stack that runs across', () => {
    expect(nearest(axial(0), [sagittal(0), sagittal(5)])).toBe(-1);
  });
});

describe('where planes cross', () => {
  it('is a line on both images', () => {
    expect(crossing(axial(7), sagittal(-20))!.map(([x]) => x)).toEqual([30.5, 30.5]);
    const [[, ay], [, by]] = crossing(sagittal(-20), axial(7))!;
    expect([ay, by]).toEqual([43.5, 43.5]);
  });
  it('is none for parallel planes, another frame of reference, a line beside the image', () => {
    expect(crossing(axial(7), axial(9))).toBeNull();
    expect(crossing(axial(7), { ...sagittal(0), frameOfReference: '2' })).toBeNull();
    expect(crossing(axial(7), sagittal(400))).toBeNull();
  });
  it('lies in the other plane, whatever way both are turned', () => {
    const unit = fc
      .tuple(
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
      )
      .filter((each) => Math.hypot(...each) > 0.1)
      .map((each) => each.map((value) => value / Math.hypot(...each)) as unknown as Vector);
    const turned = fc
      .tuple(unit, unit, fc.integer({ min: -30, max: 30 }))
      .filter(([u, v]) => Math.hypot(...cross(u, v)) > 0.2)
      .map(([u, v, z]) => {
        const w = cross(u, v);
        const length = Math.hypot(...w);
        const down = cross(w.map((value) => value / length) as unknown as Vector, u);
        return plane({ across: u, down, origin: [z, -z, z / 2] });
      });
    fc.assert(
      fc.property(turned, turned, (on, other) => {
        const found = crossing(on, other);
        for (const [x, y] of found ?? []) {
          const at = [0, 1, 2].map(
            (axis) =>
              on.origin[axis]! +
              (x - 0.5) * on.across[axis]! +
              (y - 0.5) * on.down[axis]! -
              other.origin[axis]!,
          ) as unknown as Vector;
          expect(Math.abs(dot(at, cross(other.across, other.down)))).toBeLessThan(1e-6);
        }
      }),
    );
  });
});
