import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wilson } from '../statistics.ts';
import { eProcess } from '../sequential.ts';
import {
  nonInferiorityPairedPower,
  pairedPower,
  pairsForDifference,
  pairsForNonInferiority,
} from './paired.ts';
import { plan, type PlanForm } from './plan.ts';
import { casesForLowerBound, fewestSuccesses, lowerBoundPower } from './proportion.ts';
import { boundaries, casesForSequential, sequentialPlan } from './sequential.ts';
import { groupsForNonInferiority, nonInferiorityPower, restricted } from './unpaired.ts';

describe('a lower bound above a threshold', () => {
  /**
   * R 4.x, every count weighed by dbinom, bounds by Wilson's formula and qbeta, the smallest n from which on the power stays:
   *   powW <- function(n, p1, p0) { k <- 0:n; sum(dbinom(k[wilson(k, n) > p0], n, p1)) }
   *   max(which(sapply(1:900, function(n) powW(n, .86, .80) < .8))) + 1
   */
  test('true 0.86, bound above 0.80, power 80 %: 332 with Wilson, 339 exact', () => {
    expect(casesForLowerBound(0.86, 0.8, { threshold: 0.8 })).toBe(332);
    expect(casesForLowerBound(0.86, 0.8, { threshold: 0.8, bound: 'exact' })).toBe(339);
    expect(lowerBoundPower(330, 0.86, { threshold: 0.8 })).toBeCloseTo(0.80139208468, 9);
  });
  test.each([
    [0.9, 0.85, 0.8, 378, 379],
    [0.95, 0.9, 0.9, 315, 316],
    [0.9, 0.8, 0.8, 112, 113],
  ])('true %d, above %d, power %d', (truth, threshold, power, byWilson, exact) => {
    expect(casesForLowerBound(truth, power, { threshold })).toBe(byWilson);
    expect(casesForLowerBound(truth, power, { threshold, bound: 'exact' })).toBe(exact);
  });
  test('the fewest successes are those whose interval lies above', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 99 }), (n, percent) => {
        const threshold = percent / 100 + 0.001;
        const k = fewestSuccesses(n, { threshold });
        if (k <= n) expect(wilson(k, n)!.low).toBeGreaterThan(threshold);
        if (k > 0) expect(wilson(Math.min(k - 1, n), n)!.low).toBeLessThanOrEqual(threshold + 1e-12);
      }),
    );
  });
  test('not to be shown, however many', () => {
    expect(casesForLowerBound(0.8, 0.8, { threshold: 0.8 })).toBeNull();
    expect(casesForLowerBound(0.8001, 0.8, { threshold: 0.8 })).toBeNull();
    for (const wrong of [0, 1, NaN]) expect(() => casesForLowerBound(wrong, 0.8, { threshold: 0.5 })).toThrow(RangeError); // prettier-ignore
  });
});

describe('pairs', () => {
  test('a published example of Connor’s formula', () => {
    // powerandsamplesize.com, McNemar Z-test, after Connor 1987 p. 209: p01 0.45, p10 0.05, power 80 % at 0.05 two-sided: 23.
    expect(pairsForDifference({ firstOnly: 0.05, secondOnly: 0.45 })).toBe(23);
  });
  test.each([
    // scipy: both formulas, and the exact power of the z test by all outcomes (binom.pmf).
    [0.15, 0.05, 155, 148, 0.825],
    [0.1, 0.04, 303, 292, 0.813],
  ])('first alone %d, second alone %d', (firstOnly, secondOnly, connor, miettinen, exact) => {
    expect(pairsForDifference({ firstOnly, secondOnly })).toBe(connor);
    expect(pairsForDifference({ firstOnly, secondOnly }, { method: 'miettinen' })).toBe(miettinen);
    expect(pairedPower(connor, { firstOnly, secondOnly })).toBeGreaterThan(0.8);
    expect(Math.abs(pairedPower(connor, { firstOnly, secondOnly }) - exact)).toBeLessThan(0.03);
  });
  test.each([
    // R: the restricted likelihood maximised by optimize(); scipy: exact power of Tango's score test by all outcomes.
    [0.05, 0.05, 0.05, 0.025, 0.8, 350, 0.8132],
    [0.1, 0.1, 0.1, 0.05, 0.8, 134, 0.8119],
    [0.08, 0.05, 0.05, 0.025, 0.9, 233, 0.9149],
    [0.02, 0.04, 0.08, 0.025, 0.8, 186, 0.8135],
  ])('non-inferior: %d and %d, margin %d, alpha %d', (firstOnly, secondOnly, margin, alpha, power, n, exact) => {
    const discordant = { firstOnly, secondOnly };
    expect(pairsForNonInferiority(discordant, margin, { alpha, power })).toBe(n);
    expect(Math.abs(nonInferiorityPairedPower(n, discordant, margin, alpha) - exact)).toBeLessThan(0.03);
  }); // prettier-ignore
  test('no difference, none to be shown; worse by the margin, never non-inferior', () => {
    expect(pairsForDifference({ firstOnly: 0.1, secondOnly: 0.1 })).toBeNull();
    expect(pairsForNonInferiority({ firstOnly: 0, secondOnly: 0.1 }, 0.1)).toBeNull();
    expect(() => pairsForDifference({ firstOnly: 0.7, secondOnly: 0.7 })).toThrow(RangeError);
  });
});

describe('two groups', () => {
  test.each([
    // R: optimize() of the restricted likelihood instead of the closed root of the cubic.
    [0.8, 0.8, 0.1, 0.025, 0.8, 1, 255, 0.741059940238],
    [0.9, 0.9, 0.1, 0.025, 0.9, 1, 205, 0.831324415387],
    [0.85, 0.9, 0.1, 0.025, 0.8, 1, 702, 0.816876213274],
    [0.8, 0.75, 0.1, 0.05, 0.8, 2, 78, 0.691820056269],
  ])('Farrington and Manning: %d against %d, margin %d', (a, b, margin, alpha, power, ratio, n, at) => {
    expect(restricted(a, b, -margin, ratio)[0]).toBeCloseTo(at, 6);
    expect(groupsForNonInferiority(a, b, margin, { alpha, power, ratio })).toBe(n);
    expect(nonInferiorityPower(n, a, b, margin, { alpha, ratio })).toBeGreaterThanOrEqual(power - 1e-9);
  });
  test('against the exact power of the score test', () => {
    // scipy: all outcomes of twice 101 cases, the restricted estimate by bisection.
    expect(Math.abs(nonInferiorityPower(101, 0.9, 0.9, 0.14) - 0.8880318)).toBeLessThan(0.03);
  });
});

describe('one after the other', () => {
  test('the bounds are where the e-value reaches the odds, for every order of the cases', () => {
    for (const accepted of [0.2, 0.8, 0.95]) {
      const bounds = boundaries(accepted, 120);
      for (const n of [1, 5, 30, 77, 120]) {
        const at = (k: number) =>
          eProcess([...new Array<boolean>(k).fill(true), ...new Array<boolean>(n - k).fill(false)], accepted).at(-1)!; // prettier-ignore
        const bound = bounds[n - 1]!;
        if (bound <= n) expect(at(bound)).toBeGreaterThanOrEqual(40);
        expect(at(Math.min(n, bound - 1))).toBeLessThan(40);
      }
    }
  });
  test('the same as a recursion over every outcome written in Python', () => {
    const last = (truth: number, threshold: number, n: number, futility = false) => {
      const { passed, stopped, expected } = sequentialPlan(truth, threshold, n, futility);
      return [passed[n - 1]!, stopped[n - 1]!, expected];
    };
    const close = (values: number[], wanted: number[]) => values.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 8)); // prettier-ignore
    close(last(0.86, 0.8, 300), [0.4315887867135547, 0, 238.52416042978268]);
    close(last(0.86, 0.8, 300, true), [0.4315884163942925, 5.029043564912871e-5, 238.51090483277554]);
    close(last(0.9, 0.8, 200), [0.8328922214346811, 0, 111.42876025549148]);
    close(last(0.7, 0.8, 300, true), [0.00014525789945600445, 0.8429067447676762, 166.79638889937647]);
    expect(casesForSequential(0.92, 0.8, 0.8)).toMatchObject({ cases: 119 });
    expect(casesForSequential(0.92, 0.8, 0.8)!.expected).toBeCloseTo(71.18866451038154, 8);
  });
  test('at the threshold it passes with a probability of at most 0.025, however long', () => {
    for (const threshold of [0.6, 0.8, 0.9, 0.97]) {
      const { passed } = sequentialPlan(threshold, threshold, 3000);
      expect(passed.at(-1)).toBeLessThanOrEqual(0.025);
    }
  });
});

describe('how long', () => {
  const form = (more: Partial<PlanForm> = {}): PlanForm => ({
    question: { design: 'fixed', bound: 'wilson', truth: 0.86, target: 0.85, margin: 0.05 },
    measure: 'sensitivity',
    power: 0.8,
    prevalence: 0.2,
    perDay: 20,
    horizon: 365,
    ...more,
  });
  test('days from prevalence and volume', () => {
    const { cases, studies, days, attainable, instead, curve } = plan(form());
    expect({ cases, studies, days, attainable, instead }).toEqual({ cases: 332, studies: 1660, days: 83, attainable: true, instead: null }); // prettier-ignore
    expect(curve.at(-1)!.cases).toBe(498);
    expect(curve.at(-1)!.power).toBeGreaterThan(0.9);
    expect(plan(form({ measure: 'specificity' })).studies).toBe(415);
  });
  test('not attainable here: what is', () => {
    const { attainable, days, instead } = plan(form({ perDay: 2, prevalence: 0.1 }));
    expect([attainable, days]).toEqual([false, 1660]);
    expect(instead).toMatchObject({ retrospective: 3320, practices: 5, casesInTime: 73 });
    const { threshold, cases } = instead!.weaker!;
    expect(cases).toBeLessThanOrEqual(73);
    expect(casesForLowerBound(0.86, 0.8, { threshold: threshold + 0.01 })!).toBeGreaterThan(73);
    // The tool is not better than what is asked: no number of cases helps, a weaker claim does.
    const never = plan(
      form({ question: { design: 'fixed', bound: 'wilson', truth: 0.8, target: 0.85, margin: 0.05 } }),
    );
    expect(never).toMatchObject({ cases: null, days: null, attainable: false, instead: { retrospective: null, practices: null } }); // prettier-ignore
    expect(never.instead!.weaker!.threshold).toBeLessThan(0.8);
  });
  test('every design answers, with a curve that rises', () => {
    const questions: PlanForm['question'][] = [
      { design: 'sequential', truth: 0.92, target: 0.85, margin: 0.05, futility: true },
      { design: 'difference', firstOnly: 0.15, secondOnly: 0.05 },
      { design: 'non-inferiority-paired', firstOnly: 0.05, secondOnly: 0.05, margin: 0.05 },
      { design: 'non-inferiority', first: 0.8, second: 0.8, margin: 0.1 },
    ];
    for (const question of questions) {
      const { cases, curve, days } = plan(form({ question }));
      expect(cases, question.design).toBeGreaterThan(30);
      expect(days).toBeGreaterThan(0);
      for (const [i, point] of curve.entries())
        if (i > 0) expect(point.power).toBeGreaterThanOrEqual(curve[i - 1]!.power - 1e-9);
    }
    expect(plan(form({ question: questions[3]! })).studies).toBe(2 * 255 * 5);
    expect(() => plan(form({ perDay: 0 }))).toThrow(RangeError);
  });
});
