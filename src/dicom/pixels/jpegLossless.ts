/**
 * JPEG Lossless, Huffman (SOF3; ISO/IEC 10918-1 Annex H): transfer syntaxes .57 and .70. Own code because a cut or damaged
 * stream must be an error here: the npm decoder at hand returns the rest of such an image black without a word.
 */
import type { Huffman } from './jpegEntropy.ts';
import { BitReader, readHuffman } from './jpegEntropy.ts';
import { readJpegHeader } from './jpegHeader.ts';
import { PixelsUndecodable } from './types.ts';

/** Decodes a whole stream to values interleaved by pixel. Throws PixelsUndecodable. */
export function decodeLossless(bytes: Uint8Array): Uint8Array | Uint16Array {
  const header = readJpegHeader(bytes);
  if (header.sof !== 0xc3) throw new PixelsUndecodable('the JPEG process is not lossless Huffman coding');
  if (header.components.some((c) => c.h !== header.components[0]!.h || c.v !== header.components[0]!.v))
    throw new PixelsUndecodable('subsampled lossless JPEG is not supported');
  const samples = header.components.length;
  const { rows, columns, precision } = header;
  const out = new (precision > 8 ? Uint16Array : Uint8Array)(rows * columns * samples);
  const tables: (Huffman | undefined)[] = [];
  let restartInterval = 0;
  let decoded = 0;
  let at = 2;
  while (at + 4 <= bytes.length && decoded < samples) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff || marker === 0xff || marker === 0) {
      at++;
      continue;
    }
    if (marker === 0xd9) break;
    const end = at + 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
    if (end > bytes.length || end < at + 4) throw new PixelsUndecodable('a JPEG segment is cut off');
    const body = bytes.subarray(at + 4, end);
    at = end;
    if (marker === 0xc4) readHuffman(body, tables, []);
    else if (marker === 0xdd) restartInterval = (body[0]! << 8) | body[1]!;
    else if (marker === 0xda) {
      const count = body[0] ?? 0;
      if (count < 1 || body.length < 4 + 2 * count)
        throw new PixelsUndecodable('a JPEG scan header is damaged');
      const components = Array.from({ length: count }, (_, i) => {
        const index = header.components.findIndex((c) => c.id === body[1 + 2 * i]);
        if (index < 0) throw new PixelsUndecodable('a JPEG scan names an unknown component');
        return { index, table: tables[body[2 + 2 * i]! >> 4] };
      });
      const predictor = body[1 + 2 * count]!;
      if (predictor < 1 || predictor > 7)
        throw new PixelsUndecodable('the JPEG predictor is not one of 1 to 7');
      const pointTransform = body[3 + 2 * count]! & 15;
      const scan = {
        components,
        samples,
        rows,
        columns,
        predictor,
        pointTransform,
        precision,
        restartInterval,
      };
      at = decodeScan(bytes, at, scan, out);
      decoded += count;
    }
  }
  if (decoded < samples) throw new PixelsUndecodable('the JPEG stream ends before its last scan');
  return out;
}

interface LosslessScan {
  components: { index: number; table: Huffman | undefined }[];
  samples: number;
  rows: number;
  columns: number;
  /** H.1.2.1, selection value 1 to 7. */
  predictor: number;
  pointTransform: number;
  precision: number;
  /** In pixels; 0 for none. */
  restartInterval: number;
}

function decodeScan(
  bytes: Uint8Array,
  start: number,
  scan: LosslessScan,
  out: Uint8Array | Uint16Array,
): number {
  const { samples, rows, columns, predictor, restartInterval, components, pointTransform } = scan;
  const reader = new BitReader(bytes, start);
  const line = columns * samples;
  // H.1.2.1: the first sample of a scan or restart interval is predicted from half the range.
  const first = 2 ** (scan.precision - pointTransform - 1);
  /** The row in which the current restart interval began, predicted from the left alone. */
  let firstRow = 0;
  let untilRestart = restartInterval;
  let fresh = true;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      if (restartInterval > 0 && untilRestart-- === 0) {
        reader.restart();
        untilRestart = restartInterval - 1;
        firstRow = y;
        fresh = true;
      }
      for (const { index, table } of components) {
        const at = y * line + x * samples + index;
        let prediction: number;
        if (fresh) prediction = first;
        else if (y === firstRow) prediction = x === 0 ? first : out[at - samples]!;
        else if (x === 0) prediction = out[at - line]!;
        else prediction = predict(predictor, out[at - samples]!, out[at - line]!, out[at - line - samples]!);
        const category = reader.symbol(table);
        if (category > 16) throw new PixelsUndecodable('the JPEG stream holds an invalid difference');
        // H.1.2.2: differences are modulo 2^16, category 16 has no further bits.
        const difference = category === 16 ? 32768 : reader.signedBits(category);
        out[at] = (prediction + difference) & 0xffff;
      }
      fresh = false;
    }
  if (pointTransform > 0)
    for (const { index } of components)
      for (let at = index; at < out.length; at += samples) out[at]! <<= pointTransform;
  return reader.position;
}

/** Table H.1: a left, b above, c above left. */
function predict(selection: number, a: number, b: number, c: number): number {
  switch (selection) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return c;
    case 4:
      return a + b - c;
    case 5:
      return a + ((b - c) >> 1);
    case 6:
      return b + ((a - c) >> 1);
    default:
      return (a + b) >> 1;
  }
}
