/** From the outputs of a network to what is proposed: verdict on the image, suspected places, the heat map to show. */
import { clipToImage } from './box.ts';
import { toImage } from './preprocess.ts';
import type { Letterbox } from './preprocess.ts';
import type { NetworkBox } from './boxes.ts';
import type { ImageResult } from './runner/messages.ts';
import type { Box, HeatmapOutput, ModelManifest, OperatingPoint } from './types.ts';

export type { NetworkBox };

/** Probabilities 0…1 on a grid over the network's input, row major. */
export interface HeatGrid {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** A connected group of cells at or above the threshold. `column`, `row`: its top left cell; sizes in cells. */
export interface Component {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
  readonly peak: number;
}

const NEIGHBOURS = {
  4: [[0, -1], [0, 1], [-1, 0], [1, 0]],
  8: [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]],
} as const; // prettier-ignore

/** Hottest first. */
export function components(grid: HeatGrid, threshold: number, connectivity: 4 | 8): Component[] {
  const { rows, columns, values } = grid;
  const seen = new Uint8Array(values.length);
  const found: Component[] = [];
  for (let start = 0; start < values.length; start += 1) {
    if (seen[start] || !(values[start]! >= threshold)) continue;
    let top = rows;
    let bottom = -1;
    let left = columns;
    let right = -1;
    let peak = 0;
    const open = [start];
    seen[start] = 1;
    while (open.length > 0) {
      const cell = open.pop()!;
      const row = Math.floor(cell / columns);
      const column = cell % columns;
      top = Math.min(top, row);
      bottom = Math.max(bottom, row);
      left = Math.min(left, column);
      right = Math.max(right, column);
      peak = Math.max(peak, values[cell]!);
      for (const [dy, dx] of NEIGHBOURS[connectivity]) {
        const y = row + dy;
        const x = column + dx;
        if (y < 0 || y >= rows || x < 0 || x >= columns) continue;
        const next = y * columns + x;
        if (seen[next] || !(values[next]! >= threshold)) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    found.push({ row: top, column: left, rows: bottom - top + 1, columns: right - left + 1, peak });
  }
  return found.sort((a, b) => b.peak - a.peak);
}

/** What the network says about one image. */
export interface Verdict {
  readonly score: number;
  readonly positive: boolean;
  /** Only on a positive image; none is a finding without a place. Pixels of the image. */
  readonly places: { box: Box; peak: number }[];
}

export function verdict(
  score: number,
  grid: HeatGrid | null,
  letterbox: Letterbox,
  outputs: { readonly heatmap?: HeatmapOutput },
  threshold: number,
): Verdict {
  const positive = score >= threshold;
  const heatmap = outputs.heatmap;
  if (!positive || !grid || !heatmap) return { score, positive, places: [] };
  return { score, positive, places: placesOf(grid, letterbox, heatmap) };
}

function placesOf(grid: HeatGrid, letterbox: Letterbox, heatmap: HeatmapOutput): Verdict['places'] {
  return components(grid, heatmap.componentThreshold, heatmap.connectivity).flatMap((c) => {
    const cells = {
      x: c.column * heatmap.stride,
      y: c.row * heatmap.stride,
      width: c.columns * heatmap.stride,
      height: c.rows * heatmap.stride,
    };
    // None: a hot cell of the padding.
    const box = clipToImage(toImage(cells, letterbox), letterbox.imageWidth, letterbox.imageHeight);
    return box ? [{ box, peak: c.peak }] : [];
  });
}

/** Whether a threshold decides anything: not for tools that only measure or segment. */
export const decides = ({ outputs }: Pick<ModelManifest, 'outputs'>): boolean =>
  Boolean(outputs.score ?? outputs.scores ?? outputs.boxes);

export const thresholdOf = (point: Pick<OperatingPoint, 'threshold' | 'thresholds'>, label: string): number =>
  point.thresholds?.[label] ?? point.threshold;

/** What is proposed of one image: a finding for each label that reaches its threshold, the surest first. */
export interface Judged {
  readonly positive: boolean;
  readonly findings: readonly {
    readonly label: string;
    readonly score: number;
    readonly places: Verdict['places'];
  }[];
}

export function judged(
  seen: ImageResult,
  { outputs, finding }: Pick<ModelManifest, 'outputs' | 'finding'>,
  point: Pick<OperatingPoint, 'threshold' | 'thresholds'>,
): Judged {
  const found: { label: string; score: number; places: Verdict['places'] }[] = [];
  if (outputs.score && finding) {
    const { label } = finding;
    const { positive, places } = verdict(
      seen.score,
      seen.grid,
      seen.letterbox,
      outputs,
      thresholdOf(point, label),
    );
    if (positive) found.push({ label, score: seen.score, places });
  }
  for (const [label, score] of Object.entries(seen.scores ?? {})) {
    if (score < thresholdOf(point, label)) continue;
    const grid = seen.grids?.[label];
    const places = grid && outputs.heatmaps ? placesOf(grid, seen.letterbox, outputs.heatmaps) : [];
    found.push({ label, score, places });
  }
  const boxes = (seen.boxes ?? []).filter(({ label, score }) => score >= thresholdOf(point, label));
  for (const [label, of] of Map.groupBy(boxes, (box) => box.label)) {
    const places = of.map(({ box, score }) => ({ box, peak: score }));
    const there = found.find((each) => each.label === label);
    // The image's own score is the sentence on the image; its boxes are where.
    if (there) there.places.push(...places);
    else found.push({ label, score: of[0]!.score, places });
  }
  found.sort((a, b) => b.score - a.score);
  return { positive: found.length > 0, findings: found };
}

/** The heat map over the image: cells of the padding cut off, 0…255 for 0…1, and where it lies in pixels of the image. */
export interface ImageHeat {
  readonly rows: number;
  readonly columns: number;
  readonly cells: Uint8Array;
  /** Whole cells: overhangs the image by less than a cell on each side. */
  readonly box: Box;
}

export function heatOverImage(grid: HeatGrid, letterbox: Letterbox, stride: number): ImageHeat {
  const left = Math.floor(letterbox.left / stride);
  const top = Math.floor(letterbox.top / stride);
  const right = Math.min(grid.columns, Math.ceil((letterbox.left + letterbox.width) / stride));
  const bottom = Math.min(grid.rows, Math.ceil((letterbox.top + letterbox.height) / stride));
  const columns = right - left;
  const rows = bottom - top;
  const cells = new Uint8Array(rows * columns);
  for (let y = 0; y < rows; y += 1)
    for (let x = 0; x < columns; x += 1) {
      const value = grid.values[(top + y) * grid.columns + left + x]!;
      cells[y * columns + x] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  const box = toImage(
    { x: left * stride, y: top * stride, width: columns * stride, height: rows * stride },
    letterbox,
  );
  return { rows, columns, cells, box };
}
