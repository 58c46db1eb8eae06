/**
 * The process of one model. It decodes, prepares and runs; whatever goes wrong here, the server lives on.
 * Niced, without the server's environment; it ends when the server goes away, even in the middle of an inference.
 */
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { FromModel, ToModel } from './messages.ts';
import { greyOfDicom, sliceOfDicom } from './pixels.ts';
import type { Slice } from './pixels.ts';
import type { ImageInput } from '../types.ts';
import { openNetwork } from './network.ts';
import type { Network } from './network.ts';

const NICENESS = 10;

os.setPriority(NICENESS);
process.on('disconnect', () => process.exit(0));
// An inference blocks this thread, so 'disconnect' would be heard only after it: a second thread looks for the parent.
new Worker(
  `const parent = process.ppid;
   setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);`,
  { eval: true },
).unref();

let network: Network | undefined;
let intensity: ImageInput['intensity'] | undefined;
/** Of the volume that is being brought together. */
const slices: Slice[] = [];

const say = (message: FromModel): void => {
  process.send?.(message);
};
const sayError = (id: number | null, error: unknown): void =>
  say({
    kind: 'error',
    id,
    code: error instanceof NegatoscopeError ? error.code : 'model-error',
    message: reasonOf(error),
  });

process.on('message', async (message: ToModel) => {
  if (message.kind === 'open') {
    try {
      const { input } = message.manifest;
      intensity = input.kind === 'volume' ? undefined : input.intensity;
      network = await openNetwork(message.manifest, message.dir, message.threads);
      say({ kind: 'ready' });
    } catch (error) {
      sayError(null, error);
    }
    return;
  }
  try {
    say(await answered(message));
  } catch (error) {
    sayError(message.id, error);
  }
  // A radiograph leaves a hundred megabytes behind, which V8 would leave lying for as long as the process waits.
  setImmediate(() => globalThis.gc?.());
});

async function answered(message: Exclude<ToModel, { kind: 'open' }>): Promise<FromModel> {
  const { id } = message;
  if (message.kind === 'image') {
    const { work } = message;
    const plane = work.kind === 'grey' ? work.plane : await greyOfDicom(work.file, intensity);
    return { kind: 'result', id, result: await network!.run(plane) };
  }
  if (message.kind === 'slice') {
    const { work } = message;
    if (message.first) slices.length = 0;
    slices.push(work.kind === 'values' ? work : await sliceOfDicom(work.file));
    return { kind: 'kept', id };
  }
  try {
    return { kind: 'volume', id, result: await network!.runVolume(slices) };
  } finally {
    slices.length = 0;
  }
}
