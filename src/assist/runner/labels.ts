/** The segmentation output of a network as one label number for each pixel or voxel. */
import type { SegmentationOutput } from '../types.ts';
import { wrongOutput } from './tensors.ts';
import type { Output } from './tensors.ts';

/**
 * `form: labels`: whole numbers; `argmax`: the class with the highest value (the first of equals); `probabilities`: the label with
 * the highest probability at or above the threshold, its number being the channel from 1. Numbers that the manifest does not name
 * become 0, the background.
 * Throws `model-output` for a number that is none of a label: below 0, above the classes, or not whole.
 * @param classes channels of the output; they are its outermost dimension
 */
export function labelsOf(
  { values }: Output,
  wanted: SegmentationOutput,
  classes: number,
  model: string,
): Uint8Array {
  const size = values.length / classes;
  const labels = new Uint8Array(size);
  const named = new Uint8Array(256);
  for (const number of Object.keys(wanted.labels)) named[Number(number)] = 1;
  const highest = Math.max(...Object.keys(wanted.labels).map(Number));
  if (wanted.form === 'labels') {
    for (let i = 0; i < size; i += 1) {
      const value = values[i]!;
      if (!(value >= 0 && value <= 255 && Number.isInteger(value)))
        throw wrongOutput(model, `${value} in ${wanted.name}, which is no number of a label`);
      labels[i] = named[value] ? value : 0;
    }
    return labels;
  }
  // Channels of probabilities count from 1: each is a label, none the background.
  const from = wanted.form === 'probabilities' ? 1 : 0;
  if (highest - from >= classes)
    throw wrongOutput(model, `${classes} classes in ${wanted.name}; the manifest names class ${highest}`);
  if (classes > 256) throw wrongOutput(model, `${classes} classes in ${wanted.name}, more than 256`);
  if (wanted.form === 'argmax') {
    const most = new Float32Array(size).fill(-Infinity);
    for (let c = 0; c < classes; c += 1) {
      const first = c * size;
      for (let i = 0; i < size; i += 1) {
        const value = values[first + i]!;
        if (value <= most[i]!) continue;
        most[i] = value;
        labels[i] = named[c] ? c : 0;
      }
    }
    return labels;
  }
  // A probability at the threshold is inside; compared before the sigmoid, which would cost an exponential for each voxel.
  const threshold = wanted.threshold ?? 0.5;
  const least = wanted.activation === 'sigmoid' ? Math.log(threshold / (1 - threshold)) : threshold;
  const most = new Float32Array(size).fill(-Infinity);
  for (let c = 0; c < classes; c += 1) {
    if (!named[c + 1]) continue;
    const first = c * size;
    for (let i = 0; i < size; i += 1) {
      const value = values[first + i]!;
      if (value < least || value <= most[i]!) continue;
      most[i] = value;
      labels[i] = c + 1;
    }
  }
  return labels;
}
