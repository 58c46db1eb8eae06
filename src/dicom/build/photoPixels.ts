import type { Metadata, Sharp } from 'sharp';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { jpegStreamOf, photometricOf } from './jpegStream.ts';

/** A larger picture is refused before it is decoded: a small file can claim gigabytes. */
export const MAX_PHOTO_PIXELS = 100_000_000;

export interface PhotoPixels {
  mediaType: 'image/jpeg' | 'image/png';
  /** The pixel data of the object: the JPEG stream itself, or native samples, interleaved, little-endian. */
  data: Uint8Array;
  encapsulated: boolean;
  /** Whether `data` is the whole file, byte for byte. */
  isOriginal: boolean;
  rows: number;
  columns: number;
  samplesPerPixel: 1 | 3;
  bitsAllocated: 8 | 16;
  photometric: string;
  /** Bytes of the uncompressed pixels over those of the file, for Lossy Image Compression Ratio; undefined for PNG. */
  lossyRatio: number | undefined;
}

/** JPEG or PNG by their first bytes, whatever the name says. */
export function photoMediaType(bytes: Uint8Array): 'image/jpeg' | 'image/png' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'image/jpeg';
  if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') === '\x89PNG\r\n\x1a\n') return 'image/png';
  return undefined;
}

/**
 * A photo's pixels for a DICOM object, upright. A baseline JPEG that needs no turning stays the stream it is; everything
 * else (PNG, progressive, CMYK, an EXIF orientation) is decoded to native pixels.
 *
 * Throws `photo-unreadable` (422) for damaged files, `photo-too-large` (413).
 */
export async function photoPixels(bytes: Uint8Array): Promise<PhotoPixels> {
  const mediaType = photoMediaType(bytes);
  if (!mediaType)
    throw new NegatoscopeError('photo-unreadable', 'The file is neither a JPEG nor a PNG image.', {
      status: 422,
    });
  const { default: sharp } = await import('sharp');
  try {
    const metadata = await sharp(bytes).metadata();
    checkSize(metadata);
    const open = (): Sharp => sharp(bytes, { failOn: 'error', limitInputPixels: MAX_PHOTO_PIXELS });
    return (
      (mediaType === 'image/jpeg' && (await asStream(bytes, metadata, open))) ||
      (await asNative(bytes, mediaType, metadata, open))
    );
  } catch (thrown) {
    if (thrown instanceof NegatoscopeError && thrown.code === 'photo-too-large') throw thrown;
    throw new NegatoscopeError('photo-unreadable', `The photo cannot be read: ${reasonOf(thrown)}`, {
      status: 422,
      cause: thrown,
    });
  }
}

function checkSize({ width, height }: Metadata): void {
  if (width * height > MAX_PHOTO_PIXELS || width > 65535 || height > 65535)
    throw new NegatoscopeError(
      'photo-too-large',
      `The photo has ${width} x ${height} pixels; that is too many.`,
      {
        status: 413,
        details: { width, height },
      },
    );
}

async function asStream(
  bytes: Uint8Array,
  metadata: Metadata,
  open: () => Sharp,
): Promise<PhotoPixels | undefined> {
  const stream = jpegStreamOf(bytes);
  if (!stream || (metadata.orientation ?? 1) > 1) return undefined;
  const { header, end } = stream;
  const photometric = photometricOf(header);
  if (header.sof !== 0xc0 || header.precision !== 8 || photometric === undefined || header.rows === 0)
    return undefined;
  await open().stats(); // decodes all of it: a damaged stream throws
  const samplesPerPixel = header.components.length === 1 ? 1 : 3;
  return {
    mediaType: 'image/jpeg',
    data: bytes.subarray(0, end),
    encapsulated: true,
    isOriginal: end === bytes.length,
    rows: header.rows,
    columns: header.columns,
    samplesPerPixel,
    bitsAllocated: 8,
    photometric,
    lossyRatio: (header.rows * header.columns * samplesPerPixel) / end,
  };
}

async function asNative(
  bytes: Uint8Array,
  mediaType: 'image/jpeg' | 'image/png',
  metadata: Metadata,
  open: () => Sharp,
): Promise<PhotoPixels> {
  const grey = metadata.space === 'b-w' || metadata.space === 'grey16';
  const deep = grey && metadata.depth === 'ushort';
  const image = open().autoOrient().flatten({ background: '#000' });
  const { data, info } = await image
    .toColourspace(deep ? 'grey16' : grey ? 'b-w' : 'srgb')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const samplesPerPixel = info.channels === 1 ? 1 : 3;
  if (info.channels !== samplesPerPixel) throw new Error('the channels are not grey or RGB');
  return {
    mediaType,
    data,
    encapsulated: false,
    isOriginal: false,
    rows: info.height,
    columns: info.width,
    samplesPerPixel,
    bitsAllocated: deep ? 16 : 8,
    photometric: samplesPerPixel === 1 ? 'MONOCHROME2' : 'RGB',
    lossyRatio: mediaType === 'image/jpeg' ? data.length / bytes.length : undefined,
  };
}
