/**
 * Where the frames of encapsulated pixel data lie (PS3.5 A.4): read from the item headers as the bytes pass by, without
 * holding any of them. `dicom/frames.ts` does the same with a file in memory; which fragments are which frame is said there.
 */
import { beginsImage, divideFragments, type Fragment } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import { collect, type Source } from './source.ts';

/** Frames as runs of `[offset, length, offset, length, …]`, in bytes from the first byte of the file. */
export type FrameTable = number[][];

/** Fragments beyond this are counted but not kept: 16 million is 2,000 hours of cine, or an attack. */
const MAX_FRAGMENTS = 1 << 24;
const MAX_OFFSET_TABLE = 1 << 26;

const ITEM = 0xe000;
const DELIMITER = 0xe0dd;

/**
 * Takes the bytes of the file from the first item of the pixel data on.
 *
 *     const scanner = new FragmentScanner(file.pixelData.offset);
 *     for await (const chunk of rest) scanner.push(chunk);
 *     scanner.state // 'done' when the sequence delimitation item was seen
 */
export class FragmentScanner {
  /** `item`: between two items; `inside`: within a header or a value; `broken`: something that is no item. */
  state: 'item' | 'inside' | 'done' | 'broken' = 'item';
  readonly fragments: (Fragment & { begins: boolean })[] = [];
  /** Basic Offset Table: offsets from the first byte of the first fragment's item tag. */
  offsets: number[] = [];
  #position: number;
  #header = Buffer.alloc(8);
  #headed = 0;
  #left = 0;
  #seenTable = false;
  #table: Buffer[] = [];
  #start = Buffer.alloc(2);
  #started = 2;

  /** Of the first byte that `push` will get, in the file. */
  constructor(position: number) {
    this.#position = position;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.state !== 'done' && this.state !== 'broken') {
      if (this.#left > 0) at += this.#value(chunk.subarray(at, at + Math.min(this.#left, chunk.length - at)));
      else at += this.#take(chunk.subarray(at, at + 8 - this.#headed));
    }
  }

  #take(bytes: Uint8Array): number {
    this.#header.set(bytes, this.#headed);
    this.#headed += bytes.length;
    this.#position += bytes.length;
    this.state = 'inside';
    if (this.#headed < 8) return bytes.length;
    this.#headed = 0;
    const group = this.#header.readUInt16LE(0);
    const element = this.#header.readUInt16LE(2);
    const length = this.#header.readUInt32LE(4);
    if (group === 0xfffe && element === DELIMITER) this.state = 'done';
    else if (group !== 0xfffe || element !== ITEM || length === 0xffffffff) this.state = 'broken';
    else this.#open(length);
    return bytes.length;
  }

  #open(length: number): void {
    this.#left = length;
    if (length === 0) this.state = 'item';
    if (!this.#seenTable) {
      this.#seenTable = true;
      if (length > MAX_OFFSET_TABLE) this.state = 'broken';
      return;
    }
    if (this.fragments.length >= MAX_FRAGMENTS) this.state = 'broken';
    else this.fragments.push({ offset: this.#position, length, begins: false });
    this.#started = 0;
  }

  #value(bytes: Uint8Array): number {
    const fragment = this.fragments.at(-1);
    if (!fragment) this.#table.push(Buffer.from(bytes));
    else if (this.#started < 2) {
      const some = bytes.subarray(0, 2 - this.#started);
      this.#start.set(some, this.#started);
      this.#started += some.length;
      fragment.begins = this.#started === 2 && beginsImage(this.#start.readUInt16BE(0));
    }
    this.#position += bytes.length;
    this.#left -= bytes.length;
    if (this.#left === 0) {
      this.state = 'item';
      if (!fragment) this.#readTable();
    }
    return bytes.length;
  }

  #readTable(): void {
    const table = Buffer.concat(this.#table);
    this.#table = [];
    this.offsets = Array.from({ length: table.length >> 2 }, (_, i) => table.readUInt32LE(i * 4));
  }
}

/**
 * Which fragments make up which frame: see `divideFragments`.
 *
 * @throws NegatoscopeError `frames-unclear` (422) when nothing gives `frames` frames
 */
export function frameTable(
  { fragments, offsets }: Pick<FragmentScanner, 'fragments' | 'offsets'>,
  frames: number,
  extendedOffsets: readonly number[] = [],
): FrameTable {
  const divided = divideFragments(fragments, frames, [extendedOffsets, offsets]);
  if (divided) return divided.map((frame) => frame.flatMap(({ offset, length }) => [offset, length]));
  throw new NegatoscopeError(
    'frames-unclear',
    `The pixel data has ${fragments.length} fragments for ${frames} frames, and nothing says which belong together.`,
    { status: 422, details: { fragments: fragments.length, frames } },
  );
}

/** Frame `n` (1-based) of `bits` bits out of bytes that begin with the byte holding its first bit; zero padded. */
function alignFrame(bytes: Buffer, n: number, bits: number): Buffer {
  const shift = ((n - 1) * bits) % 8;
  const length = Math.ceil(bits / 8);
  const aligned = Buffer.alloc(length);
  for (let i = 0; i < length; i++)
    aligned[i] = (((bytes[i] ?? 0) >> shift) | ((bytes[i + 1] ?? 0) << (8 - shift))) & 0xff;
  const spare = length * 8 - bits;
  if (spare > 0) aligned[length - 1] = (aligned[length - 1] ?? 0) & (0xff >> spare);
  return aligned;
}

/** Where the frames of an instance lie: `table` of encapsulated ones, `bits` a frame and `bytes` in all of native ones. */
export interface FramePlaces {
  readonly offset: number;
  readonly table: FrameTable | undefined;
  readonly bits: number;
  readonly bytes: number;
}

/**
 * Where the bytes of frame `n` (1-based) lie: `[offset, length, …]`; undefined when there is no such frame. A native frame of
 * bits that fill no whole bytes shares its first and last byte with its neighbours.
 */
export function frameRuns(n: number, places: FramePlaces): readonly number[] | undefined {
  if (!Number.isSafeInteger(n) || n < 1) return undefined;
  if (places.table) return places.table[n - 1];
  const first = Math.floor(((n - 1) * places.bits) / 8);
  const last = Math.ceil((n * places.bits) / 8);
  return last > places.bytes || last === first ? undefined : [places.offset + first, last - first];
}

/** Encoded bytes of frame `n` (1-based); undefined when there is no such frame. */
export async function cutFrame(source: Source, n: number, places: FramePlaces): Promise<Buffer | undefined> {
  const runs = frameRuns(n, places);
  if (!runs) return undefined;
  const parts: Buffer[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    parts.push(await collect(await source.stream(runs[i] ?? 0, runs[i + 1] ?? 0)));
  }
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return places.table || places.bits % 8 === 0 ? bytes : alignFrame(bytes, n, places.bits);
}
