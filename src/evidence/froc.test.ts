import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { atRate, frocAt, frocCurve, hits, judge, type MarkedImage, type Rectangle } from './froc.ts';

const box = (x: number, y: number, size = 10): Rectangle => [x, y, x + size, y + size];

describe('the hit rule', () => {
  test('the centre lies in the lesion, edges included', () => {
    expect(hits(box(95, 95), box(100, 100, 50))).toBe(true); // centre on the corner
    expect(hits(box(94, 95), box(100, 100, 50))).toBe(false);
  });
  test('or the boxes overlap by more than a tenth', () => {
    // 20 × 20 over 10 × 10: 25 of 475; 40 of 460; 50 of 450: only the last is above 0.1.
    expect(hits([0, 0, 20, 20], [15, 15, 25, 25])).toBe(false);
    expect(hits([0, 0, 20, 20], [15, 12, 25, 22])).toBe(false);
    expect(hits([0, 0, 20, 20], [15, 5, 25, 15])).toBe(true);
    expect(hits(box(0, 0), box(10, 0))).toBe(false); // they only touch
  });
});

test('a small example by hand', () => {
  const images: MarkedImage[] = [
    // Two lesions: one found twice (0.9 and 0.4), one missed; a false mark of 0.6.
    { lesions: [box(0, 0), box(100, 100)], marks: [{ score: 0.4, box: box(1, 1) }, { score: 0.9, box: box(0, 0) }, { score: 0.6, box: box(200, 200) }] }, // prettier-ignore
    { lesions: [], marks: [{ score: 0.5, box: box(0, 0) }] },
    { lesions: [box(50, 50)], marks: [{ score: 0.5, box: box(50, 50) }] },
    { lesions: [], marks: [] },
  ];
  const judged = images.map(judge);
  expect(judged[0]).toEqual({ lesions: [0.9, null], falseMarks: [0.6] });
  expect(frocCurve(judged)).toEqual([
    { threshold: Infinity, falseMarksPerImage: 0, sensitivity: 0 },
    { threshold: 0.9, falseMarksPerImage: 0, sensitivity: 1 / 3 },
    { threshold: 0.6, falseMarksPerImage: 0.25, sensitivity: 1 / 3 },
    { threshold: 0.5, falseMarksPerImage: 0.5, sensitivity: 2 / 3 },
  ]);
  expect(frocAt(judged, [0.1, 1])).toMatchObject([
    { reached: 0, threshold: 0.9, found: 1, lesions: 3 },
    { reached: 0.5, threshold: 0.5, found: 2, lesions: 3 },
  ]);
  expect(frocCurve([judge({ lesions: [], marks: [] })])).toBeUndefined();
  expect(frocAt([], [1])).toEqual([]);
});

it('rises from nothing to what is found at all, and a permitted rate is kept', () => {
  const place = fc.integer({ min: 0, max: 60 });
  const rectangle = fc
    .tuple(place, place, fc.integer({ min: 1, max: 30 }))
    .map(([x, y, size]) => box(x, y, size));
  const image = fc.record({
    lesions: fc.array(rectangle, { maxLength: 3 }),
    marks: fc.array(fc.record({ score: fc.integer({ min: 0, max: 9 }), box: rectangle }), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(
      fc.array(image, { minLength: 1, maxLength: 12 }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      (images, rate) => {
        const judged = images.map(judge);
        const curve = frocCurve(judged);
        if (!curve) return;
        curve.slice(1).forEach((point, i) => {
          expect(point.threshold).toBeLessThan(curve[i]!.threshold);
          expect(point.sensitivity).toBeGreaterThanOrEqual(curve[i]!.sensitivity);
          expect(point.falseMarksPerImage).toBeGreaterThanOrEqual(curve[i]!.falseMarksPerImage);
        });
        expect(curve.at(-1)!.sensitivity).toBeLessThanOrEqual(1);
        expect(atRate(curve, rate).falseMarksPerImage).toBeLessThanOrEqual(rate);
        const [at] = frocAt(judged, [rate], { rounds: 20 });
        expect(at!.found / at!.lesions).toBeCloseTo(at!.sensitivity, 12);
      },
    ),
  );
});
