/** From a whole file to a frame or a picture of it. */
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { frameOffsets, joinRuns } from '../frames.ts';
import { parseDicom, parseHeader } from '../parse.ts';
import type { DicomFile } from '../types.ts';
import { transferSyntax } from '../uids.ts';
import { pixelAttributesOf } from './attributes.ts';
import { checkAttributes, decodeFrame } from './decode.ts';
import { greyJpeg, wordFormat } from './greyJpeg.ts';
import { nativeFrameBytes } from './native.ts';
import { drawn, isPlain, renderFrame, renderedSize } from './render.ts';
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
  return renderEncoded(encoded, file, attributes, options);
}

/** A frame that lies in a file, which is read no further than it takes. */
export interface StoredFrame {
  /** Fills `target` from byte `position` of the file on. */
  read(target: Uint8Array, position: number): void;
  /** Bytes before the value of Pixel Data. */
  header: number;
  /** Where the frame lies: `[offset, length, offset, length, …]`. */
  runs: readonly number[];
}

/** As `renderFile`, of a file that is not deflated. `options.frame` says which frame the runs are. */
export async function renderStored(stored: StoredFrame, options: RenderOptions): Promise<Buffer> {
  const { read, runs } = stored;
  // A little more, for the parser looks for a preamble first.
  const head = new Uint8Array(Math.min(stored.header + 140, runs.at(-2)! + runs.at(-1)!));
  read(head, 0);
  const file = parseHeader(head, { complete: false });
  const attributes = pixelAttributesOf(file.dataset, file.pixelData?.tag);
  checkAttributes(attributes);
  const size = renderedSize(attributes, file.dataset, options);
  const format = isNativeLittleEndian(file.transferSyntax) ? wordFormat(attributes) : undefined;
  const [start = 0, length = 0] = runs;
  if (format && length >= nativeFrameBytes(attributes) && isPlain(attributes, options, size)) {
    const { rows, columns } = attributes;
    const image = {
      rows,
      columns,
      size: format.size,
      read: (target: Uint8Array, at: number) => read(target, start + at),
    };
    return greyJpeg(image, format, file.dataset, drawn(options));
  }
  const encoded = new Uint8Array(runs.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0));
  for (let i = 0, at = 0; i + 1 < runs.length; at += runs[i + 1]!, i += 2)
    read(encoded.subarray(at, at + runs[i + 1]!), runs[i]!);
  return renderEncoded(encoded, file, attributes, options);
}

const isNativeLittleEndian = (syntax: string): boolean => {
  const known = transferSyntax(syntax);
  return known !== undefined && !known.encapsulated && !known.bigEndian && !known.deflated;
};

async function renderEncoded(
  encoded: Uint8Array,
  { dataset, transferSyntax }: Pick<DicomFile, 'dataset' | 'transferSyntax'>,
  attributes: PixelAttributes,
  options: RenderOptions,
): Promise<Buffer> {
  const size = renderedSize(attributes, dataset, options);
  // Twice as large leaves the last reduction to a better filter than a wavelet's.
  const atLeast = { width: 2 * size.width, height: 2 * size.height };
  const reduced = options.region ? {} : { atLeast };
  const frame = await decodeFrame(encoded, transferSyntax, attributes, reduced);
  return renderFrame(frame, dataset, options, size);
}
