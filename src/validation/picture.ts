/** An image as its bytes: what it is, how it hashes, and what of it a model is given. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { luma } from '../assist/preprocess.ts';
import type { GreyPlane } from '../assist/preprocess.ts';
import { hashesOf } from '../assist/training.ts';
import { type DicomFile, parseHeader } from '../dicom/index.ts';
import { encodedFrame } from '../dicom/pixels/index.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';

export type Form = 'dicom' | 'jpeg' | 'png';

/** What the first bytes say. @param head at least 132 bytes, where there are so many */
export function formOf(head: Uint8Array): Form | undefined {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (starts(0xff, 0xd8, 0xff)) return 'jpeg';
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  if (Buffer.from(head.subarray(128, 132)).toString('latin1') === 'DICM') return 'dicom';
  return undefined;
}

/** Larger files are refused before they are read: no radiograph comes near. */
const MAX_BYTES = 512 * 1024 * 1024;

/** @throws NegatoscopeError `pixels-undecodable` for a file that is not to be read into memory */
export function mustBeReadable(size: number): void {
  if (size > MAX_BYTES)
    throw new NegatoscopeError('pixels-undecodable', `larger than ${MAX_BYTES / 1024 ** 2} MB`);
}

/** A picture of more pixels is refused before it is decoded; no radiograph comes near. */
const MOST_PIXELS = 200_000_000;

/**
 * A JPEG or PNG as grey values: upright (EXIF orientation), colours by ITU-R 601 luma, 16-bit grey kept. It is taken as shown:
 * bone has to be bright. Throws `pixels-undecodable`.
 */
export async function greyOfPicture(bytes: Uint8Array): Promise<GreyPlane> {
  try {
    const image = sharp(bytes, { limitInputPixels: MOST_PIXELS, failOn: 'warning' });
    const { depth, channels, space } = await image.metadata();
    const upright = image.rotate().removeAlpha();
    const deep = depth === 'ushort' && channels <= 2 && space !== 'cmyk';
    const raw = deep
      ? upright.toColourspace('grey16').raw({ depth: 'ushort' })
      : upright.raw({ depth: 'uchar' });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    const pixels = info.width * info.height;
    const values = deep
      ? Float32Array.from(new Uint16Array(data.buffer, data.byteOffset, pixels))
      : info.channels === 1
        ? Float32Array.from(data)
        : luma(data, pixels);
    return { rows: info.height, columns: info.width, values };
  } catch (error) {
    throw new NegatoscopeError('pixels-undecodable', reasonOf(error), { cause: error });
  }
}

/** The header of a DICOM file; throws `pixels-undecodable` for whatever is wrong with it. */
export function headerOf(bytes: Uint8Array): DicomFile {
  try {
    return parseHeader(bytes, { complete: true });
  } catch (error) {
    throw new NegatoscopeError('pixels-undecodable', reasonOf(error), { cause: error });
  }
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Hashes under which the same image may be known elsewhere: of the file, and of the stream inside an encapsulated frame (a JPEG
 * that was wrapped into DICOM). An image that was encoded anew cannot be recognised.
 */
export function identitiesOf(sha256: string, file: DicomFile | undefined): string[] {
  if (!file) return [sha256];
  let stream: Uint8Array | null = null;
  try {
    stream = encodedFrame(file, 1).encoded;
  } catch {
    // Pixels that cannot be found are told when they are decoded.
  }
  return hashesOf(sha256, stream);
}
