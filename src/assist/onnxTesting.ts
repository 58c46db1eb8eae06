/**
 * For tests: ONNX files of a few operators, written as the protobuf that they are (onnx.proto3, field numbers beside the fields).
 *
 *     onnx({
 *       inputs: [{ name: 'x', type: 'float32', dims: [1, 1, 8, 8] }], outputs: [{ name: 'score', type: 'float32', dims: [1] }],
 *       nodes: [{ op: 'ReduceMean', inputs: ['x'], outputs: ['score'], attributes: { keepdims: 0 } }],
 *     })
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataset } from '../dicom/builder.ts';

/** TensorProto.DataType */
const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
type Type = keyof typeof TYPES;
export interface ValueInfo {
  name: string;
  type: Type;
  /** A text is a name for a size that the model leaves open. */
  dims: (number | string)[];
}
export interface Initializer {
  name: string;
  type: Type;
  dims: number[];
  values: number[];
}
export interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, number | number[] | Graph | Omit<Initializer, 'name'>>;
}
export interface Graph {
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  nodes: Node[];
  initializers?: Initializer[];
}

function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field: number, value: Buffer | string): Buffer => {
  const content = Buffer.from(value as string);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
};
const message = (field: number, ...parts: Buffer[]): Buffer => bytes(field, Buffer.concat(parts));

function rawData(type: Type, values: number[]): Buffer {
  if (type === 'float32') return Buffer.from(Float32Array.from(values).buffer);
  if (type === 'int64') return Buffer.from(BigInt64Array.from(values, BigInt).buffer);
  if (type === 'int32') return Buffer.from(Int32Array.from(values).buffer);
  if (type === 'float16') return Buffer.from(Uint16Array.from(values).buffer);
  return Buffer.from(values);
}
/** dims = 1, data_type = 2, name = 8, raw_data = 9 */
const tensor = ({ type, dims, values, name = '' }: Omit<Initializer, 'name'> & { name?: string }): Buffer =>
  Buffer.concat([
    ...dims.map((d) => number(1, d)),
    number(2, TYPES[type]),
    bytes(8, name),
    bytes(9, rawData(type, values)),
  ]);
/** name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { dim_value = 1, dim_param = 2 } } } } */
const valueInfo = ({ name, type, dims }: ValueInfo): Buffer =>
  Buffer.concat([
    bytes(1, name),
    message(
      2,
      message(
        1,
        number(1, TYPES[type]),
        message(2, ...dims.map((d) => message(1, typeof d === 'number' ? number(1, d) : bytes(2, d)))),
      ),
    ),
  ]);
/** name = 1, f = 2, i = 3, t = 5, g = 6, ints = 8, type = 20: INT 2, TENSOR 4, GRAPH 5, INTS 7 */
function attribute(name: string, value: NonNullable<Node['attributes']>[string]): Buffer {
  const head = bytes(1, name);
  if (typeof value === 'number') return Buffer.concat([head, number(3, value), number(20, 2)]);
  if (Array.isArray(value)) return Buffer.concat([head, ...value.map((v) => number(8, v)), number(20, 7)]);
  if ('nodes' in value) return Buffer.concat([head, bytes(6, graph(value, 'body')), number(20, 5)]);
  return Buffer.concat([head, bytes(5, tensor(value)), number(20, 4)]);
}
/** input = 1, output = 2, op_type = 4, attribute = 5 */
const node = ({ op, inputs, outputs, attributes = {} }: Node): Buffer =>
  Buffer.concat([
    ...inputs.map((name) => bytes(1, name)),
    ...outputs.map((name) => bytes(2, name)),
    bytes(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  ]);
/** node = 1, name = 2, initializer = 5, input = 11, output = 12 */
const graph = ({ inputs, outputs, nodes, initializers = [] }: Graph, name: string): Buffer =>
  Buffer.concat([
    ...nodes.map((each) => bytes(1, node(each))),
    bytes(2, name),
    ...initializers.map((each) => bytes(5, tensor(each))),
    ...inputs.map((each) => bytes(11, valueInfo(each))),
    ...outputs.map((each) => bytes(12, valueInfo(each))),
  ]);

/** ir_version = 1, graph = 7, opset_import = 8 { version = 2 } */
export const onnx = (of: Graph): Buffer =>
  Buffer.concat([number(1, 8), bytes(7, graph(of, 'test')), message(8, number(2, 13))]);

/** A network that gives the same whatever it is shown. */
export const constant = (
  input: ValueInfo,
  outputs: readonly { name: string; type?: Type; dims: number[]; values: number[] }[],
): Buffer =>
  onnx({
    inputs: [input],
    outputs: outputs.map(({ name, type = 'float32', dims }) => ({ name, type, dims })),
    nodes: outputs.map(({ name }) => ({ op: 'Identity', inputs: [`${name} value`], outputs: [name] })),
    initializers: outputs.map(({ name, type = 'float32', dims, values }) => ({
      name: `${name} value`,
      type,
      dims,
      values,
    })),
  });

/** A package of these weights in a folder of its own; whoever asks removes it. `manifest` gets the hash. */
export function packageOf(weights: Buffer, manifest: object): string {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-package-'));
  writeFileSync(join(dir, 'model.onnx'), weights);
  const sha256 = createHash('sha256').update(weights).digest('hex');
  writeFileSync(
    join(dir, 'model.json'),
    JSON.stringify({ ...manifest, weights: { file: 'model.onnx', sha256 } }),
  );
  return dir;
}

const both = (text: string) => ({ fr: text, en: text });
/** A manifest around the parts that a test is about. */
export const manifestOf = (parts: object): Record<string, unknown> => ({
  format: 1,
  id: 'test',
  version: '1.0.0',
  name: both('Test'),
  summary: both('Test'),
  maker: 'Test',
  licence: 'CC0-1.0',
  regulatory: { status: 'research', detail: both('Test') },
  intendedUse: {
    modalities: ['DX', 'CR'],
    bodyParts: ['CHEST', 'HAND', 'KNEE'],
    ageYears: { unknown: 'accept' },
    photos: 'refuse',
    text: both('Test'),
  },
  input: {
    name: 'x',
    width: 32,
    height: 32,
    fit: 'letterbox',
    resize: 'triangle-antialias',
    intensity: { kind: 'min-max' },
    normalise: { offset: 0, scale: 1 },
    padding: 0,
  },
  labels: { 'one-thing': { text: both('One thing') }, 'another-thing': { text: both('Another thing') } },
  operatingPoints: { only: { threshold: 0.5, text: both('Only'), measured: [] } },
  defaultOperatingPoint: 'only',
  golden: 'golden.json',
  resources: { memoryMB: 1024, seconds: 60 },
  ...parts,
});

/** A tool that takes one T1 series of at least five slices for a volume. */
export const volume = {
  operatingPoints: {},
  defaultOperatingPoint: '',
  intendedUse: {
    ...(manifestOf({})['intendedUse'] as object),
    modalities: ['MR'],
    sopClasses: ['1.2.840.10008.5.1.4.1.1.4'],
    bodyParts: ['HEAD'],
    series: { slices: { min: 5 }, acquisition: { any: ['t1'], none: ['t2'] } },
  },
  input: {
    kind: 'volume',
    name: 'x',
    axes: 'LPS',
    intensity: { kind: 'min-max' },
    normalise: { offset: 0, scale: 1 },
  },
  outputs: { segmentation: { name: 'm', form: 'labels', labels: { 1: 'one-thing', 2: 'another-thing' } } },
};
/** Bright voxels are number 1; number 2 is never seen. */
export const bright = onnx({
  inputs: [{ name: 'x', type: 'float32', dims: [1, 1, 'a', 'b', 'c'] }],
  outputs: [{ name: 'm', type: 'uint8', dims: [1, 1, 'a', 'b', 'c'] }],
  initializers: [{ name: 'half', type: 'float32', dims: [1], values: [0.5] }],
  nodes: [
    { op: 'Greater', inputs: ['x', 'half'], outputs: ['g'] },
    { op: 'Cast', inputs: ['g'], outputs: ['m'], attributes: { to: 2 } },
  ],
});

/** Pixels of a slice in each direction. */
export const SIDE = 16;
/** For `dicomFile`: a slice of that series, 2 × 2 × 3 mm a voxel, of which three are bright. */
export const slice = (i: number, extra: object = {}) => ({
  study: '1.2.3',
  series: '1.2.3.4',
  sop: `1.2.3.4.${i + 1}`,
  sopClass: '1.2.840.10008.5.1.4.1.1.4',
  modality: 'MR',
  rows: SIDE,
  columns: SIDE,
  // Slices of one value: dark below, bright above.
  value: i < 4 ? 10 : 200,
  extra: dataset({
    BodyPartExamined: 'HEAD',
    SeriesDescription: 'T1 3D',
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    ImagePositionPatient: [-8, -8, 3 * i],
    PixelSpacing: [2, 2],
    SliceThickness: 3,
    FrameOfReferenceUID: '1.2.3.9',
    ...extra,
  }),
});
