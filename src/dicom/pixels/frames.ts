/** Where the frames of one object lie in its file: PS3.5 8.1.1 (native) and A.4 (encapsulated). */
import { nativeFrameBytes } from './native.ts';
import type { PixelAttributes } from './types.ts';
import { PixelsUndecodable } from './types.ts';

export interface Range {
  /** Of the first byte, in the same count as what was searched. */
  offset: number;
  length: number;
}

const ITEM = 0xfffee000;
const SEQUENCE_DELIMITER = 0xfffee0dd;

/** The native frame `frame` (from 1) and, for 1-bit pixels, the bit it begins at. Throws PixelsUndecodable outside the value. */
export function nativeFrame(
  location: Range,
  attributes: PixelAttributes,
  frame: number,
): Range & { bitOffset: number } {
  let offset: number;
  let length: number;
  let bitOffset = 0;
  if (attributes.bitsAllocated === 1) {
    const bits = attributes.rows * attributes.columns * attributes.samplesPerPixel;
    const firstBit = bits * (frame - 1);
    offset = Math.floor(firstBit / 8);
    bitOffset = firstBit % 8;
    length = Math.ceil((bitOffset + bits) / 8);
  } else {
    length = nativeFrameBytes(attributes);
    offset = length * (frame - 1);
  }
  if (frame < 1 || offset + length > location.length)
    throw new PixelsUndecodable(`frame ${frame} lies outside the pixel data`);
  return { offset: location.offset + offset, length, bitOffset };
}

/**
 * The fragments of every frame of encapsulated pixel data. `offset` is the first byte after the element's header, where the
 * Basic Offset Table's item stands; `extended` the Extended Offset Table (7FE0,0001), if any. Offsets count from the start
 * of `bytes`. Frames without a table are told apart by the first bytes of a fragment (JPEG: SOI, JPEG 2000: SOC).
 */
export function encapsulatedFrames(
  bytes: Uint8Array,
  offset: number,
  frames: number,
  extended?: Uint8Array,
): Range[][] {
  const { table, fragments, first } = scanFragments(bytes, offset);
  if (fragments.length === 0) throw new PixelsUndecodable('the pixel data holds no fragment');
  if (frames === 1) return [fragments];
  const starts = extended?.length ? readOffsets(extended, 8) : readOffsets(table, 4);
  if (starts.length >= frames) {
    const grouped = groupByStart(fragments, first, starts.slice(0, frames));
    if (grouped.every((group) => group.length > 0)) return grouped;
  }
  if (fragments.length === frames) return fragments.map((fragment) => [fragment]);
  const grouped: Range[][] = [];
  for (const fragment of fragments) {
    if (startsStream(bytes, fragment.offset) || grouped.length === 0) grouped.push([fragment]);
    else grouped.at(-1)!.push(fragment);
  }
  if (grouped.length !== frames)
    throw new PixelsUndecodable(`the pixel data holds ${grouped.length} streams for ${frames} frames`);
  return grouped;
}

/** The bytes of a frame: its fragments joined (a view where there is only one). */
export function joinFragments(bytes: Uint8Array, fragments: readonly Range[]): Uint8Array {
  const views = fragments.map((f) => bytes.subarray(f.offset, f.offset + f.length));
  return views.length === 1 ? views[0]! : Buffer.concat(views);
}

/** PS3.5 A.4: items up to the sequence delimiter; a file that ends instead keeps its whole fragments. */
function scanFragments(
  bytes: Uint8Array,
  offset: number,
): { table: Uint8Array; fragments: Range[]; first: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: Range[] = [];
  let at = offset;
  while (at + 8 <= bytes.length) {
    const tag = ((view.getUint16(at, true) << 16) | view.getUint16(at + 2, true)) >>> 0;
    if (tag === SEQUENCE_DELIMITER) break;
    const length = view.getUint32(at + 4, true);
    if (tag !== ITEM || at + 8 + length > bytes.length)
      throw new PixelsUndecodable('the fragments of the pixel data are damaged');
    items.push({ offset: at + 8, length });
    at += 8 + length;
  }
  const [table, ...fragments] = items;
  if (!table) throw new PixelsUndecodable('the pixel data holds no item');
  return {
    table: bytes.subarray(table.offset, table.offset + table.length),
    fragments,
    first: table.offset + table.length,
  };
}

function readOffsets(table: Uint8Array, size: 4 | 8): number[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  return Array.from({ length: Math.floor(table.length / size) }, (_, i) =>
    size === 4 ? view.getUint32(4 * i, true) : Number(view.getBigUint64(8 * i, true)),
  );
}

/** Offsets count from the first fragment's item header, which stands 8 bytes before its value. */
function groupByStart(fragments: Range[], first: number, starts: number[]): Range[][] {
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? Infinity;
    return fragments.filter((f) => f.offset - 8 - first >= start && f.offset - 8 - first < end);
  });
}

const startsStream = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0xff &&
  ((bytes[at + 1] === 0xd8 && bytes[at + 2] === 0xff) || (bytes[at + 1] === 0x4f && bytes[at + 2] === 0xff));
