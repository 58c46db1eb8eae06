import { inflateRawSync } from 'node:zlib';
import { runCodec } from './codecs.ts';
import type { CodecFrame, CodecName } from './codecs.ts';
import { decodeDct } from './jpegDct.ts';
import type { JpegHeader } from './jpegHeader.ts';
import { readJpegHeader } from './jpegHeader.ts';
import { decodeLossless } from './jpegLossless.ts';
import { decodeNative, maskToStored, nativeFrameBytes } from './native.ts';
import { decodeRle } from './rle.ts';
import type { DecodedFrame, PixelAttributes, Samples } from './types.ts';
import { MAX_SAMPLES, PixelsUndecodable } from './types.ts';

export interface DecodeOptions {
  /**
   * A smaller picture is enough if it is at least this large: JPEG 2000 then decodes a lower resolution, ten times as fast for
   * a thumbnail, and the frame's rows and columns are smaller.
   */
  atLeast?: { width: number; height: number };
}

type Decode = (
  encoded: Uint8Array,
  a: PixelAttributes,
  options: DecodeOptions,
) => DecodedFrame | Promise<DecodedFrame>;

/** PS3.5 Annex A, transfer syntax → how its frames are decoded. Video has no frames to take out and is not here. */
const DECODERS: Readonly<Record<string, Decode>> = {
  '1.2.840.10008.1.2': (bytes, a) => native(bytes, true, a),
  '1.2.840.10008.1.2.1': (bytes, a) => native(bytes, true, a),
  '1.2.840.10008.1.2.1.98': (bytes, a) => native(bytes, true, a),
  '1.2.840.10008.1.2.1.99': (bytes, a) => native(bytes, true, a), // the data set was inflated as a whole
  '1.2.840.10008.1.2.2': (bytes, a) => native(bytes, false, a),
  '1.2.840.10008.1.2.5': (bytes, a) => rle(bytes, a),
  '1.2.840.10008.1.2.8.1': (bytes, a) => deflatedFrame(bytes, a),
  '1.2.840.10008.1.2.4.50': jpeg,
  '1.2.840.10008.1.2.4.51': jpeg,
  '1.2.840.10008.1.2.4.53': jpeg,
  '1.2.840.10008.1.2.4.55': jpeg,
  '1.2.840.10008.1.2.4.57': jpeg,
  '1.2.840.10008.1.2.4.70': jpeg,
  '1.2.840.10008.1.2.4.80': (bytes, a) => jpegLs(bytes, false, a),
  '1.2.840.10008.1.2.4.81': (bytes, a) => jpegLs(bytes, true, a),
  '1.2.840.10008.1.2.4.90': (bytes, a, options) => jpeg2000('jpeg2000', bytes, false, a, options),
  '1.2.840.10008.1.2.4.91': (bytes, a, options) => jpeg2000('jpeg2000', bytes, true, a, options),
  '1.2.840.10008.1.2.4.201': (bytes, a, options) => jpeg2000('htj2k', bytes, false, a, options),
  '1.2.840.10008.1.2.4.202': (bytes, a, options) => jpeg2000('htj2k', bytes, false, a, options),
  '1.2.840.10008.1.2.4.203': (bytes, a, options) => jpeg2000('htj2k', bytes, true, a, options),
};

/** Whether `decodeFrame` knows the transfer syntax. */
export const canDecode = (transferSyntax: string): boolean => Object.hasOwn(DECODERS, transferSyntax);

/**
 * One frame as it stands in the file → stored values (PS3.5 8.1, 8.2).
 *
 * `encoded` is the native frame, or the joined fragments of an encapsulated one. Throws PixelsUndecodable (code
 * `pixels-undecodable`) for everything that is wrong with either argument.
 */
export async function decodeFrame(
  encoded: Uint8Array,
  transferSyntax: string,
  attributes: PixelAttributes,
  options: DecodeOptions = {},
): Promise<DecodedFrame> {
  const decode = Object.hasOwn(DECODERS, transferSyntax) ? DECODERS[transferSyntax] : undefined;
  if (!decode) throw new PixelsUndecodable(`transfer syntax ${transferSyntax} is not supported`);
  checkAttributes(attributes);
  try {
    return await decode(encoded, attributes, options);
  } catch (thrown) {
    if (thrown instanceof PixelsUndecodable) throw thrown;
    throw new PixelsUndecodable('the frame is damaged', thrown);
  }
}

/** Throws PixelsUndecodable for what contradicts itself, and for frames that are too large. */
export function checkAttributes(a: PixelAttributes): void {
  const whole = (value: number, from: number, to: number): boolean =>
    Number.isInteger(value) && value >= from && value <= to;
  if (!whole(a.rows, 1, 65535) || !whole(a.columns, 1, 65535))
    throw new PixelsUndecodable('Rows or Columns are missing');
  if (!whole(a.samplesPerPixel, 1, 4)) throw new PixelsUndecodable('Samples per Pixel is not 1 to 4');
  if (![1, 8, 16, 32, 64].includes(a.bitsAllocated) || (a.bitsAllocated === 64 && !a.floatingPoint))
    throw new PixelsUndecodable(`Bits Allocated ${a.bitsAllocated} is not supported`);
  if (
    !a.floatingPoint &&
    (!whole(a.bitsStored, 1, a.bitsAllocated) || !whole(a.highBit, 0, a.bitsAllocated - 1))
  )
    throw new PixelsUndecodable('Bits Stored or High Bit contradicts Bits Allocated');
  if (a.rows * a.columns * a.samplesPerPixel > MAX_SAMPLES)
    throw new PixelsUndecodable('the frame is too large');
}

function native(bytes: Uint8Array, littleEndian: boolean, a: PixelAttributes): DecodedFrame {
  const subsampled = a.photometric === 'YBR_FULL_422' && a.samplesPerPixel === 3;
  return frameOf(decodeNative(bytes, littleEndian, a), a, subsampled ? 'YBR_FULL' : a.photometric);
}

function rle(bytes: Uint8Array, a: PixelAttributes): DecodedFrame {
  const photometric = a.photometric === 'YBR_FULL_422' ? 'YBR_FULL' : a.photometric; // RLE planes are never subsampled
  return native(decodeRle(bytes, a), true, { ...a, photometric, planarConfiguration: 0, bitOffset: 0 });
}

/** Deflated Image Frame Compression, PS3.5 A.4.13: each frame is a raw deflate stream. */
function deflatedFrame(bytes: Uint8Array, a: PixelAttributes): DecodedFrame {
  const inflated = inflateRawSync(bytes, { maxOutputLength: nativeFrameBytes(a) + 8 });
  return native(inflated, true, { ...a, bitOffset: 0 });
}

function jpeg(bytes: Uint8Array, a: PixelAttributes): DecodedFrame | Promise<DecodedFrame> {
  const header = readJpegHeader(bytes);
  checkSize(header.columns, header.rows, header.components.length, a);
  if (header.sof === 0xc3) {
    const data = decodeLossless(bytes);
    return frameOf(toStored(toAllocated(data, header.precision, a), false, a), a, a.photometric);
  }
  if (header.precision === 8) return turbo(bytes, header, a);
  const data = decodeDct(bytes).data;
  const photometric = header.components.length === 3 && isYbr(header, a) ? 'YBR_FULL' : a.photometric;
  return frameOf(toStored(toAllocated(data, header.precision, a), true, a), a, photometric);
}

async function turbo(bytes: Uint8Array, header: JpegHeader, a: PixelAttributes): Promise<DecodedFrame> {
  // libjpeg guesses the colour space of a stream without JFIF or Adobe segment; DICOM knows it (PS3.5 8.2.1).
  const says = header.jfif || header.adobeTransform !== undefined;
  const stream = header.components.length === 3 && !says ? withAdobeSegment(bytes, isYbr(header, a)) : bytes;
  const frame = await runCodec('jpeg', stream);
  checkSize(frame.width, frame.height, frame.componentCount, a);
  return frameOf(toAllocated(frame.bytes, 8, a), a, a.samplesPerPixel === 3 ? 'RGB' : a.photometric);
}

/** Whether the three components are Y Cb Cr. */
function isYbr(header: JpegHeader, a: PixelAttributes): boolean {
  if (header.adobeTransform !== undefined) return header.adobeTransform === 1;
  if (header.jfif) return true;
  const ids = header.components.map((c) => String.fromCharCode(c.id)).join('');
  if (ids === 'RGB') return false;
  // Subsampled red and blue make no sense: such a stream is Y Cb Cr whatever the data set says.
  return a.photometric !== 'RGB' || header.components.some((c) => c.h !== header.components[0]!.h);
}

function withAdobeSegment(bytes: Uint8Array, ybr: boolean): Uint8Array {
  const segment = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, ybr ? 1 : 0];
  const out = new Uint8Array(bytes.length + segment.length);
  out.set(bytes.subarray(0, 2));
  out.set(segment, 2);
  out.set(bytes.subarray(2), 2 + segment.length);
  return out;
}

async function jpegLs(bytes: Uint8Array, lossy: boolean, a: PixelAttributes): Promise<DecodedFrame> {
  const header = readJpegHeader(bytes);
  checkSize(header.columns, header.rows, header.components.length, a);
  const frame = await runCodec('jpegLs', withEnd(bytes));
  return frameOf(toStored(wordsOf(frame, a), lossy, a), a, a.photometric);
}

/** A stream cut before its EOI keeps CharLS busy for seconds where the marker lets it see the damage at once. */
function withEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--; // padding
  if (bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9) return bytes;
  return Buffer.concat([bytes, Buffer.of(0xff, 0xd9)]);
}

async function jpeg2000(
  codec: CodecName,
  bytes: Uint8Array,
  lossy: boolean,
  a: PixelAttributes,
  { atLeast }: DecodeOptions,
): Promise<DecodedFrame> {
  const header = readJ2kHeader(bytes);
  checkSize(header.columns, header.rows, header.components, a);
  const level = atLeast ? spareLevels(header, atLeast) : 0;
  const frame = await runCodec(codec, bytes, level);
  const reduced = { ...a, rows: halved(a.rows, level), columns: halved(a.columns, level) };
  checkSize(frame.width, frame.height, frame.componentCount, reduced);
  // The codecs undo the codestream's own component transformation, whatever the data set calls it.
  const transformed = header.transformed || ['YBR_RCT', 'YBR_ICT'].includes(a.photometric);
  const photometric = transformed && a.samplesPerPixel === 3 ? 'RGB' : a.photometric;
  return frameOf(toStored(wordsOf(frame, a), lossy, a), reduced, photometric);
}

const halved = (side: number, times: number): number => Math.ceil(side / 2 ** times);

/** How many times the sides can be halved before they are smaller than asked. */
function spareLevels(
  { columns, rows, levels }: J2kHeader,
  atLeast: { width: number; height: number },
): number {
  let level = 0;
  while (
    level < levels &&
    halved(columns, level + 1) >= atLeast.width &&
    halved(rows, level + 1) >= atLeast.height
  )
    level++;
  return level;
}

interface J2kHeader {
  columns: number;
  rows: number;
  components: number;
  /** The multiple component transformation is used (COD, ISO/IEC 15444-1 table A.17). */
  transformed: boolean;
  /** Decomposition levels, each of which can be left out; 0 for an image that does not begin at 0, 0. */
  levels: number;
}

/** The SIZ segment (ISO/IEC 15444-1 A.5.1), read before a codec allocates what it claims, and two fields of COD. */
function readJ2kHeader(bytes: Uint8Array): J2kHeader {
  let at = 0;
  // Some senders wrap the codestream in a JP2 file; SOC and SIZ then stand inside its jp2c box.
  const limit = Math.min(bytes.length - 40, 4096);
  while (at <= limit) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0x4f && bytes[at + 2] === 0xff && bytes[at + 3] === 0x51)
      break;
    at++;
  }
  if (at > limit) throw new PixelsUndecodable('the stream is not a JPEG 2000 codestream');
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 42);
  const style = readCodingStyle(bytes, at + 4);
  return {
    columns: view.getUint32(8) - view.getUint32(16),
    rows: view.getUint32(12) - view.getUint32(20),
    components: view.getUint16(40),
    transformed: style?.transformed ?? false,
    levels: view.getUint32(16) === 0 && view.getUint32(20) === 0 ? (style?.levels ?? 0) : 0,
  };
}

/** `at` is the length field of SIZ; the main header's segments follow it up to the first tile (SOT). */
function readCodingStyle(
  bytes: Uint8Array,
  at: number,
): Pick<J2kHeader, 'transformed' | 'levels'> | undefined {
  while (at + 10 < bytes.length) {
    at += (bytes[at]! << 8) | bytes[at + 1]!;
    if (bytes[at] !== 0xff || bytes[at + 1] === 0x90) return undefined;
    if (bytes[at + 1] === 0x52) return { transformed: bytes[at + 8] === 1, levels: bytes[at + 9] ?? 0 };
    at += 2;
  }
  return undefined;
}

function checkSize(columns: number, rows: number, components: number, a: PixelAttributes): void {
  if (columns !== a.columns || rows !== a.rows || components !== a.samplesPerPixel)
    throw new PixelsUndecodable(
      `the stream holds ${columns} x ${rows} x ${components}, the data set says ${a.columns} x ${a.rows} x ${a.samplesPerPixel}`,
    );
}

/** A codec's bytes → unsigned words; sign extension follows from the data set, which knows Bits Stored. */
function wordsOf(frame: CodecFrame, a: PixelAttributes): Samples {
  const { bytes } = frame;
  if (frame.bitsPerSample <= 8) return toAllocated(bytes, frame.bitsPerSample, a);
  return toAllocated(
    new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2),
    frame.bitsPerSample,
    a,
  );
}

/** Decoded samples in the word of Bits Allocated; more bits than that are a contradiction. */
function toAllocated(data: Uint8Array | Uint16Array, precision: number, a: PixelAttributes): Samples {
  if (precision > Math.max(8, a.bitsAllocated))
    throw new PixelsUndecodable('the stream holds more bits than Bits Allocated');
  if (a.bitsAllocated <= 8) return data instanceof Uint8Array ? data : Uint8Array.from(data);
  return data instanceof Uint16Array ? data : Uint16Array.from(data);
}

/**
 * A codec's words → stored values. Codecs deliver them in the low bits, wherever High Bit says they lay before compression.
 * A lossy stream of more bits than Bits Stored may overshoot the largest value: cutting bits off would turn white black.
 */
function toStored(words: Samples, lossy: boolean, a: PixelAttributes): Samples {
  if (!lossy || a.pixelRepresentation === 1) return maskToStored(words, { ...a, highBit: a.bitsStored - 1 });
  const max = 2 ** a.bitsStored - 1;
  if (max < 2 ** (8 * words.BYTES_PER_ELEMENT) - 1)
    for (let i = 0; i < words.length; i++) if (words[i]! > max) words[i] = max;
  return words;
}

function frameOf(data: Samples, a: PixelAttributes, photometric: string): DecodedFrame {
  return {
    rows: a.rows,
    columns: a.columns,
    samplesPerPixel: a.samplesPerPixel,
    bitsStored: a.bitsStored,
    signed: a.pixelRepresentation === 1 || a.floatingPoint === true,
    photometric,
    data,
  };
}
