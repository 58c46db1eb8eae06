import { TAG } from './dictionary.ts';
import { DicomError } from './errors.ts';
import type { DataSet, DicomFile } from './types.ts';
import { isVideo } from './uids.ts';

/** A run of bytes; `offset` counts in `DicomFile.bytes`. */
export interface Run {
  readonly offset: number;
  readonly length: number;
}

/** Where each frame lies. */
export interface FrameTable {
  readonly count: number;
  readonly encapsulated: boolean;
  /** Runs of bytes of frame `n` (from 1): one, or several fragments. Undefined beyond the last. */
  runs(n: number): readonly Run[] | undefined;
  /** Frames of one bit a pixel need not begin at a byte (PS3.5 8.1.1): bits to skip in the first byte of frame `n`. */
  bitOffset(n: number): number;
}

/** Bits of one native frame; undefined when the header does not say. Image Pixel Module, PS3.3 C.7.6.3. */
export function frameBits(dataset: DataSet): number | undefined {
  const rows = dataset.number(TAG.Rows);
  const columns = dataset.number(TAG.Columns);
  const allocated = dataset.number(TAG.BitsAllocated);
  if (!rows || !columns || !allocated) return undefined;
  const samples = dataset.number(TAG.SamplesPerPixel) ?? 1;
  const photometric = dataset.string(TAG.PhotometricInterpretation) ?? '';
  // Two luminance samples share one pair of chrominance samples: PS3.3 C.7.6.3.1.2.
  const perPixel = photometric.endsWith('_422') && samples === 3 ? 2 : samples;
  return rows * columns * perPixel * allocated;
}

/** Number of Frames (0028,0008), or 1. */
export const frameCount = (dataset: DataSet): number => {
  const frames = dataset.number(TAG.NumberOfFrames);
  return frames !== undefined && frames > 0 && Number.isInteger(frames) ? frames : 1;
};

/**
 * Throws `DicomError('pixel-length')` when native pixel data is shorter than rows × columns × samples × bits × frames say. Longer
 * is padding. Says nothing about encapsulated pixel data, and nothing where the header does not describe an image.
 */
export function checkPixelLength(file: Pick<DicomFile, 'dataset' | 'pixelData'>): void {
  const { dataset, pixelData } = file;
  const bits = frameBits(dataset);
  if (!pixelData || pixelData.encapsulated || bits === undefined) return;
  const expected = Math.ceil((bits * frameCount(dataset)) / 8);
  if (pixelData.length < expected)
    throw new DicomError(
      'pixel-length',
      `Pixel data has ${pixelData.length} bytes, its description ${expected}`,
      {
        tag: pixelData.tag,
        offset: pixelData.offset,
      },
    );
}

/**
 * The frames of a file that was read with `parseDicom`: native by arithmetic, encapsulated by the Extended Offset Table, the
 * Basic Offset Table, or the fragments themselves (PS3.5 A.4, PS3.3 C.7.6.3.1.8). Undefined without pixel data. Throws
 * `pixel-length` (see `checkPixelLength`) and `malformed` when fragments cannot be told apart into frames.
 */
export function frameOffsets(file: DicomFile): FrameTable | undefined {
  const { dataset, pixelData } = file;
  if (!pixelData) return undefined;
  // A video is taken whole.
  const count = isVideo(file.transferSyntax) ? 1 : frameCount(dataset);
  if (pixelData.encapsulated) {
    const frames = encapsulatedFrames(file, pixelData, count);
    return { count, encapsulated: true, runs: (n) => frames[n - 1], bitOffset: () => 0 };
  }
  checkPixelLength(file);
  const bits = frameBits(dataset) ?? (pixelData.length * 8) / count;
  return {
    count,
    encapsulated: false,
    runs: (n) => {
      if (!Number.isInteger(n) || n < 1 || n > count) return undefined;
      const start = Math.floor(((n - 1) * bits) / 8);
      return [{ offset: pixelData.offset + start, length: Math.ceil((n * bits) / 8) - start }];
    },
    bitOffset: (n) => ((n - 1) * bits) % 8,
  };
}

/** Encoded bytes of frame `n` (from 1); a view where it is one run. Undefined beyond the last frame or without pixel data. */
export function frameBytes(file: DicomFile, n: number): Uint8Array | undefined {
  const runs = frameOffsets(file)?.runs(n);
  if (!runs) return undefined;
  const parts = runs.map(({ offset, length }) => file.bytes.subarray(offset, offset + length));
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

interface Fragment extends Run {
  /** Of its item tag, from the item tag of the first fragment. */
  readonly position: number;
}

function encapsulatedFrames(file: DicomFile, place: Run, count: number): (readonly Run[])[] {
  const { table, fragments } = readFragments(file.bytes, place);
  const malformed = (): DicomError =>
    new DicomError('malformed', 'Fragments do not tell the frames apart', {
      tag: TAG.PixelData,
      offset: place.offset,
    });
  if (fragments.length < count) throw malformed();
  const byPosition = new Map(fragments.map((fragment, index) => [fragment.position, index]));
  for (const offsets of [file.dataset.numbers(TAG.ExtendedOffsetTable), table]) {
    const starts = offsets.map((offset) => byPosition.get(offset));
    const ascending = starts.every(
      (start, index) => start !== undefined && (index === 0 ? start === 0 : start > starts[index - 1]!),
    );
    // A table that does not fit its fragments is worth nothing; writers leave stale ones.
    if (starts.length === count && ascending) return divide(fragments, starts as number[]);
  }
  if (fragments.length === count) return fragments.map((fragment) => [fragment]);
  if (count === 1) return [fragments];
  const starts = fragments.flatMap((fragment, index) => (beginsImage(file.bytes, fragment) ? [index] : []));
  if (starts.length !== count || starts[0] !== 0) throw malformed();
  return divide(fragments, starts);
}

const divide = (fragments: readonly Fragment[], starts: readonly number[]): Fragment[][] =>
  starts.map((start, index) => fragments.slice(start, starts[index + 1] ?? fragments.length));

/** SOI of JPEG and JPEG-LS, SOC of JPEG 2000: ISO/IEC 10918-1 B.1.1.3, ISO/IEC 15444-1 A.4.1. */
const beginsImage = (bytes: Uint8Array, { offset, length }: Run): boolean =>
  length >= 2 && bytes[offset] === 0xff && (bytes[offset + 1] === 0xd8 || bytes[offset + 1] === 0x4f);

/** The parser has checked the structure: items up to the end of `place`. The first is the Basic Offset Table. */
function readFragments(bytes: Uint8Array, place: Run): { table: number[]; fragments: Fragment[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table: number[] = [];
  const fragments: Fragment[] = [];
  const end = place.offset + place.length;
  let first = 0;
  for (let at = place.offset; at + 8 <= end;) {
    const length = view.getUint32(at + 4, true);
    if (at === place.offset) {
      first = at + 8 + length;
      for (let entry = at + 8; entry + 4 <= first; entry += 4) table.push(view.getUint32(entry, true));
    } else {
      fragments.push({ offset: at + 8, length, position: at - first });
    }
    at += 8 + length;
  }
  return { table, fragments };
}
