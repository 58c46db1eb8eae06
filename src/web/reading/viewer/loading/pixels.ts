/** From a frame's bytes to what Cornerstone draws. Pure. */
import { items, number, numbers, text, type Metadata } from './dicomweb.ts';
import { rescaled } from './rescale.ts';

export interface PixelForm {
  rows: number;
  columns: number;
  bitsAllocated: number;
  bitsStored: number;
  signed: boolean;
  photometric: string;
  samples: number;
}
export const formOf = (data: Metadata): PixelForm => ({
  rows: number(data, '00280010') ?? 0,
  columns: number(data, '00280011') ?? 0,
  bitsAllocated: number(data, '00280100') ?? 8,
  bitsStored: number(data, '00280101') ?? number(data, '00280100') ?? 8,
  signed: number(data, '00280103') === 1,
  photometric: (text(data, '00280004') ?? 'MONOCHROME2').trim(),
  samples: number(data, '00280002') ?? 1,
});
export const isColour = (form: PixelForm): boolean =>
  form.samples > 1 || form.photometric === 'PALETTE COLOR';

export type GreyArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Float32Array;

/** Stored values of a native frame. Bits above Bits Stored are removed and the sign extended (PS3.5 8.1.1). */
export function storedValues(bytes: ArrayBuffer, form: PixelForm): GreyArray {
  const count = form.rows * form.columns;
  if (bytes.byteLength < (count * form.bitsAllocated) / 8)
    throw new Error('The frame is shorter than its size says.');
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

export interface Window {
  centre: number;
  width: number;
  /** Window Center & Width Explanation, when the header gives one. */
  name?: string;
}
export interface Grey {
  values: GreyArray;
  min: number;
  max: number;
  window: Window;
  presets: Window[];
}

const rangeOf = (values: GreyArray): { min: number; max: number } => {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return values.length ? { min, max } : { min: 0, max: 0 };
};

export interface Lut {
  /** First input value that is mapped. */
  first: number;
  table: ArrayLike<number>;
}
/**
 * Modality or VOI LUT of a sequence (PS3.3 C.11.1.1, C.11.2.1.1); `bulk` fetches what the metadata gives by address.
 * An entry of 8 bits in a 16-bit value counts as the standard says: by the number of bytes that are there.
 */
export async function lutOf(
  data: Metadata,
  sequence: string,
  bulk: (uri: string) => Promise<ArrayBuffer>,
): Promise<Lut | undefined> {
  const item = items(data, sequence)[0];
  const descriptor = item && numbers(item, '00283002');
  if (!item || descriptor?.length !== 3) return undefined;
  const first = descriptor[1]!;
  const entries = descriptor[0] || 65536;
  const attribute = item['00283006'];
  if (attribute?.Value?.length) return { first, table: numbers(item, '00283006') };
  const raw = attribute?.InlineBinary
    ? Uint8Array.from(atob(attribute.InlineBinary), (letter) => letter.charCodeAt(0))
    : attribute?.BulkDataURI
      ? new Uint8Array(await bulk(attribute.BulkDataURI))
      : undefined;
  if (!raw) return undefined;
  const table = raw.length >= entries * 2 ? new Uint16Array(raw.buffer, raw.byteOffset, entries) : raw;
  return { first, table };
}
function throughLut(values: GreyArray, lut: Lut): Float32Array {
  const last = lut.table.length - 1;
  return Float32Array.from(values, (value) => lut.table[Math.min(last, Math.max(0, value - lut.first))]!);
}

/**
 * Values to be windowed: Modality LUT or rescale applied, a VOI LUT too where the image has no window of its own
 * (PS3.3 C.11.2: then the whole range of the LUT is shown).
 */
export function greyOf(stored: GreyArray, data: Metadata, luts: { modality?: Lut; voi?: Lut } = {}): Grey {
  const slope = number(data, '00281053') ?? 1;
  const intercept = number(data, '00281052') ?? 0;
  let values: GreyArray = luts.modality
    ? throughLut(stored, luts.modality)
    : rescaled(stored, slope, intercept);
  const centres = numbers(data, '00281050');
  const widths = numbers(data, '00281051');
  const names = (data['00281055']?.Value ?? []) as string[];
  const presets: Window[] = centres.flatMap((centre, i) =>
    widths[i]! > 0 ? [{ centre, width: widths[i]!, ...(names[i] ? { name: names[i] } : {}) }] : [],
  );
  const voi = presets.length ? undefined : luts.voi;
  if (voi) {
    let top = 0;
    for (let i = 0; i < voi.table.length; i++) top = Math.max(top, voi.table[i]!);
    values = throughLut(values, voi);
    return { values, ...rangeOf(values), window: { centre: top / 2, width: top || 1 }, presets };
  }
  const range = rangeOf(values);
  const whole = { centre: (range.min + range.max) / 2, width: Math.max(1, range.max - range.min) };
  return { values, ...range, window: presets[0] ?? whole, presets };
}
