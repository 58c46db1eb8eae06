import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { bootstrap, generator } from './bootstrap.ts';
import { brier, expectedCalibrationError, reliability } from './calibration.ts';
import { fractureScores } from './testing.ts';

const cases = fractureScores();

// scikit-learn 1.2.1: brier_score_loss, calibration_curve(n_bins=10, strategy="uniform"); the error from its bins and
// numpy.histogram.
test('on real scores, as scikit-learn has it', () => {
  expect(brier(cases)).toBeCloseTo(0.14572753706450406, 14);
  expect(expectedCalibrationError(cases)).toBeCloseTo(0.12349756910569108, 14);
  const bins = reliability(cases);
  expect(bins.map(({ n }) => n)).toEqual([128, 34, 16, 13, 14, 13, 8, 10, 4, 6]);
  const round = (x: number) => Math.round(x * 1e6) / 1e6;
  expect(bins.map(({ positives, n }) => round(positives / n))).toEqual([
    0.070313, 0.323529, 0.6875, 0.461538, 0.714286, 0.769231, 0.875, 1, 0.75, 1,
  ]); // prettier-ignore
  expect(bins.map(({ meanScore }) => round(meanScore!))).toEqual([
    0.036497, 0.142645, 0.248093, 0.352589, 0.447156, 0.552163, 0.645833, 0.760301, 0.84939, 0.955742,
  ]); // prettier-ignore
});

it('every case is in the bin that holds its score', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 40 }),
      (score, count) => {
        const bin = reliability([{ score, positive: true }], count).find(({ n }) => n === 1)!;
        expect(score).toBeGreaterThanOrEqual(bin.from);
        if (bin.to < 1) expect(score).toBeLessThan(bin.to);
      },
    ),
  );
});

it('always saying the prevalence gives p (1 − p), and is calibrated', () => {
  const flat = cases.map(({ positive }) => ({ score: 83 / 246, positive }));
  expect(brier(flat)).toBeCloseTo((83 / 246) * (163 / 246), 12);
  expect(expectedCalibrationError(flat)).toBeCloseTo(0, 12);
});

it('a score that is no probability is refused; without cases there is nothing', () => {
  expect(() => brier([{ score: 1.2, positive: true }])).toThrow(RangeError);
  expect(() => reliability([{ score: NaN, positive: true }])).toThrow(RangeError);
  expect(brier([])).toBeUndefined();
  expect(expectedCalibrationError([])).toBeUndefined();
});

test('bootstrap: near the formula where there is one, the same for the same seed', () => {
  const values = cases.map(({ score }) => score);
  const mean = (of: readonly number[]) => of.reduce((a, b) => a + b, 0) / of.length;
  const centre = mean(values);
  const error = Math.sqrt(mean(values.map((v) => (v - centre) ** 2)) / values.length);
  const draw = (seed: number) => bootstrap(values.length, (indices) => mean([...indices].map((i) => values[i]!)), { seed })!; // prettier-ignore
  const { low, high } = draw(7);
  expect(draw(7)).toEqual({ low, high });
  expect(draw(8)).not.toEqual({ low, high });
  // The Monte Carlo error of a 2.5 % quantile of 2,000 rounds is about 0.06 standard errors.
  expect(Math.abs(low - (centre - 1.96 * error)) / error).toBeLessThan(0.3);
  expect(Math.abs(high - (centre + 1.96 * error)) / error).toBeLessThan(0.3);
  expect(bootstrap(0, () => 1)).toBeUndefined();
  expect(bootstrap(3, () => null)).toBeUndefined();
});

test('the generator is even: chi-square of 256 cells, and its bits are not those of a neighbour', () => {
  const next = generator(1);
  const cells = new Uint32Array(256);
  for (let i = 0; i < 256_000; i += 1) cells[next() >>> 24]! += 1;
  const chi = cells.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  expect(chi).toBeGreaterThan(190); // 0.1 % and 99.9 % of chi-square with 255 degrees of freedom: 190, 330
  expect(chi).toBeLessThan(330);
  expect(generator(1)()).not.toBe(generator(2)());
});
