/** What became of the files of a queue; pure. */
import { isDicomdirPath, missingOf } from './collect.ts';
import type { Item } from './queue.ts';

export interface Summary {
  total: number;
  finished: number;
  stored: number;
  duplicates: number;
  ignored: number;
  problems: number;
  /** Waiting for the form. */
  forms: number;
  bytes: number;
  /** Bytes, of those that are finished and under way. */
  sent: number;
  /** Files that a DICOMDIR names and that were not among those dropped; counted once all are finished. */
  missing: string[];
}

export function summary(all: readonly Item[]): Summary {
  const sum: Summary = {
    total: 0,
    finished: 0,
    stored: 0,
    duplicates: 0,
    ignored: 0,
    problems: 0,
    forms: 0,
    bytes: 0,
    sent: 0,
    missing: [],
  };
  for (const { size, state } of all) {
    sum.total++;
    sum.bytes += size;
    if (state.kind === 'sending') sum.sent += size * state.sent;
    if (state.kind === 'form') sum.forms++;
    if (state.kind !== 'done' && state.kind !== 'failed') continue;
    sum.finished++;
    sum.sent += size;
    if (state.kind === 'failed') sum.problems++;
    else if (state.result.status === 'stored') sum.stored++;
    else if (state.result.status === 'duplicate') sum.duplicates++;
    else if (state.result.status === 'ignored') sum.ignored++;
    else sum.problems++;
  }
  if (sum.finished + sum.forms === sum.total) sum.missing = missing(all);
  return sum;
}

function missing(all: readonly Item[]): string[] {
  const paths = all.map(({ path }) => path);
  return all.flatMap(({ path, state }) =>
    state.kind === 'done' && state.result.status === 'ignored' && state.result.files && isDicomdirPath(path)
      ? missingOf(path, state.result.files, paths)
      : [],
  );
}

/** Whether a person has to look at it. */
export const isProblem = ({ state }: Item): boolean =>
  state.kind === 'failed' ||
  (state.kind === 'done' && (state.result.status === 'quarantined' || state.result.status === 'refused'));
