/**
 * Marks of a reader on an image: what was measured, written or chosen. Used by the page that draws them, by the room that keeps
 * them and by delivery, which makes DICOM of them.
 */
import type { Calibration, CalibrationKind, Point } from './calibration.ts';
import { angleAt, areaOf, cobbAngle, distance } from './geometry.ts';
import { statisticsOf, valueAt, type PixelGrid } from './statistics.ts';

/** How many points each has. `ctr`: the heart's width, then the chest's. `arrow`: its tip first. `key`: a key image. */
export const POINTS = {
  length: 2,
  angle: 3,
  cobb: 4,
  ctr: 4,
  ellipse: 2,
  rectangle: 2,
  probe: 1,
  arrow: 2,
  text: 1,
  key: 0,
} as const;
export type MarkKind = keyof typeof POINTS;
export const MARK_KINDS = Object.keys(POINTS) as readonly MarkKind[];

export type Unit = 'mm' | 'px' | 'mm2' | 'px2' | 'deg' | '1' | 'HU' | '';
export const PIXEL_QUANTITIES = ['mean', 'sd', 'min', 'max', 'value'] as const;
export type PixelQuantity = (typeof PIXEL_QUANTITIES)[number];
export interface Quantity {
  /** `heart`, `thorax`: the widths that a cardiothoracic ratio is made of. */
  name: 'length' | 'angle' | 'ratio' | 'heart' | 'thorax' | 'area' | PixelQuantity;
  value: number;
  unit: Unit;
}

/** How an image was shown when it was chosen. Flipped left to right after it was turned, as PS3.3 C.10.6 has it. */
export interface Presentation {
  window: { centre: number; width: number } | null;
  inverted: boolean;
  /** Degrees clockwise. */
  rotation: 0 | 90 | 180 | 270;
  flipped: boolean;
}

export interface Mark {
  /** A UUID: as `2.25.…` the Tracking Unique Identifier in DICOM. */
  id: string;
  kind: MarkKind;
  sopInstanceUid: string;
  /** From 1. */
  frame: number;
  /** Image pixels, x right, y down, origin at the corner of the first pixel (PS3.3 C.18.6.1.1). */
  points: Point[];
  text: string | null;
  quantities: Quantity[];
  calibration: CalibrationKind;
  presentation: Presentation | null;
  /** ms UTC. */
  at: number;
}

/** Lengths, angles and areas that follow from the points alone. */
export function geometryOf(kind: MarkKind, points: readonly Point[], calibration: Calibration): Quantity[] {
  const known = calibration.kind !== 'none';
  const length: Unit = known ? 'mm' : 'px';
  const area: Unit = known ? 'mm2' : 'px2';
  const [a, b, c, d] = points as [Point, Point, Point, Point];
  switch (kind) {
    case 'length':
      return [{ name: 'length', value: distance(a, b, calibration), unit: length }];
    case 'angle':
      return [{ name: 'angle', value: angleAt(a, b, c, calibration), unit: 'deg' }];
    case 'cobb':
      return [{ name: 'angle', value: cobbAngle(a, b, c, d, calibration), unit: 'deg' }];
    case 'ctr': {
      const heart = distance(a, b, calibration);
      const thorax = distance(c, d, calibration);
      return [
        ...(thorax > 0 ? [{ name: 'ratio' as const, value: heart / thorax, unit: '1' as const }] : []),
        { name: 'heart', value: heart, unit: length },
        { name: 'thorax', value: thorax, unit: length },
      ];
    }
    case 'ellipse':
    case 'rectangle':
      return [{ name: 'area', value: areaOf(kind, a, b, calibration), unit: area }];
    default:
      return [];
  }
}

/** What the pixels say: of a region mean, standard deviation, least and greatest value; of a point its value. */
export function pixelQuantitiesOf(
  kind: MarkKind,
  points: readonly Point[],
  pixels: PixelGrid,
  unit: 'HU' | '',
): Quantity[] {
  if (kind === 'probe') {
    const value = valueAt(pixels, points[0]!);
    return value === undefined ? [] : [{ name: 'value', value, unit }];
  }
  if (kind !== 'ellipse' && kind !== 'rectangle') return [];
  const found = statisticsOf(pixels, kind, points[0]!, points[1]!);
  return found
    ? (['mean', 'sd', 'min', 'max'] as const).map((name) => ({ name, value: found[name], unit }))
    : [];
}

export const quantity = (mark: Pick<Mark, 'quantities'>, name: Quantity['name']): Quantity | undefined =>
  mark.quantities.find((each) => each.name === name);
