/**
 * What the header says of one frame: from its own functional groups, the shared ones (PS3.3 C.7.6.16), else the data set itself.
 * Pure.
 */
import { groupOf } from '../../../measure/header.ts';
import { items, number, numbers, text, type Metadata } from '../viewer/loading/dicomweb.ts';

/** In the patient's coordinates: x to the left, y to the back, z to the head (PS3.3 C.7.6.2.1.1), mm or direction cosines. */
export type Vector = readonly [number, number, number];

/** Macros of functional groups and what this page reads of them, PS3.3 C.7.6.16.2. */
const MACROS = {
  pixelMeasures: '00289110',
  planePosition: '00209113',
  planeOrientation: '00209116',
  frameContent: '00209111',
  frameVoiLut: '00289132',
  pixelValueTransformation: '00289145',
  mrDiffusion: '00189117',
  mrEcho: '00189114',
  cardiacSynchronization: '00189118',
  temporalPosition: '00200051', // inside TemporalPositionSequence (0020,9310)
  frameAnatomy: '00209071',
} as const;
export type Macro = keyof typeof MACROS;

/** The item of a macro for frame `n` (1-based): the frame's own, the shared one, else the data set itself. */
export function group(data: Metadata, macro: Macro, n: number): Metadata {
  return groupOf(data, MACROS[macro], n) ?? data;
}

export const framesOf = (data: Metadata): number => Math.max(1, number(data, '00280008') ?? 1);

export interface Plane {
  /** Centre of the first pixel, mm. */
  position: Vector;
  /** The direction in which columns are counted, along a row. */
  row: Vector;
  /** The direction in which rows are counted, down a column. */
  column: Vector;
}

const vector = (values: number[]): Vector | undefined =>
  values.length === 3 ? [values[0]!, values[1]!, values[2]!] : undefined;
export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const unit = (v: Vector): Vector | undefined => {
  const length = Math.hypot(...v);
  return length > 1e-6 ? [v[0] / length, v[1] / length, v[2] / length] : undefined;
};

/** The frame's rows and columns in the patient; undefined where the header gives none that can be. */
export function axesOf(data: Metadata, n: number): Pick<Plane, 'row' | 'column'> | undefined {
  const cosines = numbers(group(data, 'planeOrientation', n), '00200037');
  if (cosines.length !== 6) return undefined;
  const row = unit([cosines[0]!, cosines[1]!, cosines[2]!]);
  const column = unit([cosines[3]!, cosines[4]!, cosines[5]!]);
  // Not at right angles: no plane of an image (PS3.3 C.7.6.2.1.1).
  return row && column && Math.abs(dot(row, column)) < 0.01 ? { row, column } : undefined;
}

/**
 * Where the frame lies in the patient; undefined for projections, ultrasound, photos, and for the frames of a classic multi-frame
 * image, which has one position for all. A dose grid gives the distance of each frame from the first (PS3.3 C.8.8.3.2).
 */
export function planeOf(data: Metadata, n: number): Plane | undefined {
  const axes = axesOf(data, n);
  const own = groupOf(data, MACROS.planePosition, n);
  const position = vector(numbers(own ?? data, '00200032'));
  if (!position || !axes) return undefined;
  if (own || framesOf(data) === 1) return { position, ...axes };
  const offsets = numbers(data, '3004000C');
  if (offsets.length !== framesOf(data)) return undefined;
  const normal = cross(axes.row, axes.column);
  // Either from the first frame, or the coordinate itself, then the first is that of the position.
  const offset = offsets[n - 1]! - (offsets[0] === 0 ? 0 : offsets[0]!);
  const moved = position.map((value, axis) => value + offset * normal[axis]!);
  return { position: moved as unknown as Vector, ...axes };
}

/** Row and column spacing in mm, of the frame (PS3.3 C.7.6.16.2.1, 10.7.1). */
export function pixelSpacingOf(data: Metadata, n: number): [row: number, column: number] | undefined {
  const [row, column] = numbers(group(data, 'pixelMeasures', n), '00280030');
  return row && column && row > 0 && column > 0 ? [row, column] : undefined;
}

const seconds = (time: string | undefined): number | undefined => {
  // DT is a date before the time; only the order within a study counts, so days are counted too.
  const found = /^(\d{8})?(\d{2})(\d{2})?(\d{2}(?:\.\d+)?)?/.exec(time ?? '');
  if (!found) return undefined;
  const [, date, hour, minute, second] = found;
  const day = date
    ? Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6))) / 1000
    : 0;
  return day + Number(hour) * 3600 + Number(minute ?? 0) * 60 + Number(second ?? 0);
};

/** Of what a stack may be made beside its positions. Numbers, so that they sort; text only where there is no order. */
export const DIMENSIONS = [
  'stack',
  'imageType',
  'bValue',
  'echo',
  'inversion',
  'flip',
  'phase',
  'temporal',
  'acquisition',
  'time',
  'direction',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export type FrameDimensions = Partial<Record<Dimension, number | string>>;

/** The values by which frames of one position may differ: b-value, echo, cardiac phase, time and so on. */
export function dimensionsOf(data: Metadata, n: number): FrameDimensions {
  const content = group(data, 'frameContent', n);
  const diffusion = group(data, 'mrDiffusion', n);
  const echo = group(data, 'mrEcho', n);
  const cardiac = group(data, 'cardiacSynchronization', n);
  const temporal = groupOf(data, '00209310', n);
  const gradient = items(diffusion, '00189076')[0] ?? diffusion;
  const found: Record<Dimension, number | string | undefined> = {
    stack: text(content, '00209056'),
    imageType: imageTypeOf(data, n),
    bValue: number(diffusion, '00189087') ?? siemensBValue(data),
    echo: number(echo, '00189082') ?? number(data, '00180081') ?? number(data, '00180086'),
    inversion: number(data, '00180082'),
    flip: number(data, '00181314'),
    phase: number(cardiac, '00209153') ?? number(data, '00181060'),
    temporal:
      number(content, '00209128') ?? (temporal && number(temporal, '0020930D')) ?? number(data, '00200100'),
    acquisition: number(content, '00209156') ?? number(data, '00200012'),
    time:
      seconds(text(content, '00189074')) ??
      seconds(text(data, '0008002A')) ??
      seconds(text(data, '00080032')) ??
      seconds(text(data, '00080033')),
    direction: numbers(gradient, '00189089').join('/') || undefined,
  };
  return Object.fromEntries(
    Object.entries(found).filter(([, value]) => value !== undefined),
  ) as FrameDimensions;
}

/** Values 3 and on of Image Type or Frame Type: what tells water from fat, phase from magnitude. */
function imageTypeOf(data: Metadata, n: number): string | undefined {
  for (const tag of ['00189226', '00189329', '00189412', '00209246']) {
    const frameType = groupOf(data, tag, n);
    const values = frameType?.['00089007']?.Value;
    if (values?.length) return values.slice(2).join('/');
  }
  return (data['00080008']?.Value ?? []).slice(2).join('/') || undefined;
}

/** Siemens wrote the b-value to a private element before the standard had one: (0019,xx0C) of "SIEMENS MR HEADER". */
function siemensBValue(data: Metadata): number | undefined {
  if (text(data, '00190010') !== 'SIEMENS MR HEADER') return undefined;
  const value = Number(text(data, '0019100C'));
  return Number.isFinite(value) ? value : undefined;
}

export const isLocalizer = (data: Metadata, n: number): boolean =>
  /(^|\/)(LOCALIZER|SCOUT)(\/|$)/.test(imageTypeOf(data, n) ?? '');
