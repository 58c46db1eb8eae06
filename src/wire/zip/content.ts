/** The bytes of one entry, unpacked as they are read and checked against what the archive promised. */
import { NegatoscopeError } from '../../errors.ts';
import { crc32 } from './crc32.ts';
import { damaged, LOCAL_LENGTH, viewOf, type ZipEntry, type ZipSource } from './directory.ts';

const LOCAL = 0x04034b50;
const CHUNK = 128 * 1024;

/**
 * What one archive may unpack to. Deflate packs at most 1,032 to 1, and a blank image comes near that: a ratio says something
 * only of a lot of bytes.
 */
export class ZipBudget {
  /** Bytes unpacked, of all entries. */
  static readonly MAX_TOTAL = 512 * 1024 ** 3;
  /** From here on the ratio counts. */
  static readonly RATIO_FROM = 512 * 1024 ** 2;
  static readonly MAX_RATIO = 200;
  #unpacked = 0;
  #packed = 0;

  /** @throws NegatoscopeError `zip-bomb` (422) */
  spend(unpacked: number, packed: number): void {
    this.#unpacked += unpacked;
    this.#packed += packed;
    const tooDense =
      this.#unpacked > ZipBudget.RATIO_FROM && this.#unpacked > this.#packed * ZipBudget.MAX_RATIO;
    if (tooDense || this.#unpacked > ZipBudget.MAX_TOTAL)
      throw new NegatoscopeError(
        'zip-bomb',
        'The zip archive unpacks to far more than images ever do. Unpack it yourself and send what is in it.',
        { status: 413 },
      );
  }
}

const DEFLATED = 8;
const STORED = 0;
const METHODS: Readonly<Record<number, string>> = {
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'XZ',
  98: 'PPMd',
};

/**
 * Unpacked bytes of an entry. `budget` is shared by the entries of an archive and of the archive inside it.
 *
 * Throws `zip-encrypted`, `zip-method`, `zip-damaged` (422; the sum does not match, the entry is longer or shorter than it
 * says), `zip-bomb` (413).
 */
export async function* zipContent(
  source: ZipSource,
  entry: ZipEntry,
  budget: ZipBudget,
): AsyncGenerator<Uint8Array> {
  const start = await contentStart(source, entry);
  const packed = slices(source, start, entry.compressedSize, (length) => budget.spend(0, length));
  let size = 0;
  let crc = 0;
  for await (const chunk of entry.method === DEFLATED ? inflated(packed) : packed) {
    size += chunk.length;
    if (size > entry.size) throw damaged('an entry is longer than it says');
    budget.spend(chunk.length, 0);
    crc = crc32(chunk, crc);
    yield chunk;
  }
  if (size < entry.size) throw damaged('an entry is shorter than it says');
  if (crc !== entry.crc32) throw damaged('the check sum of an entry does not match');
}

/** Where the stored bytes of an entry lie, when they are not packed: an archive in the archive can be read in place. */
export async function storedRange(
  source: ZipSource,
  entry: ZipEntry,
): Promise<{ offset: number; length: number } | undefined> {
  if (entry.method !== STORED || entry.encrypted || entry.size !== entry.compressedSize) return undefined;
  return { offset: await contentStart(source, entry), length: entry.size };
}

async function contentStart(source: ZipSource, entry: ZipEntry): Promise<number> {
  if (entry.encrypted)
    throw new NegatoscopeError(
      'zip-encrypted',
      'The zip archive is locked with a password. Unpack it yourself and send what is in it.',
      { status: 422 },
    );
  if (entry.method !== STORED && entry.method !== DEFLATED)
    throw new NegatoscopeError(
      'zip-method',
      `The zip archive is packed with ${METHODS[entry.method] ?? `method ${entry.method}`}, which cannot be read here. Unpack it yourself and send what is in it.`,
      { status: 422 },
    );
  const header = await source.read(entry.offset, LOCAL_LENGTH);
  if (header.length < LOCAL_LENGTH || viewOf(header).getUint32(0, true) !== LOCAL)
    throw damaged('an entry is not where its directory says');
  // Lengths of the local name and extra field: the directory's need not be the same.
  const start =
    entry.offset + LOCAL_LENGTH + viewOf(header).getUint16(26, true) + viewOf(header).getUint16(28, true);
  if (start + entry.compressedSize > source.size) throw damaged('an entry does not lie inside the file');
  return start;
}

async function* slices(
  source: ZipSource,
  offset: number,
  length: number,
  read: (length: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < length;) {
    const chunk = await source.read(offset + at, Math.min(CHUNK, length - at));
    if (chunk.length === 0) throw damaged('it ends inside an entry');
    at += chunk.length;
    read(chunk.length);
    yield chunk as Uint8Array<ArrayBuffer>;
  }
}

async function* inflated(packed: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  const inflate = new DecompressionStream('deflate-raw');
  const writer = inflate.writable.getWriter();
  const reader = inflate.readable.getReader();
  let failure: unknown;
  const feeding = (async () => {
    for await (const chunk of packed) await writer.write(chunk);
    await writer.close();
  })().catch(async (error: unknown) => {
    failure = error;
    await writer.abort(error).catch(() => {});
  });
  let done = false;
  try {
    while (!done) {
      const next = await reader.read().catch((error: unknown) => {
        const own = failure instanceof NegatoscopeError ? failure : error;
        throw own instanceof NegatoscopeError ? own : damaged('an entry cannot be unpacked');
      });
      done = next.done;
      if (next.value) yield next.value;
    }
  } finally {
    if (!done) await reader.cancel().catch(() => {});
    await feeding;
  }
}
