/**
 * The process of one model. It decodes, prepares and runs; whatever goes wrong here, the server lives on.
 * Niced, without the server's environment; it ends when the server goes away, even in the middle of an inference.
 */
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { FromModel, ToModel } from './messages.ts';
import { greyOfDicom } from './pixels.ts';
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
      network = await openNetwork(message.manifest, message.dir, message.threads);
      say({ kind: 'ready' });
    } catch (error) {
      sayError(null, error);
    }
    return;
  }
  const { id, work } = message;
  try {
    const plane = work.kind === 'grey' ? work.plane : await greyOfDicom(work.file);
    say({ kind: 'result', id, result: await network!.run(plane) });
  } catch (error) {
    sayError(id, error);
  }
  // A radiograph leaves a hundred megabytes behind, which V8 would leave lying for as long as the process waits.
  setImmediate(() => globalThis.gc?.());
});
