/** From a frame's bytes to what Cornerstone draws. Pure. */
import { group } from '../../stacks/frameData.ts';
import { bytesOf, items, number, numbers, text, type Metadata } from './dicomweb.ts';
import { rescaled } from './rescale.ts';
import { wholeRange, type Window } from './voi.ts';

export type { Window } from './voi.ts';

export interface PixelForm {
  rows: number;
  columns: number;
  bitsAllocated: number;
  bitsStored: number;
  signed: boolean;
  photometric: string;
  samples: number;
  /** Float Pixel Data or Double Float Pixel Data (PS3.3 C.7.6.24, C.7.6.25). */
  float: boolean;
}
export const formOf = (data: Metadata): PixelForm => ({
  rows: number(data, '00280010') ?? 0,
  columns: number(data, '00280011') ?? 0,
  bitsAllocated: number(data, '00280100') ?? 8,
  bitsStored: number(data, '00280101') ?? number(data, '00280100') ?? 8,
  signed: number(data, '00280103') === 1,
  photometric: (text(data, '00280004') ?? 'MONOCHROME2').trim(),
  samples: number(data, '00280002') ?? 1,
  float: data['7FE00008'] !== undefined || data['7FE00009'] !== undefined,
});
export const isColour = (form: PixelForm): boolean =>
  form.samples > 1 || form.photometric === 'PALETTE COLOR';

export type GreyArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Float32Array;

/** Stored values of a native frame. Bits above Bits Stored are removed and the sign extended (PS3.5 8.1.1). */
export function storedValues(bytes: ArrayBuffer, form: PixelForm): GreyArray {
  const count = form.rows * form.columns;
  if (bytes.byteLength < (count * form.bitsAllocated) / 8)
    throw new Error('The frame is shorter than its size says.');
  if (form.float)
    return form.bitsAllocated === 64
      ? Float32Array.from(new Float64Array(bytes, 0, count))
      : new Float32Array(bytes, 0, count);
  if (form.bitsAllocated === 1) {
    const packed = new Uint8Array(bytes);
    return Uint8Array.from({ length: count }, (_, i) => (packed[i >> 3]! >> (i & 7)) & 1);
  }
  if (form.bitsAllocated === 8) {
    return form.signed ? new Int8Array(bytes, 0, count) : new Uint8Array(bytes, 0, count);
  }
  if (form.bitsAllocated === 16) {
    const unused = 16 - form.bitsStored;
    if (form.signed) {
      const values = new Int16Array(bytes, 0, count);
      if (unused > 0)
        for (let i = 0; i < count; i++) values[i] = (values[i]! << (16 + unused)) >> (16 + unused);
      return values;
    }
    const values = new Uint16Array(bytes, 0, count);
    if (unused > 0) {
      const mask = 0xffff >> unused;
      for (let i = 0; i < count; i++) values[i] = values[i]! & mask;
    }
    return values;
  }
  const wide = form.signed ? new Int32Array(bytes, 0, count) : new Uint32Array(bytes, 0, count);
  return Float32Array.from(wide);
}

export interface Grey {
  values: GreyArray;
  min: number;
  max: number;
  window: Window;
  presets: Window[];
}

interface Padding {
  from: number;
  to: number;
}
/** Smallest and largest value of those that are no padding in `basis`; infinite ones do not count. */
function rangeOf(values: GreyArray, basis?: GreyArray, padding?: Padding): { min: number; max: number } {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min || value > max) {
      if (padding && basis![i]! >= padding.from && basis![i]! <= padding.to) continue;
      if (value < min && value > -Infinity) min = value;
      if (value > max && value < Infinity) max = value;
    }
  }
  return min <= max ? { min, max } : { min: 0, max: 0 };
}

export interface Lut {
  /** First input value that is mapped. */
  first: number;
  /** The largest output: 2^bits - 1 of the descriptor. */
  top: number;
  table: ArrayLike<number>;
}
/**
 * Modality or VOI LUT of a sequence (PS3.3 C.11.1.1, C.11.2.1.1); `bulk` fetches what the metadata gives by address.
 * An entry of 8 bits in a 16-bit value counts as the standard says: by the number of bytes that are there.
 */
export async function lutOf(
  data: Metadata,
  sequence: '00283000' | '00283010',
  bulk: (uri: string) => Promise<ArrayBuffer>,
  frame = 1,
): Promise<Lut | undefined> {
  const item = items(sequence === '00283010' ? group(data, 'frameVoiLut', frame) : data, sequence)[0];
  const descriptor = item && numbers(item, '00283002');
  if (!item || descriptor?.length !== 3) return undefined;
  // Written without a sign where the pixels have one.
  const first =
    number(data, '00280103') === 1 && descriptor[1]! > 32767 ? descriptor[1]! - 65536 : descriptor[1]!;
  const top = 2 ** Math.min(16, Math.max(1, descriptor[2]!)) - 1;
  const entries = descriptor[0] || 65536;
  const attribute = item['00283006'];
  if (attribute?.Value?.length) return { first, top, table: numbers(item, '00283006') };
  const raw = await bytesOf(attribute, bulk);
  if (!raw) return undefined;
  const table = raw.length >= entries * 2 ? new Uint16Array(raw.buffer, raw.byteOffset, entries) : raw;
  return { first, top, table };
}
function throughLut(values: GreyArray, lut: Lut): Float32Array {
  const last = lut.table.length - 1;
  return Float32Array.from(
    values,
    (value) => lut.table[Math.min(last, Math.max(0, Math.round(value) - lut.first))]!,
  );
}

/** Pixel Padding Value to its Range Limit, in stored values (PS3.3 C.7.5.1.1.2). */
function paddingOf(data: Metadata, signed: boolean): Padding | undefined {
  const read = (tag: string) => {
    const value = number(data, tag);
    if (value === undefined) return undefined;
    // Written with the other sign by some: brought to that of the pixels.
    return signed && value > 32767 ? value - 65536 : !signed && value < 0 ? value + 65536 : value;
  };
  const value = read('00280120');
  if (value === undefined) return undefined;
  const limit = read('00280121') ?? value;
  return { from: Math.min(value, limit), to: Math.max(value, limit) };
}

/** The windows that the header proposes for a frame, the first one first. */
export function windowsOf(data: Metadata, frame: number): Window[] {
  const voi = group(data, 'frameVoiLut', frame);
  const widths = numbers(voi, '00281051');
  const names = (voi['00281055']?.Value ?? []) as string[];
  const told = text(voi, '00281056');
  const name = (['LINEAR_EXACT', 'SIGMOID'] as const).find((each) => each === told);
  return numbers(voi, '00281050').flatMap((centre, i) =>
    widths[i]! > 0
      ? [{ centre, width: widths[i]!, ...(name && { function: name }), ...(names[i] && { name: names[i] }) }]
      : [],
  );
}

/**
 * Values to be windowed: Modality LUT or rescale applied, a VOI LUT too where the image has one, which is then shown whole
 * (PS3.3 C.11.2; the server draws its previews the same way). Padding is dark, whatever the photometric interpretation.
 */
export function greyOf(
  stored: GreyArray,
  data: Metadata,
  { frame = 1, ...luts }: { frame?: number; modality?: Lut; voi?: Lut } = {},
): Grey {
  const transformation = group(data, 'pixelValueTransformation', frame);
  const slope = number(transformation, '00281053') || 1;
  const intercept = number(transformation, '00281052') ?? 0;
  let values: GreyArray = luts.modality
    ? throughLut(stored, luts.modality)
    : rescaled(stored, slope, intercept);
  // The rescale may have written over the stored values: where there is no LUT before, padding is told by its rescaled value.
  const basis = luts.modality ? stored : values;
  const padding = paddingOf(data, number(data, '00280103') === 1);
  if (padding && !luts.modality) {
    const [from, to] = [padding.from * slope + intercept, padding.to * slope + intercept];
    Object.assign(padding, { from: Math.min(from, to), to: Math.max(from, to) });
  }
  if (luts.voi) values = throughLut(values, luts.voi);
  const range = rangeOf(values, basis, padding);
  if (padding) values = padded(values, basis, data, padding, range);
  if (luts.voi) return { values, ...range, window: wholeRange(0, luts.voi.top), presets: [] };
  const presets = windowsOf(data, frame);
  return { values, ...range, window: presets[0] ?? wholeRange(range.min, range.max), presets };
}

/**
 * Padding that would not be black of itself: that of an image drawn inverted takes the largest value; what lies above others
 * (after a look-up table, or where lossy compression has scattered values about it) takes the smallest.
 */
function padded(
  values: GreyArray,
  basis: GreyArray,
  data: Metadata,
  padding: Padding,
  range: { min: number; max: number },
): GreyArray {
  const inverted = text(data, '00280004') === 'MONOCHROME1';
  if (!inverted && !hasLut(data) && padding.to <= range.min) return values;
  const dark = inverted ? range.max : range.min;
  return (values as Float32Array).map((value, i) =>
    basis[i]! >= padding.from && basis[i]! <= padding.to ? dark : value,
  );
}
/** Through a look-up table padding may come out anywhere. */
const hasLut = (data: Metadata): boolean =>
  items(data, '00283000').length > 0 || items(data, '00283010').length > 0;
