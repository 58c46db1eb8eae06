/** Native frames → lossless codestreams, with the WebAssembly encoders of Cornerstone. */
import { decodeFrame } from './decode.ts';
import { type EncoderName, runEncoder } from './codecs.ts';
import { nativeBytes } from './native.ts';
import type { PixelAttributes } from './types.ts';
import { PixelsUndecodable } from './types.ts';

/** Transfer syntaxes that frames can be given in, PS3.5 A.4.3, A.4.4; the first of a codec is its plainest. */
const ENCODERS: Readonly<Record<string, EncoderName>> = {
  '1.2.840.10008.1.2.4.80': 'jpegLs',
  '1.2.840.10008.1.2.4.90': 'jpeg2000',
  '1.2.840.10008.1.2.4.201': 'htj2k',
  // With resolutions in order and a TLM marker (PS3.5 8.2.15): the first bytes are a small picture already.
  '1.2.840.10008.1.2.4.202': 'htj2k',
};
export const ENCODABLE: readonly string[] = Object.keys(ENCODERS);

/** Greyscale of up to 16 bits: what these codecs keep without loss and a header needs no change for. */
export const canEncode = (transferSyntax: string, a: PixelAttributes): boolean =>
  Object.hasOwn(ENCODERS, transferSyntax) &&
  a.samplesPerPixel === 1 &&
  (a.bitsAllocated === 8 || a.bitsAllocated === 16) &&
  a.bitsStored > 1 &&
  !a.floatingPoint;

/**
 * A frame as stored → the same stored values, losslessly compressed.
 * @param encoded as `decodeFrame` takes it
 * @throws PixelsUndecodable for a damaged frame, and for what `canEncode` denies
 */
export async function transcodeFrame(
  encoded: Uint8Array,
  from: string,
  to: string,
  attributes: PixelAttributes,
): Promise<Uint8Array> {
  const codec = canEncode(to, attributes) ? ENCODERS[to] : undefined;
  if (!codec) throw new PixelsUndecodable(`frames of this kind are not given in transfer syntax ${to}`);
  const frame = await decodeFrame(encoded, from, attributes);
  const bytes = nativeBytes(frame, attributes);
  const signed = attributes.pixelRepresentation === 1;
  // JPEG-LS knows no sign: the bits go as they are, and the header tells what they mean (PS3.5 8.2.3).
  if (codec === 'jpegLs' && signed) unsign(bytes, attributes);
  return runEncoder(codec, bytes, {
    width: frame.columns,
    height: frame.rows,
    bitsPerSample: attributes.bitsStored,
    componentCount: 1,
    isSigned: signed && codec !== 'jpegLs',
  });
}

/** Drops what sign extension put above Bits Stored; in place. */
function unsign(bytes: Buffer, { bitsAllocated, bitsStored }: PixelAttributes): void {
  const mask = 2 ** bitsStored - 1;
  if (bitsAllocated === 8) for (let i = 0; i < bytes.length; i++) bytes[i]! &= mask;
  else for (let i = 0; i + 1 < bytes.length; i += 2) bytes.writeUInt16LE(bytes.readUInt16LE(i) & mask, i);
}
