import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  betaCdf,
  betaQuantile,
  binomialHalf,
  erfc,
  logGamma,
  normalCdf,
  normalQuantile,
  twoSided,
} from './distributions.ts';

const near = (value: number, expected: number, relative = 1e-11): void =>
  expect(Math.abs(value - expected), `${value} is not ${expected}`).toBeLessThanOrEqual(
    relative * Math.abs(expected) + 1e-300,
  );

describe('as R 4.2.2 has them', () => {
  test('2 * pnorm(-z)', () => {
    near(twoSided(0.1), 0.920344325445942);
    near(twoSided(1), 0.317310507862914);
    near(twoSided(1.959963984540054), 0.05);
    near(twoSided(-2.209), 0.0271746409047622);
    near(twoSided(5), 5.73303143758388e-7);
    near(twoSided(8), 1.24419211485436e-15);
  });
  test('qnorm, and pnorm back', () => {
    near(normalQuantile(1e-10), -6.36134090240406);
    near(normalQuantile(0.001), -3.09023230616781);
    near(normalQuantile(0.025), -1.95996398454005);
    near(normalQuantile(0.3), -0.524400512708041);
    expect(normalQuantile(0.5)).toBe(0);
    near(normalQuantile(0.9), 1.2815515655446);
    near(normalQuantile(0.9999), 3.71901648545571);
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
    expect(() => normalQuantile(1.1)).toThrow(RangeError);
    for (const p of [1e-8, 0.01, 0.4, 0.77]) near(normalCdf(normalQuantile(p)), p, 1e-10);
  });
  test('lgamma', () => {
    near(logGamma(0.1), 2.252712651734206);
    near(logGamma(1.5), -0.120782237635245);
    near(logGamma(10), 12.801827480081469);
    near(logGamma(1000), 5905.220423209180808);
  });
  test('pbeta and qbeta', () => {
    near(betaCdf(0.1, 2, 3), 0.0523);
    near(betaCdf(0.5, 2, 3), 0.6875);
    near(betaCdf(0.9, 2, 3), 0.9963);
    near(betaCdf(0.3, 0.5, 20), 0.99982620216033);
    near(betaQuantile(0.025, 5, 168), 0.00950488017597629);
    near(betaQuantile(0.975, 5, 168), 0.05847114447025437);
  });
});

it('erfc has no step where its two formulas meet', () => {
  near(erfc(2.5 - 1e-13), erfc(2.5 + 1e-13), 1e-11);
});

it('a quantile is the inverse, and the distribution rises', () => {
  const shape = fc.double({ min: 0.5, max: 3000, noNaN: true });
  fc.assert(
    fc.property(shape, shape, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, p) => {
      const x = betaQuantile(p, a, b);
      expect(betaCdf(x, a, b)).toBeCloseTo(p, 8);
      expect(betaCdf(x * 0.99, a, b)).toBeLessThanOrEqual(betaCdf(x, a, b));
    }),
    { numRuns: 50 },
  );
});

it('the probabilities of a binomial add up to 1', () => {
  for (const n of [1, 7, 60, 1500])
    near(
      Array.from({ length: n + 1 }, (_, k) => binomialHalf(k, n)).reduce((a, b) => a + b),
      1,
      1e-10,
    );
});
