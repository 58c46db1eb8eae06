/**
 * The directory of a zip archive: APPNOTE.TXT 6.3.10 (PKWARE), sections 4.3 and 4.4. Read from its end, a window at a time, by
 * random access, so that a million entries take no more memory than one. Runs on the server and in the browser alike.
 */
import { NegatoscopeError } from '../../errors.ts';
import { nameOf } from './names.ts';
import { Spans } from './spans.ts';

/** Where the bytes lie: a file, a Blob, a part of either. */
export interface ZipSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes, or fewer at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface ZipEntry {
  /** As the archive names it, made readable: a label, never a path to write to. */
  readonly name: string;
  /** Bytes once unpacked, as the directory says. */
  readonly size: number;
  readonly compressedSize: number;
  readonly crc32: number;
  /** 0 stored, 8 deflated: 4.4.5. */
  readonly method: number;
  readonly encrypted: boolean;
  /** Of the local header, from the start of the source. */
  readonly offset: number;
}

const END = 0x06054b50;
const END_LENGTH = 22;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const CENTRAL_LENGTH = 46;
export const LOCAL_LENGTH = 30;
const MAX_COMMENT = 0xffff;
const WINDOW = 256 * 1024;

export const damaged = (why: string): NegatoscopeError =>
  new NegatoscopeError('zip-damaged', `The zip archive is damaged: ${why}.`, { status: 422 });

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** 64-bit fields that no file of this world needs are damage. */
function wide(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged('it names a place beyond any file');
  return Number(value);
}

interface Directory {
  count: number;
  offset: number;
  size: number;
  /** Bytes in front of the archive, a self-extracting program for instance: every offset counts from behind them. */
  base: number;
}

async function locate(source: ZipSource): Promise<Directory> {
  const length = Math.min(source.size, END_LENGTH + MAX_COMMENT);
  const start = source.size - length;
  const tail = await source.read(start, length);
  const view = viewOf(tail);
  for (let at = tail.length - END_LENGTH; at >= 0; at--) {
    if (tail[at] !== 0x50 || view.getUint32(at, true) !== END) continue;
    if (at + END_LENGTH + view.getUint16(at + 20, true) > tail.length) continue;
    return directoryAt(source, start + at, tail.subarray(at));
  }
  throw new NegatoscopeError(
    'zip-truncated',
    'The zip archive has no directory at its end: it was not copied or downloaded whole.',
    { status: 422 },
  );
}

async function directoryAt(source: ZipSource, at: number, end: Uint8Array): Promise<Directory> {
  const view = viewOf(end);
  if (view.getUint16(4, true) !== view.getUint16(6, true) || isPart(view.getUint16(4, true))) throw split();
  let count = view.getUint16(10, true);
  let size = view.getUint32(12, true);
  let offset = view.getUint32(16, true);
  let behind = at;
  if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    const locator = at >= 20 ? viewOf(await source.read(at - 20, 20)) : undefined;
    if (locator?.byteLength === 20 && locator.getUint32(0, true) === LOCATOR64) {
      if (locator.getUint32(16, true) > 1) throw split();
      // Where it says, or right in front of the locator when something was put before the archive.
      for (const place of [wide(locator, 8), at - 20 - 56]) {
        const record = await source.read(place, 56);
        if (record.length < 56 || viewOf(record).getUint32(0, true) !== END64) continue;
        count = wide(viewOf(record), 32);
        size = wide(viewOf(record), 40);
        offset = wide(viewOf(record), 48);
        behind = place;
        break;
      }
      if (behind === at) throw damaged('its directory of large files is not where it should be');
    }
  }
  const base = behind - size - offset;
  if (base < 0) throw damaged('its directory does not lie inside the file');
  return { count, size, offset: offset + base, base };
}

const isPart = (disk: number): boolean => disk !== 0 && disk !== 0xffff;
const split = (): NegatoscopeError =>
  new NegatoscopeError(
    'zip-split',
    'The zip archive is one of several parts. Join or unpack them first, then send the files.',
    { status: 422 },
  );

/**
 * The files of an archive in the order of its directory; folders are left out. An archive that lies about itself (an entry
 * that lies outside the file or over another one, fewer entries than it says) throws where the lie is met.
 *
 * Throws `zip-truncated`, `zip-damaged`, `zip-split`, `zip-overlap` (all 422).
 */
export async function* zipEntries(source: ZipSource): AsyncGenerator<ZipEntry> {
  const { count, offset, size, base } = await locate(source);
  const spans = new Spans();
  let window: Uint8Array = new Uint8Array(0);
  let windowAt = 0;
  let at = 0;
  const bytes = async (length: number): Promise<Uint8Array> => {
    if (at + length > size) throw damaged('its directory ends inside an entry');
    if (at < windowAt || at + length > windowAt + window.length) {
      windowAt = at;
      window = await source.read(offset + at, Math.min(size - at, Math.max(WINDOW, length)));
      if (window.length < length) throw damaged('its directory ends early');
    }
    return window.subarray(at - windowAt, at - windowAt + length);
  };
  let seen = 0;
  for (; at + CENTRAL_LENGTH <= size; seen++) {
    const head = viewOf(await bytes(CENTRAL_LENGTH));
    if (head.getUint32(0, true) !== CENTRAL) break; // a digital signature (4.3.13) may follow
    const variable = head.getUint16(28, true) + head.getUint16(30, true) + head.getUint16(32, true);
    const whole = await bytes(CENTRAL_LENGTH + variable);
    const entry = entryOf(whole, base);
    at += CENTRAL_LENGTH + variable;
    if (entry.offset + LOCAL_LENGTH + entry.compressedSize > offset)
      throw damaged('an entry does not lie inside the file');
    if (!spans.add(entry.offset, entry.offset + LOCAL_LENGTH + entry.compressedSize))
      throw new NegatoscopeError(
        'zip-overlap',
        'Entries of the zip archive lie over one another: it was made to do harm, or is damaged.',
        { status: 422 },
      );
    if (!/[/\\]$/.test(entry.name) || entry.size > 0) yield entry;
  }
  // Without the 64-bit record the count is modulo 65536.
  if (seen % 65536 !== count % 65536) throw damaged(`it says ${count} entries and names ${seen}`);
}

function entryOf(bytes: Uint8Array, base: number): ZipEntry {
  const view = viewOf(bytes);
  const flags = view.getUint16(8, true);
  const method = view.getUint16(10, true);
  const nameEnd = CENTRAL_LENGTH + view.getUint16(28, true);
  const rawName = bytes.subarray(CENTRAL_LENGTH, nameEnd);
  const extra = extraFields(bytes.subarray(nameEnd, nameEnd + view.getUint16(30, true)));
  let compressedSize = view.getUint32(20, true);
  let size = view.getUint32(24, true);
  let offset = view.getUint32(42, true);
  const disk = view.getUint16(34, true);
  // 4.5.3: the values that did not fit, in this order.
  const zip64 = extra.get(0x0001);
  if (zip64) {
    let at = 0;
    const next = (): number => {
      if (at + 8 > zip64.length) throw damaged('an entry leaves its size out');
      at += 8;
      return wide(viewOf(zip64), at - 8);
    };
    if (size === 0xffffffff) size = next();
    if (compressedSize === 0xffffffff) compressedSize = next();
    if (offset === 0xffffffff) offset = next();
  }
  if (isPart(disk)) throw split();
  return {
    name: nameOf(rawName, (flags & 0x800) !== 0, extra.get(0x7075)),
    size,
    compressedSize,
    crc32: view.getUint32(16, true),
    method,
    // Bit 13: names and sizes are masked; method 99: AES.
    encrypted: (flags & 0x2001) !== 0 || method === 99,
    offset: offset + base,
  };
}

function extraFields(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = viewOf(bytes);
  const fields = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at + 2, true);
    fields.set(view.getUint16(at, true), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}
