import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agreement } from './agreement.ts';

describe('agreement of two readers', () => {
  test('Fleiss, Cohen and Everitt 1969, doi:10.1037/h0028106: 200 patients, three answers', () => {
    // Also cohen.kappa of R's package psych 2.2.9: kappa 0.428571428571429, variance 0.00288487204405572.
    const of = agreement([
      [106, 10, 4],
      [22, 28, 10],
      [2, 12, 6],
    ]);
    expect(of.kappa).toBeCloseTo(0.428571428571429, 12);
    expect(of.kappaError! ** 2).toBeCloseTo(0.00288487204405572, 12);
    expect(of).toMatchObject({ n: 200, same: 140, observed: 0.7 });
  });
  test('two answers: psych 2.2.9', () => {
    const of = agreement([
      [20, 5],
      [10, 15],
    ]);
    expect(of.kappa).toBeCloseTo(0.4, 12);
    expect(of.kappaError! ** 2).toBeCloseTo(0.016128, 12);
    expect(of.kappaInterval!.low).toBeCloseTo(0.151092290476661, 9);
    expect(of.kappaInterval!.high).toBeCloseTo(0.648907709523339, 9);
    expect(of.pabak).toBeCloseTo(0.4, 12);
  });
  test('the paradox of Feinstein and Cicchetti, J Clin Epidemiol 1990;43:543, doi:10.1016/0895-4356(90)90158-L', () => {
    // The same 85 of 100: kappa 0.70 where both answers are common, 0.32 where one is rare. PABAK is 0.70 for both.
    const even = agreement([
      [40, 9],
      [6, 45],
    ]);
    const rare = agreement([
      [80, 10],
      [5, 5],
    ]);
    expect(even.kappa).toBeCloseTo(0.7, 2);
    expect(rare.kappa).toBeCloseTo(0.32, 2);
    expect(even.pabak).toBeCloseTo(0.7, 12);
    expect(rare.pabak).toBeCloseTo(0.7, 12);
  });
  test('all positives and a tenth of the negatives read twice: as if all had been', () => {
    const all = [
      [45, 5],
      [20, 380],
    ];
    const part = [
      [45, 5],
      [2, 38],
    ];
    const first = [50, 400];
    const whole = agreement(all);
    const weighted = agreement(part, first);
    expect(weighted.kappa).toBeCloseTo(whole.kappa!, 12);
    expect(weighted.observed).toBeCloseTo(whole.observed!, 12);
    // Fewer readings, wider; and the plain share among those read twice is not what is asked for.
    expect(weighted.kappaError!).toBeGreaterThan(whole.kappaError!);
    expect(weighted.observedInterval).toBeNull();
    expect(agreement(part).kappa).not.toBeCloseTo(whole.kappa!, 1);
  });
  test('no more than it can say', () => {
    expect(agreement([[0, 0], [0, 0]])).toMatchObject({ n: 0, observed: null, kappa: null }); // prettier-ignore
    expect(agreement([[9, 0], [0, 0]])).toMatchObject({ observed: 1, kappa: null, pabak: 1 }); // prettier-ignore
    expect(() => agreement([[1, 2]])).toThrow(RangeError);
    expect(() => agreement([[1, -2], [0, 1]])).toThrow(RangeError); // prettier-ignore
  });
  test('bounds and symmetry', () => {
    const count = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(fc.tuple(count, count, count, count, count, count, count, count, count), (n) => {
        const table = [n.slice(0, 3), n.slice(3, 6), n.slice(6)];
        const of = agreement(table);
        const turned = agreement(table.map((_, i) => table.map((row) => row[i]!)));
        if (of.kappa === null) return;
        expect(of.kappa).toBeLessThanOrEqual(1);
        expect(of.kappa).toBeGreaterThanOrEqual(-1);
        expect(turned.kappa).toBeCloseTo(of.kappa, 9);
        expect(turned.kappaError).toBeCloseTo(of.kappaError!, 9);
        expect(of.kappaInterval!.low).toBeLessThanOrEqual(of.kappa);
        expect(of.kappaInterval!.high).toBeGreaterThanOrEqual(of.kappa);
      }),
    );
  });
});
