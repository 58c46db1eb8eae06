import { deflateRawSync } from 'node:zlib';
import { encodeText } from './charset.ts';
import { TAG } from './dictionary.ts';
import { DicomError, hexTag } from './errors.ts';
import { dataset as build } from './builder.ts';
import { BINARY_VRS, jsonString, personText } from './json.ts';
import { LONG_VRS, isVrText } from './reader.ts';
import type { DicomJson, JsonAttribute, Tag, VR } from './types.ts';
import { DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from './uids.ts';

/** Root of 2.25 (PS3.5 B.2), made once for this software: it does not change with versions. */
export const IMPLEMENTATION_CLASS_UID = '2.25.267061591358860096285076934376507945447';
/** At most 16 characters: PS3.7 D.3.3.2.3. */
export const IMPLEMENTATION_VERSION_NAME = 'NEGATOSCOPE_0.1';

export interface EncodeOptions {
  /** Default explicit VR little endian. Encapsulated syntaxes are written as such, deflated ones are deflated. */
  transferSyntax?: string;
  /** Values of Specific Character Set to write in, where that set has all the letters (see `encodeText`). */
  charset?: readonly string[];
}

/** How elements are written. */
export interface Form {
  readonly explicit: boolean;
  /** Values of Specific Character Set. */
  readonly charset: readonly string[];
}

/**
 * A data set in the DICOM JSON Model (PS3.18 F) → bytes, elements in ascending order, sequences with explicit lengths
 * (PS3.5 7.5). Text is written in UTF-8 with Specific Character Set ISO_IR 192 as soon as any of it is not ASCII, or in
 * `charset` where that can be.
 * `Binary` and `Fragments` carry bytes. Throws `DicomError('malformed')` for a value its VR cannot hold, and
 * `unknown-transfer-syntax` for big endian, which nobody should write any more.
 */
export function encodeDataSet(json: DicomJson, options: EncodeOptions = {}): Buffer {
  const { transferSyntax = EXPLICIT_LE } = options;
  if (transferSyntax === EXPLICIT_BE)
    throw new DicomError('unknown-transfer-syntax', 'Explicit VR Big Endian is retired and not written');
  const { charset: asked } = options;
  const form = {
    explicit: transferSyntax !== IMPLICIT_LE,
    charset: asked && canBeWrittenIn(asked, json) ? asked : UTF8,
  };
  const label = hexTag(TAG.SpecificCharacterSet) in json || !isAscii(json);
  const labelled = label ? { ...json, [hexTag(TAG.SpecificCharacterSet)]: labelOf(form.charset) } : json;
  const bytes = Buffer.concat(encodeElements(labelled, form, 0));
  if (transferSyntax !== DEFLATED_LE) return bytes;
  const deflated = deflateRawSync(bytes);
  return deflated.length % 2 ? Buffer.concat([deflated, Buffer.of(0)]) : deflated; // PS3.5 A.5
}

export const UTF8 = ['ISO_IR 192'];
const labelOf = (charset: readonly string[]): JsonAttribute => ({ vr: 'CS', Value: [...charset] });

/** Whether all text has its letters in this set. Binary values are not looked at. */
export function canBeWrittenIn(charset: readonly string[], value: unknown): boolean {
  if (typeof value === 'string') return encodeText(charset, value) !== undefined;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  return Object.values(value).every((inside) => canBeWrittenIn(charset, inside));
}
/** The default repertoire. */
const isAscii = (value: unknown): boolean => canBeWrittenIn([], value);

const MAX_DEPTH = 64;

export function encodeElements(json: DicomJson, form: Form, depth: number): Buffer[] {
  if (depth > MAX_DEPTH) throw new DicomError('too-deep', `Sequences nested deeper than ${MAX_DEPTH}`);
  return Object.keys(json)
    .filter((key) => json[key] !== undefined)
    .map((key) => ({ key: key.toUpperCase(), attribute: json[key]! }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .flatMap(({ key, attribute }) => {
      if (!/^[\dA-F]{8}$/.test(key)) throw new DicomError('malformed', `Not a tag: ${key.slice(0, 20)}`);
      return encodeElement(parseInt(key, 16), attribute, form, depth);
    });
}

export const UNDEFINED_LENGTH = 0xffffffff;

function encodeElement(tag: Tag, given: JsonAttribute, form: Form, depth: number): Buffer[] {
  const { explicit } = form;
  // Items may name a set of their own, but all text is written in one.
  const attribute = tag === TAG.SpecificCharacterSet ? labelOf(form.charset) : given;
  if (!isAttribute(attribute))
    throw new DicomError('malformed', 'Not an attribute of the JSON model:', { tag });
  const { vr, Fragments } = attribute;
  if (!isVrText(vr)) throw new DicomError('malformed', 'No known value representation in', { tag });
  if (Fragments) {
    if (!explicit)
      throw new DicomError('malformed', 'Fragments need an encapsulated transfer syntax', { tag });
    return [header(tag, vr, UNDEFINED_LENGTH, true), ...Fragments.flatMap(item), itemHeader(0xfffee0dd, 0)];
  }
  const parts = vr === 'SQ' ? encodeItems(tag, attribute, form, depth) : [encodeValue(tag, attribute, form)];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length >= UNDEFINED_LENGTH) throw new DicomError('malformed', 'Longer than 4 GiB:', { tag });
  return [header(tag, vr, length, explicit), ...parts];
}

/** What came as JSON may be anything: PS3.18 F.2.2. */
const isAttribute = (given: unknown): given is JsonAttribute => {
  if (typeof given !== 'object' || given === null) return false;
  const { Value, InlineBinary, Binary, Fragments } = given as Record<string, unknown>;
  const isBytes = (value: unknown): boolean => value instanceof Uint8Array;
  return (
    (Value === undefined || Array.isArray(Value)) &&
    (InlineBinary === undefined || typeof InlineBinary === 'string') &&
    (Binary === undefined || isBytes(Binary)) &&
    (Fragments === undefined || (Array.isArray(Fragments) && Fragments.every(isBytes)))
  );
};

const item = (bytes: Uint8Array): Buffer[] => {
  const value = padded(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  return [itemHeader(0xfffee000, value.length), value];
};

function encodeItems(tag: Tag, attribute: JsonAttribute, form: Form, depth: number): Buffer[] {
  return (attribute.Value ?? []).flatMap((value) => {
    if (typeof value !== 'object' || value === null)
      throw new DicomError('malformed', 'A sequence holds something that is no item:', { tag });
    const parts = encodeElements(value as DicomJson, form, depth + 1);
    return [
      itemHeader(
        0xfffee000,
        parts.reduce((sum, part) => sum + part.length, 0),
      ),
      ...parts,
    ];
  });
}

export function itemHeader(tag: Tag, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt16LE(tag >>> 16, 0);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

/** Tag, VR and length of an element; `UNDEFINED_LENGTH` where its items or fragments end it. */
export function header(tag: Tag, vr: VR, length: number, explicit: boolean): Buffer {
  if (!explicit) return itemHeader(tag, length);
  // A value too long for 16 bits of length is written as UN: PS3.5 6.2.2.
  const written = !LONG_VRS.has(vr) && length > 0xffff ? 'UN' : vr;
  const long = LONG_VRS.has(written);
  const bytes = Buffer.alloc(long ? 12 : 8);
  bytes.writeUInt16LE(tag >>> 16, 0);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  bytes.write(written, 4, 'latin1');
  if (long) bytes.writeUInt32LE(length, 8);
  else bytes.writeUInt16LE(length, 6);
  return bytes;
}

export const padded = (bytes: Buffer, padding: number): Buffer =>
  bytes.length % 2 ? Buffer.concat([bytes, Buffer.of(padding)]) : bytes;

const NUMBERS: Readonly<
  Record<string, readonly [number, (bytes: Buffer, value: number, at: number) => void]>
> = {
  US: [2, (bytes, value, at) => bytes.writeUInt16LE(value, at)],
  SS: [2, (bytes, value, at) => bytes.writeInt16LE(value, at)],
  UL: [4, (bytes, value, at) => bytes.writeUInt32LE(value, at)],
  SL: [4, (bytes, value, at) => bytes.writeInt32LE(value, at)],
  FL: [4, (bytes, value, at) => bytes.writeFloatLE(value, at)],
  FD: [8, (bytes, value, at) => bytes.writeDoubleLE(value, at)],
  SV: [8, (bytes, value, at) => bytes.writeBigInt64LE(BigInt(value), at)],
  UV: [8, (bytes, value, at) => bytes.writeBigUInt64LE(BigInt(value), at)],
};

function encodeValue(tag: Tag, attribute: JsonAttribute, { charset }: Form): Buffer {
  const { vr, Value = [], InlineBinary, Binary } = attribute;
  if (Binary) return padded(Buffer.from(Binary.buffer, Binary.byteOffset, Binary.byteLength), 0);
  if (InlineBinary !== undefined) return padded(Buffer.from(InlineBinary, 'base64'), 0);
  if (attribute.BulkDataURI !== undefined)
    throw new DicomError('malformed', 'Bulk data without its bytes:', { tag });
  if (Value.length === 0) return Buffer.alloc(0);
  if (BINARY_VRS.has(vr)) throw new DicomError('malformed', 'Binary attribute without bytes:', { tag });
  if (vr === 'AT') return Buffer.concat(Value.map((value) => tagBytes(tag, value)));
  const numbers = NUMBERS[vr];
  if (numbers) {
    const [width, write] = numbers;
    const bytes = Buffer.alloc(width * Value.length);
    Value.forEach((value, index) => {
      try {
        write(bytes, vr === 'SV' || vr === 'UV' ? (value as number) : Number(value ?? NaN), index * width);
      } catch (cause) {
        throw new DicomError('malformed', `A value that ${vr} cannot hold in`, { tag, cause });
      }
    });
    return bytes;
  }
  const text = Value.map((value) => textOf(tag, vr, value)).join('\\');
  return padded(encodeText(charset, text) ?? Buffer.from(text, 'utf8'), vr === 'UI' ? 0 : 0x20);
}

function textOf(tag: Tag, vr: VR, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (vr === 'PN') return personText(value);
  if (vr === 'DS' && typeof value === 'number') return decimalString(value);
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new DicomError('malformed', `A value that ${vr} cannot hold in`, { tag });
}

function tagBytes(tag: Tag, value: unknown): Buffer {
  const number = typeof value === 'number' ? value : parseInt(String(value), 16);
  if (!(number >= 0 && number <= 0xffffffff))
    throw new DicomError('malformed', 'A value that AT cannot hold in', { tag });
  return itemHeader(number, 0).subarray(0, 4);
}

/** The number in at most 16 characters, as precise as fits: PS3.5 6.2 DS. */
export function decimalString(value: number): string {
  if (!Number.isFinite(value))
    throw new DicomError('malformed', 'DS cannot hold a number that is not finite');
  const exact = String(value);
  if (exact.length <= 16) return exact;
  for (let digits = 16; digits > 0; digits--) {
    const shorter = String(Number(value.toPrecision(digits)));
    if (shorter.length <= 16) return shorter;
    const exponential = value.toExponential(digits - 1);
    if (exponential.length <= 16) return exponential;
  }
  return '0';
}

export interface FileMeta {
  sopClassUid: string;
  sopInstanceUid: string;
  transferSyntax: string;
  /** AE title that sent it: Source Application Entity Title (0002,0016). */
  sourceAe?: string;
}

const START = Buffer.alloc(132);
START.write('DICM', 128, 'latin1');
const META = { explicit: true, charset: UTF8 };
const encodeMeta = (elements: Parameters<typeof build>[0]): Buffer =>
  Buffer.concat(encodeElements(build(elements), META, 0));

/** What stands before and behind the SOP Instance UID: the same for all images of a series, which come one after the other. */
const around = new Map<string, { before: Buffer; behind: Buffer }>();
const MOST_AROUND = 64;

function aroundInstance({ sopClassUid, transferSyntax, sourceAe }: FileMeta): {
  before: Buffer;
  behind: Buffer;
} {
  const key = JSON.stringify([sopClassUid, transferSyntax, sourceAe]);
  let found = around.get(key);
  if (!found) {
    found = {
      before: encodeMeta({
        FileMetaInformationVersion: Uint8Array.of(0, 1),
        MediaStorageSOPClassUID: sopClassUid,
      }),
      behind: encodeMeta({
        TransferSyntaxUID: transferSyntax,
        ImplementationClassUID: IMPLEMENTATION_CLASS_UID,
        ImplementationVersionName: IMPLEMENTATION_VERSION_NAME,
        SourceApplicationEntityTitle: sourceAe,
      }),
    };
    if (around.size >= MOST_AROUND) around.clear();
    around.set(key, found);
  }
  return found;
}

/** (0002,0010) with its VR. */
const TRANSFER_SYNTAX_UID = Buffer.from([0x02, 0x00, 0x10, 0x00, 0x55, 0x49]);
/**
 * Whether a file has what `fileMeta` makes: preamble, `DICM`, and a transfer syntax in its file meta information (PS3.10 7.1).
 * @param head at least all that stands before the data set
 */
export const isPart10 = (head: Buffer): boolean =>
  head.toString('latin1', 128, 132) === 'DICM' && head.includes(TRANSFER_SYNTAX_UID, 132);

/** Preamble, `DICM` and file meta information (PS3.10 7.1): what a data set from the network needs in front to be a file. */
export function fileMeta(meta: FileMeta): Buffer {
  const { before, behind } = aroundInstance(meta);
  const uid = padded(Buffer.from(meta.sopInstanceUid, 'latin1'), 0);
  const instance = header(TAG.MediaStorageSOPInstanceUID, 'UI', uid.length, true);
  const length = before.length + instance.length + uid.length + behind.length;
  const groupLength = header(TAG.FileMetaInformationGroupLength, 'UL', 4, true);
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32LE(length);
  return Buffer.concat([START, groupLength, value, before, instance, uid, behind]);
}

/**
 * A file of PS3.10 from a data set as JSON, or from its bytes as they are. The UIDs of the meta information come from `json`
 * unless given.
 */
export function writePart10(
  file: { json: DicomJson; meta?: Partial<FileMeta> } | { datasetBytes: Uint8Array; meta: FileMeta },
): Buffer {
  if ('datasetBytes' in file) return Buffer.concat([fileMeta(file.meta), file.datasetBytes]);
  const { json, meta = {} } = file;
  const uid = (tag: Tag): string => jsonString(json, tag) ?? '';
  const transferSyntax = meta.transferSyntax ?? EXPLICIT_LE;
  const complete = {
    ...meta,
    sopClassUid: meta.sopClassUid ?? uid(TAG.SOPClassUID),
    sopInstanceUid: meta.sopInstanceUid ?? uid(TAG.SOPInstanceUID),
    transferSyntax,
  };
  return Buffer.concat([fileMeta(complete), encodeDataSet(json, { transferSyntax })]);
}
