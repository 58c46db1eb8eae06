/** Where images lie in the patient: the same place in another series, lines where planes cross. Pure. */
import { cross, dot, pixelSpacingOf, planeOf as placeOf, type Vector } from '../../stacks/frameData.ts';
import { number, text, type Metadata } from '../loading/dicomweb.ts';

/** The plane of an image: PS3.3 C.7.6.2. */
export interface Plane {
  frameOfReference: string;
  /** Centre of the first pixel, mm. */
  origin: Vector;
  /** Along a row (x grows), and down a column (y grows). */
  across: Vector;
  down: Vector;
  /** mm between rows and between columns. */
  spacing: { row: number; column: number };
  rows: number;
  columns: number;
}

const add = (a: Vector, b: Vector, by = 1): Vector => [a[0] + by * b[0], a[1] + by * b[1], a[2] + by * b[2]];
const minus = (a: Vector, b: Vector): Vector => add(a, b, -1);

/** Undefined where the header does not place the image: projections, photographs, ultrasound. `frame`: 1-based. */
export function planeOf(header: Metadata, frame = 1): Plane | undefined {
  const place = placeOf(header, frame);
  const spacing = pixelSpacingOf(header, frame);
  const rows = number(header, '00280010');
  const columns = number(header, '00280011');
  if (!place || !spacing || !rows || !columns) return undefined;
  return {
    frameOfReference: text(header, '00200052') ?? '',
    origin: place.position,
    across: place.row,
    down: place.column,
    spacing: { row: spacing[0], column: spacing[1] },
    rows,
    columns,
  };
}

const middleOf = (plane: Plane): Vector =>
  add(
    add(plane.origin, plane.across, ((plane.columns - 1) / 2) * plane.spacing.column),
    plane.down,
    ((plane.rows - 1) / 2) * plane.spacing.row,
  );
export const normalOf = (plane: Plane): Vector => cross(plane.across, plane.down);

/**
 * The image of a series that is nearest to the place of another: where its plane lies along the other's normal, in mm. `offset`: how
 * far the two are apart, for exams without a common frame of reference. -1 where they do not run alike.
 */
export function nearest(from: Plane, series: readonly (Plane | undefined)[], offset = 0): number {
  const normal = normalOf(from);
  const at = dot(middleOf(from), normal) + offset;
  let best = -1;
  let least = Infinity;
  series.forEach((plane, index) => {
    // Stacks that run across each other have no common place to scroll to.
    if (!plane || Math.abs(dot(normalOf(plane), normal)) < 0.8) return;
    const away = Math.abs(dot(middleOf(plane), normal) - at);
    if (away < least) [best, least] = [index, away];
  });
  return best;
}
/** How far the second lies from the first along the first's normal, mm: kept while two exams scroll together. */
export const offsetBetween = (from: Plane, to: Plane): number =>
  dot(minus(middleOf(to), middleOf(from)), normalOf(from));

/**
 * Where the plane of another image crosses this one: two ends in image pixels (origin at the corner), on the edges of this image.
 * Null for parallel planes, other frames of reference, and lines that miss the image.
 */
export function crossing(on: Plane, other: Plane): [[number, number], [number, number]] | null {
  if (!on.frameOfReference || on.frameOfReference !== other.frameOfReference) return null;
  const normal = normalOf(other);
  // n·(o + u a x + v d y) = n·p, with u, v in pixels from the centre of the first.
  const a = dot(normal, on.across) * on.spacing.column;
  const b = dot(normal, on.down) * on.spacing.row;
  const c = dot(normal, minus(other.origin, on.origin));
  if (Math.hypot(dot(normal, on.across), dot(normal, on.down)) < 0.1) return null;
  const ends: [number, number][] = [];
  const put = (u: number, v: number) => {
    const inside = u >= -0.5001 && v >= -0.5001 && u <= on.columns - 0.4999 && v <= on.rows - 0.4999;
    if (inside && !ends.some(([x, y]) => Math.hypot(x - u - 0.5, y - v - 0.5) < 0.01))
      ends.push([u + 0.5, v + 0.5]);
  };
  if (Math.abs(b) > 1e-9) for (const u of [-0.5, on.columns - 0.5]) put(u, (c - a * u) / b);
  if (Math.abs(a) > 1e-9) for (const v of [-0.5, on.rows - 0.5]) put((c - b * v) / a, v);
  return ends.length >= 2 ? [ends[0]!, ends[1]!] : null;
}
