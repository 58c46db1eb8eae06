import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Batcher } from './batch.ts';

test('what comes during a commit goes together in the next', async () => {
  const groups: number[][] = [];
  const batcher = new Batcher<number, number>(async (items) => {
    groups.push([...items]);
    await sleep(5);
    return items.map((item) => item * 10);
  }, 4);
  const first = batcher.add(0);
  await sleep(1);
  const rest = [1, 2, 3, 4, 5, 6].map((item) => batcher.add(item));
  expect(await Promise.all([first, ...rest])).toEqual([0, 10, 20, 30, 40, 50, 60]);
  expect(groups).toEqual([[0], [1, 2, 3, 4], [5, 6]]);
  expect(await batcher.add(7)).toBe(70);
});

test('one that fails does not take its company down', async () => {
  const batcher = new Batcher<number, number>(async (items) => {
    await sleep(1);
    if (items.includes(2)) throw new Error('two');
    return items;
  });
  const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
