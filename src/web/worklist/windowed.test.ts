import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rowWindow } from './windowed.ts';

it('covers what is seen and little more', () => {
  expect(rowWindow({ scrollTop: 0, height: 560, rowHeight: 56, count: 10_000, margin: 2 })).toEqual({
    start: 0,
    end: 12,
  });
  expect(rowWindow({ scrollTop: 5600, height: 560, rowHeight: 56, count: 10_000, margin: 2 })).toEqual({
    start: 98,
    end: 112,
  });
  expect(rowWindow({ scrollTop: 0, height: 560, rowHeight: 56, count: 0 })).toEqual({ start: 0, end: 0 });
});

it('never leaves a visible row out, whatever the scroll', () => {
  const rowHeight = 56;
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(600_000), fc.nat(2000), (count, scrollTop, height) => {
      const { start, end } = rowWindow({ scrollTop, height, rowHeight, count });
      expect(start).toBeLessThanOrEqual(end);
      const first = Math.floor(scrollTop / rowHeight);
      const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight)) - 1;
      for (const row of [first, last]) {
        if (row >= 0 && row < count && row >= first) expect(row >= start && row < end).toBe(true);
      }
    }),
  );
});
