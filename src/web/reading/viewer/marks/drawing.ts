/**
 * How points are placed, by press, drag and release or by single clicks and taps. Pure: the sheet that listens to the pointer
 * keeps what these functions give.
 */
import type { Point } from '../../../../measure/calibration.ts';
import { POINTS, type MarkKind } from '../../../../measure/marks.ts';

export interface Drawing {
  kind: MarkKind;
  placed: readonly Point[];
  /** The point under the pointer, not placed yet. */
  floating: Point | null;
  /** The press that is going on placed a point of its own: released without moving, the next one waits for another click. */
  began: boolean;
}

/** Marks made of two lines: each is drawn by a stroke of its own. */
const TWO_LINES = new Set<MarkKind>(['cobb', 'ctr']);

/** Where a mark's lines run between its points. */
export const linesOf = (kind: MarkKind | 'polyline', count: number): readonly (readonly number[])[] =>
  kind === 'cobb' || kind === 'ctr'
    ? [
        [0, 1],
        [2, 3],
      ].filter((line) => line.every((i) => i < count))
    : [Array.from({ length: count }, (_, i) => i)];

export function pressed(drawing: Drawing | null, kind: MarkKind, at: Point): Drawing {
  const placed = drawing?.kind === kind ? drawing.placed : [];
  const begins = placed.length === 0 || (TWO_LINES.has(kind) && placed.length === 2);
  return { kind, placed: begins ? [...placed, at] : placed, floating: at, began: begins };
}
export const moved = (drawing: Drawing, at: Point): Drawing => ({ ...drawing, floating: at });

/** `far`: the pointer went further than a hand shakes. Gives the drawing that goes on, or the points of the finished mark. */
export function released(
  drawing: Drawing,
  at: Point,
  far: boolean,
): { drawing: Drawing } | { done: Point[] } {
  const wanted = POINTS[drawing.kind];
  // A written note needs no arrow: a click alone is its place, and both its ends.
  const waits = drawing.began && !far && drawing.kind !== 'arrow';
  const placed = waits ? drawing.placed : [...drawing.placed, at];
  if (placed.length >= wanted) return { done: placed.slice(0, wanted) };
  const waitsForPress = TWO_LINES.has(drawing.kind) && placed.length === 2;
  return { drawing: { ...drawing, placed, floating: waitsForPress ? null : at, began: false } };
}

/** What is seen of it so far. */
export const shownPoints = ({ placed, floating, kind }: Drawing): Point[] =>
  (floating ? [...placed, floating] : [...placed]).slice(0, POINTS[kind]);

/** A shape to begin with where there is no pointer: in the middle of the image, a third of it wide. */
export function startingPoints(
  kind: MarkKind,
  { columns, rows }: { columns: number; rows: number },
): Point[] {
  const at = (x: number, y: number): Point => [columns * x, rows * y];
  const by: Record<MarkKind, Point[]> = {
    length: [at(1 / 3, 0.5), at(2 / 3, 0.5)],
    angle: [at(1 / 3, 1 / 3), at(1 / 3, 2 / 3), at(2 / 3, 2 / 3)],
    cobb: [at(1 / 3, 0.3), at(2 / 3, 0.35), at(1 / 3, 0.7), at(2 / 3, 0.65)],
    ctr: [at(0.38, 0.6), at(0.62, 0.6), at(0.2, 0.7), at(0.8, 0.7)],
    ellipse: [at(0.4, 0.4), at(0.6, 0.6)],
    rectangle: [at(0.4, 0.4), at(0.6, 0.6)],
    probe: [at(0.5, 0.5)],
    arrow: [at(0.5, 0.5), at(0.6, 0.4)],
    text: [at(0.5, 0.5)],
    key: [],
  };
  return by[kind];
}

/** Moved by `dx`, `dy` image pixels, one point or all of them, inside the image. */
export function nudged(
  points: readonly Point[],
  which: number | 'all',
  dx: number,
  dy: number,
  { columns, rows }: { columns: number; rows: number },
): Point[] {
  const clamp = (value: number, most: number) => Math.min(most, Math.max(0, value));
  if (which !== 'all')
    return points.map(([x, y], i): Point =>
      i === which ? [clamp(x + dx, columns), clamp(y + dy, rows)] : [x, y],
    );
  // The whole keeps its shape: it stops where its first point would leave the image.
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const mx = Math.min(columns - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const my = Math.min(rows - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return points.map(([x, y]): Point => [x + mx, y + my]);
}
