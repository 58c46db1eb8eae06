/** From a whole file to a frame or a picture of it. */
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { frameOffsets, joinRuns } from '../frames.ts';
import { parseDicom } from '../parse.ts';
import type { DicomFile } from '../types.ts';
import { pixelAttributesOf } from './attributes.ts';
import { decodeFrame } from './decode.ts';
import { renderFrame, renderedSize } from './render.ts';
import type { RenderOptions } from './render.ts';
import type { DecodedFrame, PixelAttributes } from './types.ts';
import { PixelsUndecodable } from './types.ts';

export interface EncodedFrame {
  /** A view into the file, or a copy where the frame lies in several fragments. */
  encoded: Uint8Array;
  attributes: PixelAttributes;
}

/**
 * The bytes of frame `frame` (from 1) as stored, with what it takes to decode them. Throws PixelsUndecodable where there is no
 * such frame.
 */
export function encodedFrame(file: DicomFile, frame: number): EncodedFrame {
  const { pixelData, dataset } = file;
  if (!pixelData) throw new PixelsUndecodable('the object has no pixel data');
  try {
    // A header alone does not know how long encapsulated pixel data is.
    const whole = pixelData.length < 0 ? parseDicom(file.bytes) : file;
    const table = frameOffsets(whole);
    const runs = table?.runs(frame);
    if (!table || !runs) throw new PixelsUndecodable(`there is no frame ${frame}`);
    const attributes = pixelAttributesOf(dataset, pixelData.tag);
    return {
      encoded: joinRuns(whole.bytes, runs),
      attributes: { ...attributes, bitOffset: table.bitOffset(frame) },
    };
  } catch (thrown) {
    if (thrown instanceof PixelsUndecodable || !(thrown instanceof NegatoscopeError)) throw thrown;
    throw new PixelsUndecodable(reasonOf(thrown), thrown);
  }
}

/** Frame `frame` (from 1) of a file as stored values. A deflated file has to be read whole (`parseDicom`) before. */
export async function decodeFileFrame(file: DicomFile, frame = 1): Promise<DecodedFrame> {
  const { encoded, attributes } = encodedFrame(file, frame);
  return decodeFrame(encoded, file.transferSyntax, attributes);
}

/**
 * A whole DICOM file → JPEG or PNG of one frame (the first unless `options.frame` says otherwise).
 * Throws DicomError for what is no DICOM, PixelsUndecodable for the rest.
 */
export async function renderFile(bytes: Uint8Array, options: RenderOptions): Promise<Buffer> {
  const file = parseDicom(bytes);
  const { encoded, attributes } = encodedFrame(file, options.frame ?? 1);
  const size = renderedSize(attributes, file.dataset, options);
  // Twice as large leaves the last reduction to a better filter than a wavelet's.
  const atLeast = { width: 2 * size.width, height: 2 * size.height };
  const reduced = options.region ? {} : { atLeast };
  const frame = await decodeFrame(encoded, file.transferSyntax, attributes, reduced);
  return renderFrame(frame, file.dataset, options, size);
}
