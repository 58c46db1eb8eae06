/**
 * An instance as it leaves: the bytes as received where they serve, otherwise with corrections of patient data laid over the
 * header, or in a transfer syntax that the receiver takes. Pixel data passes in pieces and is never whole in memory.
 */
import { Readable } from 'node:stream';
import { createDeflateRaw } from 'node:zlib';
import {
  dataset as attributes,
  type DataSet,
  type DicomFile,
  type DicomJson,
  elementHeader,
  EXPLICIT_LE,
  fileMeta,
  hexTag,
  IMPLICIT_LE,
  isVideo,
  littleEndian,
  rewrite,
  type Tag,
  TAG,
  transferSyntax as syntaxOf,
  UNDEFINED_LENGTH,
  type VR,
} from '../dicom/index.ts';
import { canDecode, type DecoderPool, nativeBytes, pixelAttributesOf } from '../dicom/pixels/index.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Db } from '../store/types.ts';
import { overlays } from './correct.ts';
import type { FoundInstance, Objects } from './objects.ts';
import { readHeader } from './source.ts';
import type { ArchiveTables, InstanceTable } from './tables.ts';
import type { Archive, Outgoing } from './types.ts';

const notConvertible = (from: string): NegatoscopeError =>
  new NegatoscopeError(
    'not-convertible',
    `The instance is stored in transfer syntax ${from} and can be given in none of those asked for.`,
    { status: 406, details: { transferSyntax: from } },
  );

type Row = InstanceTable;
/** What follows the header: element header and value in pieces. */
type Body = AsyncIterable<Uint8Array>;

export function createOutgoing(
  db: Db<ArchiveTables>,
  objects: Objects,
  pool: DecoderPool,
): Archive['outgoing'] {
  return async (sopInstanceUid, sight, accepted): Promise<Outgoing> => {
    const row = await objects.guarded(sopInstanceUid, sight);
    const changes = row.corrected ? (await overlays(db, [row.study_uid])).get(row.study_uid) : undefined;
    const transferSyntax = choose(row, accepted, changes !== undefined);
    const same = transferSyntax === row.transfer_syntax;
    const facts = { sopClassUid: row.sop_class_uid, sopInstanceUid, transferSyntax };
    if (same && !changes) return { ...facts, ...(await original(row, objects)) };
    const made = same
      ? await corrected(row, objects, changes!)
      : await converted(row, objects, pool, transferSyntax, changes ?? {});
    const dataset = () => Readable.from(made(), { objectMode: false });
    const head = fileMeta({ ...facts, ...(row.door === 'dimse' ? { sourceAe: row.from_name } : {}) });
    const file = async function* () {
      yield head;
      yield* made();
    };
    return {
      ...facts,
      original: false,
      dataset: async () => dataset(),
      file: async () => Readable.from(file(), { objectMode: false }),
    };
  };
}

/** The stored transfer syntax if it is accepted, else the first accepted one that it can be turned into. */
function choose(row: Row, accepted: readonly string[] | undefined, changed: boolean): string {
  const stored = row.transfer_syntax;
  const known = syntaxOf(stored);
  // Big endian is retired and not written: corrected, it leaves in little endian.
  const asStored = !(changed && known?.bigEndian);
  if (asStored && (!accepted || accepted.includes(stored))) return stored;
  const decodable = !known?.encapsulated || row.pixel_offset === null || canDecode(stored);
  const target = (accepted ?? [EXPLICIT_LE]).find((uid) => uid === EXPLICIT_LE || uid === IMPLICIT_LE);
  if (!known || !target || !decodable || isVideo(stored)) throw notConvertible(stored);
  return target;
}

async function original(
  row: FoundInstance,
  objects: Objects,
): Promise<Pick<Outgoing, 'original' | 'size' | 'dataset' | 'file'>> {
  const size = Number(row.size);
  const offset = Number(row.dataset_offset);
  const meta = await objects.lackingMeta(row);
  const dataset = () => objects.open(row, { offset, length: size - offset });
  if (!meta) return { original: true, size, dataset, file: () => objects.open(row) };
  return {
    original: false,
    dataset,
    file: async () => Readable.from(chain(meta, dataset), { objectMode: false }),
  };
}

async function* chain(...parts: (Uint8Array | (() => Promise<Body>))[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else yield* await part();
  }
}

/** The same transfer syntax with a new header: everything from the pixel data on is copied. */
async function corrected(row: Row, objects: Objects, changes: DicomJson): Promise<() => Body> {
  const file = await headerFor(row, objects, changes);
  const explicit = row.transfer_syntax !== IMPLICIT_LE;
  const place = file.pixelData ?? file.stoppedAt;
  const head = rewrite(file.dataset, {
    transferSyntax: row.transfer_syntax,
    changes,
    ...(place ? { before: place.tag } : {}),
  });
  const made = (): Body =>
    place
      ? chain(
          head,
          elementHeader(place.tag, place.vr, place.encapsulated ? UNDEFINED_LENGTH : place.length, explicit),
          () => objects.parsed(row).stream(place.offset),
        )
      : chain(head);
  if (!syntaxOf(row.transfer_syntax)?.deflated) return made;
  return () => Readable.from(made(), { objectMode: false }).pipe(createDeflateRaw());
}

/** Reads so far that every changed attribute lies in what was read. */
async function headerFor(row: Row, objects: Objects, changes: DicomJson): Promise<DicomFile> {
  const source = objects.sourceOf(row);
  const file = await readHeader(source);
  const last = Math.max(0, ...Object.keys(changes).map((key) => parseInt(key, 16)));
  return file.stoppedAt && file.stoppedAt.tag <= last ? readHeader(source, Infinity) : file;
}

/** Into explicit or implicit VR little endian, with the pixels as stored values where they were compressed. */
async function converted(
  row: Row,
  objects: Objects,
  pool: DecoderPool,
  transferSyntax: string,
  changes: DicomJson,
): Promise<() => Body> {
  const file = await readHeader(objects.sourceOf(row), Infinity);
  const { dataset, pixelData } = file;
  if (!pixelData) {
    const whole = rewrite(dataset, { transferSyntax, changes });
    return () => chain(whole);
  }
  const explicit = transferSyntax !== IMPLICIT_LE;
  const before = pixelData.tag;
  if (!pixelData.encapsulated) {
    const vr = explicit ? pixelVr(dataset, pixelData.vr, pixelData.tag) : pixelData.vr;
    const head = rewrite(dataset, { transferSyntax, changes, before });
    const element = elementHeader(pixelData.tag, vr, pixelData.length, explicit);
    const wordVr = wordsOf(dataset, pixelData.vr);
    const value = async () => {
      const stream = await objects.parsed(row).stream(pixelData.offset, pixelData.length);
      return dataset.bigEndian ? swapped(stream, wordVr) : stream;
    };
    return () => chain(head, element, value);
  }

  const frames = Number(row.frames);
  const attributesOf = pixelAttributesOf(dataset);
  const decode = async (n: number) =>
    pool.decode(await objects.frameOf(row, n), row.transfer_syntax, attributesOf);
  // Before the first byte goes out: what cannot be decoded is said in time.
  const first = await decode(1);
  const bytes = nativeBytes(first, { ...attributesOf, planarConfiguration: 0 });
  const pixels = first.rows * first.columns * first.samplesPerPixel;
  const length = bytes.length * frames + ((bytes.length * frames) % 2);
  if (length >= UNDEFINED_LENGTH || (attributesOf.bitsAllocated === 1 && frames > 1 && pixels % 8 !== 0))
    throw notConvertible(row.transfer_syntax);
  const head = rewrite(dataset, {
    transferSyntax,
    before,
    without: encapsulatedOnly(dataset),
    changes: {
      ...attributes({
        PhotometricInterpretation: first.photometric,
        ...(first.samplesPerPixel > 1 ? { PlanarConfiguration: 0 } : {}),
      }),
      ...lossyMark(dataset, row.transfer_syntax),
      ...changes,
    },
  });
  const vr = explicit && attributesOf.bitsAllocated <= 8 ? 'OB' : 'OW';
  return async function* () {
    yield head;
    yield elementHeader(TAG.PixelData, vr, length, explicit);
    yield bytes;
    for (let n = 2; n <= frames; n++) {
      const next = nativeBytes(await decode(n), { ...attributesOf, planarConfiguration: 0 });
      // The length has been said.
      if (next.length !== bytes.length) throw notConvertible(row.transfer_syntax);
      yield next;
    }
    if ((bytes.length * frames) % 2) yield Buffer.of(0);
  };
}

/** Read from implicit VR it is OW; explicit VR has OB for pixels of up to eight bits too (PS3.5 A.2), and OW serves both. */
const pixelVr = (dataset: DataSet, vr: VR, tag: Tag): VR =>
  tag === TAG.PixelData && (dataset.number(TAG.BitsAllocated) ?? 8) > 8 ? 'OW' : vr;

/** Pixel data in OW of one byte a pixel is swapped in words of two as well: PS3.5 8.1.2. */
const wordsOf = (dataset: DataSet, vr: VR): VR => {
  const bits = dataset.number(TAG.BitsAllocated);
  return vr === 'OW' && bits === 32 ? 'OL' : vr;
};

async function* swapped(stream: Body, vr: VR): Body & AsyncGenerator<Uint8Array> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = held.length > 0 ? Buffer.concat([held, chunk]) : Buffer.from(chunk);
    const whole = bytes.length - (bytes.length % 8);
    held = bytes.subarray(whole);
    if (whole > 0) yield littleEndian(bytes.subarray(0, whole), vr);
  }
  if (held.length > 0) yield littleEndian(held, vr);
}

/** Offsets into fragments, and small pictures that are compressed as well. */
function encapsulatedOnly(dataset: DataSet): ReadonlySet<Tag> {
  const tags = new Set<Tag>([TAG.ExtendedOffsetTable, TAG.ExtendedOffsetTableLengths]);
  const [icon] = dataset.items(TAG.IconImageSequence);
  if (icon?.has(TAG.PixelData) && !icon.bytes(TAG.PixelData)) tags.add(TAG.IconImageSequence);
  return tags;
}

/** Transfer syntaxes that always lose something, and the name of what they did: PS3.3 C.7.6.1.1.5. */
const LOSSY: readonly [RegExp, string][] = [
  [/^1\.2\.840\.10008\.1\.2\.4\.5[0-6]$/, 'ISO_10918_1'],
  [/^1\.2\.840\.10008\.1\.2\.4\.81$/, 'ISO_14495_1'],
];
function lossyMark(dataset: DataSet, stored: string): DicomJson {
  const method = LOSSY.find(([pattern]) => pattern.test(stored))?.[1];
  if (!method || dataset.string(TAG.LossyImageCompression) === '01') return {};
  return {
    [hexTag(TAG.LossyImageCompression)]: { vr: 'CS', Value: ['01'] },
    ...(dataset.has(TAG.LossyImageCompressionMethod)
      ? {}
      : { [hexTag(TAG.LossyImageCompressionMethod)]: { vr: 'CS', Value: [method] } }),
  };
}
