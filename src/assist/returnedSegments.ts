/**
 * Segmentation objects (PS3.3 A.51) that a worker returned, as what was segmented: sizes and volumes are counted from their pixels
 * here, whatever the report says. Pure.
 */
import type { Code } from '../dicom/build/srContent.ts';
import type { SegmentationGeometry } from '../dicom/build/segmentation.ts';
import { TAG } from '../dicom/dictionary.ts';
import { codeOf } from '../dicom/srRead.ts';
import { toJson } from '../dicom/json.ts';
import type { DataSet, DicomFile } from '../dicom/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { FoundSegment } from './segments.ts';
import type { ModelManifest } from './types.ts';
import type { Segmented } from './work.ts';

/** An image of the run, and what its file says of its size. */
export interface KnownImage {
  readonly sopInstanceUid: string;
  readonly rows: number;
  readonly columns: number;
}
export interface ReturnedFor {
  readonly manifest: ModelManifest;
  /** In the order of the run. */
  readonly images: readonly KnownImage[];
}
export const unusable = (why: string): NegatoscopeError =>
  new NegatoscopeError('workitem-incomplete', `The result cannot be used: ${why}.`, { status: 409 });

/** A run has no more images; frames are as many for each segment. */
const MOST_FRAMES = 100_000;
const NO_BITS = new Uint8Array();

/**
 * One for each object, and one without pixels for each image (or the volume) of which none came. `bits` are empty: they stand in
 * the object.
 */
export function segmentedOf(
  objects: readonly DicomFile[],
  { manifest, images }: ReturnedFor,
  labelOfCode: (code: Code | undefined) => string | undefined,
  isVolume: boolean,
): Segmented[] {
  const { segmentation } = manifest.outputs;
  if (!segmentation) {
    if (objects.length > 0) throw unusable('the model makes no segmentation');
    return [];
  }
  const known = new Map(images.map((image) => [image.sopInstanceUid, image]));
  const found = objects.map((object) => read(object, known, manifest, labelOfCode));
  if (isVolume ? found.length > 1 : found.some((each) => each.images.length > 1))
    throw unusable(isVolume ? 'it has several segmentations' : 'a segmentation is of several images');
  const there = new Set(found.flatMap((each) => each.images));
  if (there.size < found.reduce((sum, each) => sum + each.images.length, 0))
    throw unusable('two segmentations are of one image');
  const without = isVolume ? (found.length > 0 ? [] : [images]) : images.filter(({ sopInstanceUid }) => !there.has(sopInstanceUid)).map((image) => [image]); // prettier-ignore
  return [...found, ...without.map((each) => nothingOn(each, manifest))];
}

const nothingOn = (images: readonly KnownImage[], manifest: ModelManifest): Segmented => ({
  rows: images[0]?.rows ?? 0,
  columns: images[0]?.columns ?? 0,
  geometry: null,
  images: images.map(({ sopInstanceUid }) => sopInstanceUid),
  segments: [...labelsOf(manifest)].map((label) => ({ label, pixels: 0, ml: null, sources: [] })),
  bits: NO_BITS,
});

/** In the order of the numbers in the output. */
const labelsOf = ({ outputs }: ModelManifest): Set<string> =>
  new Set(
    Object.entries(outputs.segmentation?.labels ?? {})
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, label]) => label),
  );

function read(
  { dataset: object, pixelData, bytes }: DicomFile,
  known: ReadonlyMap<string, KnownImage>,
  manifest: ModelManifest,
  labelOfCode: (code: Code | undefined) => string | undefined,
): Segmented {
  const number = (from: DataSet, tag: number): number => from.numbers(tag)[0] ?? Number.NaN;
  const rows = number(object, TAG.Rows);
  const columns = number(object, TAG.Columns);
  if (object.string(TAG.SegmentationType) !== 'BINARY' || number(object, TAG.BitsAllocated) !== 1)
    throw unusable('a segmentation is not BINARY');
  const frames = object.items(TAG.PerFrameFunctionalGroupsSequence);
  // Encapsulated, it has fragments where the pixels would be.
  const length = pixelData?.encapsulated ? 0 : (pixelData?.length ?? 0);
  const bits = bytes.subarray(pixelData?.offset ?? 0, (pixelData?.offset ?? 0) + length);
  const size = rows * columns;
  if (frames.length === 0 || frames.length > MOST_FRAMES || bits.length * 8 < frames.length * size)
    throw unusable('a segmentation lacks pixels of its frames');

  const labels = new Map<number, string>();
  for (const item of object.items(TAG.SegmentSequence)) {
    const label = labelOfCode(
      item.items(TAG.SegmentedPropertyTypeCodeSequence).map((code) => codeOf(toJson(code)))[0],
    );
    if (label === undefined || !labelsOf(manifest).has(label))
      throw unusable('a segment is of a label that the model does not have');
    labels.set(number(item, TAG.SegmentNumber), label);
  }

  const placed = frames.map((frame, index) => {
    const [identification] = frame.items(TAG.SegmentIdentificationSequence);
    const label = identification && labels.get(number(identification, TAG.ReferencedSegmentNumber));
    const source = frame
      .items(TAG.DerivationImageSequence)[0]
      ?.items(TAG.SourceImageSequence)[0]
      ?.string(TAG.ReferencedSOPInstanceUID);
    const image = source === undefined ? undefined : known.get(source);
    if (label === undefined || !image)
      throw unusable('a frame names no segment, or an image that the work item does not have');
    if (image.rows !== rows || image.columns !== columns)
      throw unusable('a segmentation has another size than its image');
    const position = frame.items(TAG.PlanePositionSequence)[0]?.numbers(TAG.ImagePositionPatient) ?? [];
    return { label, uid: image.sopInstanceUid, position, pixels: onesIn(bits, index * size, size) };
  });

  const shared = geometryOf(object);
  const first = new Map(placed.map(({ uid, position }) => [uid, position]));
  const images = [...first.keys()];
  if (shared) images.sort((a, b) => shared.along(first.get(a)!) - shared.along(first.get(b)!));
  const place = new Map(images.map((uid, i) => [uid, i]));
  const geometry = shared ? { ...shared.geometry, positions: images.map((uid) => first.get(uid)!) } : null;
  const between = geometry?.between;
  const mlOfPixel = geometry && between ? (geometry.spacing[0] * geometry.spacing[1] * between) / 1000 : null;
  return {
    rows,
    columns,
    geometry,
    images,
    segments: [...labelsOf(manifest)].map((label): FoundSegment => {
      const own = placed.filter((each) => each.label === label && each.pixels > 0);
      const pixels = own.reduce((sum, each) => sum + each.pixels, 0);
      return {
        label,
        pixels,
        ml: mlOfPixel === null ? null : pixels * mlOfPixel,
        sources: [...new Set(own.map(({ uid }) => place.get(uid)!))].sort((a, b) => a - b),
      };
    }),
    bits: NO_BITS,
    sopInstanceUid: object.string(TAG.SOPInstanceUID) ?? '',
  };
}

/** Undefined for images without a place in the patient. */
function geometryOf(object: DataSet):
  | {
      geometry: Omit<SegmentationGeometry, 'positions'>;
      along(position: readonly number[]): number;
    }
  | undefined {
  const [shared] = object.items(TAG.SharedFunctionalGroupsSequence);
  const orientation =
    shared?.items(TAG.PlaneOrientationSequence)[0]?.numbers(TAG.ImageOrientationPatient) ?? [];
  const [measures] = shared?.items(TAG.PixelMeasuresSequence) ?? [];
  const spacing = measures?.numbers(TAG.PixelSpacing) ?? [];
  if (orientation.length !== 6 || spacing.length !== 2) return undefined;
  const [a, b, c, d, e, f] = orientation as [number, number, number, number, number, number];
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  return {
    geometry: {
      frameOfReferenceUid: object.string(TAG.FrameOfReferenceUID) ?? '',
      orientation,
      spacing: spacing as unknown as readonly [number, number],
      thickness: measures?.numbers(TAG.SliceThickness)[0] ?? null,
      between: measures?.numbers(TAG.SpacingBetweenSlices)[0] ?? null,
    },
    along: (position) => normal.reduce((sum, value, i) => sum + value * (position[i] ?? 0), 0),
  };
}

/** Bits that are set of `length` from bit `from` on, the lowest of a byte first. */
function onesIn(bits: Uint8Array, from: number, length: number): number {
  let count = 0;
  for (let at = from; at < from + length;) {
    const byte = bits[at >> 3]!;
    if ((at & 7) === 0 && at + 8 <= from + length) {
      count += ONES[byte]!;
      at += 8;
    } else {
      count += (byte >> (at & 7)) & 1;
      at += 1;
    }
  }
  return count;
}
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);
