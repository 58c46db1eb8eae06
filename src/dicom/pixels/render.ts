import { TAG } from '../dictionary.ts';
import type { DataSet } from '../types.ts';
import { isColour, rgb } from './colour.ts';
import { decodedWords, greyJpeg, QUALITY } from './greyJpeg.ts';
import { greyBytes, type GreyscaleOptions } from './greyscale.ts';
import type { DecodedFrame } from './types.ts';
import type { VoiWindow } from './voi.ts';

export interface RenderOptions {
  format: 'jpeg' | 'png';
  /** JPEG quality 1 to 100; 85 when absent. */
  quality?: number;
  /** The image is fitted inside this box, in pixels; absent: its own size. */
  width?: number;
  height?: number;
  /** Shown alone, in pixels of the frame. A negative width mirrors left and right, a negative height top and bottom. */
  region?: { left: number; top: number; width: number; height: number };
  /** Instead of the window in the data set. */
  window?: VoiWindow;
  /** 1-based; picks the functional groups of a multi-frame object. */
  frame?: number;
}

/** No side of a rendered image is longer: what a screen shows, and a bound on the memory one request takes. */
export const MAX_RENDERED_SIDE = 16_384;

/**
 * A decoded frame as a consumer-format image (PS3.18 8.7.4). A Pixel Aspect Ratio (PS3.3 C.7.6.3.1.7) other than 1:1 is
 * applied. Overlays and shutters are not drawn. `size` is given where the frame was decoded at a lower resolution.
 * Throws PixelsUndecodable.
 */
export async function renderFrame(
  frame: DecodedFrame,
  dataset: DataSet,
  options: RenderOptions,
  size = renderedSize(frame, dataset, options),
): Promise<Buffer> {
  const { region } = options;
  const colour = isColour(frame);
  const words = !colour && isPlain(frame, options, size) ? decodedWords(frame) : undefined;
  if (words) return greyJpeg(words.image, words.format, dataset, drawn(options));
  const pixels = colour ? rgb(frame, dataset) : greyBytes(frame, dataset, drawn(options));
  const { default: sharp } = await import('sharp'); // tens of megabytes, which starting does not wait for
  let image = sharp(pixels, {
    raw: { width: frame.columns, height: frame.rows, channels: colour ? 3 : 1 },
    limitInputPixels: false, // the frame is already in memory, and its size was checked before it was decoded
  });
  if (region) {
    const [width, height] = [Math.abs(region.width), Math.abs(region.height)];
    image = image.extract({ left: region.left, top: region.top, width, height });
    // Before it is scaled, so that the order of the two does not matter.
    if (region.width < 0) image = image.flop();
    if (region.height < 0) image = image.flip();
  }
  const shown = shownPart(frame, region);
  if (size.width !== shown.columns || size.height !== shown.rows)
    image = image.resize(size.width, size.height, { fit: 'fill', fastShrinkOnLoad: true });
  if (!colour) image = image.toColourspace('b-w');
  return options.format === 'png'
    ? image.png({ compressionLevel: 6 }).toBuffer()
    : // Huffman tables made to measure save 1 to 4 % of the bytes and take two to three times as long.
      image.jpeg({ quality: options.quality ?? QUALITY, optimiseCoding: false }).toBuffer();
}

/** Whether the picture is a JPEG of all pixels as they are. */
export const isPlain = (
  { rows, columns }: { rows: number; columns: number },
  { format, region }: RenderOptions,
  size: { width: number; height: number },
): boolean => format === 'jpeg' && !region && size.width === columns && size.height === rows;

/** What of the options tells grey values. */
export const drawn = ({
  window,
  frame,
  quality,
}: RenderOptions): Pick<GreyscaleOptions, 'window' | 'frame'> & { quality?: number } => ({
  ...(window && { window }),
  ...(frame !== undefined && { frame }),
  ...(quality !== undefined && { quality }),
});

/** Vertical over horizontal size of a pixel; 1 where nothing is said. */
function pixelAspect(dataset: DataSet): number {
  const [vertical, horizontal] = dataset.numbers(TAG.PixelAspectRatio);
  const ratio = (vertical ?? 1) / (horizontal ?? 1);
  return ratio > 0.01 && ratio < 100 ? ratio : 1;
}

const shownPart = (
  { rows, columns }: { rows: number; columns: number },
  region: RenderOptions['region'],
): { rows: number; columns: number } =>
  region ? { rows: Math.abs(region.height), columns: Math.abs(region.width) } : { rows, columns };

/** The size of the picture: the image at its aspect ratio, fitted inside the box, in pixels. */
export function renderedSize(
  image: { rows: number; columns: number },
  dataset: DataSet,
  box: Pick<RenderOptions, 'width' | 'height' | 'region'>,
): { width: number; height: number } {
  const { rows, columns } = shownPart(image, box.region);
  const aspect = pixelAspect(dataset);
  const width = aspect < 1 ? columns / aspect : columns;
  const height = aspect > 1 ? rows * aspect : rows;
  const widest = Math.min(box.width ?? Infinity, MAX_RENDERED_SIDE);
  const highest = Math.min(box.height ?? Infinity, MAX_RENDERED_SIDE);
  const unbounded = box.width === undefined && box.height === undefined;
  const scale = Math.min(widest / width, highest / height, unbounded ? 1 : Infinity);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
