import { expect, it } from 'vitest';
import { ApiFailure } from '../api.ts';
import type { Item, ItemState } from './queue.ts';
import { isProblem, summary } from './summary.ts';

const item = (size: number, state: ItemState): Item => ({
  id: 0,
  path: 'f',
  size,
  open: async () => new Blob(),
  depth: 0,
  key: null,
  tries: 0,
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
    forms: 0,
    bytes: 400,
    sent: 250,
    missing: [],
  });
  expect(all.filter(isProblem)).toHaveLength(2);
});

it('has no progress of nothing', () => {
  expect(summary([]).sent).toBe(0);
});
