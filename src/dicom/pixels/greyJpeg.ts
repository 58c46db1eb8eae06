/** Grey images as JPEG in one pass: stored words through a table straight into the encoder. */
import type { DataSet } from '../types.ts';
import { greyTable, type GreyscaleOptions, type WordFormat } from './greyscale.ts';
import { createJpegEncoder, type JpegEncoder, type WordImage } from './jpegEncode.ts';
import type { DecodedFrame, PixelAttributes } from './types.ts';

/** libjpeg's customary middle; for whoever asks for no other. */
export const QUALITY = 85;

/** Compiled at first use; one of each thread. */
let encoder: JpegEncoder | undefined;

/** The image at its own size, windowed as `greyBytes` does it. */
export function greyJpeg(
  image: WordImage,
  format: WordFormat,
  dataset: DataSet,
  { quality = QUALITY, ...options }: GreyscaleOptions & { quality?: number },
): Buffer {
  encoder ??= createJpegEncoder();
  const { words, encode } = encoder;
  const bytes = encode(
    image,
    greyTable(format, dataset, options, () => words(image)),
    quality,
  );
  return Buffer.from(bytes.buffer);
}

/** How native words of this image are read; undefined where they are no grey values of one or two bytes in little endian. */
export function wordFormat(a: PixelAttributes): WordFormat | undefined {
  if (a.samplesPerPixel !== 1 || a.floatingPoint || !/^MONOCHROME[12]$/.test(a.photometric)) return undefined;
  if (a.bitsAllocated !== 8 && a.bitsAllocated !== 16) return undefined;
  return {
    samplesPerPixel: 1,
    signed: a.pixelRepresentation === 1,
    photometric: a.photometric,
    size: a.bitsAllocated === 8 ? 1 : 2,
    bitsStored: a.bitsStored,
    shift: Math.max(0, a.highBit + 1 - a.bitsStored),
  };
}

/** The same for a decoded frame: its values are words that are filled. */
export function decodedWords(frame: DecodedFrame): { image: WordImage; format: WordFormat } | undefined {
  const { data, rows, columns, samplesPerPixel, signed, photometric } = frame;
  const size = data.BYTES_PER_ELEMENT;
  if (samplesPerPixel !== 1 || (size !== 1 && size !== 2)) return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return {
    image: {
      rows,
      columns,
      size,
      read: (target, at) => target.set(bytes.subarray(at, at + target.length)),
    },
    format: { samplesPerPixel, signed, photometric, size, bitsStored: 8 * size, shift: 0 },
  };
}
