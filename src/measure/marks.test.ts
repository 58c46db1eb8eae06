import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Calibration, Point } from './calibration.ts';
import { angleAt, areaOf, cobbAngle, distance } from './geometry.ts';
import { geometryOf, pixelQuantitiesOf } from './marks.ts';
import { statisticsOf, valueAt } from './statistics.ts';

const square: Calibration = { kind: 'calibrated', row: 0.5, column: 0.5 };
const oblong: Calibration = { kind: 'calibrated', row: 2, column: 1 };

const coordinate = fc.double({ min: -2000, max: 4000, noNaN: true });
const point = fc.tuple(coordinate, coordinate);
const scale = fc.record({
  row: fc.double({ min: 0.01, max: 5, noNaN: true }),
  column: fc.double({ min: 0.01, max: 5, noNaN: true }),
});

describe('lengths and angles', () => {
  it('are those of known figures', () => {
    expect(distance([0, 0], [3, 4], square)).toBeCloseTo(2.5, 12);
    expect(distance([0, 0], [3, 4], oblong)).toBeCloseTo(Math.hypot(3, 8), 12);
    expect(angleAt([10, 0], [0, 0], [0, 10], square)).toBeCloseTo(90, 9);
    // 45° in pixels is not 45° where pixels are oblong.
    expect(angleAt([10, 0], [0, 0], [10, 10], oblong)).toBeCloseTo(63.4349, 3);
    expect(cobbAngle([0, 0], [100, 0], [0, 100], [100, 136.397], square)).toBeCloseTo(20, 3);
    expect(areaOf('rectangle', [0, 0], [10, 20], square)).toBeCloseTo(50, 12);
    expect(areaOf('ellipse', [0, 0], [10, 20], square)).toBeCloseTo(50 * (Math.PI / 4), 12);
  });
  it('obey the rules of a distance', () => {
    fc.assert(
      fc.property(point, point, point, scale, (a, b, c, by) => {
        expect(distance(a, b, by)).toBeCloseTo(distance(b, a, by), 6);
        expect(distance(a, a, by)).toBe(0);
        expect(distance(a, c, by)).toBeLessThanOrEqual(distance(a, b, by) + distance(b, c, by) + 1e-6);
      }),
    );
  });
  it('an angle is the same turned, moved and enlarged', () => {
    fc.assert(
      fc.property(
        point,
        point,
        point,
        fc.double({ min: 0, max: Math.PI * 2, noNaN: true }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (a, b, c, turn, by) => {
          fc.pre(distance(a, b, square) > 1 && distance(c, b, square) > 1);
          const move = ([x, y]: Point): Point => [
            by * (x * Math.cos(turn) - y * Math.sin(turn)) + 7,
            by * (x * Math.sin(turn) + y * Math.cos(turn)) - 3,
          ];
          expect(angleAt(move(a), move(b), move(c), square)).toBeCloseTo(angleAt(a, b, c, square), 4);
        },
      ),
    );
  });
  it('a Cobb angle does not depend on the way a line was drawn', () => {
    fc.assert(
      fc.property(point, point, point, point, scale, (a, b, c, d, by) => {
        fc.pre(distance(a, b, by) > 0.1 && distance(c, d, by) > 0.1);
        const angle = cobbAngle(a, b, c, d, by);
        expect(angle).toBeGreaterThanOrEqual(0);
        expect(angle).toBeLessThanOrEqual(90);
        expect(cobbAngle(b, a, c, d, by)).toBeCloseTo(angle, 4);
        expect(cobbAngle(c, d, a, b, by)).toBeCloseTo(angle, 4);
      }),
    );
  });
});

describe('what a mark says', () => {
  it('is in pixels where nothing is known: never in mm', () => {
    const none: Calibration = { kind: 'none', row: 1, column: 1 };
    expect(
      geometryOf(
        'length',
        [
          [0, 0],
          [3, 4],
        ],
        none,
      ),
    ).toEqual([{ name: 'length', value: 5, unit: 'px' }]);
    expect(
      geometryOf(
        'rectangle',
        [
          [0, 0],
          [3, 4],
        ],
        none,
      )[0],
    ).toMatchObject({ value: 12, unit: 'px2' });
    expect(
      geometryOf(
        'angle',
        [
          [1, 0],
          [0, 0],
          [0, 1],
        ],
        none,
      )[0],
    ).toMatchObject({ unit: 'deg' });
  });
  it('a cardiothoracic ratio needs no calibration', () => {
    const ratio = geometryOf(
      'ctr',
      [
        [40, 9],
        [90, 9],
        [0, 20],
        [100, 20],
      ],
      { kind: 'none', row: 1, column: 1 },
    );
    expect(ratio.map(({ name, value, unit }) => [name, value, unit])).toEqual([
      ['ratio', 0.5, '1'],
      ['heart', 50, 'px'],
      ['thorax', 100, 'px'],
    ]);
    expect(
      geometryOf(
        'ctr',
        [
          [40, 9],
          [90, 9],
          [7, 7],
          [7, 7],
        ],
        square,
      ).map(({ name }) => name),
    ).toEqual(['heart', 'thorax']);
  });
});

describe('values of pixels', () => {
  const grid = { columns: 4, rows: 3, values: Int16Array.from([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]) };
  it('a point’s is that of the pixel around it', () => {
    expect(valueAt(grid, [0, 0])).toBe(0);
    expect(valueAt(grid, [3.99, 2.99])).toBe(23);
    expect(valueAt(grid, [4, 0])).toBeUndefined();
    expect(valueAt(grid, [-0.01, 0])).toBeUndefined();
  });
  it('a rectangle takes the pixels whose centres it holds', () => {
    expect(statisticsOf(grid, 'rectangle', [1, 0], [3, 2])).toEqual({
      count: 4,
      mean: 6.5,
      sd: Math.sqrt(25.25),
      min: 1,
      max: 12,
    });
    expect(statisticsOf(grid, 'rectangle', [1.1, 0.1], [1.4, 0.4])).toBeUndefined();
    expect(pixelQuantitiesOf('probe', [[2.5, 1.5]], grid, 'HU')).toEqual([
      { name: 'value', value: 12, unit: 'HU' },
    ]);
  });
  it('agree with a count by hand, for any region', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 24 }),
        fc.constantFrom('ellipse' as const, 'rectangle' as const),
        fc.tuple(fc.double({ min: -3, max: 27, noNaN: true }), fc.double({ min: -3, max: 27, noNaN: true })),
        fc.tuple(fc.double({ min: -3, max: 27, noNaN: true }), fc.double({ min: -3, max: 27, noNaN: true })),
        fc.integer(),
        (columns, rows, shape, a, b, seed) => {
          const values = Int16Array.from(
            { length: columns * rows },
            (_, i) => ((i * 7919 + seed) % 4096) - 1024,
          );
          const left = Math.min(a[0], b[0]);
          const right = Math.max(a[0], b[0]);
          const top = Math.min(a[1], b[1]);
          const bottom = Math.max(a[1], b[1]);
          const inside: number[] = [];
          values.forEach((value, i) => {
            const x = (i % columns) + 0.5;
            const y = Math.floor(i / columns) + 0.5;
            if (x < left || x > right || y < top || y > bottom) return;
            const dx = (2 * x - left - right) / (right - left);
            const dy = (2 * y - top - bottom) / (bottom - top);
            if (shape === 'rectangle' || dx * dx + dy * dy <= 1) inside.push(value);
          });
          const found = statisticsOf({ columns, rows, values }, shape, a, b);
          if (inside.length === 0) {
            expect(found).toBeUndefined();
            return;
          }
          const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length;
          expect(found!.count).toBe(inside.length);
          expect(found!.mean).toBeCloseTo(mean, 6);
          expect(found!.sd).toBeCloseTo(
            Math.sqrt(inside.reduce((sum, value) => sum + (value - mean) ** 2, 0) / inside.length),
            6,
          );
          expect([found!.min, found!.max]).toEqual([Math.min(...inside), Math.max(...inside)]);
        },
      ),
    );
  });
});
