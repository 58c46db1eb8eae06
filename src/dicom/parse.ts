import { TAG, vrOf } from './dictionary.ts';
import { DicomError, NeedMoreBytes } from './errors.ts';
import { inflate, inflatePrefix } from './inflate.ts';
import { DataSetReader, isVr, type Encoding, type ReadResult } from './reader.ts';
import type { DataSet, DicomFile } from './types.ts';
import { DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, transferSyntax } from './uids.ts';
import { ElementView } from './view.ts';

export interface ParseOptions {
  /** Sequences in sequences; beyond it `too-deep`. Default 64. */
  maxDepth?: number;
  /** Bytes that a deflated data set may become; beyond it `malformed`. Default: 64 times its size, at least 32 MiB, at most 1 GiB. */
  maxInflated?: number;
}

export interface HeaderOptions extends ParseOptions {
  /** `bytes` is the whole file, not a prefix: its end is an end. */
  complete: boolean;
  /**
   * Stop as well at a top-level value longer than this (Encapsulated Document, Waveform Data …) from group 0040 on, so that a
   * stream need not be held. The header then has `stoppedAt`. Default: no such stop.
   */
  stopAtLength?: number;
}

/**
 * Reads a whole file of PS3.10, or a data set without preamble and file meta information (its encoding is guessed).
 *
 * Throws only `DicomError`: `not-dicom`, `truncated`, `malformed`, `too-deep`. An unknown transfer syntax is read as explicit
 * little endian (PS3.5 10.1 asks that of private ones) and left to the caller, who sees it in `transferSyntax`.
 */
export function parseDicom(bytes: Uint8Array, options: ParseOptions = {}): DicomFile {
  return parseFile(bytes, { ...options, complete: true }, false);
}

/**
 * Reads up to Pixel Data, Float Pixel Data or Double Float Pixel Data at the top level, whose place is in `pixelData`; what
 * follows them is not looked at. `bytes` may be a prefix of the file: with `complete: false` throws `NeedMoreBytes` when it
 * ends before the pixel data.
 */
export function parseHeader(bytes: Uint8Array, options: HeaderOptions): DicomFile {
  return parseFile(bytes, options, true);
}

/** Reads a data set that has no Part 10 header, as it comes by network; it may be empty. Throws as `parseDicom`. */
export function parseDataSet(
  bytes: Uint8Array,
  transferSyntaxUid: string,
  options: ParseOptions = {},
): DataSet {
  if (bytes.length === 0) return new ElementView(bytes, false);
  return readBody(bytes, 0, transferSyntaxUid, { ...options, complete: true }, false).dataset;
}

function parseFile(bytes: Uint8Array, options: HeaderOptions, headerOnly: boolean): DicomFile {
  const start = findStart(bytes, options.complete);
  const meta = new ElementView(bytes, false);
  let datasetOffset = start.offset;
  if (start.meta) {
    const reader = new DataSetReader(bytes, { ...options, headerOnly: false, group: 0x0002 });
    const encoding = { explicit: isVr(bytes, start.offset + 4), bigEndian: false };
    datasetOffset = reader.read(meta, start.offset, encoding).offset;
  }
  const declared = meta.string(TAG.TransferSyntaxUID);
  try {
    const body = readBody(bytes, datasetOffset, declared, options, headerOnly);
    return {
      meta,
      dataset: body.dataset,
      transferSyntax: declared ?? body.transferSyntax,
      datasetOffset,
      bytes: body.source,
      ...(body.pixelData ? { pixelData: body.pixelData } : {}),
      ...(body.stoppedAt ? { stoppedAt: body.stoppedAt } : {}),
    };
  } catch (thrown) {
    // Without the magic word, bytes that do not read as a data set are most likely no data set.
    if (!start.magic && thrown instanceof DicomError && thrown.code === 'malformed')
      throw new DicomError('not-dicom', 'Neither a DICOM file nor a data set', { cause: thrown });
    throw thrown;
  }
}

interface Body extends ReadResult {
  readonly dataset: ElementView;
  readonly transferSyntax: string;
  /** The bytes that offsets refer to. */
  readonly source: Uint8Array;
}

function readBody(
  bytes: Uint8Array,
  offset: number,
  declared: string | undefined,
  options: HeaderOptions,
  headerOnly: boolean,
): Body {
  if (declared !== undefined && (transferSyntax(declared)?.deflated ?? false))
    return readDeflated(bytes, offset, declared, options, headerOnly);
  if (bytes.length < offset + 8) {
    if (!options.complete) throw new NeedMoreBytes(offset + 8, { offset });
    if (bytes.length > offset)
      throw new DicomError('truncated', 'The file ends inside an element', { offset });
    throw new DicomError('truncated', 'The file ends before its data set', { offset });
  }
  const encoding = encodingAt(bytes, offset, declared);
  const dataset = new ElementView(bytes, encoding.bigEndian);
  const result = new DataSetReader(bytes, { ...options, headerOnly }).read(dataset, offset, encoding);
  return { ...result, dataset, transferSyntax: uidOf(encoding), source: bytes };
}

/** Offsets of a deflated data set count as if the file held the inflated one. */
function readDeflated(
  bytes: Uint8Array,
  offset: number,
  declared: string,
  options: HeaderOptions,
  headerOnly: boolean,
): Body {
  const read = (inflated: Uint8Array, complete: boolean): Body => {
    const source = Buffer.concat([bytes.subarray(0, offset), inflated]);
    const dataset = new ElementView(source, false);
    const reader = new DataSetReader(source, { ...options, complete, headerOnly });
    const result = reader.read(dataset, offset, { explicit: true, bigEndian: false });
    return { ...result, dataset, transferSyntax: DEFLATED_LE, source };
  };
  const deflated = bytes.subarray(offset);
  if (headerOnly) {
    // The header usually ends within the first kilobytes: a bomb behind it is never inflated.
    for (let size = 16 * 1024; size < deflated.length; size *= 4) {
      try {
        return read(inflatePrefix(deflated.subarray(0, size), options.maxInflated, offset), false);
      } catch (thrown) {
        if (!(thrown instanceof NeedMoreBytes)) throw thrown;
      }
    }
    if (!options.complete) {
      try {
        return read(inflatePrefix(deflated, options.maxInflated, offset), false);
      } catch (thrown) {
        // `atLeast` counts inflated bytes here: ask for one more of the deflated ones.
        throw thrown instanceof NeedMoreBytes ? new NeedMoreBytes(bytes.length + 1, { offset }) : thrown;
      }
    }
  }
  return { ...read(inflate(deflated, options.maxInflated, offset), true), transferSyntax: declared };
}

interface Start {
  readonly offset: number;
  readonly magic: boolean;
  readonly meta: boolean;
}

const hasMagic = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x44 && bytes[at + 1] === 0x49 && bytes[at + 2] === 0x43 && bytes[at + 3] === 0x4d;

const groupAt = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

/** PS3.10 7.1: 128 bytes preamble, `DICM`, group 0002. Or, against it, any of the three missing. */
function findStart(bytes: Uint8Array, complete: boolean): Start {
  if (!complete && bytes.length < 140) throw new NeedMoreBytes(140, { offset: 0 });
  for (const at of [128, 0]) {
    if (!hasMagic(bytes, at)) continue;
    const offset = at + 4;
    if (bytes.length < offset + 8)
      throw new DicomError('truncated', 'The file ends inside its meta information', { offset });
    return { offset, magic: true, meta: groupAt(bytes, offset) === 0x0002 };
  }
  if (bytes.length < 8) throw new DicomError('not-dicom', 'Too short for a DICOM file');
  const group = groupAt(bytes, 0);
  const tag = (group * 0x10000 + groupAt(bytes, 2)) >>> 0;
  const little = group > 0 && group <= 0x0020 && group % 2 === 0;
  const bigEndian = bytes[0] === 0 && bytes[1]! > 0 && bytes[1]! <= 0x20 && bytes[1]! % 2 === 0;
  const implicit = little && vrOf(tag) !== undefined && lengthAt(bytes, 4) <= Math.max(bytes.length, 0x10000);
  if (!implicit && !((little || bigEndian) && isVr(bytes, 4)))
    throw new DicomError('not-dicom', 'Neither a DICOM file nor a data set');
  return { offset: 0, magic: false, meta: group === 0x0002 };
}

const lengthAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

/** What is declared, corrected by what the first element shows: senders mislabel implicit and explicit. */
function encodingAt(bytes: Uint8Array, offset: number, declared: string | undefined): Encoding {
  const explicit = isVr(bytes, offset + 4);
  const syntax = declared === undefined ? undefined : transferSyntax(declared);
  if (syntax) return { explicit, bigEndian: explicit && syntax.bigEndian };
  return { explicit, bigEndian: bytes[offset] === 0 && bytes[offset + 1]! > 0 };
}

const uidOf = (encoding: Encoding): string =>
  encoding.explicit ? (encoding.bigEndian ? EXPLICIT_BE : EXPLICIT_LE) : IMPLICIT_LE;
