/** Grey values as baseline JPEG (ISO/IEC 10918-1), from stored words by a table, strip by strip. */
import { AT, kernelFunctions, reciprocal, zigzagPlaces } from './jpegKernel.ts';
import { AC_LUMINANCE, codesOf, DC_LUMINANCE, jpegHead, quantisation, ZIGZAG } from './jpegTables.ts';
import { instantiate } from './wasm.ts';

/** What is looked at in one go: fits into the cache of a core, and bounds the memory. */
const STRIP_BYTES = 512 * 1024;
/** More than the largest a block can become: 64 codes of at most 26 bits, each byte followed by a zero. */
const BLOCK_BYTES = 512;
const PAGE = 65536;

export interface WordImage {
  rows: number;
  columns: number;
  /** Bytes of a stored word, in little endian. */
  size: 1 | 2;
  /** Fills `target` with what lies `at` bytes from the first word on. */
  read(target: Uint8Array, at: number): void;
}

export interface JpegEncoder {
  /**
   * @param table grey value (0 to 255) of each word: 256 or 65536 of them
   * @param quality 1 to 100
   */
  encode(image: WordImage, table: Uint8Array, quality: number): Uint8Array<ArrayBuffer>;
  /** Which words occur: a byte that is not zero for each; 256 or 65536 of them. */
  words(image: WordImage): Uint8Array;
}

/** With memory of its own; for one thread. Sides of up to 16384. */
export function createJpegEncoder(): JpegEncoder {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const kernel = instantiate(kernelFunctions(), memory);
  const at = <T>(
    Type: new (buffer: ArrayBuffer, offset: number, length: number) => T,
    place: number,
    length: number,
  ): T => new Type(memory.buffer, place, length);
  let quality = 0;

  at(Uint8Array, AT.natural, 64).set(ZIGZAG.map((natural) => natural * 2));
  at(BigUint64Array, AT.places, 8 * 256).set(zigzagPlaces());
  for (const [symbol, { code, length }] of codesOf(DC_LUMINANCE))
    at(Uint32Array, AT.dcCodes, 12)[symbol] = (code << (symbol + 5)) | (length + symbol);
  for (const [symbol, { code, length }] of codesOf(AC_LUMINANCE)) {
    const size = symbol & 15;
    at(Uint32Array, AT.acCodes, 256)[symbol] = (code << (size + 5)) | (length + size);
  }

  const quantise = (steps: readonly number[]): void => {
    const corrections = at(Uint16Array, AT.corrections, 64);
    const reciprocals = at(Uint16Array, AT.reciprocals, 64);
    const scales = at(Uint16Array, AT.scales, 64);
    steps.forEach((step, i) => {
      const by = reciprocal(step * 8); // the DCT's output is eight times as large
      corrections[i] = by.correction;
      reciprocals[i] = by.reciprocal;
      scales[i] = by.scale;
    });
  };

  const room = (bytes: number): void => {
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  };

  /** A number of rows that is whole in blocks. */
  const stripRows = ({ rows, columns, size }: WordImage): number =>
    Math.min(Math.ceil(rows / 8) * 8, Math.max(8, Math.floor(STRIP_BYTES / (columns * size) / 8) * 8));

  return {
    encode(image, table, wanted) {
      const { rows, columns, size } = image;
      const steps = quantisation(wanted);
      if (wanted !== quality) quantise(steps);
      quality = wanted;
      const strip = stripRows(image);
      const across = Math.ceil(columns / 8);
      const input = AT.blocks + across * 64;
      const output = input + strip * columns * size;
      room(output + (strip / 8) * across * BLOCK_BYTES);
      // Less 128, as the DCT wants it: the uppermost bit turned over, four values at a time.
      at(Uint8Array, AT.table, table.length).set(table);
      const grey = at(Uint32Array, AT.table, table.length / 4);
      for (let i = 0; i < grey.length; i++) grey[i]! ^= 0x80808080;
      at(Uint8Array, AT.bits, 16).fill(0);
      const gather = size === 1 ? kernel.gather8 : kernel.gather16;
      const parts: Uint8Array[] = [jpegHead(columns, rows, steps)];
      for (let row = 0; row < rows; row += strip) {
        const height = Math.min(strip, rows - row);
        image.read(at(Uint8Array, input, height * columns * size), row * columns * size);
        let out: number = output;
        for (let y = 0; y < height; y += 8) {
          const from = input + y * columns * size;
          const blocks = gather(from, columns * size, Math.min(8, height - y), columns);
          out = kernel.encode(blocks, out);
        }
        parts.push(at(Uint8Array, output, out - output).slice());
      }
      parts.push(tail());
      return joined(parts);
    },

    words(image) {
      const { rows, columns, size } = image;
      const strip = stripRows(image);
      const count = size === 1 ? 256 : 65536;
      const seen = AT.blocks;
      const input = seen + count;
      room(input + strip * columns * size);
      at(Uint8Array, seen, count).fill(0);
      for (let row = 0; row < rows; row += strip) {
        const height = Math.min(strip, rows - row);
        image.read(at(Uint8Array, input, height * columns * size), row * columns * size);
        (size === 1 ? kernel.mark8 : kernel.mark16)(input, height * columns, seen);
      }
      return at(Uint8Array, seen, count).slice();
    },
  };

  /** The bits that were left, filled up with ones (F.1.2.3), and EOI. */
  function tail(): Uint8Array {
    const count = at(Int32Array, AT.count, 1)[0]!;
    const padded = (at(BigUint64Array, AT.bits, 1)[0]! << 8n) | 0xffn;
    const bytes: number[] = [];
    for (let left = count; left > 0; left -= 8) {
      const byte = Number((padded >> BigInt(left)) & 0xffn);
      bytes.push(byte, ...(byte === 0xff ? [0] : []));
    }
    return Uint8Array.from([...bytes, 0xff, 0xd9]);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
