/** Several processes of one model, so that several studies are worked on at once; each is started when it is needed. */
import type { Runner, RunnerOptions } from './runner.ts';
import { createRunner } from './runner.ts';

/** `size` at least 1. A pool of one is its runner. */
export function createPool(size: number, options: RunnerOptions): Runner {
  const runners = Array.from({ length: Math.max(1, size) }, () => createRunner(options));
  const busy = runners.map(() => 0);
  async function byOne<T>(act: (runner: Runner) => Promise<T>): Promise<T> {
    // The least busy, and of those the first: it is warm.
    const at = busy.indexOf(Math.min(...busy));
    busy[at]! += 1;
    try {
      return await act(runners[at]!);
    } finally {
      busy[at]! -= 1;
    }
  }
  return {
    analyse: (work, signal) => byOne((runner) => runner.analyse(work, signal)),
    analyseVolume: (slices, signal) => byOne((runner) => runner.analyseVolume(slices, signal)),
    get pid() {
      return runners.find(({ pid }) => pid !== undefined)?.pid;
    },
    async close() {
      await Promise.all(runners.map((runner) => runner.close()));
    },
  };
}
