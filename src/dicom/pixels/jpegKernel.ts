/**
 * The inner loops of a baseline JPEG of grey values, as WebAssembly: table look-up into blocks of 8 × 8, and for each block the
 * forward DCT (the accurate integer one of libjpeg, Loeffler, Ligtenberg and Moschytz, doi:10.1109/ICASSP.1989.266596),
 * quantisation and Huffman coding. What comes out is bit for bit what libjpeg makes with its own tables.
 */
import { BLOCK_VECTORS, dctPass, transpose } from './jpegForwardDct.ts';
import { ZIGZAG } from './jpegTables.ts';
import {
  again,
  againIf,
  type Code,
  func,
  i16x8,
  i32,
  i32x4,
  i64,
  i8x16,
  loop,
  v128,
  type Variable,
  when,
} from './wasm.ts';

/** Where things lie in the memory, in bytes. Behind them: the blocks of eight rows, then what the caller likes. */
export const AT = {
  /** Bits that are not written yet (i64), their number (i32), the last DC (i32). */
  bits: 0,
  count: 8,
  dc: 12,
  /** Coefficients of one block, natural order, i16. */
  coefficients: 64,
  /** Zigzag position → offset of its coefficient, in bytes, u8. */
  natural: 192,
  /** 64 × u16 each, natural order: how to divide (see `reciprocals`). */
  corrections: 256,
  reciprocals: 384,
  scales: 512,
  /** Category of a DC difference → code << 5 | length in all, u32, the code shifted up by the bits that follow. */
  dcCodes: 640,
  /** The same for run << 4 | category. */
  acCodes: 1024,
  /** Row and bits of the coefficients in it that are not zero → bits at their zigzag positions, u64. */
  places: 2048,
  /** Grey value less 128 (i8) of each stored word. */
  table: 18432,
  blocks: 83968,
} as const;

/** Which coefficients of a row are not zero (8 bits) → a bit for each zigzag position: what `AT.places` holds. */
export function zigzagPlaces(): BigUint64Array {
  const places = new BigUint64Array(8 * 256);
  ZIGZAG.forEach((natural, k) => {
    const [row, column] = [natural >> 3, natural & 7];
    for (let bits = 0; bits < 256; bits++)
      if ((bits >> column) & 1) places[row * 256 + bits]! |= 1n << BigInt(k);
  });
  return places;
}

/**
 * Division by multiplying: `((x + correction) * reciprocal >> 16) * scale >> 16` is `x / divisor`, rounded to the nearest, for
 * each x of 0 to 2^15. (Granlund and Montgomery, doi:10.1145/178243.178249, as libjpeg-turbo does it.)
 */
export function reciprocal(divisor: number): { correction: number; reciprocal: number; scale: number } {
  const b = 31 - Math.clz32(divisor);
  const power = 2 ** (16 + b);
  const rest = power % divisor;
  const half = divisor >> 1;
  let quotient = Math.floor(power / divisor);
  if (rest === 0) return { correction: half, reciprocal: quotient / 2, scale: 2 ** (17 - b) };
  if (rest > half) quotient++;
  return {
    correction: rest <= half ? half + 1 : half,
    reciprocal: quotient,
    scale: 2 ** (16 - b),
  };
}

const add = i32.add;

/**
 * `gather(row, stride, rows, columns)`: eight rows of words from address `row` on, through the table, into blocks. Of fewer
 * rows or of columns that fill no block the last are repeated. In a block column stands beside column, so that the first pass
 * of the DCT finds the rows in its lanes. Gives the number of blocks.
 */
const gather = (size: 1 | 2) =>
  func(
    { row: 'i32', stride: 'i32', rows: 'i32', columns: 'i32' },
    'i32',
    { y: 'i32', x: 'i32', to: 'i32', ...ROWS },
    ({ row, stride, rows, columns, y, x, to, ...rest }) => {
      const starts = ROW_NAMES.map((each) => rest[each]);
      const read = size === 1 ? i32.load8u : i32.load16u;
      const grey = (start: Variable): number[] => i64.load8u(read(start.get), AT.table);
      const column = starts
        .map((start, i) => i64.shl(grey(start), i64.const(BigInt(8 * i))))
        .reduce((sum, each) => i64.or(sum, each));
      return [
        ...starts.flatMap((start, i) => [
          ...when(i32.ltU(i32.const(i), rows.get), y.set(i32.const(i))),
          ...start.set(add(row.get, i32.mul(y.get, stride.get))),
        ]),
        ...to.set(i32.const(AT.blocks)),
        ...loop(
          i64.store(to.get, column),
          to.set(add(to.get, i32.const(8))),
          x.set(add(x.get, i32.const(1))),
          ...starts.map((start) => start.set(add(start.get, i32.const(size)))),
          againIf(i32.ltU(x.get, columns.get)),
        ),
        ...loop(
          when(i32.and(x.get, i32.const(7)), [
            ...i64.store(to.get, i64.load(i32.sub(to.get, i32.const(8)))),
            ...to.set(add(to.get, i32.const(8))),
            ...x.set(add(x.get, i32.const(1))),
            ...again(1),
          ]),
        ),
        ...i32.shrU(x.get, i32.const(3)),
      ];
    },
  );

const ROW_NAMES = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'] as const;
type Eight<T> = Readonly<Record<(typeof ROW_NAMES)[number], T>>;
const ROWS = Object.fromEntries(ROW_NAMES.map((each) => [each, 'i32'])) as Eight<'i32'>;

/** `mark(from, words, seen)`: sets the byte at `seen + word` for each word. */
const mark = (size: 1 | 2) =>
  func({ from: 'i32', words: 'i32', seen: 'i32' }, 'i32', { end: 'i32' }, ({ from, words, seen, end }) => [
    ...end.set(add(from.get, i32.mul(words.get, i32.const(size)))),
    ...loop(
      i32.store8(add(seen.get, (size === 1 ? i32.load8u : i32.load16u)(from.get)), i32.const(1)),
      from.set(add(from.get, i32.const(size))),
      againIf(i32.ltU(from.get, end.get)),
    ),
    ...i32.const(0),
  ]);

/** The upper 16 bits of products of unsigned lanes. */
const mulhiU = (a: Code, b: Code): number[] =>
  i16x8.narrowUnsigned(i32x4.shrU(i32x4.extmulLowU(a, b), 16), i32x4.shrU(i32x4.extmulHighU(a, b), 16));

/**
 * `encode(blocks, out)`: so many blocks from `AT.blocks` on as entropy-coded bits (F.1.2) to address `out`, which must have room
 * for 512 bytes a block. Gives the address behind the last byte. Bits that fill no 32 stay at `AT.bits` for the next call.
 */
const encode = () =>
  func(
    { blocks: 'i32', out: 'i32' },
    'i32',
    {
      ...BLOCK_VECTORS,
      from: 'i32',
      bits: 'i64',
      count: 'i32',
      dc: 'i32',
      word: 'i32',
      value: 'i32',
      sign: 'i32',
      size: 'i32',
      entry: 'i32',
      run: 'i32',
      low: 'i32',
      high: 'i32',
      k: 'i32',
      last: 'i32',
      mask: 'i64',
      t: 'v128',
    },
    (variables) => {
      const { blocks, out, from, bits, count, dc, word, value, sign, size, entry } = variables;
      const { run, low, high, k, last, mask, t } = variables;
      const d = ROW_NAMES.map((_, i) => variables[`d${i as 0}`]);
      const room = ROW_NAMES.map((_, i) => variables[`t${i as 0}`]);

      /** Appends the lower `length` bits of `value`, which has no others; writes 32 when there are as many. */
      const put = (code: Code, length: Code): number[] => [
        ...bits.set(i64.or(i64.shl(bits.get, i64.extend(length)), i64.extend(code))),
        ...count.set(add(count.get, length)),
        ...when(i32.geU(count.get, i32.const(32)), [
          ...count.set(i32.sub(count.get, i32.const(32))),
          ...word.set(i32.wrap(i64.shrU(bits.get, i64.extend(count.get)))),
          ...when(
            // A byte of all ones in it (B.1.1.5): it is followed by a zero.
            i32.and(
              i32.and(i32.sub(i32.xor(word.get, i32.const(-1)), i32.const(0x01010101)), word.get),
              i32.const(0x80808080),
            ),
            [24, 16, 8, 0].flatMap((shift) => [
              ...size.set(i32.and(i32.shrU(word.get, i32.const(shift)), i32.const(255))),
              ...i32.store8(out.get, size.get),
              ...out.set(add(out.get, i32.const(1))),
              ...when(i32.eq(size.get, i32.const(255)), [
                ...i32.store8(out.get, i32.const(0)),
                ...out.set(add(out.get, i32.const(1))),
              ]),
            ]),
            [
              ...i32.store(
                out.get,
                i32.or(
                  i32.and(i32.rotl(word.get, i32.const(8)), i32.const(0x00ff00ff)),
                  i32.and(i32.rotl(word.get, i32.const(24)), i32.const(0xff00ff00)),
                ),
              ),
              ...out.set(add(out.get, i32.const(4))),
            ],
          ),
        ]),
      ];
      /** Code and bits of `value` by the table at `codes`, `symbol` shifted up by the category (F.1.2.1, F.1.2.2). */
      const putValue = (codes: number, symbol: (size: Code) => Code): number[] => [
        ...sign.set(i32.shrS(value.get, i32.const(31))),
        ...size.set(i32.sub(i32.const(32), i32.clz(i32.sub(i32.xor(value.get, sign.get), sign.get)))),
        ...entry.set(i32.load(i32.shl(symbol(size.get), i32.const(2)), codes)),
        ...put(
          i32.or(
            i32.shrU(entry.get, i32.const(5)),
            i32.and(add(value.get, sign.get), i32.sub(i32.shl(i32.const(1), size.get), i32.const(1))),
          ),
          i32.and(entry.get, i32.const(31)),
        ),
      ];
      const putSymbol = (symbol: number): number[] => [
        ...entry.set(i32.load(i32.const(AT.acCodes + 4 * symbol))),
        ...put(i32.shrU(entry.get, i32.const(5)), i32.and(entry.get, i32.const(31))),
      ];
      const putDc = [
        ...k.set(value.get),
        ...value.set(i32.sub(value.get, dc.get)),
        ...dc.set(k.get),
        ...putValue(AT.dcCodes, (category) => category),
      ];

      const vectorAt = (base: number, i: number): number[] => v128.load(i32.const(base + 16 * i));
      const quantised = (vector: Variable, i: number): number[] => [
        ...t.set(i16x8.shrS(vector.get, 15)),
        ...vector.set(
          i16x8.sub(
            v128.xor(
              mulhiU(
                mulhiU(
                  i16x8.add(i16x8.abs(vector.get), vectorAt(AT.corrections, i)),
                  vectorAt(AT.reciprocals, i),
                ),
                vectorAt(AT.scales, i),
              ),
              t.get,
            ),
            t.get,
          ),
        ),
        ...v128.store(i32.const(AT.coefficients + 16 * i), vector.get),
      ];
      /** A bit for each of 16 coefficients that is not zero. */
      const occupied = (i: number): number[] =>
        i8x16.bitmask(
          i8x16.ne(
            i8x16.narrow(room[2 * i]!.get, room[2 * i + 1]!.get),
            v128.const(Array.from({ length: 16 }, () => 0)),
          ),
        );
      const placesOf = (source: Variable, shift: number, row: number): number[] =>
        i64.load(
          i32.shl(i32.and(i32.shrU(source.get, i32.const(shift)), i32.const(255)), i32.const(3)),
          AT.places + row * 2048,
        );
      const placesOfFour = (source: Variable, row: number): number[] =>
        [0, 1, 2, 3].map((i) => placesOf(source, 8 * i, row + i)).reduce((sum, each) => i64.or(sum, each));

      const transformed = [
        ...d.flatMap((vector, i) => vector.set(v128.load8x8s(from.get, 8 * i))),
        ...dctPass(d, room, false),
        ...transpose(d, room),
        ...dctPass(room, d, true),
        ...room.flatMap(quantised),
        ...low.set(i32.or(occupied(0), i32.shl(occupied(1), i32.const(16)))),
        ...high.set(i32.or(occupied(2), i32.shl(occupied(3), i32.const(16)))),
        ...mask.set(placesOfFour(low, 0)),
        ...when(high.get, mask.set(i64.or(mask.get, placesOfFour(high, 4)))),
        ...mask.set(i64.and(mask.get, i64.const(-2n))), // without the DC
        ...value.set(i32.load16s(i32.const(AT.coefficients))),
      ];
      /** Air and what collimators cover: the DC alone, 64 times the value. */
      const scaled = (product: Code, by: number): number[] =>
        i32.shrU(i32.mul(product, i32.load16u(i32.const(by))), i32.const(16));
      const flat = [
        ...value.set(i32.shl(i32.load8s(from.get), i32.const(6))),
        ...sign.set(i32.shrS(value.get, i32.const(31))),
        ...value.set(i32.sub(i32.xor(value.get, sign.get), sign.get)),
        ...value.set(
          scaled(scaled(add(value.get, i32.load16u(i32.const(AT.corrections))), AT.reciprocals), AT.scales),
        ),
        ...value.set(i32.sub(i32.xor(value.get, sign.get), sign.get)),
        ...mask.set(i64.const(0n)),
      ];
      const differences = [0, 16, 32, 48]
        .map((at) => v128.xor(v128.load(from.get, at), t.get))
        .reduce((sum, each) => v128.or(sum, each));
      const block = [
        ...t.set(i8x16.splat(i32.load8u(from.get))),
        ...when(v128.anyTrue(differences), transformed, flat),
        ...putDc,
        ...last.set(i32.const(0)),
        ...loop(
          when(i32.eqz(i64.eqz(mask.get)), [
            ...k.set(i32.wrap(i64.ctz(mask.get))),
            ...mask.set(i64.and(mask.get, i64.sub(mask.get, i64.const(1n)))),
            ...run.set(i32.sub(i32.sub(k.get, last.get), i32.const(1))),
            ...last.set(k.get),
            ...loop(
              when(i32.geU(run.get, i32.const(16)), [
                ...putSymbol(0xf0),
                ...run.set(i32.sub(run.get, i32.const(16))),
                ...again(1),
              ]),
            ),
            ...value.set(i32.load16s(i32.load8u(k.get, AT.natural), AT.coefficients)),
            ...putValue(AT.acCodes, (category) => i32.or(i32.shl(run.get, i32.const(4)), category)),
            ...again(1),
          ]),
        ),
        ...when(i32.ltU(last.get, i32.const(63)), putSymbol(0)),
      ];
      return [
        ...bits.set(i64.load(i32.const(AT.bits))),
        ...count.set(i32.load(i32.const(AT.count))),
        ...dc.set(i32.load(i32.const(AT.dc))),
        ...from.set(i32.const(AT.blocks)),
        ...loop(
          block,
          from.set(add(from.get, i32.const(64))),
          blocks.set(i32.sub(blocks.get, i32.const(1))),
          againIf(blocks.get),
        ),
        ...i64.store(i32.const(AT.bits), bits.get),
        ...i32.store(i32.const(AT.count), count.get),
        ...i32.store(i32.const(AT.dc), dc.get),
        ...out.get,
      ];
    },
  );

/** Writing it takes a moment, and most threads that import this make no JPEG. */
export const kernelFunctions = () => ({
  gather8: gather(1),
  gather16: gather(2),
  mark8: mark(1),
  mark16: mark(2),
  encode: encode(),
});
