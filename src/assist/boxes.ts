/** Boxes of detectors: decoding their outputs, and joining those that overlap. Pure. */
import { clipToImage } from './box.ts';
import { toImage } from './preprocess.ts';
import type { Letterbox } from './preprocess.ts';
import type { Box, BoxesOutput } from './types.ts';

export interface NetworkBox {
  readonly label: string;
  /** 0…1. */
  readonly score: number;
  /** Pixels of the image. */
  readonly box: Box;
}

/** In pixels of the network's input. `label`: index into the labels. */
export interface RawBox {
  readonly label: number;
  readonly score: number;
  readonly box: Box;
}

/** Weaker ones are not looked at: YOLO's own evaluation keeps those from 0.001 on. */
export const LEAST_SCORE = 0.001;
/** Of one image before overlaps are removed; the surest count (as in Ultralytics' `max_nms`). */
const MOST_RAW = 30_000;
const IOU = 0.45;
const MOST = 100;

/**
 * YOLO v5: rows of `[x, y, width, height, objectness, …classes]`, score = objectness × class. v8 and v11: columns of
 * `[x, y, width, height, …classes]`. Centres and sizes in pixels of the input.
 * @param values for v5 `rows × (5 + classes)`, for v8 `(4 + classes) × rows`, C order
 */
export function yoloBoxes(
  layout: 'yolov5' | 'yolov8',
  values: ArrayLike<number>,
  rows: number,
  classes: number,
): RawBox[] {
  const found: RawBox[] = [];
  const width = (layout === 'yolov5' ? 5 : 4) + classes;
  const at = (row: number, column: number): number =>
    values[layout === 'yolov5' ? row * width + column : column * rows + row]!;
  for (let row = 0; row < rows; row += 1) {
    const objectness = layout === 'yolov5' ? at(row, 4) : 1;
    let label = 0;
    let best = -Infinity;
    for (let c = 0; c < classes; c += 1) {
      const value = at(row, width - classes + c);
      if (value > best) [best, label] = [value, c];
    }
    const score = best * objectness;
    if (score < LEAST_SCORE) continue;
    found.push({ label, score, box: fromCentre(at(row, 0), at(row, 1), at(row, 2), at(row, 3)) });
  }
  return found;
}

export const fromCentre = (x: number, y: number, width: number, height: number): Box => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});

export function iou(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (a.width * a.height + b.width * b.height - both);
}

/**
 * Greedy non-maximum suppression within each label: surest first; one that overlaps a surer one by more than `limit` is left out.
 * At most `most` remain.
 */
export function suppressed(boxes: readonly RawBox[], limit: number, most: number): RawBox[] {
  const sorted = [...boxes].sort((a, b) => b.score - a.score).slice(0, MOST_RAW);
  const kept: RawBox[] = [];
  for (const each of sorted) {
    if (kept.length >= most) break;
    if (kept.some((k) => k.label === each.label && iou(k.box, each.box) > limit)) continue;
    kept.push(each);
  }
  return kept;
}

/** What is left of them, in pixels of the image: overlaps removed, the letterbox undone, cut to the image. */
export function boxesOnImage(
  raw: readonly RawBox[],
  output: BoxesOutput,
  letterbox: Letterbox,
): NetworkBox[] {
  const cut = ({ box }: RawBox): Box | undefined =>
    clipToImage(toImage(box, letterbox), letterbox.imageWidth, letterbox.imageHeight);
  // Boxes in the padding must not take the place of others.
  const onImage = raw.filter((each) => cut(each));
  return suppressed(onImage, output.iou ?? IOU, output.most ?? MOST).map((each) => ({
    label: output.labels[each.label]!,
    score: each.score,
    box: cut(each)!,
  }));
}
