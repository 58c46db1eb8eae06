import { expect, test } from 'vitest';
import { amountOf, isRate, rateOf, typed, wholeOf } from './form.ts';

test('percentages as people write them', () => {
  expect(['85', '85,5', ' 85.25 % ', '0', '100'].map(rateOf)).toEqual([0.85, 0.855, 0.8525, 0, 1]);
  for (const none of ['', 'x', '-5', '1e2', '8 5']) expect(rateOf(none)).toBeNaN();
  expect([0, 0.5, 1, NaN].map(isRate)).toEqual([false, true, false, false]);
  expect([typed(0.855, 'fr'), typed(0.855, 'en')]).toEqual(['85,5', '85.5']);
});
test('counts and amounts', () => {
  expect([wholeOf('330'), wholeOf('3.5'), wholeOf('')]).toEqual([330, NaN, NaN]);
  expect([amountOf('12,5'), amountOf('x')]).toEqual([12.5, NaN]);
});
