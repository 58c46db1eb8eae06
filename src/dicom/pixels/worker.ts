/** The far side of `createDecoderPool`: one job at a time, answers with the result or an error as plain data. */
import { parentPort } from 'node:worker_threads';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { decodeFrame } from './decode.ts';
import { transcodeFrame } from './encode.ts';
import { renderFile } from './file.ts';
import type { PixelAnswer, PixelJob } from './pool.ts';
import type { DecodedFrame } from './types.ts';

const port = parentPort!;

port.on('message', async ({ id, job }: { id: number; job: PixelJob }) => {
  try {
    const result = await done(job);
    // Handed over, not copied: nothing here holds a frame.
    const { buffer } = 'data' in result ? result.data : result;
    port.postMessage({ id, result } satisfies PixelAnswer, [buffer as ArrayBuffer]);
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

/** Bytes of their own memory: a Buffer may be a part of Node's. */
async function done(job: PixelJob): Promise<DecodedFrame | Uint8Array> {
  if (job.kind === 'decode') return decodeFrame(job.encoded, job.transferSyntax, job.attributes);
  if (job.kind === 'transcode')
    return new Uint8Array(await transcodeFrame(job.encoded, job.from, job.to, job.attributes));
  return new Uint8Array(await renderFile(job.file, job.options));
}
