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
  /** `none`: the modality's output (HU for CT), whatever window or VOI LUT the data set has. */
  voi?: 'none';
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
  const mapping = greyMapping(frame, dataset, options, () => occurringValues(frame));
  return {
    rows: frame.rows,
    columns: frame.columns,
    min: mapping.min,
    max: mapping.max,
    data: applied(frame, padded(mapping), Float32Array),
  };
}

/** The grey values as 0..255, rounded: what a screen or a JPEG takes. */
export function greyBytes(frame: DecodedFrame, dataset: DataSet, options: GreyscaleOptions = {}): Uint8Array {
  const mapping = greyMapping(frame, dataset, options, () => occurringValues(frame));
  return applied(frame, bytesOf(mapping), Uint8Array);
}

/** How a stored value lies in a word (PS3.5 8.1.1), and what it means. */
export interface WordFormat extends Pick<DecodedFrame, 'samplesPerPixel' | 'signed' | 'photometric'> {
  /** Bytes of a word. */
  size: 1 | 2;
  bitsStored: number;
  /** Bits of the word below the stored value. */
  shift: number;
}

/**
 * The grey value that `greyBytes` gives, for each word: 256 or 65536 of them.
 * @param occurring a byte that is not zero for each word there is; asked only where their range decides
 */
export function greyTable(
  { size, bitsStored, shift, ...kind }: WordFormat,
  dataset: DataSet,
  options: GreyscaleOptions,
  occurring: () => Uint8Array,
): Uint8Array {
  const count = 2 ** bitsStored;
  const first = kind.signed ? -count / 2 : 0;
  /** As a word holds it: negative values behind the others. */
  const pattern = (word: number): number => (word >> shift) & (count - 1);
  const mapping = greyMapping(kind, dataset, options, function* () {
    for (const [word, occurs] of occurring().entries())
      if (occurs) yield kind.signed && pattern(word) >= -first ? pattern(word) - count : pattern(word);
  });
  const grey = bytesOf(mapping);
  const level = bytesOf({ ...mapping, padding: undefined });
  const values = new Uint8Array(count);
  const index = (stored: number): number => Math.min(count, Math.max(0, stored - first));
  const [from, to] = [index(mapping.varies.from), index(mapping.varies.to)];
  values.fill(level(first), 0, from).fill(level(first + count - 1), to);
  for (let i = from; i < to; i++) values[i] = level(first + i);
  if (mapping.padding) {
    const { padding } = mapping;
    values.fill(grey(padding.from), index(padding.from), index(padding.to + 1));
  }
  const patterns = new Uint8Array(count);
  patterns.set(values.subarray(-first));
  patterns.set(values.subarray(0, -first), count + first);
  const table = new Uint8Array(256 ** size);
  if (shift === 0) for (let at = 0; at < table.length; at += count) table.set(patterns, at);
  else for (let word = 0; word < table.length; word++) table[word] = patterns[pattern(word)]!;
  return table;
}

interface Mapping {
  /** Stored value → presentation value, where it is no padding. */
  map: (stored: number) => number;
  min: number;
  max: number;
  /** Closed range of stored values shown as `min`. */
  padding: { from: number; to: number } | undefined;
  /** Of stored values from `from` up to `to`; below all are shown as the lowest one is, above as the highest one. */
  varies: { from: number; to: number };
}

const padded = ({ map, min, padding }: Mapping): ((stored: number) => number) =>
  padding ? (x) => (x >= padding.from && x <= padding.to ? min : map(x)) : map;

const bytesOf = (mapping: Mapping): ((stored: number) => number) => {
  const { min, max } = mapping;
  const scale = max > min ? 255 / (max - min) : 0;
  const map = padded(mapping);
  return (x) => Math.round((map(x) - min) * scale);
};

/** `values` gives the stored values that occur; asked where they decide. */
function greyMapping(
  { samplesPerPixel, signed, photometric }: Pick<WordFormat, 'samplesPerPixel' | 'signed' | 'photometric'>,
  dataset: DataSet,
  options: GreyscaleOptions,
  values: () => Iterable<number>,
): Mapping {
  if (samplesPerPixel !== 1) throw new PixelsUndecodable('the image is in colour');
  const number = options.frame ?? 1;
  const padding = paddingOf(dataset, signed);
  const transform = modalityTransformOf(dataset, number);
  const modality = modalityFunction(transform);
  const none = options.voi === 'none';
  const voi = options.window ? { window: options.window } : none ? undefined : voiOf(dataset, number);

  let map: (x: number) => number;
  let min = 0;
  let max = 255;
  let varies = { from: -Infinity, to: Infinity };
  if (voi && 'lut' in voi) {
    const lookup = lutFunction(voi.lut);
    map = (x) => lookup(modality(x));
    max = 2 ** voi.lut.bits - 1;
  } else if (voi) {
    const window = windowFunction(voi.window, min, max);
    map = (x) => window(modality(x));
    varies = variation(voi.window, transform);
  } else {
    [min, max] = outputRange(values(), modality, padding);
    map = modality;
    if (options.withoutVoi !== 'identity' && !none) {
      const [from, scale] = [min, max > min ? 255 / (max - min) : 0];
      map = (x) => (modality(x) - from) * scale;
      [min, max] = [0, 255];
    }
  }
  const inverted = photometric === 'MONOCHROME1';
  const upright = inverted ? (x: number) => max - map(x) : map;
  const [low, high] = inverted ? [0, max - min] : [min, max];
  return { map: upright, padding, min: low, max: high, varies };
}

/** Between which stored values a window changes anything; a little more, for the sake of rounding. */
function variation(window: VoiWindow, transform: ModalityTransform): Mapping['varies'] {
  if ('lut' in transform || window.function === 'SIGMOID') return { from: -Infinity, to: Infinity };
  const half = Math.max(1, window.width) / 2 + 1;
  const ends = [window.center - half, window.center + half].map(
    (output) => (output - transform.intercept) / transform.slope,
  );
  return { from: Math.floor(Math.min(...ends)) - 1, to: Math.ceil(Math.max(...ends)) + 2 };
}

function modalityFunction(transform: ModalityTransform): (x: number) => number {
  if ('lut' in transform) return lutFunction(transform.lut);
  const { slope, intercept } = transform;
  return (x) => x * slope + intercept;
}

/** Smallest and largest modality output outside the padding. */
function outputRange(
  values: Iterable<number>,
  modality: (x: number) => number,
  padding: Mapping['padding'],
): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  for (const stored of values) {
    if (padding && stored >= padding.from && stored <= padding.to) continue;
    const value = modality(stored);
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? [min, max] : [0, 0];
}

/** Each stored value at least once. */
function* occurringValues(frame: DecodedFrame): Generator<number> {
  const { data } = frame;
  const domain = tableDomain(frame);
  if (domain) {
    const seen = new Uint8Array(domain.size);
    for (let i = 0; i < data.length; i++) seen[data[i]! - domain.first] = 1;
    for (let i = 0; i < seen.length; i++) if (seen[i]) yield i + domain.first;
  } else for (let i = 0; i < data.length; i++) if (Number.isFinite(data[i])) yield data[i]!;
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

function applied<T extends Float32Array | Uint8Array>(
  frame: DecodedFrame,
  map: (stored: number) => number,
  Type: new (length: number) => T,
): T {
  const { data } = frame;
  const out = new Type(data.length);
  const domain = data.length > 1024 ? tableDomain(frame) : undefined;
  if (domain) {
    const table = new Type(domain.size);
    for (let i = 0; i < domain.size; i++) table[i] = map(i + domain.first);
    const { first } = domain;
    for (let i = 0; i < data.length; i++) out[i] = table[data[i]! - first]!;
  } else for (let i = 0; i < data.length; i++) out[i] = map(data[i]!);
  return out;
}
