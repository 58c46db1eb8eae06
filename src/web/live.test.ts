import { QueryClient } from '@tanstack/react-query';
import { expect, it } from 'vitest';
import { touched } from './live.ts';
import { keys } from './queries.ts';

/** What is asked again, of all that a page may hold, after a message. */
async function stale(message: Parameters<typeof touched>[0]): Promise<string[]> {
  const client = new QueryClient();
  const held = [
    keys.me,
    [...keys.worklist, 'to-read'],
    keys.study('1.2'),
    keys.study('1.3'),
    keys.models,
    keys.knocks,
  ];
  for (const key of held) client.setQueryData(key, {});
  for (const queryKey of touched(message)) await client.invalidateQueries({ queryKey });
  return client
    .getQueryCache()
    .getAll()
    .filter(({ state }) => state.isInvalidated)
    .map(({ queryKey }) => queryKey.join(' '));
}

it('reloads the list and the study that changed, no other', async () => {
  expect(await stale({ type: 'study', studyUid: '1.2' })).toEqual(['worklist to-read', 'study 1.2']);
});
it('reloads every open study when a stage changed: what may be seen changed with it', async () => {
  expect(await stale({ type: 'stage', modelId: 'm' })).toEqual([
    'worklist to-read',
    'study 1.2',
    'study 1.3',
    'models',
  ]);
});
it('reloads the knocks', async () => {
  expect(await stale({ type: 'knock' })).toEqual(['knocks']);
});
it('reloads nothing for a first greeting', async () => {
  expect(await stale({ type: 'hello', seq: 1 })).toEqual([]);
});
