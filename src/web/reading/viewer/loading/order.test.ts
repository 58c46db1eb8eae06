import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readingOrder } from './order.ts';

test('the image in view, then three ahead for one behind', () => {
  expect(readingOrder(9, 4, 1)).toEqual([4, 5, 6, 7, 3, 8, 2, 1, 0]);
  expect(readingOrder(9, 4, -1)).toEqual([4, 3, 2, 1, 5, 0, 6, 7, 8]);
});
test('every image once, the limit kept, the image in view always first', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.nat(),
      fc.constantFrom<(1 | -1)[]>(1, -1),
      fc.nat(),
      (count, at, direction, some) => {
        const index = at % count;
        const order = readingOrder(count, index, direction);
        expect(order[0]).toBe(index);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        const limit = 1 + (some % count);
        expect(readingOrder(count, index, direction, limit)).toEqual(order.slice(0, limit));
      },
    ),
  );
});
