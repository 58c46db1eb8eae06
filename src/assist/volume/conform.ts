/**
 * From a series to the grid of a network and back: rotation to its axes, resampling, intensity. Pure.
 *
 * A grid is an origin and three steps (mm, patient axes). Arrays are in C order: the last index runs fastest.
 */
import type { VolumeInput } from '../types.ts';
import { length } from './geometry.ts';
import type { Vector, VolumeGeometry } from './geometry.ts';

/** `[d0, d1, d2]`, evenly spaced points in the patient. */
export interface Grid {
  readonly size: readonly [number, number, number];
  /** Centre of the first voxel. */
  readonly origin: Vector;
  /** Of one step of each index. */
  readonly steps: readonly [Vector, Vector, Vector];
}

/** Towards which the index grows: patient axes of PS3.3 C.7.6.2.1.1 (x to the left, y to posterior, z to the head). */
const TOWARDS: Readonly<Record<string, Vector>> = {
  L: [1, 0, 0],
  R: [-1, 0, 0],
  P: [0, 1, 0],
  A: [0, -1, 0],
  S: [0, 0, 1],
  I: [0, 0, -1],
};

/** The source as it lies in memory: slices of rows of columns. */
export const sourceGrid = (volume: VolumeGeometry): Grid => ({
  size: [volume.slices, volume.rows, volume.columns],
  origin: volume.origin,
  steps: [volume.steps[2], volume.steps[1], volume.steps[0]],
});

const add = (...vectors: Vector[]): Vector => [
  vectors.reduce((sum, v) => sum + v[0], 0),
  vectors.reduce((sum, v) => sum + v[1], 0),
  vectors.reduce((sum, v) => sum + v[2], 0),
];
const times = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

const centre = ({ size, origin, steps }: Grid): Vector =>
  add(origin, ...steps.map((step, i) => times(step, (size[i]! - 1) / 2)));

/**
 * The network's grid for a source, on the same centre. Without `size`, as many voxels as cover the source; without `spacing`, the
 * source's own along each axis; `oblique: keep` follows the source's own axes, only named and turned as the network wants them.
 */
export function networkGrid(source: Grid, input: VolumeInput): Grid {
  const axes = [...input.axes].map((letter) => TOWARDS[letter]!) as [Vector, Vector, Vector];
  const lengths = source.steps.map(length);
  const units = source.steps.map((step, i) => times(step, 1 / lengths[i]!)) as [Vector, Vector, Vector];
  const nearest = pairing(axes, units);
  const directions =
    input.oblique === 'keep'
      ? axes.map((axis, i) => {
          const own = units[nearest[i]!]!;
          return times(own, Math.sign(dot(own, axis)) || 1);
        })
      : axes;
  const spacing = directions.map((_, i) => input.spacing?.[i] ?? lengths[nearest[i]!]!);
  const size = directions.map((direction, i) => {
    if (input.size) return input.size[i]!;
    // As far as the source's voxels reach along this direction.
    const extent = source.steps.reduce(
      (sum, step, k) => sum + Math.abs(dot(step, direction)) * source.size[k]!,
      0,
    );
    const least = Math.max(1, Math.round(extent / spacing[i]! - 1e-3));
    const multiple = input.multipleOf ?? 1;
    return Math.ceil(least / multiple) * multiple;
  }) as [number, number, number];
  const steps = directions.map((direction, i) => times(direction, spacing[i]!)) as [Vector, Vector, Vector];
  const middle = centre(source);
  const origin = add(middle, ...steps.map((step, i) => times(step, -(size[i]! - 1) / 2)));
  return { size, origin, steps };
}

/** Which of the source's axes lies nearest to each of the network's: each taken once, the clearest first. */
function pairing(axes: readonly Vector[], units: readonly Vector[]): [number, number, number] {
  const pairs = axes
    .flatMap((axis, i) => units.map((unit, k) => ({ i, k, near: Math.abs(dot(axis, unit)) })))
    .sort((a, b) => b.near - a.near);
  const found: (number | undefined)[] = [undefined, undefined, undefined];
  for (const { i, k } of pairs) if (found[i] === undefined && !found.includes(k)) found[i] = k;
  return found as [number, number, number];
}

/** Index of `to` from index of `from`: `to = offset + matrix · from`. */
interface Mapping {
  readonly matrix: readonly [Vector, Vector, Vector];
  readonly offset: Vector;
  /** The points of one grid are points of the other: nothing is interpolated. */
  readonly exact: boolean;
}

/** By which a coefficient or an offset may differ from a whole number and count as it: voxels. */
const WHOLE = 0.01;

export function mapping(from: Grid, to: Grid): Mapping {
  const inverse = inverted(to.steps);
  const into = (v: Vector): Vector => [dot(inverse[0], v), dot(inverse[1], v), dot(inverse[2], v)];
  const columns = from.steps.map(into);
  const matrix = [0, 1, 2].map((row) =>
    columns.map((column) => column[row]!),
  ) as unknown as Mapping['matrix'];
  const offset = into(add(from.origin, times(to.origin, -1)));
  // Over the whole grid the error of a coefficient adds up.
  const near = (value: number, by: number): boolean => Math.abs(value - Math.round(value)) <= by;
  const exact =
    offset.every((value) => near(value, WHOLE)) &&
    matrix.every((row) => row.every((value, i) => near(value, WHOLE / Math.max(1, from.size[i]!))));
  if (!exact) return { matrix, offset, exact };
  const whole = (v: Vector): Vector => v.map((value) => Math.round(value)) as unknown as Vector;
  return { matrix: matrix.map(whole) as unknown as Mapping['matrix'], offset: whole(offset), exact };
}

/** Inverse of the matrix whose columns are the steps, as rows. */
function inverted([a, b, c]: readonly [Vector, Vector, Vector]): [Vector, Vector, Vector] {
  const cross = (u: Vector, v: Vector): Vector => [
    u[1] * v[2] - u[2] * v[1],
    u[2] * v[0] - u[0] * v[2],
    u[0] * v[1] - u[1] * v[0],
  ];
  const determinant = dot(a, cross(b, c));
  return [
    times(cross(b, c), 1 / determinant),
    times(cross(c, a), 1 / determinant),
    times(cross(a, b), 1 / determinant),
  ];
}

/**
 * The values of `source` at the points of `grid`, by trilinear interpolation; `outside` where the source does not reach.
 * @param slices of the source, each `rows × columns`; they are read only
 */
export function resampled(
  slices: readonly Float32Array[],
  source: Grid,
  grid: Grid,
  outside: number,
): Float32Array {
  const { matrix, offset, exact } = mapping(grid, source);
  const [n0, n1, n2] = grid.size;
  const [s0, s1, s2] = source.size;
  const out = new Float32Array(n0 * n1 * n2);
  const value = (k: number, j: number, i: number): number =>
    k < 0 || j < 0 || i < 0 || k >= s0 || j >= s1 || i >= s2 ? outside : slices[k]![j * s2 + i]!;
  let at = 0;
  for (let x = 0; x < n0; x += 1)
    for (let y = 0; y < n1; y += 1) {
      let k = offset[0] + matrix[0][0] * x + matrix[0][1] * y;
      let j = offset[1] + matrix[1][0] * x + matrix[1][1] * y;
      let i = offset[2] + matrix[2][0] * x + matrix[2][1] * y;
      for (let z = 0; z < n2; z += 1, at += 1) {
        if (exact) out[at] = value(k, j, i);
        else {
          const [k0, j0, i0] = [Math.floor(k), Math.floor(j), Math.floor(i)];
          const [dk, dj, di] = [k - k0, j - j0, i - i0];
          // Half a voxel around the source still belongs to its outer voxels.
          if (k < -0.5 || j < -0.5 || i < -0.5 || k > s0 - 0.5 || j > s1 - 0.5 || i > s2 - 0.5)
            out[at] = outside;
          else {
            const [ka, kb] = [Math.max(0, k0), Math.min(s0 - 1, k0 + 1)];
            const [ja, jb] = [Math.max(0, j0), Math.min(s1 - 1, j0 + 1)];
            const [ia, ib] = [Math.max(0, i0), Math.min(s2 - 1, i0 + 1)];
            const near = slices[ka]!;
            const far = slices[kb]!;
            const line = (slice: Float32Array, row: number): number =>
              slice[row * s2 + ia]! * (1 - di) + slice[row * s2 + ib]! * di;
            const plane = (slice: Float32Array): number => line(slice, ja) * (1 - dj) + line(slice, jb) * dj;
            out[at] = plane(near) * (1 - dk) + plane(far) * dk;
          }
        }
        k += matrix[0][2];
        j += matrix[1][2];
        i += matrix[2][2];
      }
    }
  return out;
}

/** Labels on `grid` at the points of `source` (nearest voxel; 0 outside), a slice each. */
export function labelsOnSource(labels: Uint8Array, grid: Grid, source: Grid): Uint8Array[] {
  const { matrix, offset } = mapping(source, grid);
  const [n0, n1, n2] = grid.size;
  const [s0, s1, s2] = source.size;
  return Array.from({ length: s0 }, (_, k) => {
    const slice = new Uint8Array(s1 * s2);
    let at = 0;
    for (let j = 0; j < s1; j += 1) {
      let x = offset[0] + matrix[0][0] * k + matrix[0][1] * j;
      let y = offset[1] + matrix[1][0] * k + matrix[1][1] * j;
      let z = offset[2] + matrix[2][0] * k + matrix[2][1] * j;
      for (let i = 0; i < s2; i += 1, at += 1) {
        const [a, b, c] = [Math.round(x), Math.round(y), Math.round(z)];
        if (a >= 0 && b >= 0 && c >= 0 && a < n0 && b < n1 && c < n2)
          slice[at] = labels[(a * n1 + b) * n2 + c]!;
        x += matrix[0][2];
        y += matrix[1][2];
        z += matrix[2][2];
      }
    }
    return slice;
  });
}
