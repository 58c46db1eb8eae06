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

/** The bytes of `runs`, one after the other: a view where it is one run, else a copy. */
export function joinRuns(bytes: Uint8Array, runs: readonly Run[]): Uint8Array {
  const parts = runs.map(({ offset, length }) => bytes.subarray(offset, offset + length));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Encoded bytes of frame `n` (from 1), see `joinRuns`. Undefined beyond the last frame or without pixel data. */
export function frameBytes(file: DicomFile, n: number): Uint8Array | undefined {
  const runs = frameOffsets(file)?.runs(n);
  return runs && joinRuns(file.bytes, runs);
}

/** The value of one item of encapsulated pixel data: PS3.5 A.4. */
export interface Fragment extends Run {
  /** Its first two bytes begin an image: SOI of JPEG and JPEG-LS, SOC of JPEG 2000 (ISO/IEC 10918-1 B.1.1.3, 15444-1 A.4.1). */
  readonly begins: boolean;
}
/** Whether a 16 bit word, big endian, is SOI or SOC. */
export const beginsImage = (word: number): boolean => word === 0xffd8 || word === 0xff4f;

/**
 * Which fragments make up which frame. In this order: the offset tables in the order given (the Extended one, PS3.3
 * C.7.6.3.1.8, then the Basic one; offsets from the item tag of the first fragment), one fragment a frame, one frame of all
 * fragments, fragments that begin an image. Undefined when none of these gives `frames` frames.
 */
export function divideFragments<F extends Fragment>(
  fragments: readonly F[],
  frames: number,
  tables: readonly (readonly number[])[],
): F[][] | undefined {
  const divided = (isFirst: (fragment: F) => boolean): F[][] => {
    const runs: F[][] = [];
    fragments.forEach((fragment, index) => {
      if (index === 0 || isFirst(fragment)) runs.push([]);
      runs.at(-1)!.push(fragment);
    });
    return runs;
  };
  const first = fragments[0]?.offset ?? 0;
  for (const table of tables) {
    if (table.length !== frames || frames === 0) continue;
    const starts = new Set(table.map((offset) => first + offset));
    const runs = divided((fragment) => starts.has(fragment.offset));
    // A table that does not fit its fragments is worth nothing; writers leave stale ones.
    if (runs.length === frames) return runs;
  }
  if (fragments.length === frames) return divided(() => true);
  if (frames === 1 && fragments.length > 0) return divided(() => false);
  const runs = divided((fragment) => fragment.begins);
  return runs.length === frames ? runs : undefined;
}

function encapsulatedFrames(file: DicomFile, place: Run, count: number): (readonly Run[])[] {
  const { table, fragments } = readFragments(file.bytes, place);
  const extended = file.dataset.numbers(TAG.ExtendedOffsetTable);
  const frames = divideFragments(fragments, count, [extended, table]);
  if (!frames)
    throw new DicomError('malformed', 'Fragments do not tell the frames apart', {
      tag: TAG.PixelData,
      offset: place.offset,
    });
  return frames;
}

/** The parser has checked the structure: items up to the end of `place`. The first is the Basic Offset Table. */
function readFragments(bytes: Uint8Array, place: Run): { table: number[]; fragments: Fragment[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table: number[] = [];
  const fragments: Fragment[] = [];
  const end = place.offset + place.length;
  for (let at = place.offset; at + 8 <= end;) {
    const length = view.getUint32(at + 4, true);
    if (at === place.offset) {
      for (let entry = at + 8; entry + 4 <= at + 8 + length; entry += 4)
        table.push(view.getUint32(entry, true));
    } else {
      const begins = length >= 2 && beginsImage((bytes[at + 8]! << 8) | bytes[at + 9]!);
      fragments.push({ offset: at + 8, length, begins });
    }
    at += 8 + length;
  }
  return { table, fragments };
}
