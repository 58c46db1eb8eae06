import { expect, it } from 'vitest';
import { ApiFailure } from '../api.ts';
import { isProblem, summary } from './queue.ts';
import type { Item, ItemState } from './queue.ts';

const item = (size: number, state: ItemState): Item => ({
  id: 0,
  file: new File([new Uint8Array(size)], 'f'),
  path: 'f',
  state,
});
const stored: ItemState = { kind: 'done', result: { status: 'stored', studyUid: '1', sopInstanceUid: '2' } };
const aside: ItemState = {
  kind: 'done',
  result: { status: 'quarantined', id: 'q', reason: 'truncated', detail: '' },
};
const failed: ItemState = { kind: 'failed', failure: new ApiFailure(0, 'unreachable', '') };

it('counts what became of the files', () => {
  const all = [
    item(100, stored),
    item(100, { kind: 'sending', sent: 0.5 }),
    item(50, aside),
    item(50, failed),
    item(100, { kind: 'waiting' }),
    item(0, { kind: 'done', result: { status: 'ignored', reason: 'dicomdir' } }),
  ];
  expect(summary(all)).toEqual({
    total: 6,
    finished: 4,
    stored: 1,
    duplicates: 0,
    ignored: 1,
    problems: 2,
    photos: 0,
    progress: 250 / 400,
  });
  expect(all.filter(isProblem)).toHaveLength(2);
});

it('has no progress of nothing', () => {
  expect(summary([]).progress).toBe(0);
});
