/** From a whole file to a frame or a picture of it. */
import { parseDicom, parseHeader } from '../parse.ts';
import { TAG } from '../dictionary.ts';
import type { DicomFile } from '../types.ts';
import { transferSyntax } from '../uids.ts';
import { frameCountOf, pixelAttributesOf } from './attributes.ts';
import { decodeFrame } from './decode.ts';
import { encapsulatedFrames, joinFragments, nativeFrame } from './frames.ts';
import { renderFrame } from './render.ts';
import type { RenderOptions } from './render.ts';
import type { DecodedFrame, PixelAttributes } from './types.ts';
import { PixelsUndecodable } from './types.ts';

export interface EncodedFrame {
  /** A view into the file, or a copy where the frame lies in several fragments. */
  encoded: Uint8Array;
  attributes: PixelAttributes;
}

/** Reads a whole file for `encodedFrame`: as far as the pixel data, all of it where it is deflated. Throws DicomError. */
export function openPixels(bytes: Uint8Array): DicomFile {
  const header = parseHeader(bytes, { complete: true });
  return transferSyntax(header.transferSyntax)?.deflated ? parseDicom(bytes) : header;
}

/** The bytes of frame `frame` (from 1) as stored. Throws PixelsUndecodable where there is no such frame. */
export function encodedFrame(file: DicomFile, frame: number): EncodedFrame {
  const { pixelData, bytes, dataset } = file;
  if (!pixelData) throw new PixelsUndecodable('the object has no pixel data');
  const frames = frameCountOf(dataset);
  if (!Number.isInteger(frame) || frame < 1 || frame > frames)
    throw new PixelsUndecodable(`there is no frame ${frame}`);
  const attributes = pixelAttributesOf(dataset, pixelData.tag);
  if (!pixelData.encapsulated) {
    const length = Math.max(0, Math.min(pixelData.length, bytes.length - pixelData.offset));
    const { bitOffset, ...range } = nativeFrame({ offset: pixelData.offset, length }, attributes, frame);
    const encoded = bytes.subarray(range.offset, range.offset + range.length);
    return { encoded, attributes: { ...attributes, bitOffset } };
  }
  const extended = dataset.bytes(TAG.ExtendedOffsetTable);
  const fragments = encapsulatedFrames(bytes, pixelData.offset, frames, extended)[frame - 1]!;
  return { encoded: joinFragments(bytes, fragments), attributes };
}

/** Frame `frame` (from 1) of a file as stored values. */
export async function decodeFileFrame(file: DicomFile, frame = 1): Promise<DecodedFrame> {
  const { encoded, attributes } = encodedFrame(file, frame);
  return decodeFrame(encoded, file.transferSyntax, attributes);
}

/**
 * A whole DICOM file → JPEG or PNG of one frame (the first unless `options.frame` says otherwise).
 * Throws DicomError for what is no DICOM, PixelsUndecodable for the rest.
 */
export async function renderFile(bytes: Uint8Array, options: RenderOptions): Promise<Buffer> {
  const file = openPixels(bytes);
  return renderFrame(await decodeFileFrame(file, options.frame ?? 1), file.dataset, options);
}
