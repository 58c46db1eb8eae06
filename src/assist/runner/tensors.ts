/** Values in and out of a network: data types, and checks of what comes out. */
import * as ort from 'onnxruntime-node';
import { NegatoscopeError } from '../../errors.ts';
import type { TensorType } from '../types.ts';
import type { InputFigures } from './messages.ts';

/** One run of a network: its input, and every output by name. */
export type Infer = (
  values: Float32Array,
  dims: readonly number[],
) => Promise<ort.InferenceSession.ReturnType>;

/** Of what goes in, for whoever compares it with the maker's own. */
export function figuresOf(tensor: Float32Array): InputFigures {
  let sum = 0;
  for (const x of tensor) sum += x;
  const mean = sum / tensor.length;
  let squares = 0;
  for (const x of tensor) squares += (x - mean) ** 2;
  return { mean, std: Math.sqrt(squares / tensor.length) };
}

/** uint8 takes 0…255: the manifest's normalising has to give that. */
export function tensorOf(
  values: Float32Array,
  dims: readonly number[],
  type: TensorType = 'float32',
): ort.Tensor {
  if (type === 'float32') return new ort.Tensor('float32', values, dims);
  if (type === 'uint8') {
    const bytes = Uint8Array.from(values, (v) => Math.min(255, Math.max(0, Math.round(v))));
    return new ort.Tensor('uint8', bytes, dims);
  }
  const halves = Uint16Array.from(values, halfOf);
  const tensor = new ort.Tensor('float16', halves, dims);
  // It makes a Float16Array of them, which the native half of onnxruntime-node 1.30 does not know: it is given the words.
  Object.assign(tensor, { cpuData: halves });
  return tensor;
}

const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

/** IEEE 754 binary16 of a number, rounded to nearest, ties to even. */
export function halfOf(value: number): number {
  single[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff - 127 + 15) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
  if (exponent >= 0x1f) return sign | 0x7c00;
  if (exponent < -10) return sign;
  // Subnormal: the hidden one is shifted in with the rest.
  const whole = exponent > 0 ? (exponent << 23) | mantissa : mantissa | 0x800000;
  const shift = exponent > 0 ? 13 : 14 - exponent;
  const half = whole >>> shift;
  const rest = whole & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (half + (rest > middle || (rest === middle && half & 1) ? 1 : 0));
}

export function ofHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return mantissa ? NaN : sign * Infinity;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** An output as numbers. Shape as the network gave it. */
export interface Output {
  readonly dims: readonly number[];
  readonly values: ArrayLike<number> & { readonly length: number };
}

export const wrongOutput = (model: string, what: string): NegatoscopeError =>
  new NegatoscopeError('model-output', `${model} gave ${what}`, { status: 500, details: { model } });

/** The named output. Throws `model-output` when it is missing, is no numbers, or holds NaN or an infinity. */
export function outputOf(answer: ort.InferenceSession.ReturnType, name: string, model: string): Output {
  const tensor = answer[name];
  if (!tensor) {
    const there = Object.keys(answer).join(', ');
    throw wrongOutput(model, `no output ${name}; there are: ${there}`);
  }
  const { dims, type } = tensor;
  const { data } = tensor as { data: unknown };
  if (type === 'int64' || type === 'uint64')
    return { dims, values: Float64Array.from(data as BigInt64Array, Number) };
  let values: ArrayLike<number>;
  if (type === 'float16' && data instanceof Uint16Array) values = Float32Array.from(data, ofHalf);
  else if (ArrayBuffer.isView(data) && !(data instanceof DataView)) values = data as unknown as Float32Array;
  else throw wrongOutput(model, `no numbers but ${type} in ${name}`);
  if (type.startsWith('float'))
    for (let i = 0; i < values.length; i += 1)
      if (!Number.isFinite(values[i])) throw wrongOutput(model, `a value that is no number in ${name}`);
  return { dims, values };
}

/** Without leading and trailing dimensions of 1 beyond `rank`, as exporters add them. */
export function shapedAs(output: Output, rank: number, name: string, model: string): number[] {
  const dims = [...output.dims];
  while (dims.length > rank && dims[0] === 1) dims.shift();
  while (dims.length > rank && dims.at(-1) === 1) dims.pop();
  if (dims.length !== rank || dims.some((d) => d < 1))
    throw wrongOutput(
      model,
      `${name} in the shape [${output.dims.join(', ')}], which has not ${rank} dimensions`,
    );
  return dims;
}

/** In place of logits: probabilities over the whole of `values`. */
export function activated(
  values: ArrayLike<number>,
  activation: 'none' | 'sigmoid' | 'softmax' = 'none',
): Float64Array {
  const own = Float64Array.from(values);
  if (activation === 'none') return own;
  if (activation === 'sigmoid') return own.map((x) => 1 / (1 + Math.exp(-x)));
  const most = own.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = own.map((x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}
