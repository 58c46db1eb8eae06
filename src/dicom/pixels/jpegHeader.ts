import { PixelsUndecodable } from './types.ts';

/** What the markers before the first scan say (ISO/IEC 10918-1 Annex B; JPEG-LS: 14495-1 Annex C). */
export interface JpegHeader {
  /** The SOFn marker's low byte: C0 baseline, C1 extended, C2 progressive, C3 lossless, F7 JPEG-LS. */
  sof: number;
  precision: number;
  rows: number;
  columns: number;
  components: { id: number; h: number; v: number }[];
  jfif: boolean;
  /** The Adobe APP14 colour transform: 0 none, 1 YCbCr; undefined without the segment. */
  adobeTransform: number | undefined;
}

/** Reads the header of a JPEG or JPEG-LS stream; throws PixelsUndecodable if there is none. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new PixelsUndecodable('the stream is not a JPEG stream');
  let jfif = false;
  let adobeTransform: number | undefined;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new PixelsUndecodable('the JPEG header is damaged');
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++; // fill byte, B.1.1.2
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || at + 2 + length > bytes.length) break;
    if (marker === 0xe0 && ascii(body, 'JFIF\0')) jfif = true;
    if (marker === 0xee && ascii(body, 'Adobe') && body.length >= 12) adobeTransform = body[11];
    const isSof =
      (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;
    if (isSof) {
      const count = body[5] ?? 0;
      if (body.length < 6 + 3 * count || count === 0) break;
      return {
        sof: marker,
        precision: body[0]!,
        rows: (body[1]! << 8) | body[2]!,
        columns: (body[3]! << 8) | body[4]!,
        components: Array.from({ length: count }, (_, i) => ({
          id: body[6 + 3 * i]!,
          h: body[7 + 3 * i]! >> 4,
          v: body[7 + 3 * i]! & 15,
        })),
        jfif,
        adobeTransform,
      };
    }
    if (marker === 0xda || marker === 0xd9) break;
    at += 2 + length;
  }
  throw new PixelsUndecodable('the JPEG header is incomplete');
}

const ascii = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((c, i) => bytes[i] === c.charCodeAt(0));
