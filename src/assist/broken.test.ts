/** Packages and networks that are not what they say: a plain message for each, and nothing else happens. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenVolume } from './goldenVolume.ts';
import { uniform } from './golden.ts';
import { parseManifest } from './manifest.ts';
import { constant, manifestOf, onnx, packageOf } from './onnxTesting.ts';
import type { Graph } from './onnxTesting.ts';
import { loadPackage } from './package.ts';
import { openNetwork } from './runner/network.ts';
import { createRunner } from './runner/runner.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((dir) => rmSync(dir, { recursive: true, force: true })));
const package_ = (weights: Buffer, parts: object): string => {
  const dir = packageOf(weights, manifestOf(parts));
  folders.push(dir);
  return dir;
};
const plane = { rows: 40, columns: 20, values: Float32Array.from({ length: 800 }, (_, i) => i) };
const INPUT = { name: 'x', type: 'float32' as const, dims: [1, 1, 32, 32] };
const one = { finding: { label: 'one-thing' } };
type Given = Parameters<typeof constant>[1];

/** The network in this process: what it says of the plane. */
async function runs(given: Given, parts: object) {
  const { manifest, dir } = await loadPackage(package_(constant(INPUT, given), parts));
  return (await openNetwork(manifest, dir, 1)).run(plane);
}
const numbers = (count: number, value = 0.5): number[] => Array.from({ length: count }, () => value);

describe('an output that is not what the manifest says', () => {
  const score = { ...one, outputs: { score: { name: 's' } } };
  const scores = { outputs: { scores: { name: 's', labels: ['one-thing', 'another-thing'] } } };
  const heat = {
    ...one,
    outputs: {
      ...score.outputs,
      heatmap: { name: 'h', stride: 8, componentThreshold: 0.5, connectivity: 8 },
    },
  };
  const boxes = (layout: string) => ({
    outputs: { boxes: { layout, name: 'b', labels: ['one-thing', 'another-thing'] } },
  });
  const separate = {
    outputs: {
      boxes: { layout: 'separate', boxes: 'b', scores: 's', classes: 'c', corners: 'xyxy', unit: 'pixel', labels: ['one-thing'] }, // prettier-ignore
    },
  };
  const segments = (form: string, labels: object = { 1: 'one-thing' }) => ({
    operatingPoints: {},
    defaultOperatingPoint: '',
    outputs: {
      segmentation: { name: 'm', form, labels, ...(form === 'probabilities' && { threshold: 0.5 }) },
    },
  });
  const S = (values: number[], dims = [values.length]) => ({ name: 's', dims, values });

  test.each<[string, Given, object, RegExp]>([
    ['it is missing', [{ name: 'other', dims: [1], values: [0.5] }], score, /no output s; there are: other/],
    ['several scores for one', [S([0.1, 0.2])], score, /shape \[2\] where one score is wanted/],
    ['no score at all', [S([], [0])], score, /shape \[0\] where one score/],
    ['NaN', [S([NaN])], score, /no number in s/],
    ['an infinity', [S([Infinity])], score, /no number in s/],
    ['a logit for a probability', [S([3.7])], score, /score 3\.7\d* in s, which is not between 0 and 1/],
    ['too few scores', [S([0.1])], scores, /1 scores in s; the manifest names 2/],
    ['NaN among scores', [S([0.1, NaN])], scores, /no number in s/],
    ['a heat map of another size', [S([0.5]), { name: 'h', dims: [1, 1, 8, 8], values: numbers(64) }], heat, /heat map of another size than 4 × 4/], // prettier-ignore
    ['NaN in a heat map', [S([0.5]), { name: 'h', dims: [1, 1, 4, 4], values: numbers(16, NaN) }], heat, /no number in h/], // prettier-ignore
    ['YOLO v8 with other classes', [{ name: 'b', dims: [1, 5, 10], values: numbers(50) }], boxes('yolov8'), /a box has 5 numbers where 2 labels need 6/], // prettier-ignore
    ['YOLO v5 read as v8', [{ name: 'b', dims: [1, 10, 7], values: numbers(70) }], boxes('yolov8'), /a box has 10 numbers where 2 labels need 6/], // prettier-ignore
    ['boxes that are no list', [{ name: 'b', dims: [2, 3, 4, 5], values: numbers(120) }], boxes('yolov5'), /shape \[2, 3, 4, 5\]/], // prettier-ignore
    ['YOLO scores that are logits', [{ name: 'b', dims: [1, 6, 2], values: [9, 9, 9, 9, 4, 4, 4, 4, 5, 5, 5, 5] }], boxes('yolov8'), /score 5 in the boxes/], // prettier-ignore
    ['boxes without as many scores', [{ name: 'b', dims: [2, 4], values: numbers(8) }, S([0.5]), { name: 'c', dims: [2], values: [0, 0] }], separate, /2 × 4 numbers of boxes, 1 scores and 2 classes/], // prettier-ignore
    ['a class that is no label', [{ name: 'b', dims: [1, 4], values: [1, 1, 2, 2] }, S([0.5]), { name: 'c', type: 'int64', dims: [1], values: [7] }], separate, /a box of class 7; the manifest names 1/], // prettier-ignore
    ['a negative class', [{ name: 'b', dims: [1, 4], values: [1, 1, 2, 2] }, S([0.5]), { name: 'c', type: 'int64', dims: [1], values: [-1] }], separate, /a box of class -1/], // prettier-ignore
    ['corners the wrong way round', [{ name: 'b', dims: [1, 4], values: [9, 9, 2, 2] }, S([0.5]), { name: 'c', dims: [1], values: [0] }], separate, /negative size/], // prettier-ignore
    ['a label beyond 255', [{ name: 'm', type: 'int32', dims: [1, 2, 2], values: [0, 1, 300, 1] }], segments('labels'), /300 in m, which is no number of a label/], // prettier-ignore
    ['a label that is no whole number', [{ name: 'm', dims: [1, 2, 2], values: [0, 1, 0.5, 1] }], segments('labels'), /0\.5 in m/], // prettier-ignore
    ['fewer classes than labels', [{ name: 'm', dims: [1, 2, 4, 4], values: numbers(32) }], segments('argmax', { 1: 'one-thing', 2: 'another-thing' }), /2 classes in m; the manifest names class 2/], // prettier-ignore
    ['fewer probabilities than labels', [{ name: 'm', dims: [1, 1, 4, 4], values: numbers(16) }], segments('probabilities', { 2: 'another-thing' }), /1 classes in m/], // prettier-ignore
    ['a segmentation without an image', [{ name: 'm', dims: [5], values: numbers(5) }], segments('argmax'), /shape \[5\], which has not 3 dimensions/], // prettier-ignore
  ])('%s', async (_name, given, parts, message) => {
    await expect(runs(given, parts)).rejects.toMatchObject({
      code: 'model-output',
      message: expect.stringMatching(message),
    });
  });

  test('more boxes than can be: no more than the package permits are kept, and quickly', async () => {
    const count = 50_000;
    const values = new Array<number>(6 * count);
    for (let i = 0; i < count; i += 1) {
      values[i] = (i * 7) % 32; // x
      values[count + i] = (i * 13) % 32;
      values[2 * count + i] = values[3 * count + i] = 1 + (i % 5);
      values[4 * count + i] = (i % 1000) / 1000;
      values[5 * count + i] = 0;
    }
    const from = performance.now();
    const { boxes } = await runs([{ name: 'b', dims: [1, 6, count], values }], boxes_(20));
    expect(boxes!.length).toBe(20);
    expect(performance.now() - from).toBeLessThan(20_000);
  });
  const boxes_ = (most: number) => ({
    outputs: { boxes: { layout: 'yolov8', name: 'b', labels: ['one-thing', 'another-thing'], most, iou: 1 } },
  });

  test('a volume of another size', async () => {
    const dir = package_(
      constant({ name: 'x', type: 'float32', dims: [1, 1, 8, 8, 8] }, [
        { name: 'm', type: 'uint8', dims: [1, 8, 8, 9], values: numbers(576, 1) },
      ]),
      volume,
    );
    const { manifest } = await loadPackage(dir);
    const network = await openNetwork(manifest, dir, 1);
    await expect(network.runVolume(slices(8))).rejects.toMatchObject({
      code: 'model-output',
      message: expect.stringMatching(/m in the size 8 × 8 × 9, not 8 × 8 × 8/),
    });
  });

  test('an input of another name, and a file that is no network', async () => {
    const parts = { ...score, input: { ...(manifestOf({})['input'] as object), name: 'picture' } };
    await expect(runs([S([0.5])], parts)).rejects.toMatchObject({ message: expect.stringMatching(/no input picture; there are: x/) }); // prettier-ignore
    const { manifest, dir } = await loadPackage(package_(Buffer.from('no network'), score));
    await expect(openNetwork(manifest, dir, 1)).rejects.toThrow(/protobuf|parse|model/i);
  });
});

const volume = {
  operatingPoints: {},
  defaultOperatingPoint: '',
  intendedUse: {
    ...(manifestOf({})['intendedUse'] as object),
    modalities: ['MR'],
    series: { slices: { min: 2 } },
  },
  input: {
    kind: 'volume',
    name: 'x',
    axes: 'LPS',
    size: [8, 8, 8],
    intensity: { kind: 'min-max' },
    normalise: { offset: 0, scale: 1 },
  },
  outputs: { segmentation: { name: 'm', form: 'labels', labels: { 1: 'one-thing' } } },
};
const slices = (n: number) => goldenVolume({ columns: 8, rows: 8, slices: n, max: 255 }, uniform(1));

/** A loop of so many rounds: each changes the value it carries. */
const loop = (rounds: number): Graph => ({
  inputs: [{ name: 'x', type: 'float32', dims: [1, 1, 8, 8, 8] }],
  outputs: [{ name: 'm', type: 'float32', dims: [1, 1, 8, 8, 8] }],
  initializers: [
    { name: 'rounds', type: 'int64', dims: [], values: [rounds] },
    { name: 'yes', type: 'bool', dims: [], values: [1] },
  ],
  nodes: [
    {
      op: 'Loop',
      inputs: ['rounds', 'yes', 'x'],
      outputs: ['m'],
      attributes: {
        body: {
          inputs: [
            { name: 'i', type: 'int64', dims: [] },
            { name: 'go', type: 'bool', dims: [] },
            { name: 'v', type: 'float32', dims: [1, 1, 8, 8, 8] },
          ],
          outputs: [
            { name: 'on', type: 'bool', dims: [] },
            { name: 'w', type: 'float32', dims: [1, 1, 8, 8, 8] },
          ],
          nodes: [
            { op: 'Identity', inputs: ['go'], outputs: ['on'] },
            { op: 'Neg', inputs: ['v'], outputs: ['w'] },
          ],
        },
      },
    },
  ],
});

describe('in its own process', () => {
  const given = () => slices(8).map((slice) => () => slice);

  test('a network that never returns is ended, and the next volume is taken', async () => {
    const resources = { memoryMB: 1024, seconds: 3 };
    const endless = await loadPackage(package_(onnx(loop(2 ** 40)), { ...volume, resources }));
    const runner = createRunner({ model: endless });
    try {
      await expect(runner.analyseVolume(given())).rejects.toMatchObject({
        code: 'model-time',
        message: 'test took longer than 3 s',
      });
      expect(runner.pid).toBeUndefined();
      await expect(runner.analyseVolume(given())).rejects.toMatchObject({ code: 'model-time' });
    } finally {
      await runner.close();
    }
  });

  test('one that eats memory in the middle of a volume is ended', async () => {
    const hungry = onnx({
      inputs: [{ name: 'x', type: 'float32', dims: [1, 1, 8, 8, 8] }],
      outputs: [{ name: 'm', type: 'float32', dims: [1, 1, 8, 8, 8] }],
      initializers: [{ name: 'wide', type: 'int64', dims: [6], values: [1500, 1000, 1, 8, 8, 8] }],
      // 3 GB of the input again and again, and then their mean.
      nodes: [
        { op: 'Expand', inputs: ['x', 'wide'], outputs: ['much'] },
        { op: 'ReduceMean', inputs: ['much'], outputs: ['less'], attributes: { axes: [0], keepdims: 0 } },
        { op: 'ReduceMean', inputs: ['less'], outputs: ['m'], attributes: { axes: [0], keepdims: 1 } },
      ],
    });
    const resources = { memoryMB: 600, seconds: 120 };
    const runner = createRunner({ model: await loadPackage(package_(hungry, { ...volume, resources })) });
    try {
      await expect(runner.analyseVolume(given())).rejects.toMatchObject({
        code: 'model-memory',
        message: expect.stringMatching(/^test took \d+ MB, more than 600 MB$/),
      });
    } finally {
      await runner.close();
    }
  });

  test('slices that make no volume say so, and the process lives', async () => {
    const plain = constant({ name: 'x', type: 'float32', dims: [1, 1, 8, 8, 8] }, [
      { name: 'm', type: 'uint8', dims: [1, 8, 8, 8], values: numbers(512, 1) },
    ]);
    const runner = createRunner({ model: await loadPackage(package_(plain, volume)) });
    try {
      const gap = given().filter((_, i) => i !== 4);
      await expect(runner.analyseVolume(gap)).rejects.toMatchObject({ code: 'volume-geometry' });
      const { pid } = runner;
      const { segmentation } = await runner.analyseVolume(given());
      expect(segmentation.segments).toMatchObject([{ label: 'one-thing', pixels: 512 }]);
      expect(segmentation.segments[0]!.ml).toBeCloseTo(0.512, 9);
      const broken = () => ({ kind: 'dicom', file: Buffer.from('no DICOM') }) as const;
      await expect(runner.analyseVolume([...given().slice(1), broken])).rejects.toMatchObject({ code: 'pixels-undecodable' }); // prettier-ignore
      // What was kept of the broken one is not part of the next.
      expect((await runner.analyseVolume(given())).order.length).toBe(8);
      expect(runner.pid).toBe(pid);
    } finally {
      await runner.close();
    }
  });
});

describe('files of a package', () => {
  const weights = constant(INPUT, [{ name: 's', dims: [1], values: [0.5] }]);
  const parts = { ...one, outputs: { score: { name: 's' } } };

  test('a link that leads out of the folder is not followed', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'negatoscope-outside-'));
    folders.push(outside);
    writeFileSync(join(outside, 'secret.onnx'), weights);
    const dir = package_(weights, parts);
    rmSync(join(dir, 'model.onnx'));
    symlinkSync(join(outside, 'secret.onnx'), join(dir, 'model.onnx'));
    const { manifest } = await loadPackage(dir);
    await expect(openNetwork(manifest, dir, 1)).rejects.toMatchObject({
      code: 'model-file',
      message: expect.stringMatching(/^model\.onnx of the model package .* leads out of its folder$/),
    });
    // A manifest likewise: what it would show of other files is the reason that it is refused for.
    const other = mkdtempSync(join(tmpdir(), 'negatoscope-package-'));
    folders.push(other);
    symlinkSync('/etc/passwd', join(other, 'model.json'));
    await expect(loadPackage(other)).rejects.toThrow(/leads out of its folder/);
    // The folder itself may be a link, and one within it too.
    const linked = join(outside, 'linked');
    symlinkSync(package_(weights, parts), linked);
    expect((await openNetwork((await loadPackage(linked)).manifest, linked, 1)).run).toBeTypeOf('function');
  });

  test('weights of 5 GB are refused without being read', async () => {
    const dir = package_(weights, parts);
    truncateSync(join(dir, 'model.onnx'), 5 * 1024 ** 3);
    const { manifest } = await loadPackage(dir);
    const before = process.memoryUsage().rss;
    await expect(openNetwork(manifest, dir, 1)).rejects.toMatchObject({
      code: 'model-file',
      message: expect.stringMatching(/has 5368709120 bytes, more than 2147483647$/),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  test('a folder in place of a file, and a manifest of a hundred megabytes', async () => {
    const dir = package_(weights, parts);
    rmSync(join(dir, 'model.onnx'));
    mkdirSync(join(dir, 'model.onnx'));
    const { manifest } = await loadPackage(dir);
    await expect(openNetwork(manifest, dir, 1)).rejects.toThrow(/is no file/);
    truncateSync(join(dir, 'model.json'), 100 * 2 ** 20);
    await expect(loadPackage(dir)).rejects.toThrow(/bytes, more than/);
  });
});

describe('a manifest that contradicts itself is refused, naming the field', () => {
  const score = { ...one, outputs: { score: { name: 's' } } };
  const input = manifestOf({})['input'] as object;
  test.each<[string, object]>([
    ['outputs', { outputs: {} }],
    ['finding', { outputs: score.outputs }],
    ['outputs.scores.labels.0', { outputs: { scores: { name: 's', labels: ['no-label'] } } }],
    [
      'outputs.scores',
      { ...one, outputs: { ...score.outputs, scores: { name: 't', labels: ['one-thing'] } } },
    ],
    ['outputs.boxes.labels.1', { outputs: { boxes: { layout: 'yolov8', name: 'b', labels: ['one-thing', 'constructor'] } } }], // prettier-ignore
    ['outputs.boxes.layout', { outputs: { boxes: { layout: 'yolov99', name: 'b', labels: ['one-thing'] } } }],
    ['outputs.segmentation.threshold', { outputs: { segmentation: { name: 'm', form: 'probabilities', labels: { 1: 'one-thing' } } } }], // prettier-ignore
    ['outputs.segmentation.labels.0', { outputs: { segmentation: { name: 'm', form: 'labels', labels: { 0: 'one-thing' } } } }], // prettier-ignore
    ['outputs.segmentation.labels.1', { outputs: { segmentation: { name: 'm', form: 'labels', labels: { 1: 'no-label' } } } }], // prettier-ignore
    ['defaultOperatingPoint', { ...score, operatingPoints: {}, defaultOperatingPoint: '' }],
    ['operatingPoints.only.thresholds.no-label', { ...score, operatingPoints: { only: { threshold: 0.5, thresholds: { 'no-label': 0.1 }, text: { fr: 'a', en: 'a' }, measured: [] } } }], // prettier-ignore
    [
      'input.normalise',
      { ...score, input: { ...input, channels: 3, normalise: { mean: [0.5], std: [0.5] } } },
    ],
    ['input.fit', { ...score, input: { ...input, fit: 'somehow' } }],
    ['input.intensity.kind', { ...score, input: { ...input, intensity: { kind: 'guess' } } }],
    ['input.axes', { ...volume, input: { ...volume.input, axes: 'LRS' } }],
    ['input.size', { ...volume, input: { ...volume.input, size: [1024, 1024, 1024] } }],
    ['intendedUse.series', { ...volume, intendedUse: manifestOf({})['intendedUse'] as object }],
    ['outputs.score', { ...volume, ...one, outputs: { ...volume.outputs, score: { name: 's' } }, operatingPoints: { only: { threshold: 0.5, text: { fr: 'a', en: 'a' }, measured: [] } }, defaultOperatingPoint: 'only' }], // prettier-ignore
  ])('%s', (field, parts) => {
    const weights = { file: 'model.onnx', sha256: '0'.repeat(64) };
    expect(() => parseManifest({ ...manifestOf(parts), weights }, 'x')).toThrow(
      expect.objectContaining({ code: 'model-manifest', details: { where: 'x', field } }),
    );
  });
});
