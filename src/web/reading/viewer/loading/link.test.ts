import { expect, test } from 'vitest';
import { isSlow, measured, tellsSlow, type Timed } from './link.ts';

const answer = (bytes: number, waitMs: number, ms: number): Timed => ({
  transferSize: bytes + 300,
  encodedBodySize: bytes,
  requestStart: 100,
  responseStart: 100 + waitMs,
  responseEnd: 100 + waitMs + ms,
});

test('the fastest large answer tells the rate: several at once share the way', () => {
  expect(tellsSlow([answer(1_000_000, 40, 400)])).toBe(true); // 20 Mbit/s
  expect(tellsSlow([answer(1_000_000, 40, 400), answer(1_000_000, 40, 20)])).toBe(false);
});
test('before anything large has come, the wait for the quickest answer tells it', () => {
  expect(tellsSlow([answer(2000, 45, 1), answer(3000, 300, 1)])).toBe(true);
  expect(tellsSlow([answer(2000, 2, 1), answer(3000, 300, 1)])).toBe(false);
  expect(tellsSlow([])).toBe(false);
});
test('what the browser had itself says nothing', () => {
  expect(tellsSlow([{ ...answer(1_000_000, 0, 400), transferSize: 0 }])).toBe(false);
});
test('frames that came correct it, in both directions', () => {
  measured(10_000_000, 4000);
  expect(isSlow()).toBe(true);
  for (let i = 0; i < 10; i++) measured(500_000, 10, 3);
  expect(isSlow()).toBe(false);
  measured(1000, 1000); // too small to tell
  expect(isSlow()).toBe(false);
});
