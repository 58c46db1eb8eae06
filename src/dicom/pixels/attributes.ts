import { TAG } from '../dictionary.ts';
import type { DataSet, Tag } from '../types.ts';
import type { PixelAttributes } from './types.ts';
import type { Lut, VoiFunction, VoiWindow } from './voi.ts';

/** The Image Pixel Module of a data set (PS3.3 C.7.6.3) with the defaults that tolerant readers use. */
export function pixelAttributesOf(dataset: DataSet, pixelDataTag: Tag = TAG.PixelData): PixelAttributes {
  const floatingPoint = pixelDataTag === TAG.FloatPixelData || pixelDataTag === TAG.DoubleFloatPixelData;
  const bitsAllocated = dataset.number(TAG.BitsAllocated) ?? 0;
  const bitsStored = dataset.number(TAG.BitsStored) ?? bitsAllocated;
  const samplesPerPixel = dataset.number(TAG.SamplesPerPixel) ?? 1;
  return {
    rows: dataset.number(TAG.Rows) ?? 0,
    columns: dataset.number(TAG.Columns) ?? 0,
    samplesPerPixel,
    bitsAllocated,
    bitsStored,
    highBit: dataset.number(TAG.HighBit) ?? bitsStored - 1,
    pixelRepresentation: dataset.number(TAG.PixelRepresentation) ?? 0,
    photometric:
      dataset.string(TAG.PhotometricInterpretation) ?? (samplesPerPixel === 3 ? 'RGB' : 'MONOCHROME2'),
    planarConfiguration: dataset.number(TAG.PlanarConfiguration) ?? 0,
    ...(floatingPoint && { floatingPoint }),
  };
}

/**
 * Where an attribute of one frame stands: the frame's own functional group, the shared one (PS3.3 C.7.6.16), else the data
 * set itself. `frame` counts from 1.
 */
export function functionalGroup(dataset: DataSet, macro: Tag, frame: number): DataSet {
  const own = dataset.items(TAG.PerFrameFunctionalGroupsSequence)[frame - 1]?.items(macro)[0];
  return own ?? dataset.items(TAG.SharedFunctionalGroupsSequence)[0]?.items(macro)[0] ?? dataset;
}

export type ModalityTransform = { lut: Lut } | { slope: number; intercept: number };

/** Modality LUT Sequence, else Rescale Slope and Intercept, else identity (PS3.3 C.11.1, C.7.6.16.2.9). */
export function modalityTransformOf(dataset: DataSet, frame: number): ModalityTransform {
  const lut = lutOf(dataset.items(TAG.ModalityLUTSequence)[0]);
  if (lut) return { lut };
  const group = functionalGroup(dataset, TAG.PixelValueTransformationSequence, frame);
  const slope = group.number(TAG.RescaleSlope);
  return {
    slope: slope === undefined || slope === 0 ? 1 : slope,
    intercept: group.number(TAG.RescaleIntercept) ?? 0,
  };
}

/** The first VOI LUT, else the first window, else undefined (PS3.3 C.11.2, C.7.6.16.2.10). */
export function voiOf(dataset: DataSet, frame: number): { lut: Lut } | { window: VoiWindow } | undefined {
  const group = functionalGroup(dataset, TAG.FrameVOILUTSequence, frame);
  const lut = lutOf(group.items(TAG.VOILUTSequence)[0]);
  if (lut) return { lut };
  const center = group.number(TAG.WindowCenter);
  const width = group.number(TAG.WindowWidth);
  if (center === undefined || width === undefined || !(width > 0)) return undefined;
  const name = group.string(TAG.VOILUTFunction);
  const known = (['LINEAR', 'LINEAR_EXACT', 'SIGMOID'] as const).find((f): f is VoiFunction => f === name);
  return { window: { center, width, function: known ?? 'LINEAR' } };
}

/** A LUT item: descriptor and data (PS3.3 C.11.1.1, C.11.2.1.1); undefined if it is incomplete. */
function lutOf(item: DataSet | undefined): Lut | undefined {
  if (!item) return undefined;
  const [count, first, bits] = item.numbers(TAG.LUTDescriptor);
  if (count === undefined || first === undefined || bits === undefined) return undefined;
  const entries = lutWords(item, TAG.LUTData, lutLength(count));
  if (entries.length === 0) return undefined;
  return { first, bits: Math.min(16, Math.max(1, bits)), entries };
}

/** The first value of a LUT descriptor: 0 means 65536, and read as signed it may be negative (PS3.3 C.11.1.1). */
export const lutLength = (count: number): number => count & 0xffff || 65536;

/** LUT entries as numbers, from US or OW; a value half as long as described packs 8-bit entries. */
export function lutWords(item: DataSet, tag: Tag, count: number): number[] {
  const bytes = item.bytes(tag);
  if (!bytes) return [];
  if (bytes.length >= count && bytes.length < 2 * count) return [...bytes.subarray(0, count)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = !item.bigEndian;
  return Array.from({ length: Math.min(count, bytes.length >> 1) }, (_, i) => view.getUint16(2 * i, little));
}

/** Pixel Padding Value and Range Limit in stored values (PS3.3 C.7.5.1.1.2), as a closed range. */
export function paddingOf(dataset: DataSet, signed: boolean): { from: number; to: number } | undefined {
  const read = (tag: Tag): number | undefined => {
    const value = dataset.number(tag);
    if (value === undefined) return undefined;
    // Written with the other sign by some: bring it to the pixels' representation.
    if (signed && value > 32767) return value - 65536;
    return !signed && value < 0 ? value + 65536 : value;
  };
  const value = read(TAG.PixelPaddingValue);
  if (value === undefined) return undefined;
  const limit = read(TAG.PixelPaddingRangeLimit) ?? value;
  return { from: Math.min(value, limit), to: Math.max(value, limit) };
}
