import type { Store } from '../../store/types.ts';
import type { Range } from '../facts.ts';
import { createCourses } from './course.ts';
import { turnaroundOf } from './figures.ts';
import type { Turnaround } from './types.ts';

export type * from './types.ts';
export { STRETCHES } from './types.ts';

const CACHED = 32;

/** How long studies take, from the event log; answers are kept until the next event that changes them. */
export function createTurnaround({ store, timeZone }: { store: Store; timeZone: string }) {
  const courses = createCourses(store);
  const cache = new Map<string, Promise<Turnaround>>();

  async function make(modelId: string, range: Range): Promise<Turnaround> {
    const [rows, recordedSince] = await Promise.all([courses.ofTool(modelId, range), courses.since()]);
    return turnaroundOf(rows, { modelId, timeZone, recordedSince });
  }

  return {
    start: () => courses.start(),
    async of(modelId: string, range: Range = {}): Promise<Turnaround> {
      const key = JSON.stringify([modelId, range.from ?? null, range.to ?? null, await courses.seq()]);
      const known = cache.get(key);
      if (known) return known;
      const made = make(modelId, range);
      cache.set(key, made);
      made.catch(() => cache.delete(key));
      if (cache.size > CACHED) cache.delete(cache.keys().next().value!);
      return made;
    },
  };
}
