import { TAG } from '../dictionary.ts';
import type { DataSet, Tag } from '../types.ts';
import { lutLength, lutWords } from './attributes.ts';
import type { DecodedFrame } from './types.ts';
import { PixelsUndecodable } from './types.ts';

/** Whether the frame is shown in colour rather than through `greyscale`. */
export const isColour = (frame: DecodedFrame): boolean =>
  frame.samplesPerPixel > 1 || frame.photometric === 'PALETTE COLOR';

/**
 * A decoded colour frame → 8-bit RGB, interleaved (PS3.3 C.7.6.3.1.2 and C.7.6.3.1.5). The data set is needed for palettes.
 * Throws PixelsUndecodable for photometric interpretations that it does not know.
 */
export function rgb(frame: DecodedFrame, dataset: DataSet): Uint8Array {
  if (frame.photometric === 'PALETTE COLOR') return paletteToRgb(frame, dataset);
  if (frame.samplesPerPixel < 3) throw new PixelsUndecodable('the image is not in colour');
  const pixels = frame.rows * frame.columns;
  const bytes = toThreeBytes(frame, pixels);
  switch (frame.photometric) {
    case 'RGB':
      return bytes;
    case 'YBR_FULL':
    case 'YBR_FULL_422': // as a codec left it: already at full resolution
      return ybrToRgb(bytes);
    default:
      throw new PixelsUndecodable(`photometric interpretation ${frame.photometric} is not supported`);
  }
}

/** Three samples a pixel (a fourth, retired ARGB or CMYK, is refused), scaled to 8 bits. */
function toThreeBytes(frame: DecodedFrame, pixels: number): Uint8Array {
  if (frame.samplesPerPixel !== 3) throw new PixelsUndecodable('a pixel has more than three samples');
  const { data, bitsStored } = frame;
  if (bitsStored === 8) return data instanceof Uint8Array ? data : Uint8Array.from(data);
  const out = new Uint8Array(pixels * 3);
  const scale = 255 / (2 ** bitsStored - 1);
  for (let i = 0; i < out.length; i++) out[i] = Math.round(data[i]! * scale);
  return out;
}

/** PS3.3 C.7.6.3.1.2 YBR_FULL (ITU-R BT.601, full range), inverted. */
function ybrToRgb(ybr: Uint8Array): Uint8Array {
  const out = new Uint8ClampedArray(ybr.length); // rounds and clamps
  for (let i = 0; i + 2 < ybr.length; i += 3) {
    const y = ybr[i]!;
    const cb = ybr[i + 1]! - 128;
    const cr = ybr[i + 2]! - 128;
    out[i] = y + 1.402 * cr;
    out[i + 1] = y - 0.344136 * cb - 0.714136 * cr;
    out[i + 2] = y + 1.772 * cb;
  }
  return new Uint8Array(out.buffer);
}

function paletteToRgb(frame: DecodedFrame, dataset: DataSet): Uint8Array {
  const channels = [
    palette(
      dataset,
      TAG.RedPaletteColorLookupTableDescriptor,
      TAG.RedPaletteColorLookupTableData,
      TAG.SegmentedRedPaletteColorLookupTableData,
    ),
    palette(
      dataset,
      TAG.GreenPaletteColorLookupTableDescriptor,
      TAG.GreenPaletteColorLookupTableData,
      TAG.SegmentedGreenPaletteColorLookupTableData,
    ),
    palette(
      dataset,
      TAG.BluePaletteColorLookupTableDescriptor,
      TAG.BluePaletteColorLookupTableData,
      TAG.SegmentedBluePaletteColorLookupTableData,
    ),
  ];
  const out = new Uint8Array(frame.data.length * 3);
  channels.forEach(({ first, bytes }, channel) => {
    const last = bytes.length - 1;
    for (let i = 0, to = channel; i < frame.data.length; i++, to += 3) {
      const index = frame.data[i]! - first;
      out[to] = bytes[index < 0 ? 0 : index > last ? last : index]!;
    }
  });
  return out;
}

/** One palette channel as 8-bit entries, PS3.3 C.7.6.3.1.5 and .6. */
function palette(
  dataset: DataSet,
  descriptor: Tag,
  data: Tag,
  segmented: Tag,
): { first: number; bytes: Uint8Array } {
  const [count, first, bits] = dataset.numbers(descriptor);
  if (count === undefined || first === undefined || bits === undefined)
    throw new PixelsUndecodable('a palette is missing');
  const length = lutLength(count);
  const entries = dataset.has(segmented)
    ? expandSegments(segmentWords(dataset, segmented, bits), length, bits <= 8 ? 1 : 2)
    : lutWords(dataset, data, length);
  if (entries.length === 0) throw new PixelsUndecodable('a palette is empty');
  // Entries described as 16 bits with nothing above 8 are seen in the field.
  const wide = bits > 8 && entries.some((value) => value > 255);
  return { first, bytes: Uint8Array.from(entries, (value) => (wide ? value >> 8 : value)) };
}

/** With entries of 8 bits, opcodes and counts are bytes too (PS3.3 C.7.9.2). */
const segmentWords = (dataset: DataSet, tag: Tag, bits: number): number[] =>
  bits <= 8 ? [...(dataset.bytes(tag) ?? [])] : lutWords(dataset, tag, 1 << 20);

/** Segmented palette, PS3.3 C.7.9.2: discrete (0), linear (1) and indirect (2) segments. */
export function expandSegments(words: readonly number[], length: number, wordBytes: 1 | 2): number[] {
  const out: number[] = [];
  const run = (from: number, segments: number, allowIndirect: boolean): number => {
    let at = from;
    for (let n = 0; n < segments && at + 1 < words.length && out.length < length; n++) {
      const [opcode, count] = [words[at]!, words[at + 1]!];
      if (opcode === 0) {
        for (let i = 0; i < count && out.length < length; i++) out.push(words[at + 2 + i] ?? 0);
        at += 2 + count;
      } else if (opcode === 1) {
        const [y0, y1] = [out.at(-1) ?? 0, words[at + 2] ?? 0];
        for (let i = 1; i <= count && out.length < length; i++)
          out.push(Math.round(y0 + ((y1 - y0) * i) / count));
        at += 3;
      } else if (opcode === 2 && allowIndirect) {
        // A byte offset from the start of the table, in as many words as 32 bits take, low word first.
        let offset = 0;
        const parts = 4 / wordBytes;
        for (let i = parts - 1; i >= 0; i--) offset = offset * 256 ** wordBytes + (words[at + 2 + i] ?? 0);
        run(Math.floor(offset / wordBytes), count, false);
        at += 2 + 4 / wordBytes;
      } else throw new PixelsUndecodable('a segmented palette is damaged');
    }
    return at;
  };
  run(0, Infinity, true);
  return out;
}
