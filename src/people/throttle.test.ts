import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FORGET_MS, FREE_ATTEMPTS, waitMs } from './throttle.ts';

test('the first failures cost nothing, the fifth 30 s, then it doubles up to 15 minutes', () => {
  const at = (failures: number) => waitMs({ failures, last_at: 1000 }, 1000);
  expect(waitMs(undefined, 0)).toBe(0);
  expect([1, 4, 5, 6, 7, 9, 10, 50].map(at)).toEqual([
    0, 0, 30_000, 60_000, 120_000, 480_000, 900_000, 900_000,
  ]);
});

test('a wait shrinks with time, is never negative and is forgotten after half an hour', () => {
  fc.assert(
    fc.property(fc.integer({ min: FREE_ATTEMPTS, max: 1000 }), fc.nat(FORGET_MS * 2), (failures, passed) => {
      const wait = waitMs({ failures, last_at: 0 }, passed);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(900_000);
      if (passed > FORGET_MS) expect(wait).toBe(0);
    }),
  );
});
