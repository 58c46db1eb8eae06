/** Sequence of Ultrasound Regions, PS3.3 C.8.5.5: what a pixel means where in the picture. Pure. */
import { items, number, type Metadata } from '../viewer/loading/dicomweb.ts';

/** PS3.3 C.8.5.5.1.15, of what this program measures. */
export type RegionUnit = 'mm' | 's' | 'cm/s' | 'Hz' | 'other' | 'none';

export interface UltrasoundRegion {
  /** Pixels from 0, both edges included. */
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** 1: two dimensions (tissue, colour), 2: M-mode, 3: spectral Doppler, 4: wave form, 5: graphics; C.8.5.5.1.1. */
  format: number;
  x: RegionAxis;
  y: RegionAxis;
  /** Of two regions over each other the one of low priority gives way (bit 0 of Region Flags, C.8.5.5.1.3). */
  highPriority: boolean;
}
export interface RegionAxis {
  unit: RegionUnit;
  /** Unit a pixel; a velocity may fall downwards, so it has a sign. */
  delta: number;
  /** The pixel at which the value is `value`, counted from the region's corner; undefined: only differences can be told. */
  origin?: { pixel: number; value: number };
}

const UNITS: Readonly<Record<number, { unit: RegionUnit; factor: number }>> = {
  0: { unit: 'none', factor: 1 },
  3: { unit: 'mm', factor: 10 }, // cm
  4: { unit: 's', factor: 1 },
  5: { unit: 'Hz', factor: 1 },
  7: { unit: 'cm/s', factor: 1 },
};

/** Regions of a picture; those without a size or a scale are left out. They hold for every frame of the instance. */
export function regionsOf(data: Metadata): UltrasoundRegion[] {
  return items(data, '00186011').flatMap((item) => {
    const [left, top, right, bottom] = ['00186018', '0018601A', '0018601C', '0018601E'].map((tag) =>
      number(item, tag),
    );
    const x = axis(item, { unit: '00186024', delta: '0018602C', pixel: '00186020', value: '00186028' });
    const y = axis(item, { unit: '00186026', delta: '0018602E', pixel: '00186022', value: '0018602A' });
    if (left === undefined || top === undefined || right === undefined || bottom === undefined || !x || !y)
      return [];
    if (right < left || bottom < top || (x.unit === 'none' && y.unit === 'none')) return [];
    const highPriority = ((number(item, '00186016') ?? 0) & 1) === 0;
    return [{ left, top, right, bottom, format: number(item, '00186012') ?? 0, x, y, highPriority }];
  });
}

function axis(
  item: Metadata,
  tags: Record<'unit' | 'delta' | 'pixel' | 'value', string>,
): RegionAxis | undefined {
  const { unit, factor } = UNITS[number(item, tags.unit) ?? 0] ?? { unit: 'other' as const, factor: 1 };
  // The height of an ECG trace has no unit.
  if (unit === 'none') return { unit, delta: 0 };
  const delta = number(item, tags.delta);
  if (!delta || !Number.isFinite(delta)) return undefined;
  const pixel = number(item, tags.pixel);
  const value = number(item, tags.value);
  return {
    unit,
    // Lengths have no sign; some machines write one.
    delta: unit === 'mm' || unit === 's' ? Math.abs(delta) * factor : delta * factor,
    ...(pixel !== undefined && value !== undefined && { origin: { pixel, value: value * factor } }),
  };
}

/** The region that a point (pixels from the corner of the image) belongs to: of high priority first, then the smallest. */
export function regionAt(
  regions: readonly UltrasoundRegion[],
  x: number,
  y: number,
): UltrasoundRegion | undefined {
  const size = ({ left, top, right, bottom }: UltrasoundRegion) => (right - left) * (bottom - top);
  return regions
    .filter((each) => x >= each.left && x < each.right + 1 && y >= each.top && y < each.bottom + 1)
    .sort((a, b) => Number(b.highPriority) - Number(a.highPriority) || size(a) - size(b))[0];
}

/**
 * What lies between two points: mm where both are in tissue of one scale, seconds and a velocity in M-mode and Doppler.
 * Undefined where the points are in regions that cannot be measured together: a length in pixels never poses as millimetres.
 */
export function measured(
  regions: readonly UltrasoundRegion[],
  from: readonly [x: number, y: number],
  to: readonly [x: number, y: number],
):
  | { kind: 'length'; mm: number }
  | { kind: 'axes'; x: { unit: RegionUnit; value: number }; y: { unit: RegionUnit; value: number } }
  | undefined {
  const first = regionAt(regions, ...from);
  const second = regionAt(regions, ...to);
  if (!first || !second) return undefined;
  if (
    first !== second &&
    (['x', 'y'] as const).some(
      (axis) => first[axis].unit !== second[axis].unit || first[axis].delta !== second[axis].delta,
    )
  )
    return undefined;
  const x = (to[0] - from[0]) * first.x.delta;
  const y = (to[1] - from[1]) * first.y.delta;
  if (first.x.unit === 'mm' && first.y.unit === 'mm') return { kind: 'length', mm: Math.hypot(x, y) };
  return {
    kind: 'axes',
    x: { unit: first.x.unit, value: Math.abs(x) },
    y: { unit: first.y.unit, value: Math.abs(y) },
  };
}

/** mm a pixel at a point, for tools that want a spacing: row (downwards) and column. */
export function regionSpacingAt(
  regions: readonly UltrasoundRegion[],
  x: number,
  y: number,
): { row: number; column: number } | undefined {
  const region = regionAt(regions, x, y);
  return region?.x.unit === 'mm' && region.y.unit === 'mm'
    ? { row: region.y.delta, column: region.x.delta }
    : undefined;
}

/**
 * One spacing for the whole picture, mm: where all regions of tissue have the same one. Undefined otherwise, and where there is a
 * region that measures something else and the picture is asked as a whole.
 */
export function commonRegionSpacing(
  regions: readonly UltrasoundRegion[],
): { row: number; column: number } | undefined {
  const tissue = regions.filter(({ x, y }) => x.unit === 'mm' && y.unit === 'mm');
  const [first] = tissue;
  if (!first || tissue.some(({ x, y }) => x.delta !== first.x.delta || y.delta !== first.y.delta))
    return undefined;
  return { row: first.y.delta, column: first.x.delta };
}
