import { NegatoscopeError } from '../../errors.ts';

/** What the Image Pixel Module (PS3.3 C.7.6.3) says about one frame. */
export interface PixelAttributes {
  rows: number;
  columns: number;
  samplesPerPixel: number;
  /** 1, 8, 16, 32 or 64. */
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  /** 0 unsigned, 1 two's complement. */
  pixelRepresentation: number;
  /** Photometric Interpretation, e.g. `MONOCHROME2`, `YBR_FULL_422`. */
  photometric: string;
  /** 0 colour by pixel, 1 colour by plane; only looked at for native and RLE frames. */
  planarConfiguration: number;
  /** Float Pixel Data (bitsAllocated 32) or Double Float Pixel Data (64), PS3.3 C.7.6.24. */
  floatingPoint?: boolean;
  /** Where a 1-bit native frame begins inside the first byte of `encoded`: frames are not byte-aligned (PS3.5 8.1.1). */
  bitOffset?: number;
}

export type Samples =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** One frame as stored values: sign extended, bits outside Bits Stored removed, colour interleaved by pixel. */
export interface DecodedFrame {
  rows: number;
  columns: number;
  samplesPerPixel: number;
  bitsStored: number;
  signed: boolean;
  /** What `data` holds now: a codec may have turned YBR into RGB; 4:2:2 is expanded and then says `YBR_FULL`. */
  photometric: string;
  data: Samples;
}

/** Larger frames are refused before anything is allocated: 512 Mi samples is beyond any radiograph or tile. */
export const MAX_SAMPLES = 1 << 29;

/** Pixels that no decoder here can turn into values: damaged, contradictory, or in an unsupported coding. */
export class PixelsUndecodable extends NegatoscopeError {
  constructor(reason: string, cause?: unknown) {
    super('pixels-undecodable', `The pixels cannot be decoded: ${reason}.`, {
      status: 422,
      details: { reason },
      cause,
    });
  }
}
