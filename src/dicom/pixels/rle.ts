import type { PixelAttributes } from './types.ts';
import { PixelsUndecodable } from './types.ts';
import { nativeFrameBytes } from './native.ts';

/**
 * RLE Lossless (PS3.5 Annex G) → the native little-endian frame, colour by pixel. Each segment holds one byte plane, the
 * most significant byte of a sample first.
 */
export function decodeRle(encoded: Uint8Array, a: PixelAttributes): Uint8Array {
  if (encoded.length < 64) throw new PixelsUndecodable('the RLE header is incomplete');
  const header = new DataView(encoded.buffer, encoded.byteOffset, 64);
  const pixels = a.rows * a.columns;
  const bytesPerSample = a.bitsAllocated === 1 ? 1 : a.bitsAllocated / 8;
  const segments = header.getUint32(0, true);
  if (segments !== a.samplesPerPixel * bytesPerSample)
    throw new PixelsUndecodable('the number of RLE segments does not fit the samples of a pixel');

  const oneBit = a.bitsAllocated === 1;
  const planeBytes = oneBit ? nativeFrameBytes(a) : pixels;
  const stride = a.samplesPerPixel * bytesPerSample;
  const out = new Uint8Array(planeBytes * stride);
  for (let segment = 0; segment < segments; segment++) {
    const start = header.getUint32(4 + 4 * segment, true);
    const next = segment + 1 < segments ? header.getUint32(8 + 4 * segment, true) : encoded.length;
    if (start < 64 || start > encoded.length || next < start)
      throw new PixelsUndecodable('an RLE segment lies outside the frame');
    const sample = Math.floor(segment / bytesPerSample);
    const byte = bytesPerSample - 1 - (segment % bytesPerSample);
    unpackSegment(encoded.subarray(start, next), out, sample * bytesPerSample + byte, stride, planeBytes);
  }
  return out;
}

/** PS3.5 G.3.2: one segment written to every `stride`-th byte of `out`, from `offset` on. */
function unpackSegment(
  from: Uint8Array,
  out: Uint8Array,
  offset: number,
  stride: number,
  count: number,
): void {
  let to = offset;
  const end = offset + count * stride;
  let i = 0;
  while (i < from.length && to < end) {
    const n = from[i++]!;
    if (n < 128) {
      const last = Math.min(i + n + 1, from.length);
      for (; i < last && to < end; i++, to += stride) out[to] = from[i]!;
    } else if (n > 128 && i < from.length) {
      const value = from[i++]!;
      for (let k = 257 - n; k > 0 && to < end; k--, to += stride) out[to] = value;
    }
  }
  if (to < end) throw new PixelsUndecodable('an RLE segment ends before its plane is full');
}
