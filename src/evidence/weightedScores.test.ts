import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { delong } from './roc.ts';
import { coarse, fractureScores } from './testing.ts';
import { weightedAccuracy } from './weighted.ts';
import { weightedAuc, weightedRates } from './weightedScores.ts';

const THRESHOLD = 0.196141;
/** As if all that the tool marked were looked at, and one of four of the others. */
const drawn = (cases: readonly { score: number; positive: boolean }[], given = fractureScores()) =>
  cases.map((each, i) => ({ ...each, weight: given[i]!.score >= THRESHOLD ? 1 : 4 }));
const cases = drawn(fractureScores());
const few = { rounds: 50 };

// scikit-learn 1.2.1: roc_auc_score, recall_score and precision_score with sample_weight.
test('on real scores, as scikit-learn has it', () => {
  expect(weightedAuc(cases, few).value).toBeCloseTo(0.8371605963342545, 13);
  expect(weightedAuc(drawn(coarse(fractureScores())), few).value).toBeCloseTo(0.8068295886879902, 13);
  const { sensitivity, specificity, ppv, npv } = weightedRates(cases, THRESHOLD, few);
  expect(sensitivity.value).toBeCloseTo(0.4744525547445255, 13);
  expect(specificity.value).toBeCloseTo(0.9643463497453311, 13);
  expect(ppv.value).toBeCloseTo(0.7558139534883721, 13);
  expect(npv.value).toBeCloseTo(0.8875, 13);
});

test('the intervals are near those by linearisation, which know how much was left undrawn', () => {
  const strata = [
    { size: 86, truePositive: 65, falsePositive: 21, falseNegative: 0, trueNegative: 0 },
    { size: 640, truePositive: 0, falsePositive: 0, falseNegative: 18, trueNegative: 142 },
  ];
  const formula = weightedAccuracy(strata).sensitivity;
  const { value, interval } = weightedRates(cases, THRESHOLD).sensitivity;
  expect(value).toBeCloseTo(formula.value!, 12);
  const width = formula.interval!.high - formula.interval!.low;
  expect(Math.abs(interval!.low - formula.interval!.low)).toBeLessThan(0.35 * width);
  expect(Math.abs(interval!.high - formula.interval!.high)).toBeLessThan(0.35 * width);
  // Drawn with replacement: wider, never narrower.
  expect(interval!.high - interval!.low).toBeGreaterThan(width);
});

it('with equal weights it is the plain area, whatever they are', () => {
  const anyCases = fc.array(fc.record({ score: fc.integer({ min: 0, max: 9 }), positive: fc.boolean() }), {
    minLength: 2,
    maxLength: 30,
  });
  fc.assert(
    fc.property(anyCases, fc.double({ min: 0.01, max: 99, noNaN: true }), (all, weight) => {
      const { value } = weightedAuc(
        all.map((each) => ({ ...each, weight })),
        { rounds: 1 },
      );
      const plain = delong(all)?.auc ?? null;
      if (plain === null) expect(value).toBeNull();
      else expect(value).toBeCloseTo(plain, 9);
    }),
  );
});

it('a weight of two is the case twice', () => {
  const twice = [...cases, ...cases.filter(({ weight }) => weight === 4)];
  const heavier = cases.map((each) => ({ ...each, weight: each.weight === 4 ? 8 : 1 }));
  expect(weightedAuc(heavier, few).value).toBeCloseTo(weightedAuc(twice, few).value!, 12);
});

it('refuses what is no weight, and gives no interval where no draw differs', () => {
  expect(() => weightedAuc([{ score: 1, positive: true, weight: 0 }])).toThrow(RangeError);
  const apart = [1, 2, 3, 4].map((score) => ({ score, positive: score > 2, weight: score > 2 ? 1 : 3 }));
  expect(weightedAuc(apart, few)).toEqual({ value: 1, interval: null });
});
