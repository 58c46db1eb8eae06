import { expect, test } from 'vitest';
import type { Plane } from '../tools/space.ts';
import { followed, offsetOf, type PaneImages } from './sync.ts';

const axial = (z: number, frameOfReference = '1'): Plane => ({
  frameOfReference,
  origin: [0, 0, z],
  across: [1, 0, 0],
  down: [0, 1, 0],
  spacing: { row: 1, column: 1 },
  rows: 10,
  columns: 10,
});
const pane = (planes: (Plane | undefined)[], index: number, series = planes.map(() => 'a')): PaneImages => ({
  series,
  planes,
  index,
});

test('a pane follows to the same place in the patient, within its own series', () => {
  const thin = pane(
    [0, 1, 2, 3, 4, 5].map((z) => axial(z)),
    0,
  );
  const thick = pane([axial(4), axial(0), axial(2), axial(4)], 2, ['other', 'b', 'b', 'b']);
  expect(offsetOf(thin, thick)).toBe(0);
  expect(followed(thin, 4, thick, 0)).toBe(3);
  expect(followed(thin, 2, thick, 0)).toBeNull();
});
test('an earlier exam keeps the distance it had when both were joined', () => {
  const now = pane(
    [0, 5, 10, 15].map((z) => axial(z)),
    1,
  );
  const before = pane(
    [200, 205, 210, 215].map((z) => axial(z, '2')),
    2,
  );
  const offset = offsetOf(now, before);
  expect(offset).toBeCloseTo(205, 9);
  expect(followed(now, 2, before, offset)).toBe(3);
});
test('what no header places stays where it is', () => {
  expect(followed(pane([undefined, undefined], 0), 1, pane([axial(0)], 0), 0)).toBeNull();
});
