import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { smirnov, stability } from './drift.ts';

// Distances: ks.test of R 4.2.2. P: scipy.special.kolmogorov of SciPy 1.17.1; the series of R 4.2 ends early (0.29231 in the third).
// PSI: R, sum((q - p) * log(q / p)) over cut() at deciles of x.
const A = [0.02, 0.05, 0.07, 0.11, 0.13, 0.17, 0.19, 0.23, 0.29, 0.31, 0.37, 0.41, 0.43, 0.47, 0.53, 0.59, 0.61, 0.67, 0.71, 0.73]; // prettier-ignore
const B = [0.3, 0.35, 0.42, 0.5, 0.55, 0.6, 0.62, 0.68, 0.72, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99];
const X = Array.from({ length: 200 }, (_, i) => Math.sin(i + 1) * 0.5 + 0.5);
const Y = Array.from({ length: 100 }, (_, i) => (Math.sin(i + 1) * 0.5 + 0.5) ** 1.5);

describe('Kolmogorov–Smirnov, against R and SciPy', () => {
  test.each([
    [A, B, 0.5, 0.027527501689691],
    [[1, 1, 2, 2, 3, 3, 4], [1, 2, 2, 2, 5, 5], 0.333333333333333, 0.865413283499622],
    [X, Y, 0.12, 0.292290037040998],
  ])('sample %#', (a, b, distance, p) => {
    expect(smirnov(a, b).distance).toBeCloseTo(distance, 14);
    expect(smirnov(a, b).p).toBeCloseTo(p, 12);
  });
  test('no sample, no number', () => {
    expect(() => smirnov([], [1])).toThrow(RangeError);
    expect(() => smirnov([1], [NaN])).toThrow(RangeError);
  });
});

test('population stability, against R', () => {
  expect(stability(X, Y).psi).toBeCloseTo(0.078678645971852, 12);
  expect(stability(X, Y)).toMatchObject({ bins: 10, byChance: 9 * (1 / 200 + 1 / 100) });
  // Two values make two bins; three of ten against nine of ten.
  const [two, ten] = [[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]; // prettier-ignore
  expect(stability(two, ten).psi).toBeCloseTo(0.4 * Math.log(0.9 / 0.5) - 0.4 * Math.log(0.1 / 0.5), 12);
  expect(stability([5, 5, 5], [5, 7])).toMatchObject({ psi: 0, bins: 1 });
});

const sample = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 });
test('both: symmetric in distance, nothing between a sample and itself, never below 0', () => {
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      expect(smirnov(a, b).distance).toBeCloseTo(smirnov(b, a).distance, 14);
      expect(smirnov(a, a)).toEqual({ distance: 0, p: 1 });
      expect(stability(a, a).psi).toBeCloseTo(0, 12);
      expect(stability(a, b).psi).toBeGreaterThan(-1e-12);
      const { p } = smirnov(a, b);
      expect(p >= 0 && p <= 1).toBe(true);
      // By definition: at each value that occurs.
      const below = (of: number[], x: number) => of.filter((v) => v <= x).length / of.length;
      const by = Math.max(...[...a, ...b].map((x) => Math.abs(below(a, x) - below(b, x))));
      expect(smirnov(a, b).distance).toBeCloseTo(by, 14);
    }),
  );
});
