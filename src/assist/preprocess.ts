/**
 * From grey values to the input of a network, driven by the manifest: resize, intensity, fit, normalise.
 * The triangle resize equals Pillow's `Image.BILINEAR` on mode "F" (separable triangle filter with antialiasing, horizontal pass first).
 */
import type { Box, ImageInput } from './types.ts';

/** Grey values of an upright image, bone bright (MONOCHROME1 already inverted), any unit. Row major, `rows × columns`. */
export interface GreyPlane {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
  /** What the values can be, where the header's window says it: for `intensity: voi`. */
  readonly range?: readonly [min: number, max: number];
}

/** Where the image lies in the network's input. All in pixels. */
export interface Letterbox {
  readonly imageWidth: number;
  readonly imageHeight: number;
  /** Size and top left corner of the resized image inside the input; beyond its edges where it is cropped. */
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

export interface NetworkInput {
  /** `[1, channels, height, width]`, or `[1, height, width, channels]` for NHWC. */
  readonly tensor: Float32Array;
  readonly letterbox: Letterbox;
}

/** ITU-R 601 luma in the integers of Pillow's `convert("L")`: 8-bit RGB, interleaved → 0…255. */
export function luma(rgb: Uint8Array, pixels: number): Float32Array {
  const grey = new Float32Array(pixels);
  for (let i = 0, j = 0; i < pixels; i += 1, j += 3)
    grey[i] = (19595 * rgb[j]! + 38470 * rgb[j + 1]! + 7471 * rgb[j + 2]! + 32768) >> 16;
  return grey;
}

export function letterboxOf(
  imageWidth: number,
  imageHeight: number,
  input: { width: number; height: number; fit?: ImageInput['fit'] },
): Letterbox {
  const scales = [input.width / imageWidth, input.height / imageHeight];
  const scale = input.fit === 'crop' ? Math.max(...scales) : Math.min(...scales);
  const stretch = input.fit === 'stretch';
  const width = stretch ? input.width : Math.max(1, Math.floor(imageWidth * scale + 0.5));
  const height = stretch ? input.height : Math.max(1, Math.floor(imageHeight * scale + 0.5));
  return {
    imageWidth,
    imageHeight,
    width,
    height,
    left: Math.floor((input.width - width) / 2),
    top: Math.floor((input.height - height) / 2),
  };
}

/** A box in pixels of the network's input, in pixels of the image. */
export const toImage = (box: Box, l: Letterbox): Box => ({
  x: ((box.x - l.left) * l.imageWidth) / l.width,
  y: ((box.y - l.top) * l.imageHeight) / l.height,
  width: (box.width * l.imageWidth) / l.width,
  height: (box.height * l.imageHeight) / l.height,
});

interface Taps {
  readonly first: Int32Array;
  readonly weights: Float64Array[];
}

/** For each of `to` output pixels the first input pixel and the weights, which sum to 1. */
function triangleTaps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const first = new Int32Array(to);
  const weights: Float64Array[] = [];
  for (let i = 0; i < to; i += 1) {
    const centre = (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(from, Math.trunc(centre + support + 0.5));
    const row = new Float64Array(high - low);
    let sum = 0;
    for (let j = low; j < high; j += 1) {
      const weight = Math.max(0, 1 - Math.abs((j + 0.5 - centre) / support));
      row[j - low] = weight;
      sum += weight;
    }
    for (let k = 0; k < row.length; k += 1) row[k]! /= sum;
    first[i] = low;
    weights.push(row);
  }
  return { first, weights };
}

/** `rows × columns` → `height × width`; the horizontal result is stored as float32 before the vertical pass. */
export function resizeTriangle(plane: GreyPlane, width: number, height: number): Float32Array {
  const { rows, columns, values } = plane;
  const across = triangleTaps(columns, width);
  const wide = new Float32Array(rows * width);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const weights = across.weights[x]!;
      const start = y * columns + across.first[x]!;
      let sum = 0;
      for (let k = 0; k < weights.length; k += 1) sum += values[start + k]! * weights[k]!;
      wide[y * width + x] = sum;
    }
  }
  const down = triangleTaps(rows, height);
  const out = new Float32Array(width * height);
  const line = new Float64Array(width);
  for (let y = 0; y < height; y += 1) {
    const weights = down.weights[y]!;
    line.fill(0);
    for (let k = 0; k < weights.length; k += 1) {
      const weight = weights[k]!;
      const start = (down.first[y]! + k) * width;
      for (let x = 0; x < width; x += 1) line[x]! += wide[start + x]! * weight;
    }
    out.set(line, y * width);
  }
  return out;
}

/** Between the four nearest pixels, their centres at whole numbers plus a half: OpenCV's `INTER_LINEAR`. No antialiasing. */
export function resizeBilinear(plane: GreyPlane, width: number, height: number): Float32Array {
  const { rows, columns, values } = plane;
  const out = new Float32Array(width * height);
  const taps = (from: number, to: number, i: number): [number, number, number] => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const low = Math.floor(at);
    return [low, Math.min(from - 1, low + 1), at - low];
  };
  const across = Array.from({ length: width }, (_, x) => taps(columns, width, x));
  for (let y = 0; y < height; y += 1) {
    const [above, below, dy] = taps(rows, height, y);
    for (let x = 0; x < width; x += 1) {
      const [left, right, dx] = across[x]!;
      const upper = values[above * columns + left]! * (1 - dx) + values[above * columns + right]! * dx;
      const lower = values[below * columns + left]! * (1 - dx) + values[below * columns + right]! * dx;
      out[y * width + x] = upper * (1 - dy) + lower * dy;
    }
  }
  return out;
}

/** Low and high end of the grey values: these become 0 and 1. */
function endsOf(small: Float32Array, plane: GreyPlane, intensity: ImageInput['intensity']): [number, number] {
  if (intensity.kind === 'window') {
    const low = intensity.centre - intensity.width / 2;
    return [low, low + intensity.width];
  }
  if (intensity.kind === 'voi' && plane.range) return [...plane.range];
  if (intensity.kind === 'percentile') {
    const sorted = small.slice().sort();
    const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))]!;
    return [at(intensity.low), at(intensity.high)];
  }
  let low = Infinity;
  let high = -Infinity;
  for (const value of small) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The finished input of the network and where the image lies in it. */
export function preprocess(plane: GreyPlane, input: ImageInput): NetworkInput {
  const letterbox = letterboxOf(plane.columns, plane.rows, input);
  const { width, height, left, top } = letterbox;
  const resize = input.resize === 'bilinear' ? resizeBilinear : resizeTriangle;
  const small = resize(plane, width, height);

  const { intensity } = input;
  const [low, high] = endsOf(small, plane, intensity);
  const range = Math.max(high - low, 1e-6);
  const clip = !('clip' in intensity) || intensity.clip !== false;

  const channels = input.channels ?? 1;
  const size = input.width * input.height;
  const tensor = new Float32Array(channels * size);
  // Of a channel the first value, and from one pixel to the next.
  const nhwc = input.layout === 'NHWC';
  const [plain, step] = nhwc ? [1, channels] : [size, 1];
  for (let c = 0; c < channels; c += 1) {
    const [offset, scale] = normaliser(input.normalise, c);
    const first = c * plain;
    for (let i = 0; i < size; i += 1) tensor[first + i * step] = (input.padding - offset) * scale;
    const [fromY, toY] = [Math.max(0, -top), Math.min(height, input.height - top)];
    const [fromX, toX] = [Math.max(0, -left), Math.min(width, input.width - left)];
    for (let y = fromY; y < toY; y += 1) {
      for (let x = fromX; x < toX; x += 1) {
        const part = (small[y * width + x]! - low) / range;
        const grey = clip ? Math.min(1, Math.max(0, part)) : part;
        tensor[first + ((top + y) * input.width + left + x) * step] = (grey - offset) * scale;
      }
    }
  }
  return { tensor, letterbox };
}

/** `x = (u − offset) × scale` of a channel. */
export const normaliser = (
  normalise: ImageInput['normalise'],
  channel: number,
): [offset: number, scale: number] =>
  'mean' in normalise
    ? [normalise.mean[channel]!, 1 / normalise.std[channel]!]
    : [normalise.offset, normalise.scale];
