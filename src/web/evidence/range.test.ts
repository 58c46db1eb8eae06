import { expect, test } from 'vitest';
import { between, lastYear } from './range.ts';

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
test('the last year ends with today where the browser stands, also before dawn and in the evening', () => {
  expect(lastYear(new Date('2026-11-28T00:30:00'))).toEqual({ from: '2025-11-28', to: '2026-11-28' });
  expect(lastYear(new Date('2026-11-28T23:30:00'))).toEqual({ from: '2025-11-28', to: '2026-11-28' });
  // Of a day that the year before did not have: the next one.
  expect(lastYear(new Date('2028-02-29T12:00:00')).from).toBe('2027-03-01');
});
