import { expect, test } from 'vitest';
import { between } from './range.ts';

const at = (text: string) => new Date(text).getTime();

test('a range goes from midnight to the end of its last day', () => {
  expect(between('2026-03-01', '2026-03-31')).toEqual({
    from: at('2026-03-01T00:00:00'),
    to: at('2026-04-01T00:00:00'),
  });
  expect(between('2026-03-31', '2026-03-01')).toEqual(between('2026-03-01', '2026-03-31'));
});
test('an empty date leaves its end open', () => {
  expect(between('', '2026-12-31')).toEqual({ from: null, to: at('2027-01-01T00:00:00') });
  expect(between('', '')).toEqual({ from: null, to: null });
});
