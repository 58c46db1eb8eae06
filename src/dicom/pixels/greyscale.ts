import { PixelsUndecodable } from './types.ts';
import type { DecodedFrame } from './types.ts';
import type { DataSet } from '../types.ts';
import type { ModalityTransform } from './attributes.ts';
import { modalityTransformOf, paddingOf, voiOf } from './attributes.ts';
import type { VoiWindow } from './voi.ts';
import { lutFunction, windowFunction } from './voi.ts';

export interface GreyscaleOptions {
  /** 1-based; picks the functional groups of an enhanced multi-frame object. */
  frame?: number;
  /** Instead of what the data set says. */
  window?: VoiWindow;
  /**
   * What to do where neither window nor VOI LUT is given: `stretch` shows the smallest to the largest value; `identity` keeps
   * the modality's output, as step 1 of a model's preprocessing asks.
   */
  withoutVoi?: 'stretch' | 'identity';
}

/** One plane, row by row, bright is high: presentation values between `min` and `max`. */
export interface GreyImage {
  rows: number;
  columns: number;
  min: number;
  max: number;
  data: Float32Array;
}

/**
 * Stored values → Modality LUT or rescale → VOI LUT or window → inverted for MONOCHROME1 (PS3.4 N.2.1). Pixel Padding becomes
 * the minimum (dark), whatever the photometric interpretation. Nothing is rounded.
 *
 * Windows map to 0..255, VOI LUTs to 0..2^bits - 1. Throws PixelsUndecodable for colour.
 */
export function greyscale(frame: DecodedFrame, dataset: DataSet, options: GreyscaleOptions = {}): GreyImage {
  const mapping = greyMapping(frame, dataset, options);
  return {
    rows: frame.rows,
    columns: frame.columns,
    min: mapping.min,
    max: mapping.max,
    data: applyMapping(frame, mapping, Float32Array),
  };
}

/** The grey values as 0..255, rounded: what a screen or a JPEG takes. */
export function greyBytes(frame: DecodedFrame, dataset: DataSet, options: GreyscaleOptions = {}): Uint8Array {
  const { map, min, max } = greyMapping(frame, dataset, options);
  const scale = max > min ? 255 / (max - min) : 0;
  return applyMapping(frame, { map: (x) => Math.round((map(x) - min) * scale), min, max }, Uint8Array);
}

interface Mapping {
  /** Stored value → presentation value. */
  map: (stored: number) => number;
  min: number;
  max: number;
}

function greyMapping(frame: DecodedFrame, dataset: DataSet, options: GreyscaleOptions): Mapping {
  if (frame.samplesPerPixel !== 1) throw new PixelsUndecodable('the image is in colour');
  const number = options.frame ?? 1;
  const padding = paddingOf(dataset, frame.signed);
  const isPadding = (x: number): boolean => padding !== undefined && x >= padding.from && x <= padding.to;
  const modality = modalityFunction(modalityTransformOf(dataset, number));
  const voi = options.window ? { window: options.window } : voiOf(dataset, number);

  let map: (x: number) => number;
  let min = 0;
  let max = 255;
  if (voi && 'lut' in voi) {
    const lookup = lutFunction(voi.lut);
    map = (x) => lookup(modality(x));
    max = 2 ** voi.lut.bits - 1;
  } else if (voi) {
    const window = windowFunction(voi.window, min, max);
    map = (x) => window(modality(x));
  } else {
    [min, max] = outputRange(frame, modality, isPadding);
    map = modality;
    if (options.withoutVoi !== 'identity') {
      const [from, scale] = [min, max > min ? 255 / (max - min) : 0];
      map = (x) => (modality(x) - from) * scale;
      [min, max] = [0, 255];
    }
  }
  const upright = frame.photometric === 'MONOCHROME1' ? (x: number) => max - map(x) : map;
  const [low, high] = frame.photometric === 'MONOCHROME1' ? [0, max - min] : [min, max];
  return { map: padding ? (x) => (isPadding(x) ? low : upright(x)) : upright, min: low, max: high };
}

function modalityFunction(transform: ModalityTransform): (x: number) => number {
  if ('lut' in transform) return lutFunction(transform.lut);
  const { slope, intercept } = transform;
  return (x) => x * slope + intercept;
}

/** Smallest and largest modality output outside the padding. */
function outputRange(
  frame: DecodedFrame,
  modality: (x: number) => number,
  isPadding: (x: number) => boolean,
): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  const include = (stored: number): void => {
    if (isPadding(stored)) return;
    const value = modality(stored);
    if (value < min) min = value;
    if (value > max) max = value;
  };
  const { data } = frame;
  const domain = tableDomain(frame);
  if (domain) {
    const seen = new Uint8Array(domain.size);
    for (let i = 0; i < data.length; i++) seen[data[i]! - domain.first] = 1;
    for (let i = 0; i < seen.length; i++) if (seen[i]) include(i + domain.first);
  } else for (let i = 0; i < data.length; i++) if (Number.isFinite(data[i])) include(data[i]!);
  return min <= max ? [min, max] : [0, 0];
}

/** From the smallest to the largest stored value, where a table over them is worth it (up to 16 bits). */
function tableDomain({ data }: DecodedFrame): { first: number; size: number } | undefined {
  if (data.BYTES_PER_ELEMENT > 2 || data.length === 0) return undefined;
  let first = data[0]!;
  let last = first;
  for (let i = 1; i < data.length; i++) {
    const value = data[i]!;
    if (value < first) first = value;
    else if (value > last) last = value;
  }
  return { first, size: last - first + 1 };
}

function applyMapping<T extends Float32Array | Uint8Array>(
  frame: DecodedFrame,
  mapping: Mapping,
  Type: new (length: number) => T,
): T {
  const { data } = frame;
  const out = new Type(data.length);
  const domain = data.length > 1024 ? tableDomain(frame) : undefined;
  if (domain) {
    const table = new Type(domain.size);
    for (let i = 0; i < domain.size; i++) table[i] = mapping.map(i + domain.first);
    const { first } = domain;
    for (let i = 0; i < data.length; i++) out[i] = table[data[i]! - first]!;
  } else for (let i = 0; i < data.length; i++) out[i] = mapping.map(data[i]!);
  return out;
}
