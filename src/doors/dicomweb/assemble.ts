/**
 * STOW-RS of metadata and bulk data (PS3.18 10.5.1.1.2): data sets as DICOM JSON or Native DICOM Model first, the long values as
 * parts behind them, in any order. Each instance becomes a file of PS3.10 whose long values pass through as a stream.
 */
import type { Archive, Spooled } from '../../archive/index.ts';
import {
  DicomError,
  type DicomJson,
  elementHeader,
  encodeElements,
  EXPLICIT_LE,
  fileMeta,
  fromXml,
  itemHeader,
  type JsonAttribute,
  jsonString,
  TAG,
  transferSyntax as knownSyntax,
  UNDEFINED_LENGTH,
  UTF8,
} from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { type MultipartPart, parseContentType } from '../../wire/multipart.ts';

/** Of all metadata of one request, and of bulk data that cannot be streamed (within sequences). */
const MAX_IN_MEMORY = 64 * 1024 * 1024;
const MAX_PARTS = 100_000;
const MAX_DEPTH = 64;
const FORM = { explicit: true, charset: UTF8 };
const PIXELS = '7FE00010';
/** Beyond this a value goes by itself. */
const LARGE = 64 * 1024;

/** PS3.18 table 8.7.3-2 to -4: what a compressed part is when it does not say. */
const SYNTAX_OF: Readonly<Record<string, string>> = {
  'image/dicom-rle': '1.2.840.10008.1.2.5',
  'image/jpeg': '1.2.840.10008.1.2.4.70',
  'image/jls': '1.2.840.10008.1.2.4.80',
  'image/jp2': '1.2.840.10008.1.2.4.90',
  'image/jpx': '1.2.840.10008.1.2.4.92',
  'image/jphc': '1.2.840.10008.1.2.4.201',
  'video/mpeg': '1.2.840.10008.1.2.4.100',
  'video/mp4': '1.2.840.10008.1.2.4.102',
};

interface Bulk {
  readonly location: string;
  readonly transferSyntax: string;
  readonly spooled: Spooled;
}

/** An instance put together, or why it could not be. */
export type Assembled = ({ body: AsyncIterable<Uint8Array> } & { failed?: undefined }) | Unbuilt;
export interface Unbuilt {
  readonly failed: 'malformed' | 'too-deep' | 'bulk-missing';
  readonly sopInstanceUid?: string;
  readonly sopClassUid?: string;
}

export const METADATA_TYPES = ['application/dicom+json', 'application/dicom+xml'] as const;
export const isMetadata = (type: string): boolean => (METADATA_TYPES as readonly string[]).includes(type);

/**
 * The instances of a request in the order of their metadata, each to be read before the next.
 * @throws NegatoscopeError `metadata-unreadable` (400), `metadata-too-large` (413)
 */
export async function* assembled(
  parts: AsyncIterable<MultipartPart>,
  spool: Archive['spool'],
): AsyncGenerator<Assembled> {
  const datasets: DicomJson[] = [];
  const bulk: Bulk[] = [];
  let held = 0;
  try {
    for await (const part of parts) {
      if (datasets.length + bulk.length >= MAX_PARTS) throw tooLarge();
      const { type, parameters } = parseContentType(part.headers.get('content-type') ?? '');
      if (isMetadata(type)) {
        const { datasets: found, size } = await readMetadata(part.body, type, MAX_IN_MEMORY - held);
        held += size;
        for (const dataset of found) datasets.push(dataset);
        continue;
      }
      bulk.push({
        location: part.headers.get('content-location') ?? '',
        transferSyntax: parameters.get('transfer-syntax') ?? SYNTAX_OF[type] ?? EXPLICIT_LE,
        spooled: await spool(part.body),
      });
    }
    for (const dataset of datasets) yield await assemble(dataset, bulk);
  } finally {
    await Promise.allSettled(bulk.map(({ spooled }) => spooled.discard()));
  }
}

const tooLarge = (): NegatoscopeError =>
  new NegatoscopeError(
    'metadata-too-large',
    'The metadata of one request may have 64 MiB. Send less at once.',
    {
      status: 413,
    },
  );

/** @throws NegatoscopeError `metadata-unreadable` (400), `metadata-too-large` (413) */
export async function readMetadata(
  body: AsyncIterable<Uint8Array>,
  type: string,
  limit = MAX_IN_MEMORY,
): Promise<{ datasets: DicomJson[]; size: number }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(Uint8Array.from(chunk));
  }
  const text = new TextDecoder().decode(Buffer.concat(chunks));
  try {
    if (type === 'application/dicom+xml') return { datasets: [fromXml(text)], size };
    const read: unknown = JSON.parse(text);
    const datasets = Array.isArray(read) ? read : [read];
    if (datasets.some((each) => typeof each !== 'object' || each === null || Array.isArray(each)))
      throw new DicomError('malformed', 'Not an array of data sets');
    return { datasets: datasets as DicomJson[], size };
  } catch (cause) {
    throw new NegatoscopeError('metadata-unreadable', 'The metadata cannot be read as DICOM JSON or XML.', {
      cause,
    });
  }
}

async function assemble(given: DicomJson, bulk: readonly Bulk[]): Promise<Assembled> {
  const text = (tag: number): string | undefined => {
    const value = (given as Record<string, Partial<JsonAttribute>>)[
      tag.toString(16).toUpperCase().padStart(8, '0')
    ]?.Value?.[0];
    return typeof value === 'string' ? value : undefined;
  };
  const sopInstanceUid = text(TAG.SOPInstanceUID);
  const sopClassUid = text(TAG.SOPClassUID);
  const named = { ...(sopInstanceUid ? { sopInstanceUid } : {}), ...(sopClassUid ? { sopClassUid } : {}) };
  try {
    return { body: await written(given, bulk) };
  } catch (thrown) {
    if (thrown === MISSING) return { failed: 'bulk-missing', ...named };
    if (thrown instanceof DicomError && thrown.code === 'too-deep') return { failed: 'too-deep', ...named };
    if (thrown instanceof DicomError || thrown instanceof TypeError || thrown instanceof RangeError)
      return { failed: 'malformed', ...named };
    throw thrown;
  }
}

const MISSING = new Error('a part that the metadata names is missing');

/** Group 0002 and what a server adds to its answers are no part of a data set. */
const NOT_STORED = /^(0002|00080056$|00081190$|00083002$)/;

async function written(given: DicomJson, bulk: readonly Bulk[]): Promise<AsyncIterable<Uint8Array>> {
  const json: DicomJson = {};
  const large = new Map<string, readonly Bulk[]>();
  let held = 0;

  /** Bytes of a value within a sequence, or a short one. */
  const inMemory = async (parts: readonly Bulk[]): Promise<Uint8Array> => {
    held += parts.reduce((sum, { spooled }) => sum + spooled.length, 0);
    if (held > MAX_IN_MEMORY) throw new DicomError('malformed', 'Too much bulk data within sequences');
    const chunks: Uint8Array[] = [];
    for (const { spooled } of parts) for await (const chunk of spooled.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const filled = async (attribute: JsonAttribute, depth: number): Promise<JsonAttribute> => {
    if (depth > MAX_DEPTH) throw new DicomError('too-deep', `Sequences nested deeper than ${MAX_DEPTH}`);
    if (typeof attribute !== 'object' || attribute === null)
      throw new DicomError('malformed', 'Something that is no attribute');
    const { vr, Value, InlineBinary, BulkDataURI } = attribute;
    if (BulkDataURI !== undefined) return { vr, Binary: await inMemory(partsOf(BulkDataURI, bulk)) };
    if (vr !== 'SQ' || !Array.isArray(Value))
      return { vr, ...(Value && { Value }), ...(InlineBinary !== undefined && { InlineBinary }) };
    const items: DicomJson[] = [];
    for (const item of Value) {
      const inside: DicomJson = {};
      for (const [key, each] of Object.entries((item ?? {}) as DicomJson))
        inside[key] = await filled(each, depth + 1);
      items.push(inside);
    }
    return { vr, Value: items };
  };

  for (const [name, attribute] of Object.entries(given)) {
    const key = name.toUpperCase();
    if (NOT_STORED.test(key)) continue;
    const uri = attribute?.BulkDataURI;
    const parts = uri === undefined ? [] : partsOf(uri, bulk);
    const length = parts.reduce((sum, { spooled }) => sum + spooled.length, 0);
    const compressed = key === PIXELS && isEncapsulated(parts);
    if (parts.length > 0 && (compressed || length > LARGE)) {
      json[key] = { vr: attribute.vr };
      large.set(key, parts);
    } else json[key] = await filled(attribute, 0);
  }
  const pixels = large.get(PIXELS) ?? [];
  const transferSyntax = isEncapsulated(pixels) ? await syntaxOf(pixels[0]!) : EXPLICIT_LE;
  if (!('00080005' in json)) json['00080005'] = { vr: 'CS', Value: [...UTF8] };
  const head = fileMeta({
    sopClassUid: jsonString(json, TAG.SOPClassUID) ?? '',
    sopInstanceUid: jsonString(json, TAG.SOPInstanceUID) ?? '',
    transferSyntax,
  });
  return chunksOf(head, segments(json, large), isEncapsulated(pixels));
}

/** The data set in order: elements written, and in between the large ones, whose values are still to come. */
function segments(
  json: DicomJson,
  large: ReadonlyMap<string, readonly Bulk[]>,
): (Buffer | { tag: number; vr: string; parts: readonly Bulk[] })[] {
  const list: ReturnType<typeof segments> = [];
  let run: DicomJson = {};
  const flush = (): void => {
    // Now, so that a value its VR cannot hold is told before the first byte.
    list.push(Buffer.concat(encodeElements(run, FORM, 0)));
    run = {};
  };
  for (const key of Object.keys(json).sort()) {
    const parts = large.get(key);
    if (!parts) {
      run[key] = json[key]!;
      continue;
    }
    flush();
    const { vr } = json[key]!;
    if (typeof vr !== 'string' || !/^[A-Z]{2}$/.test(vr) || vr === 'SQ')
      throw new DicomError('malformed', 'Bulk data of no value representation');
    list.push({ tag: parseInt(key, 16), vr, parts });
  }
  flush();
  return list;
}

async function* chunksOf(
  head: Buffer,
  list: ReturnType<typeof segments>,
  encapsulated: boolean,
): AsyncGenerator<Uint8Array> {
  yield head;
  for (const segment of list) {
    if (segment instanceof Uint8Array) {
      yield segment;
      continue;
    }
    const { tag, vr, parts } = segment;
    if (tag === TAG.PixelData && encapsulated) {
      yield elementHeader(tag, 'OB', UNDEFINED_LENGTH, true);
      yield itemHeader(0xfffee000, 0); // an empty Basic Offset Table: one fragment a frame (PS3.5 A.4)
      for (const { spooled } of parts) {
        yield itemHeader(0xfffee000, even(spooled.length));
        yield* spooled.chunks();
        if (spooled.length % 2) yield Buffer.of(0);
      }
      yield itemHeader(0xfffee0dd, 0);
      continue;
    }
    const length = parts.reduce((sum, { spooled }) => sum + spooled.length, 0);
    yield elementHeader(tag, vr, even(length), true);
    for (const { spooled } of parts) yield* spooled.chunks();
    if (length % 2) yield Buffer.of(0);
  }
}

const even = (length: number): number => length + (length % 2);

const isEncapsulated = (parts: readonly Bulk[]): boolean =>
  parts.length > 0 && knownSyntax(parts[0]!.transferSyntax)?.encapsulated === true;

/** The parts at an address, several for several frames. Relative or absolute, as long as one ends like the other. */
function partsOf(uri: string, bulk: readonly Bulk[]): readonly Bulk[] {
  const exact = bulk.filter(({ location }) => location !== '' && location === uri);
  if (exact.length > 0) return checked(exact);
  const path = pathOf(uri);
  const alike = bulk.filter(({ location }) => location !== '' && pathOf(location) === path);
  if (alike.length === 0) throw MISSING;
  return checked(alike);
}

function checked(parts: readonly Bulk[]): readonly Bulk[] {
  const length = parts.reduce((sum, { spooled }) => sum + spooled.length, 0);
  const one = isEncapsulated(parts) ? Math.max(...parts.map(({ spooled }) => spooled.length)) : length;
  if (one >= UNDEFINED_LENGTH - 1) throw new DicomError('malformed', 'Longer than 4 GiB');
  return parts;
}

const pathOf = (uri: string): string =>
  URL.canParse(uri, 'http://x/') ? new URL(uri, 'http://x/').pathname : uri;

/** JPEG names its process in its frame header (ISO/IEC 10918-1 table B.1), whatever the media type leaves open. */
async function syntaxOf({ transferSyntax, spooled }: Bulk): Promise<string> {
  if (transferSyntax !== SYNTAX_OF['image/jpeg']) return transferSyntax;
  let bytes = Buffer.alloc(0);
  for await (const chunk of spooled.chunks()) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 64 * 1024) break;
  }
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    if (marker === 0xc0) return '1.2.840.10008.1.2.4.50';
    if (marker === 0xc1) return '1.2.840.10008.1.2.4.51';
    if (marker === 0xc3) break;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return transferSyntax;
}
