import type { Point } from './calibration.ts';
import { frameOf } from './geometry.ts';

/** One frame of values after the modality transformation, row by row. */
export interface PixelGrid {
  columns: number;
  rows: number;
  values: ArrayLike<number>;
}
export interface Statistics {
  count: number;
  mean: number;
  /** Of all pixels of the region, not an estimate from a sample: divided by the count. */
  sd: number;
  min: number;
  max: number;
}

/** Value of the pixel that holds the point; undefined outside the image. */
export function valueAt({ columns, rows, values }: PixelGrid, [x, y]: Point): number | undefined {
  const column = Math.floor(x);
  const row = Math.floor(y);
  return column >= 0 && row >= 0 && column < columns && row < rows
    ? values[row * columns + column]
    : undefined;
}

/** Of the pixels whose centre lies in the region; undefined where there is none. */
export function statisticsOf(
  { columns, rows, values }: PixelGrid,
  shape: 'ellipse' | 'rectangle',
  a: Point,
  b: Point,
): Statistics | undefined {
  const { left, top, right, bottom } = frameOf(a, b);
  const [cx, cy, rx, ry] = [(left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2];
  let count = 0;
  let mean = 0;
  let squares = 0;
  let min = Infinity;
  let max = -Infinity;
  for (let row = Math.max(0, Math.ceil(top - 0.5)); row < rows && row + 0.5 <= bottom; row++) {
    for (
      let column = Math.max(0, Math.ceil(left - 0.5));
      column < columns && column + 0.5 <= right;
      column++
    ) {
      if (shape === 'ellipse') {
        const dx = (column + 0.5 - cx) / rx;
        const dy = (row + 0.5 - cy) / ry;
        if (dx * dx + dy * dy > 1) continue;
      }
      const value = values[row * columns + column]!;
      // Welford: the sum of squares of a CT at -1000 HU loses nothing.
      count += 1;
      const off = value - mean;
      mean += off / count;
      squares += off * (value - mean);
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  return count ? { count, mean, sd: Math.sqrt(squares / count), min, max } : undefined;
}
