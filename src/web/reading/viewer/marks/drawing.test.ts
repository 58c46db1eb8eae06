import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point } from '../../../../measure/calibration.ts';
import { MARK_KINDS, POINTS, type MarkKind } from '../../../../measure/marks.ts';
import { moved, nudged, pressed, released, shownPoints, startingPoints, type Drawing } from './drawing.ts';

/** Strokes from press to release; the same place twice is a click. */
function draw(kind: MarkKind, ...strokes: [Point, Point][]): Point[] | Drawing {
  let drawing: Drawing | null = null;
  for (const [from, to] of strokes) {
    drawing = moved(pressed(drawing, kind, from), to);
    const next = released(drawing, to, Math.hypot(to[0] - from[0], to[1] - from[1]) > 4);
    if ('done' in next) return next.done;
    drawing = next.drawing;
  }
  return drawing!;
}
const [a, b, c, d]: [Point, Point, Point, Point] = [
  [10, 10],
  [100, 10],
  [10, 80],
  [100, 90],
];

describe('placing points', () => {
  it('by one stroke, or by two clicks', () => {
    expect(draw('length', [a, b])).toEqual([a, b]);
    expect(draw('length', [a, a], [b, b])).toEqual([a, b]);
    expect(draw('probe', [a, a])).toEqual([a]);
    expect(draw('probe', [a, b])).toHaveLength(1);
  });
  it('a note by a stroke from its tip, or by one click', () => {
    expect(draw('arrow', [a, b])).toEqual([a, b]);
    expect(draw('arrow', [a, a])).toEqual([a, a]);
  });
  it('an angle: a stroke and a click, or three clicks', () => {
    expect(draw('angle', [a, b], [c, c])).toEqual([a, b, c]);
    expect(draw('angle', [a, a], [b, b], [c, c])).toEqual([a, b, c]);
  });
  it('two lines: two strokes, or four clicks', () => {
    for (const kind of ['cobb', 'ctr'] as const) {
      expect(draw(kind, [a, b], [c, d])).toEqual([a, b, c, d]);
      expect(draw(kind, [a, a], [b, b], [c, c], [d, d])).toEqual([a, b, c, d]);
    }
  });
  it('shows what is there so far, and forgets it for another kind', () => {
    const begun = draw('angle', [a, b]) as Drawing;
    expect(shownPoints(moved(begun, c))).toEqual([a, b, c]);
    expect(pressed(begun, 'length', d).placed).toEqual([d]);
  });
});

describe('moving', () => {
  const image = { columns: 200, rows: 100 };
  it('one point stays in the image', () => {
    expect(nudged([a, b], 1, 500, -500, image)).toEqual([a, [200, 0]]);
  });
  it('all of it keeps its shape and stays in the image', () => {
    const point = fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 100 }));
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: -400, max: 400 }),
        fc.integer({ min: -400, max: 400 }),
        (points, dx, dy) => {
          const next = nudged(points, 'all', dx, dy, image);
          for (const [i, [x, y]] of next.entries()) {
            expect(x >= 0 && x <= 200 && y >= 0 && y <= 100).toBe(true);
            expect(x - next[0]![0]).toBeCloseTo(points[i]![0] - points[0]![0], 9);
            expect(y - next[0]![1]).toBeCloseTo(points[i]![1] - points[0]![1], 9);
          }
        },
      ),
    );
  });
  it('begins inside the image with as many points as the kind has', () => {
    for (const kind of MARK_KINDS) {
      const points = startingPoints(kind, image);
      expect(points).toHaveLength(POINTS[kind]);
      expect(nudged(points, 'all', 0, 0, image)).toEqual(points);
    }
  });
});
