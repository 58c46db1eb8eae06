import type { DecodedFrame, PixelAttributes, Samples } from './types.ts';
import { PixelsUndecodable } from './types.ts';

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Bytes of one native frame (PS3.5 8.1.1), 1-bit frames rounded up; 4:2:2 stores two samples a pixel. `frameBits` says where
 * frames lie, without rounding and for the retired YBR_PARTIAL_422 too, which is not decoded here.
 */
export function nativeFrameBytes(a: PixelAttributes): number {
  const pixels = a.rows * a.columns;
  if (a.bitsAllocated === 1) return Math.ceil((pixels * a.samplesPerPixel) / 8);
  const samples = a.photometric === 'YBR_FULL_422' && a.samplesPerPixel === 3 ? 2 : a.samplesPerPixel;
  return (pixels * samples * a.bitsAllocated) / 8;
}

/** A native frame → stored values, interleaved by pixel, 4:2:2 expanded. */
export function decodeNative(bytes: Uint8Array, littleEndian: boolean, a: PixelAttributes): Samples {
  const needed = nativeFrameBytes(a);
  const available = a.bitsAllocated === 1 ? bytes.length * 8 - (a.bitOffset ?? 0) : bytes.length;
  const wanted = a.bitsAllocated === 1 ? a.rows * a.columns * a.samplesPerPixel : needed;
  if (available < wanted) throw new PixelsUndecodable('the frame is shorter than its rows and columns say');
  if (a.bitsAllocated === 1) return unpackBits(bytes, wanted, a.bitOffset ?? 0);

  const subsampled = a.photometric === 'YBR_FULL_422' && a.samplesPerPixel === 3;
  const words = readWords(bytes.subarray(0, needed), littleEndian, a);
  const values = a.floatingPoint ? words : maskToStored(words, a);
  if (subsampled) return expand422(values, a.rows * a.columns);
  return a.samplesPerPixel > 1 && a.planarConfiguration === 1
    ? interleave(values, a.samplesPerPixel, a.rows * a.columns)
    : values;
}

/** PS3.5 8.1.1: the first pixel lies in the least significant bit. */
function unpackBits(bytes: Uint8Array, count: number, bitOffset: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0, bit = bitOffset; i < count; i++, bit++) out[i] = (bytes[bit >> 3]! >> (bit & 7)) & 1;
  return out;
}

function readWords(bytes: Uint8Array, littleEndian: boolean, a: PixelAttributes): Samples {
  const size = a.bitsAllocated / 8;
  if (size === 1) return new Uint8Array(bytes); // a copy: Buffer's slice would be a view
  const copy = new Uint8Array(bytes); // aligned, and ours to swap in place
  if (littleEndian !== hostIsLittleEndian) {
    const buffer = Buffer.from(copy.buffer, copy.byteOffset, copy.byteLength);
    if (size === 2) buffer.swap16();
    else if (size === 4) buffer.swap32();
    else buffer.swap64();
  }
  if (size === 2) return new Uint16Array(copy.buffer, 0, copy.length / 2);
  if (size === 4) return new (a.floatingPoint ? Float32Array : Uint32Array)(copy.buffer, 0, copy.length / 4);
  return new Float64Array(copy.buffer, 0, copy.length / 8);
}

/**
 * Words as allocated → stored values: the Bits Stored bits below and including High Bit, sign extended for Pixel
 * Representation 1. What else lies in the word (retired overlays, PS3.5 8.1.1) is dropped. Works in place.
 */
export function maskToStored(words: Samples, a: PixelAttributes): Samples {
  const { bitsStored, bitsAllocated } = a;
  const shift = Math.max(0, a.highBit + 1 - bitsStored);
  const signed = a.pixelRepresentation === 1;
  const width = words.BYTES_PER_ELEMENT * 8;
  const plain = shift === 0 && bitsStored === bitsAllocated && bitsStored === width;
  const out = signed ? asSigned(words) : words;
  if (plain) return out;
  const up = 32 - bitsStored - shift;
  const down = 32 - bitsStored;
  if (signed) for (let i = 0; i < out.length; i++) out[i] = (words[i]! << up) >> down;
  else for (let i = 0; i < out.length; i++) out[i] = (words[i]! << up) >>> down;
  return out;
}

function asSigned(words: Samples): Samples {
  if (words instanceof Uint8Array) return new Int8Array(words.buffer, words.byteOffset, words.length);
  if (words instanceof Uint16Array) return new Int16Array(words.buffer, words.byteOffset, words.length);
  if (words instanceof Uint32Array) return new Int32Array(words.buffer, words.byteOffset, words.length);
  return words;
}

/** Colour by plane → colour by pixel (PS3.3 C.7.6.3.1.3). */
export function interleave<T extends Samples>(planes: T, samples: number, pixels: number): T {
  const out = planes.slice() as T;
  for (let s = 0; s < samples; s++)
    for (let i = 0, from = s * pixels, to = s; i < pixels; i++, to += samples) out[to] = planes[from + i]!;
  return out;
}

/** PS3.3 C.7.6.3.1.2: Y1 Y2 Cb Cr for two neighbouring pixels → Y Cb Cr a pixel. */
function expand422(packed: Samples, pixels: number): Samples {
  const Type = packed.constructor as new (n: number) => Samples;
  const out = new Type(pixels * 3);
  for (let p = 0, from = 0, to = 0; p < pixels; p += 2, from += 4, to += 6) {
    out[to] = packed[from]!;
    out[to + 3] = packed[from + 1]!;
    out[to + 1] = out[to + 4] = packed[from + 2]!;
    out[to + 2] = out[to + 5] = packed[from + 3]!;
  }
  return out;
}

/** Stored values as PS3.5 8.1.1 packs them, little endian, in the Bits Allocated and Planar Configuration of the header. */
export function nativeBytes({ data, samplesPerPixel }: DecodedFrame, attributes: PixelAttributes): Buffer {
  const values =
    attributes.planarConfiguration === 1 && samplesPerPixel > 1 ? planes(data, samplesPerPixel) : data;
  if (attributes.bitsAllocated === 1) {
    const packed = Buffer.alloc(Math.ceil(values.length / 8));
    values.forEach((value, i) => {
      if (value) packed[i >> 3] = (packed[i >> 3] ?? 0) | (1 << (i & 7));
    });
    return packed;
  }
  const width = attributes.bitsAllocated / 8;
  if (values.BYTES_PER_ELEMENT === width)
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const bytes = Buffer.alloc(values.length * width);
  values.forEach((value, i) => bytes.writeIntLE(signed(value, attributes.bitsAllocated), i * width, width));
  return bytes;
}

/** The same bits as a signed number, which `writeIntLE` asks for. */
const signed = (value: number, bits: number): number =>
  value >= 2 ** (bits - 1) ? value - 2 ** bits : value;

function planes<T extends DecodedFrame['data']>(data: T, samples: number): T {
  const copy = data.slice() as T;
  const pixels = data.length / samples;
  for (let i = 0; i < data.length; i++) copy[(i % samples) * pixels + Math.floor(i / samples)] = data[i] ?? 0;
  return copy;
}
