/** The far side of `createDecoderPool`: one job at a time, answers with the result or an error as plain data. */
import { parentPort } from 'node:worker_threads';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { decodeFrame } from './decode.ts';
import { renderFile } from './file.ts';
import type { PixelAnswer, PixelJob } from './pool.ts';

const port = parentPort!;

port.on('message', async ({ id, job }: { id: number; job: PixelJob }) => {
  try {
    const result =
      job.kind === 'decode'
        ? await decodeFrame(job.encoded, job.transferSyntax, job.attributes)
        : await renderFile(job.file, job.options);
    port.postMessage({ id, result } satisfies PixelAnswer);
  } catch (thrown) {
    const known = thrown instanceof NegatoscopeError;
    const details = known
      ? Object.fromEntries(Object.entries(thrown.details).map(([k, v]) => [k, String(v)]))
      : {};
    const error = {
      code: known ? thrown.code : 'pixels-undecodable',
      message: reasonOf(thrown),
      status: known ? thrown.status : 422,
      details,
    };
    port.postMessage({ id, error } satisfies PixelAnswer);
  }
});
