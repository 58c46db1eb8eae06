/** Segmentations and label maps: which pixels of which image belong to what, PS3.3 A.51, C.8.20. Pure. */
import { cross, dot, framesOf, pixelSpacingOf, planeOf, type Plane } from '../stacks/frameData.ts';
import { items, number, numbers, text, type Metadata } from '../viewer/loading/dicomweb.ts';
import { codeOf, type Code } from './sr.ts';

export interface Segment {
  number: number;
  /** Segment Label, else what its property is called; '' when the header names neither. */
  label: string;
  property: Code | undefined;
  /** MANUAL, SEMIAUTOMATIC, AUTOMATIC; '' when it is not said. */
  by: string;
  algorithm: string;
  colour: [red: number, green: number, blue: number];
}
export interface SegmentFrame {
  /** 1-based. */
  frame: number;
  /** 0: a label map, whose pixels are the numbers of segments. */
  segment: number;
  /** Image that it was made from, when the header says so. */
  source: { sopInstanceUid: string; frame: number | undefined } | undefined;
  plane: Plane | undefined;
}
export interface Segmentation {
  type: 'BINARY' | 'FRACTIONAL' | 'LABELMAP';
  rows: number;
  columns: number;
  bitsAllocated: number;
  /** A fractional pixel of this value counts as wholly inside. */
  maximum: number;
  frameOfReference: string;
  segments: Segment[];
  frames: SegmentFrame[];
}

/** Told apart by colour blind eyes too (Okabe and Ito), for segments without a colour of their own. */
const COLOURS: readonly Segment['colour'][] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
  [204, 121, 167],
  [0, 114, 178],
];

export function segmentationOf(data: Metadata): Segmentation {
  const told = text(data, '00620001');
  const type = told === 'FRACTIONAL' || told === 'LABELMAP' ? told : 'BINARY';
  const frames = Array.from({ length: framesOf(data) }, (_, i) => frameOf(data, i + 1, type));
  const listed = items(data, '00620002').map(segmentOf);
  // Frames may speak of segments that the list forgot: they are shown all the same, with their number.
  const known = new Set(listed.map((segment) => segment.number));
  const forgotten = [...new Set(frames.map(({ segment }) => segment))].filter((n) => n > 0 && !known.has(n));
  return {
    type,
    rows: number(data, '00280010') ?? 0,
    columns: number(data, '00280011') ?? 0,
    bitsAllocated: number(data, '00280100') ?? 1,
    maximum: number(data, '0062000E') ?? 255,
    frameOfReference: text(data, '00200052') ?? '',
    segments: [
      ...listed,
      ...forgotten.map((n) => segmentOf({ '00620004': { vr: 'US', Value: [n] } }, n)),
    ].sort((a, b) => a.number - b.number),
    frames,
  };
}

function segmentOf(item: Metadata, index: number): Segment {
  const n = number(item, '00620004') ?? index + 1;
  const property = codeOf(items(item, '0062000F')[0]) ?? codeOf(items(item, '00620003')[0]);
  const lab = numbers(item, '0062000D');
  return {
    number: n,
    label: text(item, '00620005') || property?.meaning || '',
    property,
    by: text(item, '00620008') ?? '',
    algorithm: text(item, '00620009') ?? '',
    colour: lab.length === 3 ? rgbOfLab(lab) : COLOURS[(n - 1 + COLOURS.length) % COLOURS.length]!,
  };
}

function frameOf(data: Metadata, n: number, type: Segmentation['type']): SegmentFrame {
  const own = items(data, '52009230')[n - 1] ?? {};
  const shared = items(data, '52009229')[0] ?? {};
  const macro = (tag: string) => items(own, tag)[0] ?? items(shared, tag)[0];
  const identification = macro('0062000A');
  const derivation = macro('00089124');
  const source = derivation && items(derivation, '00082112')[0];
  return {
    frame: n,
    segment: type === 'LABELMAP' ? 0 : ((identification && number(identification, '0062000B')) ?? 1),
    source: source && {
      sopInstanceUid: text(source, '00081155') ?? '',
      frame: numbers(source, '00081160')[0],
    },
    plane: planeOf(data, n),
  };
}

/** Frames that lie on an image: those that name it, else those in its plane (PS3.3 C.8.20.2: by Frame of Reference). */
export function framesOn(
  segmentation: Segmentation,
  image: { metadata: Metadata; sopInstanceUid: string; frame: number },
): SegmentFrame[] {
  const { sopInstanceUid, frame, metadata } = image;
  const named = segmentation.frames.filter(
    ({ source }) => source?.sopInstanceUid === sopInstanceUid && (source.frame ?? frame) === frame,
  );
  if (named.length > 0) return named;
  const plane = planeOf(metadata, frame);
  if (!plane || !segmentation.frameOfReference) return [];
  if (segmentation.frameOfReference !== text(metadata, '00200052')) return [];
  const normal = cross(plane.row, plane.column);
  const height = dot(plane.position, normal);
  const thickness = number(metadata, '00180050') ?? 1;
  return segmentation.frames.filter(
    (each) =>
      each.plane &&
      // One that names another image is not for this one.
      !each.source?.sopInstanceUid &&
      Math.abs(dot(cross(each.plane.row, each.plane.column), normal)) > 0.999 &&
      Math.abs(dot(each.plane.position, normal) - height) < Math.max(0.1, thickness / 4),
  );
}

/**
 * Where the pixels of a segmentation's frame lie on an image, as an affine map of pixel coordinates (corners at whole numbers):
 * `x = a·u + c·v + e`, `y = b·u + d·v + f`. The identity where nothing says otherwise and both have one size.
 */
export function placeOn(
  segmentation: Metadata,
  frame: SegmentFrame,
  image: { metadata: Metadata; frame: number },
): [a: number, b: number, c: number, d: number, e: number, f: number] | undefined {
  const of = (tag: string, data: Metadata) => number(data, tag);
  const same = ['00280010', '00280011'].every((tag) => of(tag, segmentation) === of(tag, image.metadata));
  const plane = planeOf(image.metadata, image.frame);
  const spacing = pixelSpacingOf(image.metadata, image.frame);
  const own = pixelSpacingOf(segmentation, frame.frame);
  if (!plane || !spacing || !frame.plane || !own) return same ? [1, 0, 0, 1, 0, 0] : undefined;
  const from = frame.plane.position.map(
    (value, i) => value - plane.position[i]!,
  ) as unknown as Plane['position'];
  const a = (dot(frame.plane.row, plane.row) * own[1]) / spacing[1];
  const b = (dot(frame.plane.row, plane.column) * own[1]) / spacing[0];
  const c = (dot(frame.plane.column, plane.row) * own[0]) / spacing[1];
  const d = (dot(frame.plane.column, plane.column) * own[0]) / spacing[0];
  // From centre to centre, then from corner to corner.
  const e = dot(from, plane.row) / spacing[1] + 0.5 - (a + c) / 2;
  const f = dot(from, plane.column) / spacing[0] + 0.5 - (b + d) / 2;
  return [a, b, c, d, e, f].map((value) => Math.round(value * 1e4) / 1e4 || 0) as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
}

/** A frame's bytes as the share of each pixel, 0 to 255; of a label map those of one segment. */
export function sharesOf(
  bytes: Uint8Array,
  { type, rows, columns, bitsAllocated, maximum }: Segmentation,
  segment: number,
): Uint8Array {
  const count = rows * columns;
  const out = new Uint8Array(count);
  if (bitsAllocated === 1)
    for (let i = 0; i < count; i++) out[i] = ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1 ? 255 : 0;
  else if (type === 'LABELMAP' || (type === 'BINARY' && segment > 0)) {
    const wide = bitsAllocated === 16;
    for (let i = 0; i < count; i++) {
      const value = wide ? (bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8) : (bytes[i] ?? 0);
      out[i] = type === 'LABELMAP' ? (value === segment ? 255 : 0) : value ? 255 : 0;
    }
  } else
    for (let i = 0; i < count; i++)
      out[i] = Math.min(255, Math.round(((bytes[i] ?? 0) * 255) / (maximum || 255)));
  return out;
}

/** Recommended Display CIELab Value (PS3.3 C.10.7.1.1: 16 bits each) in sRGB, D50. */
export function rgbOfLab([l = 0, a = 0, b = 0]: readonly number[]): Segment['colour'] {
  const lightness = (l / 65535) * 100;
  const fy = (lightness + 16) / 116;
  const fx = fy + ((a / 65535) * 255 - 128) / 500;
  const fz = fy - ((b / 65535) * 255 - 128) / 200;
  const back = (f: number) => (f > 6 / 29 ? f ** 3 : 3 * (6 / 29) ** 2 * (f - 4 / 29));
  const [x, y, z] = [back(fx) * 0.9642, back(fy), back(fz) * 0.8249];
  // D50 to sRGB, Bradford (Lindbloom).
  const linear = [
    3.1338561 * x - 1.6168667 * y - 0.4906146 * z,
    -0.9787684 * x + 1.9161415 * y + 0.033454 * z,
    0.0719453 * x - 0.2289914 * y + 1.4052427 * z,
  ];
  return linear.map((value) => {
    const light = value <= 0.0031308 ? 12.92 * value : 1.055 * Math.max(value, 0) ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, light)));
  }) as unknown as Segment['colour'];
}
