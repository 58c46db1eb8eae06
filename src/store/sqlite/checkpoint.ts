import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { reasonOf } from '../../errors.ts';
import type { Log } from '../types.ts';

/** Pages of the log after which they are copied to the database: 16 MB. */
const PAGES = 4_000;
/** Pages that a write adds, until the first checkpoint tells. */
const GUESS = 25;

export interface Checkpointer {
  /** To be called after each write. */
  wrote(): void;
  close(): Promise<void>;
}

/**
 * Keeps the write-ahead log short without waiting for the disk in the event loop. Most of it is copied while writes go on; for
 * the few pages that came meanwhile they are held up, so that the log is whole in the database for a moment and the next write
 * begins it anew. Where that cannot be done, SQLite's own checkpoint steps in (`wal_autocheckpoint`).
 *
 * @param hold runs work while nobody writes
 */
export function createCheckpointer(
  file: string,
  hold: (work: () => Promise<void>) => Promise<void>,
  log: Log,
): Checkpointer {
  let worker: Worker | undefined;
  let running: Promise<void> | undefined;
  let writes = 0;
  let perWrite = GUESS;
  let failed = false;

  const ask = async (): Promise<{ log: number; checkpointed: number }> => {
    if (!worker) {
      worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
        workerData: { file },
        execArgv: ['--disable-warning=ExperimentalWarning'],
      });
      worker.unref();
    }
    const answer = once(worker, 'message'); // rejects with an error of the worker
    worker.postMessage('checkpoint');
    return (await answer)[0] as { log: number; checkpointed: number };
  };

  const run = async (): Promise<void> => {
    const counted = writes;
    const first = await ask();
    if (first.log > 0) perWrite = Math.max(1, first.log / Math.max(1, counted));
    await hold(async () => void (await ask()));
    writes = 0;
  };

  return {
    wrote() {
      writes += 1;
      if (running || failed || writes * perWrite < PAGES) return;
      running = run()
        .catch((thrown) => {
          failed = true;
          log.warn({ reason: reasonOf(thrown) }, 'the thread for checkpoints failed, SQLite makes its own');
        })
        .finally(() => (running = undefined));
    },
    async close() {
      failed = true;
      await running;
      if (!worker) return;
      worker.ref();
      const ended = once(worker, 'exit');
      worker.postMessage('close');
      await ended;
    },
  };
}
