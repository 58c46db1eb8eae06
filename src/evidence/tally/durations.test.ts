import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quartiles } from '../statistics.ts';
import { binOf, quartilesOf } from './durations.ts';

const ms = fc.oneof(
  fc.integer({ min: -5, max: 40 }),
  fc.integer({ min: 0, max: 3_600_000 }),
  fc.integer({ min: -1e12, max: 1e12 }),
);

test('the same as of all durations, from a few of them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(ms, { maxLength: 200 }), async (values) => {
      const bins = [...Map.groupBy(values, binOf)].map(([bin, of]) => ({ bin, count: of.length }));
      const found = await quartilesOf(bins, async (from, to) =>
        values.filter((value) => value >= from && value < to),
      );
      expect(found).toEqual(quartiles(values));
    }),
  );
});

test('of many, only few are read', async () => {
  const values = Array.from({ length: 20_000 }, (_, i) => 60_000 + i * 500);
  const bins = [...Map.groupBy(values, binOf)].map(([bin, of]) => ({ bin, count: of.length }));
  let read = 0;
  const { median } = await quartilesOf(bins, async (from, to) => {
    const some = values.filter((value) => value >= from && value < to);
    read += some.length;
    return some;
  });
  expect(median).toBe(quartiles(values).median);
  expect(read).toBeLessThan(values.length / 10);
});
