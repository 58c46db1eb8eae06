/** What a package can be, beyond one score: each kind of input and output, against numbers that were worked out another way. */
import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { iou, suppressed, yoloBoxes } from './boxes.ts';
import type { RawBox } from './boxes.ts';
import { constant, manifestOf, onnx, packageOf } from './onnxTesting.ts';
import { loadPackage } from './package.ts';
import { judged } from './postprocess.ts';
import { letterboxOf, preprocess, resizeBilinear } from './preprocess.ts';
import { openNetwork } from './runner/network.ts';
import { activated, halfOf, ofHalf } from './runner/tensors.ts';
import { inflatedBits, keepLargest } from './segments.ts';
import type { Box, ImageInput } from './types.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((dir) => rmSync(dir, { recursive: true, force: true })));
async function opened(weights: Buffer, parts: object) {
  const dir = packageOf(weights, manifestOf(parts));
  folders.push(dir);
  const { manifest } = await loadPackage(dir);
  return { manifest, network: await openNetwork(manifest, dir, 1) };
}
const INPUT = { name: 'x', type: 'float32' as const, dims: [1, 1, 32, 32] };
const input = (over: Partial<ImageInput> = {}): ImageInput => ({
  name: 'x',
  width: 4,
  height: 4,
  fit: 'letterbox',
  resize: 'triangle-antialias',
  intensity: { kind: 'min-max' },
  normalise: { offset: 0, scale: 1 },
  padding: 0,
  ...over,
});
/** 20 wide, 40 high: into 32 × 32 it goes as 16 × 32, 8 from the left. */
const plane = { rows: 40, columns: 20, values: Float32Array.from({ length: 800 }, (_, i) => i) };

describe('how an image becomes a tensor', () => {
  const grey = { rows: 2, columns: 2, values: Float32Array.of(0, 1, 2, 3) };

  test('bilinear without antialiasing is OpenCV’s INTER_LINEAR', () => {
    // cv2.resize(np.float32([[0, 1], [2, 3]]), (4, 4), interpolation=cv2.INTER_LINEAR), OpenCV 4: half-pixel centres, edges repeated.
    expect([...resizeBilinear(grey, 4, 4)]).toEqual([
      0, 0.25, 0.75, 1, 0.5, 0.75, 1.25, 1.5, 1.5, 1.75, 2.25, 2.5, 2, 2.25, 2.75, 3,
    ]);
    // Smaller it takes the nearest four only: of 8 to 2 those around 1.5 and 5.5.
    const line = { rows: 1, columns: 8, values: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7) };
    expect([...resizeBilinear(line, 2, 1)]).toEqual([1.5, 5.5]);
  });

  test('TorchXRayVision’s range: smallest −1024, largest 1024', () => {
    const { tensor } = preprocess(grey, input({ width: 8, height: 8, fit: 'stretch', normalise: { offset: 0.5, scale: 2048 } })); // prettier-ignore
    expect([Math.min(...tensor), Math.max(...tensor)]).toEqual([-1024, 1024]);
  });

  test('ImageNet’s mean and deviation by channel, by plane and by pixel', () => {
    const normalise = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    const of = (layout: 'NCHW' | 'NHWC') =>
      preprocess(grey, input({ width: 2, height: 2, fit: 'stretch', channels: 3, normalise, layout })).tensor;
    const [planes, pixels] = [of('NCHW'), of('NHWC')];
    expect(planes.length).toBe(12);
    for (let c = 0; c < 3; c += 1)
      for (let i = 0; i < 4; i += 1) {
        const want = (i / 3 - normalise.mean[c]!) / normalise.std[c]!;
        expect(planes[c * 4 + i]).toBeCloseTo(want, 5);
        expect(pixels[i * 3 + c]).toBe(planes[c * 4 + i]);
      }
  });

  test('a window in HU, the header’s window, and no clipping where that is asked', () => {
    const hu = { rows: 1, columns: 4, values: Float32Array.of(-1000, 0, 40, 3000) };
    const of = (over: Partial<ImageInput>, of = hu) => [
      ...preprocess(of, input({ width: 4, height: 1, fit: 'stretch', ...over })).tensor,
    ];
    const window = { kind: 'window', centre: 40, width: 400 } as const;
    expect(of({ intensity: window })).toEqual([0, 0.4000000059604645, 0.5, 1]);
    expect(of({ intensity: { ...window, clip: false } })[3]).toBeCloseTo(7.9, 5);
    const shown = { rows: 1, columns: 4, values: Float32Array.of(0, 51, 102, 204), range: [0, 255] as const };
    expect(of({ intensity: { kind: 'voi' } }, shown).map((x) => Math.round(x * 10) / 10)).toEqual([0, 0.2, 0.4, 0.8]); // prettier-ignore
  });

  test('stretched, or cut to the middle', () => {
    expect(letterboxOf(20, 40, input({ fit: 'stretch' }))).toMatchObject({
      width: 4,
      height: 4,
      left: 0,
      top: 0,
    });
    const cut = letterboxOf(20, 40, input({ fit: 'crop' }));
    expect(cut).toMatchObject({ width: 4, height: 8, left: 0, top: -2 });
    // Rows of their own value: those of the middle are seen, nothing of the padding.
    const rows = {
      rows: 8,
      columns: 4,
      values: Float32Array.from({ length: 32 }, (_, i) => Math.floor(i / 4)),
    };
    const { tensor } = preprocess(rows, input({ fit: 'crop', padding: 1 }));
    expect([0, 1, 2, 3].map((y) => Math.round(tensor[y * 4]! * 7))).toEqual([2, 3, 4, 5]);
  });
});

describe('half precision', () => {
  test('every half is itself again', () => {
    for (let half = 0; half < 65536; half += 1) {
      const value = ofHalf(half);
      if (!Number.isNaN(value)) expect(halfOf(value)).toBe(half);
    }
  });
  // IEEE 754-2008 binary16: largest, smallest normal, smallest subnormal, ties to even.
  test.each([
    [65504, 0x7bff],
    [65520, 0x7c00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [-0.333251953125, 0xb555],
    [Infinity, 0x7c00],
  ])('%s', (value, half) => expect(halfOf(value)).toBe(half));

  test.each(['float16', 'uint8'] as const)('a network that takes %s gets it', async (type) => {
    const { network } = await opened(
      onnx({
        inputs: [{ ...INPUT, type }],
        outputs: [{ name: 's', type: 'float32', dims: [1] }],
        nodes: [
          { op: 'Cast', inputs: ['x'], outputs: ['f'], attributes: { to: 1 } },
          { op: 'ReduceMax', inputs: ['f'], outputs: ['m'], attributes: { axes: [0, 1, 2], keepdims: 0 } },
          { op: 'ReduceMax', inputs: ['m'], outputs: ['n'], attributes: { axes: [0], keepdims: 1 } },
          { op: 'Div', inputs: ['n', 'by'], outputs: ['s'] },
        ],
        initializers: [{ name: 'by', type: 'float32', dims: [1], values: [type === 'uint8' ? 255 : 1] }],
      }),
      {
        finding: { label: 'one-thing' },
        outputs: { score: { name: 's' } },
        input: {
          ...(manifestOf({})['input'] as object),
          type,
          normalise: { offset: 0, scale: type === 'uint8' ? 255 : 1 },
        },
      },
    );
    expect((await network.run(plane)).score).toBeCloseTo(1, 3);
  });
});

test('sigmoid and softmax', () => {
  expect(activated([0, Math.log(3)], 'sigmoid')[1]).toBeCloseTo(0.75, 12);
  expect([...activated([0, Math.log(3)], 'softmax')].map((x) => Math.round(x * 1e9) / 1e9)).toEqual([0.25, 0.75]); // prettier-ignore
  expect(activated([1000, 0], 'softmax')[0]).toBe(1);
});

describe('several scores', () => {
  const parts = {
    outputs: {
      scores: { name: 's', labels: ['one-thing', null, 'another-thing'], activation: 'sigmoid' },
      heatmaps: {
        name: 'cam',
        labels: ['one-thing', null, 'another-thing'],
        stride: 8,
        range: 'positive',
        componentThreshold: 0.5,
        connectivity: 4,
      },
    },
    operatingPoints: {
      only: {
        threshold: 0.5,
        thresholds: { 'another-thing': 0.9 },
        text: { fr: 'a', en: 'a' },
        measured: [],
      },
    },
  };
  const cam = (k: number): number[] =>
    Array.from({ length: 16 }, (_, i) => (i === 5 ? 4 * k : i === 0 ? -9 : 1));
  const given = (logits: number[]) =>
    constant(INPUT, [
      { name: 's', dims: [1, 3], values: logits },
      { name: 'cam', dims: [1, 3, 4, 4], values: [...cam(1), ...cam(2), ...cam(3)] },
    ]);

  test('each label has its own threshold and its own map', async () => {
    const { manifest, network } = await opened(given([1, 5, 1]), parts);
    const seen = await network.run(plane);
    expect(Object.keys(seen.scores!)).toEqual(['one-thing', 'another-thing']);
    expect(seen.scores!['one-thing']).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
    expect(seen.score).toBe(seen.scores!['one-thing']);
    // The positive part over its largest: 4 is 1, 1 is a quarter, −9 nothing.
    expect([...seen.grids!['one-thing']!.values.slice(0, 6)]).toEqual([0, 0.25, 0.25, 0.25, 0.25, 1]);
    const { findings, positive } = judged(seen, manifest, manifest.operatingPoints['only']!);
    // 0.73 reaches 0.5, not 0.9.
    expect(positive).toBe(true);
    expect(findings.map(({ label }) => label)).toEqual(['one-thing']);
    // Cell (1, 1) is 8…16 of the input, which begins 8 from the left and is 0.8 of the image: 0…10 × 10…20.
    expect(findings[0]!.places).toEqual([{ box: { x: 0, y: 10, width: 10, height: 10 }, peak: 1 }]);
  });

  test('the surest comes first', async () => {
    const { manifest, network } = await opened(given([1, 0, 4]), parts);
    const { findings } = judged(await network.run(plane), manifest, manifest.operatingPoints['only']!);
    expect(findings.map(({ label }) => label)).toEqual(['another-thing', 'one-thing']);
  });
});

describe('boxes', () => {
  /** Of the image, as the network would have them: input = image × 0.8, 8 to the right. */
  const boxes: { box: Box; scores: [number, number] }[] = [
    { box: { x: 2, y: 4, width: 8, height: 6 }, scores: [0.9, 0.1] },
    { box: { x: 2.5, y: 4, width: 8, height: 6 }, scores: [0.8, 0.1] }, // the same again
    { box: { x: 2, y: 4, width: 8, height: 6 }, scores: [0.2, 0.7] }, // another label at the same place
    { box: { x: 12, y: 30, width: 12, height: 20 }, scores: [0.6, 0] }, // beyond the image
    { box: { x: 5, y: 20, width: 2, height: 2 }, scores: [0.0004, 0] }, // weaker than anything counts
  ];
  const centre = ({ x, y, width, height }: Box): number[] => [
    8 + 0.8 * (x + width / 2),
    0.8 * (y + height / 2),
    0.8 * width,
    0.8 * height,
  ];
  const wanted = [
    { label: 'one-thing', score: 0.9, box: { x: 2, y: 4, width: 8, height: 6 } },
    { label: 'another-thing', score: 0.7, box: { x: 2, y: 4, width: 8, height: 6 } },
    { label: 'one-thing', score: 0.6, box: { x: 12, y: 30, width: 8, height: 10 } },
  ];
  const rows8 = boxes.map(({ box, scores }) => [...centre(box), ...scores]);
  const rows5 = boxes.map(({ box, scores: [a, b] }) => [...centre(box), 0.95, a / 0.95, b / 0.95]);
  const across = (rows: number[][]): number[] => rows[0]!.flatMap((_, i) => rows.map((row) => row[i]!));
  const labels = ['one-thing', 'another-thing'];
  const corners = boxes
    .map(({ box }) => box)
    .map((box) => {
      const [cx, cy, w, h] = centre(box) as [number, number, number, number];
      return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
    });
  const best = boxes.map(({ scores: [a, b] }) => (a >= b ? [a, 0] : [b, 1]) as [number, number]);
  const separate = (boxed: number[][]) => [
    { name: 'b', dims: [1, 5, 4], values: boxed.flat() },
    { name: 's', dims: [1, 5], values: best.map(([score]) => score) },
    { name: 'c', type: 'int64' as const, dims: [1, 5], values: best.map(([, label]) => label + 1) },
  ];
  const apart = { layout: 'separate', boxes: 'b', scores: 's', classes: 'c', firstClass: 1, labels };

  test.each<[string, Parameters<typeof constant>[1], object]>([
    [
      'YOLO v8, v11',
      [{ name: 'b', dims: [1, 6, 5], values: across(rows8) }],
      { layout: 'yolov8', name: 'b', labels },
    ],
    [
      'YOLO v5',
      [{ name: 'b', dims: [1, 5, 7], values: rows5.flat() }],
      { layout: 'yolov5', name: 'b', labels },
    ],
    ['corners in pixels', separate(corners), { ...apart, corners: 'xyxy', unit: 'pixel' }],
    ['corners as parts, rows first', separate(corners.map(([a, b, c, d]) => [b! / 32, a! / 32, d! / 32, c! / 32])), { ...apart, corners: 'yxyx', unit: 'part' }], // prettier-ignore
    ['centres as parts', separate(boxes.map(({ box }) => centre(box).map((x) => x / 32))), { ...apart, corners: 'cxcywh', unit: 'part' }], // prettier-ignore
  ])('%s', async (_name, given, output) => {
    const { manifest, network } = await opened(constant(INPUT, given), { outputs: { boxes: output } });
    const seen = await network.run(plane);
    expect(seen.boxes!.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
    seen.boxes!.forEach(({ score, box }, i) => {
      expect(score).toBeCloseTo(wanted[i]!.score, 5);
      for (const side of ['x', 'y', 'width', 'height'] as const)
        expect(box[side]).toBeCloseTo(wanted[i]!.box[side], 4);
    });
    // A finding a label, its boxes the places.
    const { findings } = judged(seen, manifest, manifest.operatingPoints['only']!);
    expect(findings.map(({ label, places }) => [label, places.length])).toEqual([
      ['one-thing', 2],
      ['another-thing', 1],
    ]);
  });

  test('a detector that found nothing gives no rows', async () => {
    const given = [
      { name: 'b', dims: [0, 4], values: [] },
      { name: 's', dims: [0], values: [] },
      { name: 'c', dims: [0], values: [] },
    ];
    const { network } = await opened(constant(INPUT, given), { outputs: { boxes: { ...apart, corners: 'xyxy', unit: 'pixel' } } }); // prettier-ignore
    expect(await network.run(plane)).toMatchObject({ boxes: [], score: 0 });
  });

  test('overlaps are removed as the definition says it', () => {
    const box = fc.record({ x: fc.integer({ min: 0, max: 20 }), y: fc.integer({ min: 0, max: 20 }), width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) }); // prettier-ignore
    const raw = fc.record({ label: fc.constantFrom(0, 1), score: fc.integer({ min: 1, max: 1000 }).map((n) => n / 1000), box }); // prettier-ignore
    fc.assert(
      fc.property(fc.uniqueArray(raw, { selector: (b) => b.score, maxLength: 30 }), (all) => {
        const kept = new Set(suppressed(all, 0.45, 1000));
        for (const each of all) {
          const surer = [...kept].some(
            (k) => k.score > each.score && k.label === each.label && overlap(k, each) > 0.45,
          );
          expect(kept.has(each)).toBe(!surer);
        }
      }),
    );
  });
  /** By counting the unit squares of whole-numbered boxes. */
  function overlap(a: RawBox, b: RawBox): number {
    const squares = ({ box }: RawBox): Set<string> => {
      const found = new Set<string>();
      for (let x = box.x; x < box.x + box.width; x += 1)
        for (let y = box.y; y < box.y + box.height; y += 1) found.add(`${x} ${y}`);
      return found;
    };
    const [one, two] = [squares(a), squares(b)];
    const both = [...one].filter((square) => two.has(square)).length;
    const part = both / (one.size + two.size - both);
    expect(iou(a.box, b.box)).toBeCloseTo(part, 12);
    return part;
  }

  test('a row of v5 is its objectness times its class', () => {
    expect(yoloBoxes('yolov5', [10, 20, 4, 6, 0.5, 0.2, 0.8], 1, 2)).toEqual([
      { label: 1, score: 0.4, box: { x: 8, y: 17, width: 4, height: 6 } },
    ]);
  });
});

describe('segments of an image', () => {
  // Left half of the image is one thing, its upper right quarter another: on 8 × 8 cells of 4 pixels, with the padding left and right.
  const cells = Array.from({ length: 64 }, (_, i) => {
    const [y, x] = [Math.floor(i / 8), i % 8];
    return x < 4 ? 1 : y < 4 ? 2 : 0;
  });
  const classes = [0, 1, 2].flatMap((n) => cells.map((c) => (c === n ? 3 : -1)));
  const labels = { 1: 'one-thing', 2: 'another-thing' };
  const none = { operatingPoints: {}, defaultOperatingPoint: '' };

  test.each<[string, Parameters<typeof constant>[1], object]>([
    ['numbers', [{ name: 'm', type: 'uint8', dims: [1, 8, 8], values: cells }], { form: 'labels' }],
    ['classes', [{ name: 'm', dims: [1, 3, 8, 8], values: classes }], { form: 'argmax' }],
    ['probabilities', [{ name: 'm', dims: [1, 2, 8, 8], values: classes.slice(64) }], { form: 'probabilities', activation: 'sigmoid', threshold: 0.9 }], // prettier-ignore
  ])('from %s', async (_name, given, form) => {
    const { manifest, network } = await opened(constant(INPUT, given), {
      ...none,
      outputs: { segmentation: { name: 'm', labels, ...form } },
    });
    const seen = await network.run(plane);
    const { segments, rows, columns } = seen.segmentation!;
    expect([rows, columns]).toEqual([40, 20]);
    expect(segments.map(({ label, pixels }) => [label, pixels])).toEqual([
      ['one-thing', 400],
      ['another-thing', 200],
    ]);
    const bits = inflatedBits(seen.segmentation!);
    const at = (frame: number, y: number, x: number): number => {
      const bit = frame * 800 + y * 20 + x;
      return (bits[bit >> 3]! >> (bit & 7)) & 1;
    };
    expect([at(0, 0, 0), at(0, 39, 9), at(0, 0, 10), at(1, 19, 10), at(1, 20, 10), at(1, 0, 9)]).toEqual([1, 1, 0, 1, 0, 0]); // prettier-ignore
    expect(judged(seen, manifest, { threshold: 0 })).toEqual({ positive: false, findings: [] });
  });

  test('only the largest part, where the package says so', () => {
    const one = Uint8Array.from('1100000011000001000001100000000'.slice(0, 25), Number);
    const kept = one.slice();
    keepLargest(kept, [1, 5, 5]);
    const groups = (cells: Uint8Array): number => cells.reduce((sum, c) => sum + (c ? 1 : 0), 0);
    expect(groups(kept)).toBeLessThan(groups(one));
    // A volume: two touching by a corner are one (26 neighbours).
    const cube = new Uint8Array(64);
    cube[0] = cube[21] = 1; // (0,0,0) and (1,1,1)
    cube[63] = 2;
    keepLargest(cube, [4, 4, 4]);
    expect([cube[0], cube[21], cube[63]]).toEqual([1, 1, 0]);
    const empty = new Uint8Array(8);
    keepLargest(empty, [2, 2, 2]);
    expect(empty).toEqual(new Uint8Array(8));
  });
});

test('measurements have their names', async () => {
  const item = (key: string) => ({
    key,
    text: { fr: key, en: key },
    code: { value: key, scheme: '99TEST', meaning: key },
    unit: { value: 'deg', scheme: 'UCUM', meaning: 'degree' },
  });
  const { network } = await opened(constant(INPUT, [{ name: 'm', dims: [1, 2], values: [12.5, -3] }]), {
    operatingPoints: {},
    defaultOperatingPoint: '',
    outputs: { measurements: { name: 'm', items: [item('cobb'), item('tilt')] } },
  });
  expect((await network.run(plane)).measurements).toEqual({ cobb: 12.5, tilt: -3 });
});
