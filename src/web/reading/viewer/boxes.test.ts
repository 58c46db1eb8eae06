import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boxBetween, dragged, HANDLES, SMALLEST } from './boxes.ts';

const image = { columns: 1000, rows: 800 };
const box = fc.record({
  x: fc.nat(900),
  y: fc.nat(700),
  width: fc.integer({ min: 4, max: 100 }),
  height: fc.integer({ min: 4, max: 100 }),
});
const step = fc.integer({ min: -3000, max: 3000 });

test('a box drawn in any direction is the same box', () => {
  const expected = { x: 10, y: 20, width: 30, height: 40 };
  expect(boxBetween([10, 20], [40, 60], image)).toEqual(expected);
  expect(boxBetween([40, 60], [10, 20], image)).toEqual(expected);
  expect(boxBetween([10, 60], [40, 20], image)).toEqual(expected);
});
test('a click is not a box, and a box ends where the image ends', () => {
  expect(boxBetween([10, 10], [12, 300], image)).toBeNull();
  expect(boxBetween([990, 790], [2000, 2000], image)).toEqual({ x: 990, y: 790, width: 10, height: 10 });
});
test('whatever is dragged however far, the box stays inside, upright and large enough to hold', () => {
  fc.assert(
    fc.property(box, fc.constantFrom('move' as const, ...HANDLES), step, step, (start, handle, dx, dy) => {
      const end = dragged(start, handle, dx, dy, image);
      expect(end.x).toBeGreaterThanOrEqual(0);
      expect(end.y).toBeGreaterThanOrEqual(0);
      expect(end.x + end.width).toBeLessThanOrEqual(image.columns);
      expect(end.y + end.height).toBeLessThanOrEqual(image.rows);
      expect(Math.min(end.width, end.height)).toBeGreaterThanOrEqual(SMALLEST);
      if (handle === 'move') expect([end.width, end.height]).toEqual([start.width, start.height]);
    }),
  );
});
