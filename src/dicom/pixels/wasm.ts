/**
 * Writes WebAssembly modules (WebAssembly Core Specification 5), so that a kernel with vectors of 128 bits can be kept as
 * TypeScript that needs no compiler and no build: instructions are functions that give code, and unrolling is a loop.
 *
 *     const square = func({ x: 'i32' }, 'i32', {}, ({ x }) => i32.mul(x.get, x.get));
 *     const { square } = instantiate({ square }, memory);
 */

/** An expression or a statement as the bytes of its instructions, operands first. */
export type Code = readonly number[];
export type ValueType = 'i32' | 'i64' | 'v128';

const TYPES: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, v128: 0x7b };
const NO_VALUE = 0x40;

/** LEB128 of an unsigned number (5.2.2). */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest >= -0x40n && rest < 0x40n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes];
const list = (entries: readonly Code[]): number[] => [...unsigned(entries.length), ...entries.flat()];
const name = (text: string): number[] => sized([...new TextEncoder().encode(text)]);

/** An instruction behind its operands. */
const plain =
  (...opcode: number[]) =>
  (...operands: Code[]): number[] => [...operands.flat(), ...opcode];
/** `offset` is added to the address, in bytes. Nothing here relies on alignment. */
const load =
  (...opcode: number[]) =>
  (address: Code, offset = 0): number[] => [...address, ...opcode, 0, ...unsigned(offset)];
const store =
  (...opcode: number[]) =>
  (address: Code, value: Code, offset = 0): number[] => [
    ...address,
    ...value,
    ...opcode,
    0,
    ...unsigned(offset),
  ];
const simd = (opcode: number) => plain(0xfd, ...unsigned(opcode));
const simdShift =
  (opcode: number) =>
  (value: Code, bits: number): number[] =>
    simd(opcode)(value, i32.const(bits));

export const i32 = {
  const: (value: number): number[] => [0x41, ...signed(BigInt(value | 0))],
  load: load(0x28),
  load8s: load(0x2c),
  load8u: load(0x2d),
  load16s: load(0x2e),
  load16u: load(0x2f),
  store: store(0x36),
  store8: store(0x3a),
  eqz: plain(0x45),
  eq: plain(0x46),
  ltU: plain(0x49),
  geU: plain(0x4f),
  clz: plain(0x67),
  add: plain(0x6a),
  sub: plain(0x6b),
  mul: plain(0x6c),
  and: plain(0x71),
  or: plain(0x72),
  xor: plain(0x73),
  shl: plain(0x74),
  shrS: plain(0x75),
  shrU: plain(0x76),
  rotl: plain(0x77),
  /** The lower half. */
  wrap: plain(0xa7),
};

export const i64 = {
  const: (value: bigint): number[] => [0x42, ...signed(value)],
  load: load(0x29),
  load8u: load(0x31),
  store: store(0x37),
  eqz: plain(0x50),
  ctz: plain(0x7a),
  sub: plain(0x7d),
  and: plain(0x83),
  or: plain(0x84),
  shl: plain(0x86),
  shrU: plain(0x88),
  extend: plain(0xad),
};

export const v128 = {
  const: (bytes: Code): number[] => [0xfd, 0x0c, ...bytes],
  load: load(0xfd, 0x00),
  /** Eight bytes with sign → i16x8. */
  load8x8s: load(0xfd, 0x01),
  store: store(0xfd, 0x0b),
  or: simd(0x50),
  xor: simd(0x51),
  anyTrue: simd(0x53),
};

/** `lanes` picks bytes: 0 to 15 of the first vector, 16 to 31 of the second. */
const shuffle = (a: Code, b: Code, lanes: Code): number[] => [...a, ...b, 0xfd, 0x0d, ...lanes];

export const i8x16 = { shuffle, splat: simd(0x0f), ne: simd(0x24), bitmask: simd(0x64), narrow: simd(0x65) };

export const i16x8 = {
  splat: simd(0x10),
  abs: simd(0x80),
  narrow: simd(0x85),
  narrowUnsigned: simd(0x86),
  shl: simdShift(0x8b),
  shrS: simdShift(0x8c),
  add: simd(0x8e),
  sub: simd(0x91),
};

export const i32x4 = {
  splat: simd(0x11),
  shrS: simdShift(0xac),
  shrU: simdShift(0xad),
  add: simd(0xae),
  /** Sums of two neighbouring products of 16 bits. */
  dot: simd(0xba),
  extmulLowU: simd(0xbe),
  extmulHighU: simd(0xbf),
};

/** A parameter or local variable. */
export interface Variable {
  readonly get: Code;
  set(value: Code): number[];
}

/** Repeats the loop from inside it; `depth` counts the `when` and `loop` in between. */
export const again = (depth = 0): number[] => [0x0c, ...unsigned(depth)];
export const againIf = (condition: Code, depth = 0): number[] => [...condition, 0x0d, ...unsigned(depth)];
export const loop = (...body: Code[]): number[] => [0x03, NO_VALUE, ...body.flat(), 0x0b];
export const when = (condition: Code, then: Code, otherwise?: Code): number[] => [
  ...condition,
  0x04,
  NO_VALUE,
  ...then,
  ...(otherwise ? [0x05, ...otherwise] : []),
  0x0b,
];

type Signature = Readonly<Record<string, ValueType>>;
type Variables<S extends Signature> = { readonly [name in keyof S]: Variable };

export interface Func {
  readonly parameters: readonly ValueType[];
  readonly result: ValueType;
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A function of `parameters` with `locals`, whose body leaves one value of type `result`. */
export function func<P extends Signature, L extends Signature>(
  parameters: P,
  result: ValueType,
  locals: L,
  body: (variables: Variables<P & L>) => Code,
): Func {
  const names = [...Object.keys(parameters), ...Object.keys(locals)];
  const variables = names.map((each, i): [string, Variable] => [
    each,
    {
      get: [0x20, ...unsigned(i)],
      set: (value) => [...value, 0x21, ...unsigned(i)],
    },
  ]);
  return {
    parameters: Object.values(parameters),
    result,
    locals: Object.values(locals),
    body: body(Object.fromEntries(variables) as unknown as Variables<P & L>),
  };
}

const section = (id: number, content: Code): number[] => [id, ...sized(content)];

/** The binary module (5.5): these functions, exported by their names, on a memory that is given to it. */
export function moduleBytes(functions: Readonly<Record<string, Func>>): Uint8Array<ArrayBuffer> {
  const each = Object.entries(functions);
  const types = each.map(([, { parameters, result }]) => [
    0x60,
    ...list(parameters.map((type) => [TYPES[type]])),
    ...list([[TYPES[result]]]),
  ]);
  const code = each.map(([, { locals, body }]) =>
    sized([...list(locals.map((type) => [1, TYPES[type]])), ...body, 0x0b]),
  );
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(2, list([[...name('env'), ...name('memory'), 0x02, 0x00, 1]])),
    ...section(3, list(each.map((_, i) => unsigned(i)))),
    ...section(7, list(each.map(([key], i) => [...name(key), 0x00, ...unsigned(i)]))),
    ...section(10, list(code)),
  ]);
}

/** Compiles and instantiates at once: some milliseconds. */
export function instantiate<F extends Readonly<Record<string, Func>>>(
  functions: F,
  memory: WebAssembly.Memory,
): { readonly [name in keyof F]: (...values: number[]) => number } {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(functions)), {
    env: { memory },
  });
  return instance.exports as unknown as { readonly [name in keyof F]: (...values: number[]) => number };
}
