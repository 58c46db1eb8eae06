import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY_MS, spansOf, startOf } from './spans.ts';

const time = fc.integer({ min: 0, max: 6000 * DAY_MS });

test('every moment of a period lies in exactly one span or in the rest, no other moment in any', () => {
  fc.assert(
    fc.property(time, time, fc.array(time, { maxLength: 20 }), (from, to, moments) => {
      const { stretches, rest } = spansOf({ from, to });
      for (const at of [...moments, from, from - 1, to, to - 1]) {
        const hits =
          stretches.filter(({ span, ...days }) => {
            const start = startOf(at, span);
            return start >= days.from && start < days.to;
          }).length + rest.filter((part) => at >= part.from && at < part.to).length;
        expect(hits).toBe(at >= from && at < to ? 1 : 0);
      }
    }),
  );
});

test('ten years are a few dozen spans, all of the time a single stretch', () => {
  const { stretches, rest } = spansOf({ from: 11.5 * DAY_MS, to: 3661 * DAY_MS });
  const count = stretches.reduce((sum, { span, from, to }) => sum + (to - from) / span, 0);
  expect(count).toBeLessThan(4 * 31 + 4);
  expect(rest).toEqual([{ from: 11.5 * DAY_MS, to: 12 * DAY_MS }]);
  expect(spansOf({})).toEqual({ stretches: [{ span: 1024, from: -Infinity, to: Infinity }], rest: [] });
  expect(spansOf({ from: 5, to: 5 })).toEqual({ stretches: [], rest: [] });
});
