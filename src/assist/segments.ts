/** Segments as they travel from the process of a model to the DICOM object: bits of each image that a segment is seen on. Pure. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { packFrame } from '../dicom/build/segmentation.ts';
import type { SegmentationGeometry } from '../dicom/build/segmentation.ts';

export interface FoundSegment {
  /** Key of a label of the manifest. */
  readonly label: string;
  /** Pixels (voxels of the source) that belong to it; 0 when it was not seen. */
  readonly pixels: number;
  /** Their volume; null for images without a place in the patient. */
  readonly ml: number | null;
  /** Indices of the images that show it, ascending. */
  readonly sources: readonly number[];
}

/** Of images of one size: the slices of a volume in spatial order, or one image. */
export interface FoundSegmentation {
  readonly rows: number;
  readonly columns: number;
  readonly geometry: SegmentationGeometry | null;
  readonly segments: readonly FoundSegment[];
  /** Deflated (RFC 1951): one bit a pixel, frames as `segments` lists them, no gap between frames. */
  readonly bits: Uint8Array;
}

/**
 * @param slices label numbers of each image, `rows × columns`
 * @param labels number → key
 */
export function segmentsOf(
  slices: readonly Uint8Array[],
  rows: number,
  columns: number,
  labels: Readonly<Record<string, string>>,
  mlOfPixel: number | null,
): Pick<FoundSegmentation, 'segments' | 'bits'> {
  const wanted = Object.entries(labels)
    .map(([number, label]) => ({ number: Number(number), label }))
    .sort((a, b) => a.number - b.number);
  const counts = slices.map((slice) => {
    const count = new Uint32Array(256);
    for (const value of slice) count[value]! += 1;
    return count;
  });
  const segments = wanted.map(({ number, label }): FoundSegment => {
    const sources = counts.flatMap((count, i) => (count[number]! > 0 ? [i] : []));
    const pixels = sources.reduce((sum, i) => sum + counts[i]![number]!, 0);
    return { label, pixels, ml: mlOfPixel === null ? null : pixels * mlOfPixel, sources };
  });
  const size = rows * columns;
  const frames = segments.reduce((sum, { sources }) => sum + sources.length, 0);
  const bits = new Uint8Array(Math.ceil((frames * size) / 8));
  let frame = 0;
  segments.forEach(({ sources }, i) => {
    const { number } = wanted[i]!;
    for (const source of sources) {
      const slice = slices[source]!;
      packFrame(bits, frame, size, (pixel) => slice[pixel] === number);
      frame += 1;
    }
  });
  return { segments, bits: deflateRawSync(bits, { level: 6 }) };
}

/** Of a manifest's largest volume. */
const MOST_BYTES = 2 ** 31;

export const inflatedBits = ({ bits }: Pick<FoundSegmentation, 'bits'>): Buffer =>
  inflateRawSync(bits, { maxOutputLength: MOST_BYTES - 1 });

/**
 * Sets to 0 all that is not part of the largest connected region of non-zero values, in place: 26 neighbours in a volume, 8 in an
 * image (`size[0]` 1).
 */
export function keepLargest(labels: Uint8Array, [n0, n1, n2]: readonly [number, number, number]): void {
  const plane = n1 * n2;
  /** 0: not seen; the largest region ends as 1, what was seen otherwise as 2. */
  const seen = new Uint8Array(labels.length);
  let stack = new Int32Array(1 << 16);
  let best = { start: -1, size: 0 };
  const flood = (start: number, mark: number, over: number): number => {
    let height = 0;
    let size = 0;
    stack[height++] = start;
    seen[start] = mark;
    while (height > 0) {
      const at = stack[--height]!;
      size += 1;
      const a = Math.floor(at / plane);
      const b = Math.floor((at - a * plane) / n2);
      const c = at - a * plane - b * n2;
      for (let i = Math.max(0, a - 1); i <= Math.min(n0 - 1, a + 1); i += 1)
        for (let j = Math.max(0, b - 1); j <= Math.min(n1 - 1, b + 1); j += 1)
          for (let k = Math.max(0, c - 1); k <= Math.min(n2 - 1, c + 1); k += 1) {
            const next = i * plane + j * n2 + k;
            if (seen[next] !== over || labels[next] === 0) continue;
            seen[next] = mark;
            if (height === stack.length) {
              const larger = new Int32Array(stack.length * 2);
              larger.set(stack);
              stack = larger;
            }
            stack[height++] = next;
          }
    }
    return size;
  };
  for (let start = 0; start < labels.length; start += 1) {
    if (labels[start] === 0 || seen[start] !== 0) continue;
    const size = flood(start, 2, 0);
    if (size > best.size) best = { start, size };
  }
  if (best.start < 0) return;
  flood(best.start, 1, 2);
  for (let i = 0; i < labels.length; i += 1) if (seen[i] !== 1) labels[i] = 0;
}
