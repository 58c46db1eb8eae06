/** What a network gave for one image, checked against the manifest and brought into numbers with names. */
import type * as ort from 'onnxruntime-node';
import { boxesOnImage, fromCentre, LEAST_SCORE, yoloBoxes } from '../boxes.ts';
import type { RawBox } from '../boxes.ts';
import type { HeatGrid } from '../postprocess.ts';
import type { Letterbox } from '../preprocess.ts';
import { keepLargest, segmentsOf } from '../segments.ts';
import type { BoxesOutput, HeatmapOutput, ImageInput, ModelManifest, ModelOutputs } from '../types.ts';
import { labelsOf } from './labels.ts';
import type { ImageResult, InputFigures } from './messages.ts';
import { activated, outputOf, shapedAs, wrongOutput } from './tensors.ts';

type Answer = ort.InferenceSession.ReturnType;

/** More candidates than any detector gives for an input of 4096 pixels a side; beyond it the output is not what it should be. */
const MOST_CANDIDATES = 1_100_000;

export function imageResult(
  { id, outputs }: Pick<ModelManifest, 'id' | 'outputs'>,
  input: ImageInput,
  answer: Answer,
  letterbox: Letterbox,
  figures: InputFigures,
): ImageResult {
  const one = outputs.score ? scoreOf(answer, outputs.score, id) : undefined;
  const scores = outputs.scores && scoresOf(answer, outputs.scores, id);
  const boxes =
    outputs.boxes && boxesOnImage(rawBoxes(answer, outputs.boxes, input, id), outputs.boxes, letterbox);
  return {
    score: one ?? Math.max(0, ...Object.values(scores ?? {}), ...(boxes ?? []).map((box) => box.score)),
    grid: outputs.heatmap ? gridsOf(answer, outputs.heatmap, 1, input, id)[0]! : null,
    letterbox,
    input: figures,
    ...(scores && { scores }),
    ...(outputs.heatmaps && { grids: labelledGrids(answer, outputs.heatmaps, input, id) }),
    ...(boxes && { boxes }),
    ...(outputs.segmentation && {
      segmentation: segmented(answer, outputs.segmentation, letterbox, input, id),
    }),
    ...(outputs.measurements && { measurements: measured(answer, outputs.measurements, id) }),
  };
}

function scoreOf(answer: Answer, output: NonNullable<ModelOutputs['score']>, model: string): number {
  const { values, dims } = outputOf(answer, output.name, model);
  if (values.length !== 1)
    throw wrongOutput(model, `${output.name} in the shape [${dims.join(', ')}] where one score is wanted`);
  const [score] = activated(values, output.activation);
  return within(score!, output.name, model);
}

/** Thresholds are parts of 1, so a score beyond it is an output that was misread: logits without an activation. */
function within(score: number, name: string, model: string): number {
  const slack = 1e-3;
  if (!(score >= -slack && score <= 1 + slack))
    throw wrongOutput(model, `the score ${score} in ${name}, which is not between 0 and 1`);
  return Math.min(1, Math.max(0, score));
}

function scoresOf(
  answer: Answer,
  { name, labels, activation }: NonNullable<ModelOutputs['scores']>,
  model: string,
): Record<string, number> {
  const output = outputOf(answer, name, model);
  if (output.values.length !== labels.length)
    throw wrongOutput(
      model,
      `${output.values.length} scores in ${name}; the manifest names ${labels.length}`,
    );
  const values = activated(output.values, activation);
  return Object.fromEntries(
    labels.flatMap((label, i) => (label === null ? [] : [[label, within(values[i]!, name, model)]])),
  );
}

function gridsOf(
  answer: Answer,
  { name, stride }: HeatmapOutput,
  count: number,
  input: ImageInput,
  model: string,
): HeatGrid[] {
  const rows = input.height / stride;
  const columns = input.width / stride;
  const { values } = outputOf(answer, name, model);
  if (values.length !== count * rows * columns)
    throw wrongOutput(
      model,
      count === 1
        ? `a heat map of another size than ${rows} × ${columns}`
        : `heat maps of another size than ${count} × ${rows} × ${columns}`,
    );
  const all = values instanceof Float32Array ? values : Float32Array.from(values);
  const size = rows * columns;
  return Array.from({ length: count }, (_, i) => ({
    rows,
    columns,
    values: all.slice(i * size, (i + 1) * size),
  }));
}

function labelledGrids(
  answer: Answer,
  output: NonNullable<ModelOutputs['heatmaps']>,
  input: ImageInput,
  model: string,
): Record<string, HeatGrid> {
  const grids = gridsOf(answer, output, output.labels.length, input, model);
  // Class activation is shown by its positive part, the hottest cell being 1 (doi 10.1109/CVPR.2016.319).
  if (output.range === 'positive')
    for (const { values } of grids) {
      const most = values.reduce((a, b) => Math.max(a, b), 0);
      for (let i = 0; i < values.length; i += 1) values[i] = most > 0 ? Math.max(0, values[i]!) / most : 0;
    }
  return Object.fromEntries(
    output.labels.flatMap((label, i) => (label === null ? [] : [[label, grids[i]!]])),
  );
}

function rawBoxes(answer: Answer, output: BoxesOutput, input: ImageInput, model: string): RawBox[] {
  const raw =
    output.layout === 'separate' ? separate(answer, output, input, model) : yolo(answer, output, model);
  for (const { box, score, label } of raw) {
    within(score, 'the boxes', model);
    if (label < 0 || label >= output.labels.length)
      throw wrongOutput(model, `a box of class ${label}; the manifest names ${output.labels.length}`);
    if (!(box.width >= 0 && box.height >= 0)) throw wrongOutput(model, 'a box of negative size');
  }
  return raw;
}

function yolo(answer: Answer, output: Extract<BoxesOutput, { name: string }>, model: string): RawBox[] {
  const { name, layout, labels } = output;
  const given = outputOf(answer, name, model);
  const dims = shapedAs(given, 2, name, model);
  const [rows, width] = layout === 'yolov5' ? dims : [dims[1]!, dims[0]!];
  const wanted = (layout === 'yolov5' ? 5 : 4) + labels.length;
  if (width !== wanted)
    throw wrongOutput(model, `${name} in the shape [${given.dims.join(', ')}]: a box has ${width} numbers where ${labels.length} labels need ${wanted}`); // prettier-ignore
  if (rows! > MOST_CANDIDATES) throw wrongOutput(model, `${rows} boxes in ${name}`);
  return yoloBoxes(layout, given.values, rows!, labels.length);
}

function separate(
  answer: Answer,
  output: Extract<BoxesOutput, { layout: 'separate' }>,
  input: ImageInput,
  model: string,
): RawBox[] {
  const corners = outputOf(answer, output.boxes, model);
  // A detector that found nothing gives no rows.
  if (corners.values.length === 0) return [];
  const [count, four] = shapedAs(corners, 2, output.boxes, model);
  const scores = outputOf(answer, output.scores, model).values;
  const classes = output.classes === undefined ? undefined : outputOf(answer, output.classes, model).values;
  if (four !== 4 || scores.length !== count || (classes && classes.length !== count))
    throw wrongOutput(model, `${count} × ${four} numbers of boxes, ${scores.length} scores and ${classes?.length ?? 'no'} classes`); // prettier-ignore
  if (count > MOST_CANDIDATES) throw wrongOutput(model, `${count} boxes in ${output.boxes}`);
  const [w, h] = output.unit === 'part' ? [input.width, input.height] : [1, 1];
  return Array.from({ length: count }, (_, i): RawBox => {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => corners.values[4 * i + k]!) as [
      number,
      number,
      number,
      number,
    ];
    const box =
      output.corners === 'cxcywh'
        ? fromCentre(a * w, b * h, c * w, d * h)
        : output.corners === 'xyxy'
          ? { x: a * w, y: b * h, width: (c - a) * w, height: (d - b) * h }
          : { x: b * w, y: a * h, width: (d - b) * w, height: (c - a) * h };
    return {
      label: (classes?.[i] ?? output.firstClass ?? 0) - (output.firstClass ?? 0),
      score: scores[i]!,
      box,
    };
  }).filter(({ score }) => score >= LEAST_SCORE);
}

/** The network's labels on the pixels of the image: each takes the cell in which its centre lies. */
function segmented(
  answer: Answer,
  output: NonNullable<ModelOutputs['segmentation']>,
  letterbox: Letterbox,
  input: ImageInput,
  model: string,
): NonNullable<ImageResult['segmentation']> {
  const given = outputOf(answer, output.name, model);
  const dims = shapedAs(given, output.form === 'labels' ? 2 : 3, output.name, model);
  const [rows, columns] = dims.slice(-2) as [number, number];
  const labels = labelsOf(given, output, output.form === 'labels' ? 1 : dims[0]!, model);
  if (output.keep === 'largest') keepLargest(labels, [1, rows, columns]);
  const { imageWidth, imageHeight, left, top, width, height } = letterbox;
  const cell = (at: number, from: number, size: number, of: number, cells: number, whole: number): number =>
    Math.floor(((from + ((at + 0.5) * size) / of) * cells) / whole);
  const across = Array.from({ length: imageWidth }, (_, x) =>
    cell(x, left, width, imageWidth, columns, input.width),
  );
  const slice = new Uint8Array(imageWidth * imageHeight);
  for (let y = 0; y < imageHeight; y += 1) {
    const row = cell(y, top, height, imageHeight, rows, input.height);
    // Beyond the input where the image was cropped.
    if (row < 0 || row >= rows) continue;
    for (let x = 0; x < imageWidth; x += 1) {
      const column = across[x]!;
      if (column >= 0 && column < columns) slice[y * imageWidth + x] = labels[row * columns + column]!;
    }
  }
  return {
    rows: imageHeight,
    columns: imageWidth,
    geometry: null,
    ...segmentsOf([slice], imageHeight, imageWidth, output.labels, null),
  };
}

function measured(
  answer: Answer,
  { name, items }: NonNullable<ModelOutputs['measurements']>,
  model: string,
): Record<string, number> {
  const { values } = outputOf(answer, name, model);
  if (values.length !== items.length)
    throw wrongOutput(model, `${values.length} measurements in ${name}; the manifest names ${items.length}`);
  return Object.fromEntries(items.map(({ key }, i) => [key, values[i]!]));
}
