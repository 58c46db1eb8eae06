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

test('two groups go at once, and the later one tells nothing before the earlier one', async () => {
  const finish: (() => void)[] = [];
  const batcher = new Batcher<number, number>(async (items) => {
    await new Promise<void>((resolve) => finish.push(resolve));
    return items;
  });
  const told: number[] = [];
  const note = (result: number) => told.push(result);
  const all = [batcher.add(1).then(note)];
  await sleep(1);
  all.push(batcher.add(2).then(note));
  await sleep(1);
  all.push(batcher.add(3).then(note));
  await sleep(1);
  expect(finish).toHaveLength(2);
  finish[1]!();
  await sleep(5);
  expect(told).toEqual([]);
  finish[0]!();
  await expect.poll(() => finish.length).toBe(3);
  finish[2]!();
  await Promise.all(all);
  expect(told).toEqual([1, 2, 3]);
});
