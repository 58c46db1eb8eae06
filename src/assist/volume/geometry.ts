/** Where the images of a series lie in the patient: sorted into a volume, or a reason why they are none. Pure; all in mm. */
import { NegatoscopeError } from '../../errors.ts';

export type Vector = readonly [number, number, number];

/** Position of one image: Image Plane module, PS3.3 C.7.6.2. Patient axes: x to the left, y to posterior, z to the head. */
export interface SliceGeometry {
  readonly rows: number;
  readonly columns: number;
  /** Direction cosines along a row (column index grows), then along a column (row index grows). */
  readonly orientation: readonly number[];
  /** Centre of the first pixel. */
  readonly position: Vector;
  /** Between rows, between columns. */
  readonly spacing: readonly [number, number];
  readonly thickness: number | null;
  readonly frameOfReferenceUid: string;
}

export interface VolumeGeometry {
  readonly rows: number;
  readonly columns: number;
  readonly slices: number;
  /** Indices of the given slices, from the first to the last along the normal. */
  readonly order: readonly number[];
  /** Steps of one column index, one row index and one slice index. */
  readonly steps: readonly [column: Vector, row: Vector, slice: Vector];
  /** Centre of the first pixel of the first slice. */
  readonly origin: Vector;
  /** Of each slice, in their order. */
  readonly positions: readonly Vector[];
  readonly orientation: readonly number[];
  readonly spacing: readonly [number, number];
  readonly thickness: number | null;
  /** Between neighbouring slices, along the normal. */
  readonly between: number;
  readonly frameOfReferenceUid: string;
}

/** Of direction cosines and pixel spacing: what scanners round. */
const SAME = 1e-3;
/** By which a slice may lie beside its even place: a part of the distance between slices. */
const UNEVEN = 0.05;
/** mm; positions are written with two decimals by some. */
const ROUNDING = 0.02;

const cross = (a: readonly number[], b: readonly number[]): Vector => [
  a[1]! * b[2]! - a[2]! * b[1]!,
  a[2]! * b[0]! - a[0]! * b[2]!,
  a[0]! * b[1]! - a[1]! * b[0]!,
];
const dot = (a: readonly number[], b: readonly number[]): number =>
  a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a: readonly number[], by: number): Vector => [a[0]! * by, a[1]! * by, a[2]! * by];
export const length = (a: readonly number[]): number => Math.hypot(a[0]!, a[1]!, a[2]!);

const refused = (message: string): NegatoscopeError =>
  new NegatoscopeError('volume-geometry', message, { status: 422 });

/**
 * The images as one volume, evenly spaced (a tilted gantry is one too: the slice step need not be the normal). Throws
 * `volume-geometry` where they are none: fewer than two, another size or orientation among them, two at one place, a gap.
 */
export function volumeOf(slices: readonly SliceGeometry[]): VolumeGeometry {
  const [first] = slices;
  if (!first || slices.length < 2) throw refused('A volume needs at least two images');
  const across = first.orientation.slice(0, 3);
  const down = first.orientation.slice(3, 6);
  const normal = cross(across, down);
  if (Math.abs(length(normal) - 1) > 0.01 || Math.abs(dot(across, down)) > 0.01)
    throw refused('Image Orientation (Patient) is not that of a plane');
  for (const each of slices) {
    if (each.rows !== first.rows || each.columns !== first.columns)
      throw refused('The images differ in size');
    if (
      each.orientation.some((value, i) => !(Math.abs(value - first.orientation[i]!) <= SAME)) ||
      each.spacing.some((value, i) => !(Math.abs(value - first.spacing[i]!) <= SAME * first.spacing[i]!))
    )
      throw refused('The images differ in orientation or pixel spacing');
    if (each.frameOfReferenceUid !== first.frameOfReferenceUid)
      throw refused('The images have several frames of reference');
  }
  const heights = slices.map((each) => dot(each.position, normal));
  const order = slices.map((_, i) => i).sort((a, b) => heights[a]! - heights[b]!);
  const positions = order.map((i) => slices[i]!.position);
  const origin = positions[0]!;
  const slice = times(minus(positions.at(-1)!, origin), 1 / (slices.length - 1));
  const between = dot(slice, normal);
  if (!(between > ROUNDING)) throw refused('Several images lie at one place');
  for (let i = 1; i < order.length; i += 1)
    if (heights[order[i]!]! - heights[order[i - 1]!]! < ROUNDING)
      throw refused('Several images lie at one place');
  for (const [i, position] of positions.entries()) {
    const off = length(minus(minus(position, origin), times(slice, i)));
    if (!(off <= Math.max(UNEVEN * between, ROUNDING)))
      throw refused('The images are not evenly spaced: one is missing or moved');
  }
  return {
    rows: first.rows,
    columns: first.columns,
    slices: slices.length,
    order,
    steps: [times(across, first.spacing[1]), times(down, first.spacing[0]), slice],
    origin,
    positions,
    orientation: first.orientation,
    spacing: first.spacing,
    thickness: first.thickness,
    between,
    frameOfReferenceUid: first.frameOfReferenceUid,
  };
}

/** Volume of a voxel in ml. */
export function voxelMl({ steps: [column, row, slice] }: Pick<VolumeGeometry, 'steps'>): number {
  return Math.abs(dot(cross(column, row), slice)) / 1000;
}
