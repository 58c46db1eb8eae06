/** Lengths, angles and areas between points of an image. Pure. Points in pixels, origin at the corner of the first pixel. */
import type { Calibration, Point } from './calibration.ts';

type Scale = Pick<Calibration, 'row' | 'column'>;
const vector = ([ax, ay]: Point, [bx, by]: Point, { row, column }: Scale): readonly [number, number] => [
  (bx - ax) * column,
  (by - ay) * row,
];

/** In mm; in pixels where the scale says 1. */
export const distance = (a: Point, b: Point, scale: Scale): number => Math.hypot(...vector(a, b, scale));

const between = (u: readonly [number, number], v: readonly [number, number]): number =>
  // Of both lengths and signs free, and exact near 0° and 180°, where the cosine is not.
  (Math.atan2(Math.abs(u[0] * v[1] - u[1] * v[0]), u[0] * v[0] + u[1] * v[1]) * 180) / Math.PI;

/** Degrees at `vertex`, 0 to 180. */
export const angleAt = (a: Point, vertex: Point, b: Point, scale: Scale): number =>
  between(vector(vertex, a, scale), vector(vertex, b, scale));

/**
 * Cobb angle: between two lines along the end plates, degrees, 0 to 90 whatever way each was drawn: the steeper of both possible
 * angles is never the curve's, short of the very rare curve beyond 90°.
 */
export function cobbAngle(a: Point, b: Point, c: Point, d: Point, scale: Scale): number {
  const angle = between(vector(a, b, scale), vector(c, d, scale));
  return Math.min(angle, 180 - angle);
}

/** An ellipse or rectangle is given by two opposite corners of its frame. */
export const frameOf = ([ax, ay]: Point, [bx, by]: Point) => ({
  left: Math.min(ax, bx),
  top: Math.min(ay, by),
  right: Math.max(ax, bx),
  bottom: Math.max(ay, by),
});
export function areaOf(shape: 'ellipse' | 'rectangle', a: Point, b: Point, { row, column }: Scale): number {
  const { left, top, right, bottom } = frameOf(a, b);
  const area = (right - left) * column * (bottom - top) * row;
  return shape === 'ellipse' ? (area * Math.PI) / 4 : area;
}
