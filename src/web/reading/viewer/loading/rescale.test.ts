import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rescaled } from './rescale.ts';

test('whole numbers stay whole where 16 bits hold them, and are the same as by real numbers', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1 }),
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -40_000, max: 40_000 }),
      (numbers, slope, intercept) => {
        const expected = numbers.map((value) => value * slope + intercept);
        const values = rescaled(Uint16Array.from(numbers), slope, intercept);
        expect([...values].map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
        const fits = expected.every((value) => value >= -32768 && value <= 32767);
        if (slope !== 1 || intercept !== 0) expect(values).toBeInstanceOf(fits ? Int16Array : Float32Array);
      },
    ),
  );
});
test('HU of a CT need no memory of their own', () => {
  const stored = Uint16Array.of(0, 1024, 4095);
  const values = rescaled(stored, 1, -1024);
  expect([...values]).toEqual([-1024, 0, 3071]);
  expect(values.buffer).toBe(stored.buffer);
});
test('a slope with a fraction gives real numbers', () => {
  expect([...rescaled(Int16Array.of(1, 3), 0.5, 1)]).toEqual([1.5, 2.5]);
});
test('no images, no values', () => {
  expect(rescaled(new Int16Array(0), 2, 1)).toHaveLength(0);
});
