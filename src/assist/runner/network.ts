/** The network itself, in the process that runs it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { NegatoscopeError } from '../../errors.ts';
import { preprocess } from '../preprocess.ts';
import type { GreyPlane } from '../preprocess.ts';
import type { ModelManifest } from '../types.ts';
import type { ImageResult } from './messages.ts';

export interface Network {
  run(plane: GreyPlane): Promise<ImageResult>;
}

/**
 * Reads the weights once, checks their hash, and opens exactly the bytes that were checked.
 * Throws `model-weights` when they are not those of the manifest.
 */
export async function openNetwork(manifest: ModelManifest, dir: string, threads: number): Promise<Network> {
  const bytes = await readFile(join(dir, manifest.weights.file));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== manifest.weights.sha256)
    throw new NegatoscopeError(
      'model-weights',
      `The weights of ${manifest.id} ${manifest.version} are not those of its manifest: sha256 ${sha256}`,
      { status: 500, details: { model: manifest.id } },
    );
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
  const { input, outputs } = manifest;
  return {
    async run(plane) {
      const { tensor, letterbox } = preprocess(plane, input);
      const feeds = { [input.name]: new ort.Tensor('float32', tensor, [1, 1, input.height, input.width]) };
      const answer = await session.run(feeds);
      const score = Number(answer[outputs.score.name]?.data[0]);
      if (!Number.isFinite(score))
        throw new NegatoscopeError('model-output', `${manifest.id} gave no score`, { status: 500 });
      let grid: ImageResult['grid'] = null;
      if (outputs.heatmap) {
        const rows = input.height / outputs.heatmap.stride;
        const columns = input.width / outputs.heatmap.stride;
        const values = answer[outputs.heatmap.name]?.data;
        if (!(values instanceof Float32Array) || values.length !== rows * columns)
          throw new NegatoscopeError('model-output', `${manifest.id} gave a heat map of another size than ${rows} × ${columns}`, { status: 500 }); // prettier-ignore
        grid = { rows, columns, values };
      }
      return { score, grid, letterbox, input: statistics(tensor) };
    },
  };
}

function statistics(tensor: Float32Array): { mean: number; std: number } {
  let sum = 0;
  for (const x of tensor) sum += x;
  const mean = sum / tensor.length;
  let squares = 0;
  for (const x of tensor) squares += (x - mean) ** 2;
  return { mean, std: Math.sqrt(squares / tensor.length) };
}
