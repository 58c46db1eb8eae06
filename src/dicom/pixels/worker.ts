/** The far side of `createDecoderPool`: one job at a time, answers with the result or an error as plain data. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { blobMissing, NegatoscopeError, reasonOf } from '../../errors.ts';
import { decodeFrame } from './decode.ts';
import { transcodeFrame } from './encode.ts';
import { renderFile, renderStored } from './file.ts';
import type { FilePlace, PixelAnswer, PixelJob } from './pool.ts';
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

async function done(job: PixelJob): Promise<DecodedFrame | Uint8Array> {
  switch (job.kind) {
    case 'decode':
      return decodeFrame(job.encoded, job.transferSyntax, job.attributes);
    case 'transcode':
      return ownMemory(await transcodeFrame(job.encoded, job.from, job.to, job.attributes));
    case 'render':
      return ownMemory(await renderFile(job.file, job.options));
    case 'renderStored': {
      const file = opened(job.place);
      try {
        return ownMemory(await renderStored({ ...job, read: file.read }, job.options));
      } finally {
        file.close();
      }
    }
  }
}

/** To hand over: a Buffer may be a part of Node's memory or of a library's. */
const ownMemory = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

function opened(place: FilePlace): { read(target: Uint8Array, position: number): void; close(): void } {
  if ('bytes' in place) {
    const { bytes } = place;
    const read = (target: Uint8Array, position: number): void => {
      if (position + target.length > bytes.length) throw blobMissing('shorter');
      target.set(bytes.subarray(position, position + target.length));
    };
    return { read, close: () => {} };
  }
  const file = openedFile(place.path);
  const read = (target: Uint8Array, position: number): void => {
    for (let at = 0; at < target.length;) {
      const count = readSync(file, target, at, target.length - at, position + at);
      if (count === 0) throw blobMissing('shorter');
      at += count;
    }
  };
  return { read, close: () => closeSync(file) };
}

function openedFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw blobMissing('gone', thrown);
    throw thrown;
  }
}
