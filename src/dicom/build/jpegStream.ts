import { readJpegHeader } from '../pixels/jpegHeader.ts';
import type { JpegHeader } from '../pixels/jpegHeader.ts';

export interface JpegStream {
  header: JpegHeader;
  /** Offset behind the EOI marker of the first image; what follows (further pictures, films of a phone) is no part of it. */
  end: number;
}

/** Finds the first image of a JPEG file (ISO/IEC 10918-1 B.2.1); undefined when it has no proper end. */
export function jpegStreamOf(bytes: Uint8Array): JpegStream | undefined {
  const header = readJpegHeader(bytes);
  let at = 2;
  while (at + 1 < bytes.length) {
    if (bytes[at] !== 0xff) {
      at = bytes.indexOf(0xff, at); // entropy-coded data
      if (at < 0) return undefined;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) return { header, end: at + 2 };
    if (marker === 0xff) at += 1;
    else if (marker === 0 || (marker >= 0xd0 && marker <= 0xd8) || marker === 0x01) at += 2;
    else at += 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
  }
  return undefined;
}

/** Photometric Interpretation of a baseline JPEG stream as it stands (PS3.5 8.2.1); undefined when DICOM has none for it. */
export function photometricOf({ components, adobeTransform, jfif }: JpegHeader): string | undefined {
  const [y, cb, cr] = components;
  if (components.length === 1) return 'MONOCHROME2';
  if (components.length !== 3 || !y || !cb || !cr) return undefined;
  const ids = String.fromCharCode(y.id, cb.id, cr.id);
  if (adobeTransform === 0 || (adobeTransform === undefined && !jfif && ids === 'RGB')) return 'RGB';
  // For every sampling: decoders follow the stream, and validators of the Secondary Capture IOD know no other name for it.
  return 'YBR_FULL_422';
}
