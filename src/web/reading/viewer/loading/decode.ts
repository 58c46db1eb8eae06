/** Workers that decode compressed frames. */
import type { DecodeAnswer, DecodeRequest } from './decode.worker.ts';

/** One stays free for the page. */
const WORKERS = Math.max(1, Math.min(3, (navigator.hardwareConcurrency || 2) - 1));

interface Waiting {
  resolve(answer: { bytes: ArrayBuffer; bits: number }): void;
  reject(error: Error): void;
}
const waiting = new Map<number, Waiting>();
const workers: Worker[] = [];
let ids = 0;

function worker(): Worker {
  if (workers.length === WORKERS) return workers[ids % WORKERS]!;
  const fresh = new Worker(new URL('./decode.worker.ts', import.meta.url), { type: 'module' });
  fresh.addEventListener('message', ({ data }: MessageEvent<DecodeAnswer>) => {
    const task = waiting.get(data.id);
    waiting.delete(data.id);
    if ('error' in data) task?.reject(new Error(data.error));
    else task?.resolve(data);
  });
  fresh.addEventListener('error', () => {
    // Its code could not be loaded, say: everything that waits is told, and asks for uncompressed frames.
    for (const { reject } of waiting.values()) reject(new Error('The decoder did not start.'));
    waiting.clear();
  });
  workers.push(fresh);
  return fresh;
}

/** An HTJ2K codestream → samples of 8 or 16 bits. `bytes` is given away. Throws an `Error` for a damaged one. */
export function decodeHtj2k(bytes: ArrayBuffer): Promise<{ bytes: ArrayBuffer; bits: number }> {
  const id = ++ids;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker().postMessage({ id, bytes } satisfies DecodeRequest, [bytes]);
  });
}
