/**
 * The WebAssembly codecs of Cornerstone (CharLS, libjpeg-turbo, OpenJPEG, OpenJPH). Each is loaded at first use. A codec
 * that threw may have a torn heap: it is dropped and the next frame gets a new one.
 */
import { createRequire } from 'node:module';
import { PixelsUndecodable } from './types.ts';

export type CodecName = 'jpeg' | 'jpegLs' | 'jpeg2000' | 'htj2k';

export interface CodecFrame {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned: boolean;
  /** Interleaved samples, little-endian, one or two bytes each; a copy outside the codec's heap. */
  bytes: Uint8Array;
}

interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  /** JPEG 2000 only; OpenJPEG takes the number of quality layers too, 0 for all. */
  decodeSubResolution?(level: number, layers: number): void;
  readHeader?(): void;
  getFrameInfo(): Omit<CodecFrame, 'bytes'>;
  getInterleaveMode?(): number;
  delete(): void;
}
type CodecModule = Record<string, unknown> & { HEAPU8?: Uint8Array };

// The packages are CommonJS Emscripten modules; their `decodewasmjs` finds its .wasm beside itself.
const CODECS: Record<CodecName, { path: string; decoder: string }> = {
  jpeg: { path: '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs', decoder: 'JPEGDecoder' },
  jpegLs: { path: '@cornerstonejs/codec-charls/decodewasmjs', decoder: 'JpegLSDecoder' },
  jpeg2000: { path: '@cornerstonejs/codec-openjpeg/decodewasmjs', decoder: 'J2KDecoder' },
  htj2k: { path: '@cornerstonejs/codec-openjph', decoder: 'HTJ2KDecoder' },
};
const require = createRequire(import.meta.url);
const loaded = new Map<CodecName, Promise<CodecModule>>();

/** A heap that grew beyond this is given back after the frame: WebAssembly memory never shrinks. */
const KEEP_HEAP_BYTES = 512 * 1024 * 1024;

function load(name: CodecName): Promise<CodecModule> {
  let module = loaded.get(name);
  if (!module) {
    const create = require(CODECS[name].path) as (options: object) => Promise<CodecModule>;
    module = create({ print: () => {}, printErr: () => {} });
    loaded.set(name, module);
  }
  return module;
}

/**
 * Decodes one stream; a JPEG 2000 stream at `level` halves its sides as many times (the stream must hold the levels, and its
 * image begin at 0, 0). Throws PixelsUndecodable whatever the codec threw.
 */
export async function runCodec(name: CodecName, encoded: Uint8Array, level = 0): Promise<CodecFrame> {
  const module = await load(name);
  let decoder: Decoder | undefined;
  try {
    decoder = new (module[CODECS[name].decoder] as new () => Decoder)();
    decoder.getEncodedBuffer(encoded.length).set(encoded);
    if (level > 0) {
      decoder.readHeader!();
      decoder.decodeSubResolution!(level, 0);
    } else decoder.decode();
    const whole = decoder.getFrameInfo();
    const halved = (side: number): number => Math.ceil(side / 2 ** level);
    const info = { ...whole, width: halved(whole.width), height: halved(whole.height) };
    const bytes = decoder.getDecodedBuffer().slice();
    const size = info.width * info.height * info.componentCount * (info.bitsPerSample > 8 ? 2 : 1);
    if (bytes.length < size || size === 0) throw new Error('no image');
    const frame = { ...info, bytes: bytes.subarray(0, size) };
    decoder.delete();
    if ((module.HEAPU8?.length ?? 0) > KEEP_HEAP_BYTES) loaded.delete(name);
    return frame;
  } catch (thrown) {
    loaded.delete(name);
    throw new PixelsUndecodable(`the ${name} stream is damaged or of an unsupported kind`, thrown);
  }
}

export type EncoderName = Exclude<CodecName, 'jpeg'>;

interface Encoder {
  /** Where the samples go. */
  getDecodedBuffer(info: Omit<CodecFrame, 'bytes'> & { isUsingColorTransform: boolean }): Uint8Array;
  getEncodedBuffer(): Uint8Array;
  encode(): void;
  setNearLossless?(error: number): void;
  setQuality?(lossless: boolean, quantisation: number): void;
  setDecompositions?(levels: number): void;
  setProgressionOrder?(order: number): void;
  setTLMMarker?(written: boolean): void;
  delete(): void;
}

// The builds that decode alone are smaller; these are loaded where a frame has to be encoded.
const ENCODERS: Record<EncoderName, { path: string; encoder: string }> = {
  jpegLs: { path: '@cornerstonejs/codec-charls/wasmjs', encoder: 'JpegLSEncoder' },
  jpeg2000: { path: '@cornerstonejs/codec-openjpeg/wasmjs', encoder: 'J2KEncoder' },
  htj2k: { path: '@cornerstonejs/codec-openjph', encoder: 'HTJ2KEncoder' },
};
const RPCL = 2;
/** PS3.5 8.2.15 asks for a lowest resolution of at most 64 samples a side. */
const SMALLEST = 64;
const encoders = new Map<EncoderName, Promise<CodecModule>>();

/** Compresses samples without loss. Throws PixelsUndecodable whatever the codec threw. */
export async function runEncoder(
  name: EncoderName,
  samples: Uint8Array,
  info: Omit<CodecFrame, 'bytes'>,
): Promise<Uint8Array> {
  const { path, encoder: type } = ENCODERS[name];
  const loading =
    encoders.get(name) ??
    (require(path) as (options: object) => Promise<CodecModule>)({ print: () => {}, printErr: () => {} });
  encoders.set(name, loading);
  try {
    const module = await loading;
    const encoder = new (module[type] as new () => Encoder)();
    encoder.getDecodedBuffer({ ...info, isUsingColorTransform: false }).set(samples);
    if (name === 'jpegLs') encoder.setNearLossless!(0);
    else encoder.setQuality!(true, 0);
    if (name === 'htj2k') {
      const levels = Math.ceil(Math.log2(Math.max(1, Math.max(info.width, info.height) / SMALLEST)));
      encoder.setDecompositions!(Math.max(1, levels));
      encoder.setProgressionOrder!(RPCL);
      encoder.setTLMMarker!(true);
    }
    encoder.encode();
    const bytes = encoder.getEncodedBuffer().slice();
    encoder.delete();
    if ((module.HEAPU8?.length ?? 0) > KEEP_HEAP_BYTES) encoders.delete(name);
    if (bytes.length === 0) throw new Error('no codestream');
    return bytes;
  } catch (thrown) {
    encoders.delete(name);
    throw new PixelsUndecodable(`the ${name} codec could not compress the frame`, thrown);
  }
}
