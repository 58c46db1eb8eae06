import { expect, test } from 'vitest';
import { generator } from './bootstrap.ts';
import { erfc } from './distributions.ts';
import { cusumRunLength, runLengthOf } from './runLength.ts';
import { cusumRule } from './sequential.ts';

const normal = (x: number): number => erfc(-x / Math.SQRT2) / 2;
/** One-sided chart of a normal variable: steps x − k. */
const normalRunLength = (k: number, h: number, mean: number, states = 150) =>
  runLengthOf(h, (step) => normal(step + k - mean), states);

// Brook and Evans 1972, 4.3: k = 0.5, h = 3 gives 117.59 while all is well and 3.75 at a mean of 1.5 (extrapolated in the number of
// states); as quoted, beside the exact values of integral equations, in the examples of xcusum.arl of R's package spc.
test('the example of Brook and Evans', () => {
  expect(normalRunLength(0.5, 3, 0)).toBeCloseTo(117.59, 0);
  expect(normalRunLength(0.5, 3, 1.5)).toBeCloseTo(3.75, 1);
});

// Lucas J. M. and Crosier R. B., Technometrics 1982;24:199, doi:10.1080/00401706.1982.10487759, table 1, two-sided, no headstart:
// k = 0.5, h = 4. A two-sided chart is two one-sided ones: 1 / L = 1 / L⁺ + 1 / L⁻ (Kemp 1961).
test.each([
  [0, 168],
  [0.25, 74.2],
  [0.5, 26.6],
  [1, 8.38],
  [2, 3.34],
])('Lucas and Crosier: a shift of %f is found after %f', (shift, published) => {
  const [up, down] = [normalRunLength(0.5, 4, shift), normalRunLength(0.5, 4, -shift)];
  const both = 1 / (1 / up + 1 / down);
  expect(Math.abs(both / published - 1)).toBeLessThan(0.006);
});

/** Mean of simulated run lengths, with its standard error. */
function simulated(rule: Parameters<typeof cusumRule>[0], rate: number, runs: number) {
  const next = generator(17);
  const lengths = Array.from({ length: runs }, () => {
    const chart = cusumRule(rule);
    const state = chart.start();
    while (chart.next(state, next() / 2 ** 32 < rate).alarmSince === undefined);
    return state.cases;
  });
  const mean = lengths.reduce((sum, n) => sum + n, 0) / runs;
  const variance = lengths.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (runs - 1);
  return { mean, error: Math.sqrt(variance / runs) };
}

test.each([
  [0.1, 0.2],
  [0.1, 0.35],
  [0.22, 0.22],
  [0.05, 0.05],
])(
  'accepted %f, true %f: as simulated, and never sooner than the budget while all is well',
  (accepted, rate) => {
    const rule = { accepted, budget: 50 };
    const exact = cusumRunLength(rule, rate);
    const { mean, error } = simulated(rule, rate, 4000);
    expect(Math.abs(exact - mean)).toBeLessThan(4 * error + 0.01 * exact);
    if (rate === accepted) expect(exact).toBeGreaterThan(50);
  },
);

test('the edges: no failure, none but failures', () => {
  expect(cusumRunLength({ accepted: 0.1 }, 0)).toBe(Infinity);
  // ln 1000 in steps of ln (2 / 1.1): twelve failures.
  expect(cusumRunLength({ accepted: 0.1 }, 1)).toBeCloseTo(Math.ceil(Math.log(1000) / Math.log(2 / 1.1)), 0);
  expect(() => cusumRunLength({ accepted: 0.1 }, 1.2)).toThrow(RangeError);
});
