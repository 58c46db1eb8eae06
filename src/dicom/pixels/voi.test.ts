import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lutFunction, windowFunction } from './voi.ts';

describe('windowFunction', () => {
  // The examples in the notes of PS3.3 C.11.2.1.2.1: values worked out by hand from the pseudo-code there.
  test.each([
    // c, w, x, expected for 0..255
    [2048, 4096, 0, 0],
    [2048, 4096, 4095, 255],
    [2048, 4096, 2048, (0.5 / 4095 + 0.5) * 255],
    [0, 100, -50, 0],
    [0, 100, 49, 255],
    [0, 100, -49.5, (-49 / 99 + 0.5) * 255],
    [0, 1, -1, 0],
    [0, 1, 0, 255], // width 1: a threshold at c - 0.5
    [40, 400, 40, (0.5 / 399 + 0.5) * 255],
  ])('LINEAR c=%d w=%d x=%d', (center, width, x, expected) => {
    expect(windowFunction({ center, width }, 0, 255)(x)).toBeCloseTo(expected, 9);
  });

  // PS3.3 C.11.2.1.3.2, same notes: c 0, w 100 takes -50 to black and 50 to white.
  test.each([
    [0, 100, -50, 0],
    [0, 100, 50, 255],
    [0, 100, 0, 127.5],
    [0.5, 1, 0.25, 63.75],
  ])('LINEAR_EXACT c=%d w=%d x=%d', (center, width, x, expected) => {
    expect(windowFunction({ center, width, function: 'LINEAR_EXACT' }, 0, 255)(x)).toBeCloseTo(expected, 9);
  });

  test('SIGMOID, PS3.3 C.11.2.1.3.1', () => {
    const f = windowFunction({ center: 2048, width: 4096, function: 'SIGMOID' }, 0, 255);
    expect(f(2048)).toBeCloseTo(127.5, 9);
    expect(f(0)).toBeCloseTo(255 / (1 + Math.E ** 2), 9);
    expect(f(4096)).toBeCloseTo(255 / (1 + Math.E ** -2), 9);
  });

  test('every function rises and stays inside its range', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('LINEAR', 'LINEAR_EXACT', 'SIGMOID'),
        fc.double({ min: -5000, max: 5000, noNaN: true }),
        fc.double({ min: 0, max: 9000, noNaN: true }),
        fc.array(fc.double({ min: -1e5, max: 1e5, noNaN: true }), { minLength: 2 }),
        (name, center, width, xs) => {
          const f = windowFunction({ center, width, function: name as 'LINEAR' }, 10, 20);
          const ys = xs.toSorted((a, b) => a - b).map(f);
          expect(ys.every((y, i) => y >= 10 && y <= 20 && (i === 0 || y >= ys[i - 1]! - 1e-9))).toBe(true);
        },
      ),
    );
  });
});

test('lutFunction takes the first entry below and the last above its range (PS3.3 C.11.1.1)', () => {
  const f = lutFunction({ first: -2, bits: 8, entries: [10, 20, 30] });
  expect([-9, -2, -1, 0, 1, 900].map(f)).toEqual([10, 10, 20, 30, 30, 30]);
});
