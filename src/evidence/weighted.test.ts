import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generator } from './bootstrap.ts';
import { newSeed, numberOf, shuffled } from './random.ts';
import {
  beggGreenes,
  bootstrapAccuracy,
  fewestPositives,
  hypergeometric,
  mostPositives,
  sensitivityBound,
  specificityBound,
  stratumOf,
  weightedAccuracy,
  weightedTotals,
  type Stratum,
} from './weighted.ts';

const stratum = (
  size: number,
  truePositive: number,
  falsePositive: number,
  falseNegative: number,
  trueNegative: number,
): Stratum => ({ size, truePositive, falsePositive, falseNegative, trueNegative });

describe('Begg and Greenes', () => {
  // Drum D. E. and Christacopoulos J. S., J Nucl Med 1972;13:908: 650 patients, 344 verified. Values of acc_bg in the R package
  // PVBcorrect 0.3.1 (Arifin W. N., github.com/wnarifin/PVBcorrect), run in R 4.2.2.
  const marked = { total: 429, positive: 231, negative: 32 };
  const unmarked = { total: 221, positive: 27, negative: 54 };

  test('hepatic scintigraphy', () => {
    const { sensitivity, specificity } = beggGreenes(marked, unmarked);
    expect(sensitivity.value).toBeCloseTo(0.83646671543526, 12);
    expect(sensitivity.error).toBeCloseTo(0.0244980312632477, 12);
    expect(specificity.value).toBeCloseTo(0.738398018166804, 12);
    expect(specificity.error).toBeCloseTo(0.0388626799225392, 12);
    // Among the verified alone the tool looks better at finding and worse at leaving alone than it is.
    expect(231 / (231 + 27)).toBeGreaterThan(sensitivity.interval!.high);
    expect(54 / (54 + 32)).toBeLessThan(specificity.interval!.low);
  });

  // Marshall V., Williams D. C., Smith K. D., Radiology 1984;150:339: 900 patients, 88 verified. By the same package.
  test('diaphanography: few verified', () => {
    const { sensitivity, specificity } = beggGreenes(
      { total: 67, positive: 26, negative: 11 },
      { total: 833, positive: 7, negative: 44 },
    );
    expect(sensitivity.value).toBeCloseTo(0.291678294357314, 12);
    expect(sensitivity.error).toBeCloseTo(0.080232301254935, 12);
    expect(specificity.value).toBeCloseTo(0.973030994230511, 12);
    expect(specificity.error).toBeCloseTo(0.00756595179580975, 12);
  });

  test('resampling says the same', () => {
    const strata = [stratumOf(marked, true), stratumOf(unmarked, false)];
    const by = bootstrapAccuracy(strata, { seed: 7 });
    const { sensitivity, specificity } = beggGreenes(marked, unmarked);
    for (const [one, other] of [
      [by.sensitivity!, sensitivity.interval!],
      [by.specificity!, specificity.interval!],
    ] as const) {
      expect(Math.abs(one.low - other.low)).toBeLessThan(0.012);
      expect(Math.abs(one.high - other.high)).toBeLessThan(0.012);
    }
    expect(bootstrapAccuracy(strata, { seed: 7 })).toEqual(by);
    expect(bootstrapAccuracy(strata, { seed: 8 })).not.toEqual(by);
  });

  test('its interval holds the truth in about 95 of 100 periods', () => {
    // 1,000 studies, one in five positive, the tool right in 4 of 5 of them and in 17 of 20 of the others; 200 unmarked drawn.
    const next = generator(11);
    const random = () => next() / 2 ** 32;
    let [sensitivity, specificity, rounds] = [0, 0, 0];
    for (; rounds < 3000; rounds++) {
      const cells = [0, 0, 0, 0];
      for (let i = 0; i < 1000; i++) {
        const positive = random() < 0.2;
        const right = random() < (positive ? 0.8 : 0.85);
        cells[positive ? (right ? 0 : 2) : right ? 3 : 1]! += 1;
      }
      const [tp, fp, fn, tn] = cells as [number, number, number, number];
      // Without replacement: how many of the missed are among the 200.
      let [missed, left] = [0, fn];
      for (let i = 0; i < 200; i++)
        if (random() < left / (fn + tn - i)) {
          missed += 1;
          left -= 1;
        }
      const of = beggGreenes(
        { total: tp + fp, positive: tp, negative: fp },
        { total: fn + tn, positive: missed, negative: 200 - missed },
      );
      const holds = ({ interval }: typeof of.sensitivity, truth: number) =>
        interval !== null && interval.low <= truth && truth <= interval.high;
      sensitivity += Number(holds(of.sensitivity, 0.8));
      specificity += Number(holds(of.specificity, 0.85));
    }
    // Three standard errors of a share of 3,000 are 1.2 points.
    expect(sensitivity / rounds).toBeGreaterThan(0.938);
    expect(sensitivity / rounds).toBeLessThan(0.975);
    expect(specificity / rounds).toBeGreaterThan(0.938);
    expect(specificity / rounds).toBeLessThan(0.962);
  });

  test('all verified: the plain proportions', () => {
    const { sensitivity, specificity } = beggGreenes(
      { total: 100, positive: 80, negative: 20 },
      { total: 200, positive: 10, negative: 190 },
    );
    expect(sensitivity.value).toBeCloseTo(80 / 90, 12);
    expect(specificity.value).toBeCloseTo(190 / 210, 12);
    // The variance of a plain binomial proportion, p (1 − p) / n.
    expect(sensitivity.error).toBeCloseTo(Math.sqrt((80 * 10) / 90 ** 3), 12);
    expect(specificity.error).toBeCloseTo(Math.sqrt((190 * 20) / 210 ** 3), 12);
  });
});

describe('weighted accuracy', () => {
  // svyratio of R's package survey 4.1.1 (Lumley T.), design: strata with fpc, R 4.2.2.
  test('all marked, and 150 of 880 unmarked', () => {
    const of = weightedAccuracy([stratum(120, 84, 36, 0, 0), stratum(880, 0, 0, 9, 141)]);
    expect(of.sensitivity.value).toBeCloseTo(0.614035087719298, 12);
    expect(of.sensitivity.error).toBeCloseTo(0.0699932686333046, 12);
    expect(of.specificity.value).toBeCloseTo(0.958294717330862, 12);
    expect(of.specificity.error).toBeCloseTo(0.000753405560768091, 12);
    expect(of.prevalence.value).toBeCloseTo(0.1368, 12);
    expect(of.prevalence.error).toBeCloseTo(0.0155937003284302, 12);
    expect(of.positivePredictive).toMatchObject({ value: 0.7, error: 0 });
  });
  test('90 of 120 marked have an answer yet', () => {
    const of = weightedAccuracy([stratum(120, 63, 27, 0, 0), stratum(880, 0, 0, 9, 141)]);
    expect(of.sensitivity.error).toBeCloseTo(0.0704746376519035, 12);
    expect(of.specificity.error).toBeCloseTo(0.00332214781037227, 12);
    expect(of.prevalence.error).toBeCloseTo(0.015863728185876, 12);
  });
  test('three strata, one of them with marked and unmarked studies', () => {
    const of = weightedAccuracy([
      stratum(60, 31, 19, 0, 0),
      stratum(400, 0, 0, 4, 56),
      stratum(300, 6, 5, 3, 31),
    ]);
    expect(of.sensitivity.value).toBeCloseTo(0.623250807319699, 12);
    expect(of.sensitivity.error).toBeCloseTo(0.0934260290865537, 12);
    expect(of.specificity.value).toBeCloseTo(0.911758541186334, 12);
    expect(of.specificity.error).toBeCloseTo(0.0205312515020231, 12);
    expect(of.positivePredictive.value).toBeCloseTo(0.579, 12);
    expect(of.positivePredictive.error).toBeCloseTo(0.0781650217050992, 12);
    expect(of.negativePredictive.value).toBeCloseTo(0.925531914893617, 12);
    expect(of.negativePredictive.error).toBeCloseTo(0.0251890294745752, 12);
  });

  test('over all possible samples of a small population: totals without bias, and so their variance', () => {
    // 3 marked (2 rightly) and 9 unmarked of which 2 missed: every sample of 4 of the 9.
    const missed = [1, 0, 0, 1, 0, 0, 0, 0, 0];
    const samples: number[][] = [];
    const choose = (from: number, chosen: number[]) => {
      if (chosen.length === 4) samples.push(chosen);
      else for (let i = from; i < missed.length; i++) choose(i + 1, [...chosen, i]);
    };
    choose(0, []);
    expect(samples.length).toBe(126);
    const of = samples.map((chosen) => {
      const fn = chosen.reduce((sum, i) => sum + missed[i]!, 0);
      return [stratum(3, 2, 1, 0, 0), stratum(9, 0, 0, fn, 4 - fn)];
    });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const totals = of.map((strata) => weightedTotals(strata)!);
    expect(mean(totals.map((each) => each.falseNegative))).toBeCloseTo(2, 12);
    expect(mean(totals.map((each) => each.trueNegative))).toBeCloseTo(7, 12);
    expect(mean(totals.map((each) => each.truePositive))).toBe(2);
    const prevalence = of.map((strata) => weightedAccuracy(strata).prevalence);
    expect(mean(prevalence.map(({ value }) => value!))).toBeCloseTo(4 / 12, 12);
    const spread = mean(prevalence.map(({ value }) => (value! - 4 / 12) ** 2));
    expect(mean(prevalence.map(({ error }) => error! ** 2))).toBeCloseTo(spread, 12);
  });

  const verified = fc
    .record({
      positive: fc.integer({ min: 0, max: 60 }),
      negative: fc.integer({ min: 0, max: 60 }),
      rest: fc.integer({ min: 0, max: 500 }),
    })
    .map(({ positive, negative, rest }) => ({ total: positive + negative + rest, positive, negative }));
  test('is the estimate of Begg and Greenes, within its interval and within 0 and 1', () => {
    fc.assert(
      fc.property(verified, verified, (marked, unmarked) => {
        const strata = [stratumOf(marked, true), stratumOf(unmarked, false)];
        const weighted = weightedAccuracy(strata);
        const corrected = beggGreenes(marked, unmarked);
        for (const name of ['sensitivity', 'specificity'] as const) {
          const { value, interval } = corrected[name];
          if (value === null) continue;
          expect(weighted[name].value!).toBeCloseTo(value, 9);
          if (!interval) continue;
          expect(interval.low).toBeLessThanOrEqual(value);
          expect(interval.high).toBeGreaterThanOrEqual(value);
          expect(interval.low).toBeGreaterThanOrEqual(0);
          expect(interval.high).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
  test('yes and no changed about changes sensitivity and specificity about', () => {
    fc.assert(
      fc.property(verified, verified, (marked, unmarked) => {
        const turned = ({ total, positive, negative }: typeof marked) => ({
          total,
          positive: negative,
          negative: positive,
        });
        const one = beggGreenes(marked, unmarked);
        const other = beggGreenes(turned(unmarked), turned(marked));
        expect(other.sensitivity.value ?? -1).toBeCloseTo(one.specificity.value ?? -1, 9);
        expect(other.specificity.value ?? -1).toBeCloseTo(one.sensitivity.value ?? -1, 9);
      }),
    );
  });
  test('impossible counts are refused, and a group without answers gives no figure', () => {
    expect(() => weightedAccuracy([stratum(3, 2, 2, 0, 0)])).toThrow(RangeError);
    expect(() => weightedAccuracy([stratum(3, -1, 2, 0, 0)])).toThrow(RangeError);
    expect(() => weightedAccuracy([stratum(3, 0.5, 0, 0, 0)])).toThrow(RangeError);
    expect(weightedAccuracy([stratum(9, 5, 4, 0, 0), stratum(90, 0, 0, 0, 0)]).sensitivity.value).toBeNull();
    expect(weightedAccuracy([]).sensitivity.value).toBeNull();
  });
});

describe('bounds where too few misses were found', () => {
  // phyper of R 4.2.2, inverted.
  test.each([
    [880, 150, 0, 0.05, 15, 0],
    [880, 150, 3, 0.05, 42, 6],
    [880, 150, 3, 0.025, 47, 5],
    [50, 20, 1, 0.05, 9, 1],
    [880, 880, 4, 0.05, 4, 4],
    [20_000, 200, 4, 0.025, 1005, 111],
  ])(
    '%i studies, %i drawn, %i positive, level %f: at most %i, at least %i',
    (size, n, k, alpha, most, fewest) => {
      expect(mostPositives(k, n, size, alpha)).toBe(most);
      expect(fewestPositives(k, n, size, alpha)).toBe(fewest);
    },
  );

  test('hold in at least 95 of 100 samples, whatever the truth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 200 }).chain((size) =>
          fc.record({
            size: fc.constant(size),
            n: fc.integer({ min: 1, max: size }),
            positives: fc.integer({ min: 0, max: size }),
          }),
        ),
        ({ size, n, positives }) => {
          let covered = 0;
          for (let k = Math.max(0, n - (size - positives)); k <= Math.min(n, positives); k++)
            if (mostPositives(k, n, size, 0.05) >= positives)
              covered +=
                hypergeometric(k, size, positives, n) -
                (k > 0 ? hypergeometric(k - 1, size, positives, n) : 0);
          expect(covered).toBeGreaterThan(0.95 - 1e-9);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the bound of the sensitivity', () => {
    // All 120 marked are answered, so the whole error is the unmarked ones': at most 42 of 880 missed.
    expect(
      sensitivityBound(
        { total: 120, positive: 84, negative: 36 },
        { total: 880, positive: 3, negative: 147 },
      ),
    ).toEqual({ atLeast: 84 / (84 + 42), atMostMissed: 42 });
    // Of the marked 30 are open: both groups share the error.
    const open = sensitivityBound(
      { total: 120, positive: 63, negative: 27 },
      { total: 880, positive: 3, negative: 147 },
    )!;
    expect(open.atMostMissed).toBe(47);
    expect(open.atLeast).toBeLessThan(84 / (84 + 47));
    expect(
      sensitivityBound({ total: 5, positive: 0, negative: 5 }, { total: 5, positive: 0, negative: 5 }),
    ).toBeNull();
    expect(
      sensitivityBound({ total: 5, positive: 0, negative: 0 }, { total: 5, positive: 0, negative: 5 }),
    ).toBeNull();
    expect(
      specificityBound({ total: 10, positive: 8, negative: 2 }, { total: 90, positive: 0, negative: 90 }),
    ).toEqual({ atLeast: 90 / 92, atMostMissed: 2 });
  });
});

describe('chance that can be repeated', () => {
  const keys = Array.from({ length: 40 }, (_, i) => `1.2.${i}`);
  test('the same seed gives the same order, and a larger sample holds the smaller', () => {
    const seed = newSeed();
    expect(seed).toMatch(/^[0-9a-f]{32}$/);
    expect(shuffled(keys, seed)).toEqual(shuffled(keys.toReversed(), seed));
    expect(shuffled(keys, seed)).not.toEqual(shuffled(keys, newSeed()));
    expect([...shuffled(keys, seed)].sort()).toEqual([...keys].sort());
    // HMAC-SHA-256 by openssl: printf %s 1.2.0 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    expect(numberOf('0123456789abcdef0123456789abcdef', '1.2.0')).toBe(0.4678800198381664);
  });
  test('each of 40 is as often among the first 10: chi-square over 1,000 seeds', () => {
    const times = new Map(keys.map((key) => [key, 0]));
    for (let i = 0; i < 1000; i++)
      for (const key of shuffled(keys, `seed ${i}`).slice(0, 10)) times.set(key, times.get(key)! + 1);
    const chi = [...times.values()].reduce((sum, n) => sum + (n - 250) ** 2 / 250, 0);
    // Without replacement the statistic is (1 − 10/40) of a chi-square with 39 degrees of freedom; 0.9999 quantile 79.6.
    expect(chi).toBeLessThan(0.77 * 79.6);
  });
});
