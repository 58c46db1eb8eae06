import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { clopperPearson, countsAt, mcnemar, predictiveAt, ratesOf } from './accuracy.ts';
import { logGamma } from './distributions.ts';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const term = (k: number, n: number, p: number) =>
  Math.exp(
    logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) + k * Math.log(p) + (n - k) * Math.log1p(-p),
  );

describe('Clopper–Pearson interval', () => {
  // R 4.2.2, binom.test(k, n)$conf.int; SciPy 1.10.1, binomtest(k, n).proportion_ci("exact") gives the same.
  test.each([
    [0, 20, 0, 0.168433470983085],
    [1, 29, 8.72646883579923e-4, 0.177644295488723],
    [15, 148, 0.0578440100834486, 0.161650490349479],
    [81, 263, 0.252736745585271, 0.367621922601351],
    [20, 20, 0.831566529016915, 1],
    [167, 172, 0.933467587485525, 0.990495119824024],
    [999, 1000, 0.994441075720173, 0.999974682512509],
  ])('%d of %d', (k, n, low, high) => {
    const interval = clopperPearson(k, n)!;
    expect(interval.low).toBeCloseTo(low, 12);
    expect(interval.high).toBeCloseTo(high, 12);
  });

  it('encloses the estimate, mirrors, and leaves 2.5 % on each side', () => {
    const counts = fc
      .integer({ min: 1, max: 3000 })
      .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(counts, ([k, n]) => {
        const { low, high } = clopperPearson(k, n)!;
        expect(low).toBeLessThanOrEqual(k / n);
        expect(high).toBeGreaterThanOrEqual(k / n);
        const mirror = clopperPearson(n - k, n)!;
        expect(mirror.low).toBeCloseTo(1 - high, 9);
        // P(X ≥ k) at the lower bound, and P(X ≤ k) at the upper, by the binomial's own terms.
        const tail = (p: number, ks: number[]) => ks.reduce((sum, i) => sum + term(i, n, p), 0);
        if (k > 0) expect(tail(low, range(k, n))).toBeCloseTo(0.025, 7);
        if (k < n) expect(tail(high, range(0, k))).toBeCloseTo(0.025, 7);
      }),
      { numRuns: 60 },
    );
  });

  it('has none for no cases and refuses impossible counts', () => {
    expect(clopperPearson(0, 0)).toBeUndefined();
    expect(() => clopperPearson(3, 2)).toThrow(RangeError);
  });
});

describe('McNemar', () => {
  // R 4.2.2: binom.test(b, b + c)$p.value, and from dbinom, pbinom the mid-P of Fagerland 2013.
  test.each([
    [0, 5, 0.0625, 0.03125],
    [3, 12, 0.03515625, 0.021270751953125], // statsmodels 0.13.5, mcnemar(exact=True): 0.03515625
    [6, 6, 1, 0.88720703125],
    [1, 59, 1.05818132034585e-16, 5.37764277552816e-17],
    [30, 45, 0.105342268874606, 0.0846460926708365],
    [121, 59, 4.43444926375516e-6, 3.26664679577459e-6],
  ])('%d against %d', (b, c, exact, midP) => {
    for (const answer of [mcnemar(b, c), mcnemar(c, b)]) {
      expect(answer.exact! / exact).toBeCloseTo(1, 9);
      expect(answer.midP! / midP).toBeCloseTo(1, 9);
    }
  });
  test('nothing to say without a difference', () => {
    expect(mcnemar(0, 0)).toEqual({ onlyFirst: 0, onlySecond: 0, exact: null, midP: null });
    expect(() => mcnemar(-1, 2)).toThrow(RangeError);
  });
  it('mid-P is a probability below the exact one', () => {
    const n = fc.integer({ min: 0, max: 400 });
    fc.assert(
      fc.property(n, n, (b, c) => {
        fc.pre(b + c > 0);
        const { exact, midP } = mcnemar(b, c);
        expect(midP).toBeGreaterThanOrEqual(0);
        expect(midP).toBeLessThan(exact! + 1e-12);
        expect(exact).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('predictive values at another prevalence', () => {
  // R 4.2.2: the logit of each value as a function of sensitivity and specificity, its gradient by central differences, the delta
  // method with p(1 − p)/n; for the last with qnorm(.975)^2/2 added to each count.
  test.each([
    [{ tp: 240, fn: 178, tn: 288, fp: 87 }, 0.03, [0.0710993700596, 0.0588709728817, 0.0856366656603], [0.983140388658, 0.980948791027, 0.985083704707]],
    [{ tp: 240, fn: 178, tn: 288, fp: 87 }, 0.17, [0.336383651491, 0.292916604769, 0.382808836784], [0.898014869203, 0.886040371793, 0.908860550875]],
    [{ tp: 135, fn: 37, tn: 694, fp: 134 }, 0.05, [0.203350239771, 0.176663092078, 0.232928290957], [0.986672049588, 0.982319366109, 0.989964121042]],
  ])('%o at %d', (counts, prevalence, [ppv, ppvLow, ppvHigh], [npv, npvLow, npvHigh]) => {
    const { ppv: p, npv: n } = predictiveAt(counts, prevalence);
    for (const [value, expected] of [[p.value, ppv], [p.low, ppvLow], [p.high, ppvHigh], [n.value, npv], [n.low, npvLow], [n.high, npvHigh]])
      expect(value).toBeCloseTo(expected!, 8);
  }); // prettier-ignore

  test('with a count of 0: the adjusted interval, stretched to the estimate', () => {
    const { ppv, npv } = predictiveAt({ tp: 20, fn: 5, tn: 40, fp: 0 }, 0.02);
    expect(ppv.value).toBe(1);
    expect(ppv.low).toBeCloseTo(0.0804435588168, 8); // of 0.261, the adjusted estimate, up to 0.589
    expect(ppv.high).toBe(1);
    expect(npv.value).toBeCloseTo(0.98 / (0.98 + 0.2 * 0.02), 12);
    expect(npv.low).toBeCloseTo(0.990259866616, 8);
    expect(npv.high).toBeCloseTo(0.997340394959, 8);
  });

  test('at the prevalence of the cases they are those of the cases', () => {
    const counts = { tp: 135, fn: 37, tn: 694, fp: 134 };
    const { ppv, npv } = predictiveAt(counts, 172 / 1000);
    const rates = ratesOf(counts);
    expect(ppv.value).toBeCloseTo(rates.ppv.value!, 12);
    expect(npv.value).toBeCloseTo(rates.npv.value!, 12);
  });

  it('rise and fall with the prevalence and are enclosed', () => {
    const n = fc.integer({ min: 0, max: 200 });
    const part = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(n, n, n, n, part, part, (tp, fn, tn, fp, p, q) => {
        const counts = { tp, fn, tn, fp };
        const [low, high] = [Math.min(p, q), Math.max(p, q)].map((at) => predictiveAt(counts, at));
        for (const each of [low!.ppv, low!.npv, high!.ppv, high!.npv]) {
          if (each.value === null) continue;
          expect(each.low).toBeLessThanOrEqual(each.value);
          expect(each.high).toBeGreaterThanOrEqual(each.value);
          expect(each.low).toBeGreaterThanOrEqual(0);
          expect(each.high).toBeLessThanOrEqual(1);
        }
        if (low!.ppv.value !== null && high!.ppv.value !== null)
          expect(low!.ppv.value).toBeLessThanOrEqual(high!.ppv.value + 1e-12);
        if (low!.npv.value !== null && high!.npv.value !== null)
          expect(low!.npv.value).toBeGreaterThanOrEqual(high!.npv.value - 1e-12);
      }),
    );
    expect(predictiveAt({ tp: 1, fn: 1, tn: 0, fp: 0 }, 0.1).ppv).toEqual({
      value: null,
      low: null,
      high: null,
    });
    expect(() => predictiveAt({ tp: 1, fn: 1, tn: 1, fp: 1 }, 1)).toThrow(RangeError);
  });
});

test('a score at the threshold is positive', () => {
  const cases = [0.2, 0.5, 0.5, 0.9].map((score, i) => ({ score, positive: i % 2 === 0 }));
  expect(countsAt(cases, 0.5)).toEqual({ tp: 1, fp: 2, tn: 0, fn: 1 });
});
