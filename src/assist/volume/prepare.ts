/** From the slices of a series to the input of a network: resampling, intensity, normalising. Pure. */
import { normaliser } from '../preprocess.ts';
import type { VolumeInput, VolumeIntensity } from '../types.ts';
import { networkGrid, resampled } from './conform.ts';
import type { Grid } from './conform.ts';

export interface PreparedVolume {
  readonly grid: Grid;
  /** `[1, 1, …grid.size]`. */
  readonly tensor: Float32Array;
}

/** `slices`: modality values, `rows × columns` each, in the order of `source`. */
export function prepareVolume(
  slices: readonly Float32Array[],
  source: Grid,
  input: VolumeInput,
): PreparedVolume {
  const grid = networkGrid(source, input);
  const outside = input.outside ?? endsOf(slices)[0];
  const scaled = input.intensity.kind === 'conform' ? conformScale(slices) : undefined;
  const tensor = resampled(slices, source, grid, outside);
  if (scaled) for (let i = 0; i < tensor.length; i += 1) tensor[i] = scaled(tensor[i]!);
  stretch(tensor, input.intensity, normaliser(input.normalise, 0));
  return { grid, tensor };
}

function endsOf(parts: readonly Float32Array[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const part of parts)
    for (const value of part) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  return [low, high];
}

/** In place: intensity to 0…1 (or z-scores), then the network's own range. */
function stretch(values: Float32Array, intensity: VolumeIntensity, [offset, scale]: [number, number]): void {
  let low: number;
  let range: number;
  let clip = false;
  if (intensity.kind === 'z-score') {
    [low, range] = momentsOf(values, intensity.of === 'non-zero');
  } else if (intensity.kind === 'window') {
    [low, range] = [intensity.centre - intensity.width / 2, intensity.width];
    clip = intensity.clip !== false;
  } else if (intensity.kind === 'percentile') {
    const sorted = values.slice().sort();
    const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))]!;
    low = at(intensity.low);
    range = at(intensity.high) - low;
    clip = intensity.clip !== false;
  } else {
    const [least, most] = endsOf([values]);
    [low, range] = [least, most - least];
  }
  if (!(range > 1e-6)) range = 1e-6;
  for (let i = 0; i < values.length; i += 1) {
    const part = (values[i]! - low) / range;
    const grey = clip ? Math.min(1, Math.max(0, part)) : part;
    values[i] = (grey - offset) * scale;
  }
}

/** Mean and population standard deviation. */
function momentsOf(values: Float32Array, nonZero: boolean): [number, number] {
  let count = 0;
  let sum = 0;
  for (const value of values) if (!nonZero || value !== 0) ((count += 1), (sum += value));
  const mean = sum / Math.max(1, count);
  let squares = 0;
  for (const value of values) if (!nonZero || value !== 0) squares += (value - mean) ** 2;
  return [mean, Math.sqrt(squares / Math.max(1, count))];
}

const BINS = 1000;
const TOP = 0.999;

/**
 * FreeSurfer's conversion to 8 bits (`mri_convert --conform`): the smallest value becomes 0, the value below which 99.9 % of the
 * non-zero voxels lie 255; clipped and truncated. A source that holds 8-bit values is left as it is.
 */
function conformScale(slices: readonly Float32Array[]): ((value: number) => number) | undefined {
  const [low, high] = endsOf(slices);
  const eightBit =
    low >= 0 && high <= 255 && slices.every((s) => s.every((value) => Number.isInteger(value)));
  if (eightBit || !(high > low)) return undefined;
  const top = conformTop(slices);
  const scale = 255 / Math.max(top - low, 1e-6);
  return (value) => Math.trunc(Math.min(255, Math.max(0, (value - low) * scale)));
}

/**
 * The value that becomes 255, from a histogram of 1000 bins: the edge two below the one up to which all but 0.1 % of the non-zero
 * voxels lie, as FreeSurfer's and FastSurfer's code have it (doi 10.1016/j.neuroimage.2020.117012).
 */
export function conformTop(slices: readonly Float32Array[]): number {
  const [low, high] = endsOf(slices);
  const width = (high - low) / BINS;
  const histogram = new Float64Array(BINS);
  let voxels = 0;
  let nonZero = 0;
  for (const slice of slices) {
    voxels += slice.length;
    for (const value of slice) {
      histogram[Math.min(BINS - 1, Math.floor((value - low) / width))]! += 1;
      if (Math.abs(value) >= 1e-15) nonZero += 1;
    }
  }
  const wanted = voxels - Math.floor((1 - TOP) * nonZero);
  let edge = 0;
  for (let below = 0; edge < BINS && below < wanted; edge += 1) below += histogram[edge]!;
  return low + Math.max(1, edge - 2) * width;
}
