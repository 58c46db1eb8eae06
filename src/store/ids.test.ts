import { expect, test } from 'vitest';
import { uuidv7 } from './ids.ts';

test('has the layout of RFC 9562 5.7 and says its time', () => {
  const ms = 0xffff_0000_0000; // beyond what other tests of this process used
  const id = uuidv7(ms);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(ms);
});

test('sorts in the order of making, many within a millisecond and over a clock that steps back', () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => uuidv7(0xffff_1000_0000 - (i > 10_000 ? 5_000 : 0)));
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
});
