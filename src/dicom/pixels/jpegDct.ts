/**
 * A DCT JPEG decoder for what libjpeg-turbo's 8-bit build refuses: 12-bit samples, sequential (SOF1) and the retired
 * progressive syntaxes (SOF2). ISO/IEC 10918-1; clauses of that standard in the comments. Huffman coding only, as DICOM
 * has no arithmetic transfer syntax.
 */
import type { Huffman } from './jpegEntropy.ts';
import { BitReader, readHuffman } from './jpegEntropy.ts';
import type { JpegHeader } from './jpegHeader.ts';
import { readJpegHeader } from './jpegHeader.ts';
import { PixelsUndecodable } from './types.ts';

interface Component {
  id: number;
  h: number;
  v: number;
  quantisation: number;
  /** Blocks of this component inside the image, and as stored (whole MCUs). */
  blocksWide: number;
  blocksHigh: number;
  stride: number;
  /** 64 coefficients a block, natural order. */
  coefficients: Int16Array;
  predictor: number;
  dc: Huffman | undefined;
  ac: Huffman | undefined;
}
interface Scan {
  components: Component[];
  spectralStart: number;
  spectralEnd: number;
  high: number;
  low: number;
}

// prettier-ignore
const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
  62, 63,
]);

/** More scans than any encoder writes would only keep the processor busy. */
const MAX_SCANS = 200;

export interface DctImage {
  header: JpegHeader;
  /** Interleaved by pixel, chrominance replicated to full resolution. */
  data: Uint8Array | Uint16Array;
}

/** Decodes a whole stream. Throws PixelsUndecodable. The caller checks the header's size against the data set first. */
export function decodeDct(bytes: Uint8Array): DctImage {
  const header = readJpegHeader(bytes);
  if (header.sof > 0xc2) throw new PixelsUndecodable('the JPEG process is not a Huffman-coded DCT');
  const hMax = Math.max(...header.components.map((c) => c.h));
  const vMax = Math.max(...header.components.map((c) => c.v));
  if (header.components.some((c) => c.h < 1 || c.v < 1 || c.h > 4 || c.v > 4))
    throw new PixelsUndecodable('the JPEG sampling factors are out of range');
  const mcusWide = Math.ceil(header.columns / (8 * hMax));
  const mcusHigh = Math.ceil(header.rows / (8 * vMax));
  const components: Component[] = header.components.map((c) => ({
    ...c,
    quantisation: 0,
    blocksWide: Math.ceil(Math.ceil((header.columns * c.h) / hMax) / 8),
    blocksHigh: Math.ceil(Math.ceil((header.rows * c.v) / vMax) / 8),
    stride: mcusWide * c.h,
    coefficients: new Int16Array(mcusWide * c.h * mcusHigh * c.v * 64),
    predictor: 0,
    dc: undefined,
    ac: undefined,
  }));
  const quantisations: (Uint16Array | undefined)[] = [];
  readSegments(bytes, header, components, quantisations, mcusWide, mcusHigh);
  return { header, data: reconstruct(header, components, quantisations, hMax, vMax) };
}

function readSegments(
  bytes: Uint8Array,
  header: JpegHeader,
  components: Component[],
  quantisations: (Uint16Array | undefined)[],
  mcusWide: number,
  mcusHigh: number,
): void {
  const dcTables: (Huffman | undefined)[] = [];
  const acTables: (Huffman | undefined)[] = [];
  let restartInterval = 0;
  let scans = 0;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff || bytes[at + 1] === 0xff || bytes[at + 1] === 0) {
      at++; // fill bytes, or what a scan left unread
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) break;
    if (marker >= 0xd0 && marker <= 0xd8) {
      at += 2;
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const end = at + 2 + length;
    if (length < 2 || end > bytes.length) throw new PixelsUndecodable('a JPEG segment is cut off');
    const body = bytes.subarray(at + 4, end);
    at = end;
    if (marker === 0xdb) readQuantisation(body, quantisations, components);
    else if (marker === 0xc4) readHuffman(body, dcTables, acTables);
    else if (marker === 0xdd) restartInterval = (body[0]! << 8) | body[1]!;
    else if (marker >= 0xc0 && marker <= 0xc2)
      components.forEach((c, i) => (c.quantisation = body[8 + 3 * i] ?? 0));
    else if (marker === 0xda) {
      if (++scans > MAX_SCANS) throw new PixelsUndecodable('the JPEG stream has too many scans');
      const scan = readScanHeader(body, components, dcTables, acTables);
      at = readScan(bytes, at, scan, header.sof === 0xc2, restartInterval, mcusWide, mcusHigh);
    }
  }
  if (scans === 0) throw new PixelsUndecodable('the JPEG stream has no scan');
}

/** B.2.4.1 */
function readQuantisation(
  body: Uint8Array,
  tables: (Uint16Array | undefined)[],
  components: Component[],
): void {
  for (let at = 0; at < body.length;) {
    const wide = body[at]! >> 4 ? 2 : 1;
    const id = body[at++]! & 15;
    if (at + 64 * wide > body.length) throw new PixelsUndecodable('a quantisation table is cut off');
    const table = new Uint16Array(64);
    for (let i = 0; i < 64; i++, at += wide)
      table[ZIGZAG[i]!] = wide === 2 ? (body[at]! << 8) | body[at + 1]! : body[at]!;
    tables[id] = table;
  }
  if (components.length === 0) throw new PixelsUndecodable('the JPEG stream has no component');
}

/** B.2.3 */
function readScanHeader(
  body: Uint8Array,
  all: Component[],
  dc: (Huffman | undefined)[],
  ac: (Huffman | undefined)[],
): Scan {
  const count = body[0] ?? 0;
  if (count < 1 || count > 4 || body.length < 4 + 2 * count)
    throw new PixelsUndecodable('a JPEG scan header is damaged');
  const components: Component[] = [];
  for (let i = 0; i < count; i++) {
    const component = all.find((c) => c.id === body[1 + 2 * i]);
    if (!component) throw new PixelsUndecodable('a JPEG scan names an unknown component');
    component.dc = dc[body[2 + 2 * i]! >> 4];
    component.ac = ac[body[2 + 2 * i]! & 15];
    components.push(component);
  }
  const [spectralStart, spectralEnd, approximation] = body.subarray(1 + 2 * count) as unknown as number[];
  if (spectralStart! > spectralEnd! || spectralEnd! > 63)
    throw new PixelsUndecodable('a JPEG scan header is damaged');
  return {
    components,
    spectralStart: spectralStart!,
    spectralEnd: spectralEnd!,
    high: approximation! >> 4,
    low: approximation! & 15,
  };
}

function readScan(
  bytes: Uint8Array,
  start: number,
  scan: Scan,
  progressive: boolean,
  restartInterval: number,
  mcusWide: number,
  mcusHigh: number,
): number {
  const reader = new BitReader(bytes, start);
  const block = blockReader(reader, scan, progressive);
  const alone = scan.components.length === 1 ? scan.components[0]! : undefined;
  const units = alone ? alone.blocksWide * alone.blocksHigh : mcusWide * mcusHigh;
  for (const c of scan.components) c.predictor = 0;
  for (let unit = 0; unit < units; unit++) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) {
      reader.restart();
      for (const c of scan.components) c.predictor = 0;
      block.reset();
    }
    if (alone) {
      // A.2.2: a scan of one component counts that component's own blocks.
      const row = Math.floor(unit / alone.blocksWide);
      block.read(alone, (row * alone.stride + (unit % alone.blocksWide)) * 64);
      continue;
    }
    const mcuRow = Math.floor(unit / mcusWide);
    const mcuColumn = unit % mcusWide;
    for (const c of scan.components)
      for (let y = 0; y < c.v; y++)
        for (let x = 0; x < c.h; x++)
          block.read(c, ((mcuRow * c.v + y) * c.stride + mcuColumn * c.h + x) * 64);
  }
  return reader.position;
}

/** The block decoder of one scan: F.2.2 sequential, G.1.2 and G.2 progressive. */
function blockReader(reader: BitReader, scan: Scan, progressive: boolean) {
  const { spectralStart, spectralEnd, high, low } = scan;
  let endOfBandRun = 0;

  const sequential = (c: Component, at: number): void => {
    c.predictor += reader.signedBits(reader.symbol(c.dc));
    c.coefficients[at] = c.predictor;
    for (let k = 1; k < 64; k++) {
      const rs = reader.symbol(c.ac);
      if ((rs & 15) === 0) {
        if (rs >> 4 < 15) return;
        k += 15;
        continue;
      }
      k += rs >> 4;
      const value = reader.signedBits(rs & 15);
      if (k < 64) c.coefficients[at + ZIGZAG[k]!] = value;
    }
  };
  const dcFirst = (c: Component, at: number): void => {
    c.predictor += reader.signedBits(reader.symbol(c.dc));
    c.coefficients[at] = c.predictor << low;
  };
  const dcRefine = (c: Component, at: number): void => {
    c.coefficients[at]! |= reader.bit() << low;
  };
  const acFirst = (c: Component, at: number): void => {
    if (endOfBandRun > 0) {
      endOfBandRun--;
      return;
    }
    for (let k = spectralStart; k <= spectralEnd; k++) {
      const rs = reader.symbol(c.ac);
      const run = rs >> 4;
      if ((rs & 15) === 0) {
        if (run < 15) {
          endOfBandRun = (1 << run) - 1 + reader.bits(run);
          return;
        }
        k += 15;
        continue;
      }
      k += run;
      const value = reader.signedBits(rs & 15) * (1 << low);
      if (k < 64) c.coefficients[at + ZIGZAG[k]!] = value;
    }
  };
  const acRefine = (c: Component, at: number): void => {
    const data = c.coefficients;
    const one = 1 << low;
    const correct = (index: number): void => {
      const value = data[index]!;
      if (reader.bit() && (value & one) === 0) data[index] = value > 0 ? value + one : value - one;
    };
    let k = spectralStart;
    if (endOfBandRun === 0) {
      while (k <= spectralEnd) {
        const rs = reader.symbol(c.ac);
        let run = rs >> 4;
        let value = 0;
        if ((rs & 15) === 0) {
          if (run < 15) {
            endOfBandRun = (1 << run) + reader.bits(run);
            break;
          }
        } else value = reader.bit() ? one : -one;
        for (; k <= spectralEnd; k++) {
          const index = at + ZIGZAG[k]!;
          if (data[index] !== 0) correct(index);
          else if (run-- === 0) {
            if (value !== 0) data[index] = value;
            k++;
            break;
          }
        }
      }
    }
    if (endOfBandRun > 0) {
      for (; k <= spectralEnd; k++) {
        const index = at + ZIGZAG[k]!;
        if (data[index] !== 0) correct(index);
      }
      endOfBandRun--;
    }
  };

  const read = !progressive
    ? sequential
    : spectralStart === 0
      ? high === 0
        ? dcFirst
        : dcRefine
      : high === 0
        ? acFirst
        : acRefine;
  return { read, reset: () => (endOfBandRun = 0) };
}

/** A.3.3: cos((2x + 1) u pi / 16) * C(u) / 2, [u * 8 + x]. */
const BASIS = Float32Array.from({ length: 64 }, (_, i) => {
  const u = i >> 3;
  return Math.cos(((2 * (i & 7) + 1) * u * Math.PI) / 16) * (u === 0 ? Math.SQRT1_2 : 1) * 0.5;
});

function reconstruct(
  header: JpegHeader,
  components: Component[],
  quantisations: (Uint16Array | undefined)[],
  hMax: number,
  vMax: number,
): Uint8Array | Uint16Array {
  const { rows, columns, precision } = header;
  const samples = components.length;
  const out = new (precision > 8 ? Uint16Array : Uint8Array)(rows * columns * samples);
  const max = 2 ** precision - 1;
  const level = 2 ** (precision - 1);
  const pixels = new Float32Array(64);
  components.forEach((c, sample) => {
    const table = quantisations[c.quantisation];
    if (!table) throw new PixelsUndecodable('a quantisation table is missing');
    const [xRepeat, yRepeat] = [hMax / c.h, vMax / c.v];
    for (let blockRow = 0; blockRow < c.blocksHigh; blockRow++)
      for (let blockColumn = 0; blockColumn < c.blocksWide; blockColumn++) {
        inverseDct(c.coefficients, (blockRow * c.stride + blockColumn) * 64, table, pixels);
        const yEnd = Math.min(rows, Math.ceil((blockRow + 1) * 8 * yRepeat));
        const xEnd = Math.min(columns, Math.ceil((blockColumn + 1) * 8 * xRepeat));
        for (let y = Math.ceil(blockRow * 8 * yRepeat); y < yEnd; y++) {
          const line = (Math.floor(y / yRepeat) & 7) * 8;
          for (let x = Math.ceil(blockColumn * 8 * xRepeat); x < xEnd; x++) {
            const value = Math.round(pixels[line + (Math.floor(x / xRepeat) & 7)]! + level);
            out[(y * columns + x) * samples + sample] = value < 0 ? 0 : value > max ? max : value;
          }
        }
      }
  });
  return out;
}

const half = new Float32Array(64);

/** A.3.3, separable: rows then columns. */
function inverseDct(from: Int16Array, at: number, table: Uint16Array, out: Float32Array): void {
  for (let v = 0; v < 8; v++)
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let u = 0; u < 8; u++) {
        const value = from[at + v * 8 + u]!;
        if (value !== 0) sum += value * table[v * 8 + u]! * BASIS[u * 8 + x]!;
      }
      half[v * 8 + x] = sum;
    }
  for (let x = 0; x < 8; x++)
    for (let y = 0; y < 8; y++) {
      let sum = 0;
      for (let v = 0; v < 8; v++) sum += half[v * 8 + x]! * BASIS[v * 8 + y]!;
      out[y * 8 + x] = sum;
    }
}
