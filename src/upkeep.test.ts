import { expect, test } from 'vitest';
import { forecast } from './upkeep.ts';

test('tells how long the disk lasts from what it lost', () => {
  expect(forecast([], 0)).toEqual({ perDay: null, daysLeft: null });
  expect(forecast([[10, 1000]], 0)).toEqual({ perDay: null, daysLeft: null });
  expect(
    forecast(
      [
        [10, 1000],
        [20, 900],
      ],
      100,
    ),
  ).toEqual({ perDay: 10, daysLeft: 80 });
  // What was freed months ago says nothing of today.
  expect(
    forecast(
      [
        [0, 99_999],
        [70, 1000],
        [80, 950],
      ],
      950,
    ),
  ).toEqual({ perDay: 5, daysLeft: 0 });
  expect(
    forecast(
      [
        [1, 500],
        [2, 800],
      ],
      100,
    ),
  ).toEqual({ perDay: -300, daysLeft: null });
});
