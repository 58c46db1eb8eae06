/** The network itself, in the process that runs it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-node';
import { NegatoscopeError } from '../../errors.ts';
import { MOST_WEIGHTS, packageFile } from '../packageFiles.ts';
import { preprocess } from '../preprocess.ts';
import type { GreyPlane } from '../preprocess.ts';
import type { ModelManifest } from '../types.ts';
import { imageResult } from './imageOutputs.ts';
import type { ImageResult, VolumeResult } from './messages.ts';
import type { Slice } from './pixels.ts';
import { figuresOf, tensorOf, type Infer } from './tensors.ts';
import { runVolume } from './volumeNetwork.ts';

export interface Network {
  /** Throws `model-output` when what comes out is not what the manifest says, `model-error` when the network fails. */
  run(plane: GreyPlane): Promise<ImageResult>;
  /** Takes the slices out of the array as it goes: they are not needed beside the network's own memory. */
  runVolume(slices: Slice[]): Promise<VolumeResult>;
}

/**
 * Reads the weights once, checks their hash, and opens exactly the bytes that were checked.
 * Throws `model-weights` when they are not those of the manifest, `model-file` when they are too large or lie elsewhere.
 */
export async function openNetwork(manifest: ModelManifest, dir: string, threads: number): Promise<Network> {
  const bytes = await readFile(await packageFile(dir, manifest.weights.file, MOST_WEIGHTS));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== manifest.weights.sha256)
    throw new NegatoscopeError(
      'model-weights',
      `The weights of ${manifest.id} ${manifest.version} are not those of its manifest: sha256 ${sha256}`,
      { status: 500, details: { model: manifest.id } },
    );
  const { input } = manifest;
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    // An arena keeps what one layer of a volume needed beside what the next one needs: a quarter more memory, no less time.
    ...(input.kind === 'volume' && { enableCpuMemArena: false, enableMemPattern: false }),
  });
  if (!session.inputNames.includes(input.name))
    throw new NegatoscopeError('model-output', `${manifest.id} has no input ${input.name}; there are: ${session.inputNames.join(', ')}`, { status: 500 }); // prettier-ignore
  const infer: Infer = async (values, dims) =>
    session.run({ [input.name]: tensorOf(values, dims, input.type) });
  return {
    async run(plane) {
      if (input.kind === 'volume') throw new Error('a volume is wanted, not an image');
      const { tensor, letterbox } = preprocess(plane, input);
      const channels = input.channels ?? 1;
      const dims =
        input.layout === 'NHWC'
          ? [1, input.height, input.width, channels]
          : [1, channels, input.height, input.width];
      return imageResult(manifest, input, await infer(tensor, dims), letterbox, figuresOf(tensor));
    },
    runVolume: (slices) => runVolume(manifest, slices, infer),
  };
}
