/** How far one pixel is from the next, and how that is known: PS3.3 10.7.1. Pixels never pose as millimetres. */
import { groupOf, itemsIn, numberIn, numbersIn, textIn, type Header } from './header.ts';

export type CalibrationKind =
  /** Pixel Spacing of a cross-section, or one that was calibrated. */
  | 'calibrated'
  /** At the detector, divided by the magnification that the header states. */
  | 'estimated'
  /** At the detector (or on the film): the object is smaller. */
  | 'detector'
  /** A region of an ultrasound image (PS3.3 C.8.5.5). */
  | 'region'
  /** Not known: lengths are pixels. */
  | 'none';
/** `row`, `column`: mm between rows and between columns; of kind `none` their relation alone, from Pixel Aspect Ratio. */
export interface Calibration {
  kind: CalibrationKind;
  row: number;
  column: number;
}

export type Point = readonly [x: number, y: number];

const PROJECTION = new Set(['CR', 'DX', 'MG', 'RG', 'XA', 'RF', 'IO', 'PX']);

const pairOf = (values: readonly number[]): readonly [number, number] | undefined =>
  values.length === 2 && values[0]! > 0 && values[1]! > 0 ? [values[0]!, values[1]!] : undefined;
/** Pixel Aspect Ratio, 1 to 1 where it is not said (PS3.3 C.7.6.3.1.7). */
export const aspectRatioOf = (header: Header): readonly [vertical: number, horizontal: number] =>
  pairOf(numbersIn(header, '00280034')) ?? [1, 1];

/** 0.139 and 0.13899999: decimal strings are rounded on the way, while no calibration corrects by so little. */
const same = (a: number, b: number): boolean => Math.abs(a - b) <= a * 1e-4;

/** Of a frame (from 1) as a whole; where an image has regions with spacings of their own, `calibrationAt` knows more. */
export function calibrationOf(header: Header, frame = 1): Calibration {
  const measures = groupOf(header, '00289110', frame);
  const spacing = pairOf(numbersIn(measures ?? header, '00280030'));
  const detector = pairOf(numbersIn(header, '00181164')) ?? pairOf(numbersIn(header, '00182010'));
  const factor = numberIn(header, '00181114');
  const known = (kind: CalibrationKind, [row, column]: readonly [number, number], by = 1): Calibration => ({
    kind,
    row: row / by,
    column: column / by,
  });
  if (spacing) {
    // Pixel Spacing that repeats the detector's or the film's is no calibration (PS3.3 10.7.1.3), whatever the modality.
    const repeats = detector && same(detector[0], spacing[0]) && same(detector[1], spacing[1]);
    const stated = header['00280A02']?.Value?.length;
    if (stated || (detector ? !repeats : !PROJECTION.has(textIn(header, '00080060') ?? '')))
      return known('calibrated', spacing);
    return factor && factor > 0 ? known('estimated', spacing, factor) : known('detector', spacing);
  }
  if (detector)
    return factor && factor > 0 ? known('estimated', detector, factor) : known('detector', detector);
  const [vertical, horizontal] = aspectRatioOf(header);
  return { kind: 'none', row: vertical / horizontal, column: 1 };
}

interface Region {
  left: number;
  top: number;
  right: number;
  bottom: number;
  calibration: Calibration;
}
/** Two-dimensional regions in centimetres, PS3.3 C.8.5.5.1; of spectra and M-mode a length says nothing. */
function regionsOf(header: Header): { regions: Region[]; any: boolean } {
  const all = itemsIn(header, '00186011');
  const regions = all.flatMap((item): Region[] => {
    const row = Math.abs(numberIn(item, '0018602E') ?? 0) * 10;
    const column = Math.abs(numberIn(item, '0018602C') ?? 0) * 10;
    const [left, top, right, bottom] = ['00186018', '0018601A', '0018601C', '0018601E'].map((tag) =>
      numberIn(item, tag),
    );
    if (left === undefined || top === undefined || right === undefined || bottom === undefined) return [];
    const flat =
      numberIn(item, '00186012') === 1 &&
      numberIn(item, '00186024') === 3 &&
      numberIn(item, '00186026') === 3 &&
      row > 0 &&
      column > 0;
    return [
      {
        left,
        top,
        // The last pixel belongs to it.
        right: right + 1,
        bottom: bottom + 1,
        calibration: flat ? { kind: 'region', row, column } : { kind: 'none', row: 1, column: 1 },
      },
    ];
  });
  return { regions, any: all.length > 0 };
}

/**
 * For a measurement through these points (image pixels, origin at the corner). In an ultrasound image with regions all points must
 * lie in one, the smallest that holds them; otherwise nothing is known.
 */
export function calibrationAt(header: Header, frame: number, points: readonly Point[]): Calibration {
  const { regions, any } = regionsOf(header);
  if (!any || points.length === 0) return calibrationOf(header, frame);
  const size = (each: Region) => (each.right - each.left) * (each.bottom - each.top);
  const holding = regions
    .filter((each) =>
      points.every(([x, y]) => x >= each.left && x <= each.right && y >= each.top && y <= each.bottom),
    )
    .toSorted((a, b) => size(a) - size(b));
  return holding[0]?.calibration ?? { kind: 'none', row: 1, column: 1 };
}

/** `HU` where the values after the rescale are Hounsfield units (PS3.3 C.8.2.1), else '' for values without a unit. */
export function valueUnitOf(header: Header, frame = 1): 'HU' | '' {
  const rescale = groupOf(header, '00289145', frame) ?? header;
  const type = textIn(rescale, '00281054')?.trim();
  if (type) return type === 'HU' ? 'HU' : '';
  return textIn(header, '00080060') === 'CT' && numberIn(rescale, '00281053') !== undefined ? 'HU' : '';
}
