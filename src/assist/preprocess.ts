/**
 * From grey values to the input of a network, driven by the manifest: resize, percentile stretch, letterbox, normalise.
 * The resize equals Pillow's `Image.BILINEAR` on mode "F" (separable triangle filter with antialiasing, horizontal pass first).
 */
import type { Box, ModelManifest } from './types.ts';

/** Grey values of an upright image, bone bright (MONOCHROME1 already inverted), any unit. Row major, `rows × columns`. */
export interface GreyPlane {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** Where the image lies in the network's input. All in pixels. */
export interface Letterbox {
  readonly imageWidth: number;
  readonly imageHeight: number;
  /** Size and top left corner of the resized image inside the input. */
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

export interface NetworkInput {
  /** `[1, 1, input.height, input.width]`. */
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
  input: { width: number; height: number },
): Letterbox {
  const scale = Math.min(input.width / imageWidth, input.height / imageHeight);
  const width = Math.max(1, Math.floor(imageWidth * scale + 0.5));
  const height = Math.max(1, Math.floor(imageHeight * scale + 0.5));
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

/** The finished input of the network and where the image lies in it. */
export function preprocess(plane: GreyPlane, input: ModelManifest['input']): NetworkInput {
  const letterbox = letterboxOf(plane.columns, plane.rows, input);
  const { width, height, left, top } = letterbox;
  const small = resizeTriangle(plane, width, height);

  const sorted = small.slice().sort();
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))]!;
  const low = at(input.intensity.low);
  const range = Math.max(at(input.intensity.high) - low, 1e-6);

  const { offset, scale } = input.normalise;
  const tensor = new Float32Array(input.width * input.height).fill((input.padding - offset) * scale);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const stretched = Math.min(1, Math.max(0, (small[y * width + x]! - low) / range));
      tensor[(top + y) * input.width + left + x] = (stretched - offset) * scale;
    }
  }
  return { tensor, letterbox };
}
