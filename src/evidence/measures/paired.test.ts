/**
 * Newcombe's interval against R (the formula of 1998 with `qnorm`), for the published examples of Bentur 2009 (Fagerland M. W. et
 * al., Stat Med 2014;33:2850, doi:10.1002/sim.6148: −0.507 to −0.026; McNemar exact 0.0703, mid-P 0.0391) and of Altman et al.,
 * Statistics with Confidence, 2000, table 6.2.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pairedDifference, pairOf } from './paired.ts';

const pairs = (
  both: number,
  first: number,
  second: number,
  neither: number,
  patient = (i: number) => `p${i}`,
) =>
  [
    ...Array.from({ length: both }, () => [true, true]),
    ...Array.from({ length: first }, () => [true, false]),
    ...Array.from({ length: second }, () => [false, true]),
    ...Array.from({ length: neither }, () => [false, false]),
  ].map(([a, b], i) => ({ patient: patient(i), first: a!, second: b! }));

describe('two judgements on the same studies', () => {
  test.each([
    [1, 1, 7, 12, -0.2857142857143, -0.5069202266861, -0.0255591241649],
    [14, 5, 0, 22, 0.121951219512, 0.011483241383, 0.226492684351],
    [50, 4, 9, 7, -0.0714285714286, -0.1775411813103, 0.0337499404788],
    [36, 12, 2, 0, 0.2, 0.0569295840032, 0.3404276029749],
  ])('%i, %i, %i, %i', (both, first, second, neither, value, low, high) => {
    const of = pairedDifference(both, first, second, neither)!;
    expect(of.value).toBeCloseTo(value, 11);
    expect(of.low).toBeCloseTo(low, 11);
    expect(of.high).toBeCloseTo(high, 11);
  });

  test('turned round, the difference is turned round', () => {
    const count = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(count, count, count, count, (a, b, c, d) => {
        const [one, other] = [pairedDifference(a, b, c, d), pairedDifference(a, c, b, d)];
        if (!one || !other) return expect(a + b + c + d).toBe(0);
        expect(one.low).toBeCloseTo(-other.high, 12);
        expect(one.high).toBeCloseTo(-other.low, 12);
        expect(one.low).toBeLessThanOrEqual(one.value + 1e-12);
        expect(one.high).toBeGreaterThanOrEqual(one.value - 1e-12);
      }),
    );
  });

  test('counts, rates and McNemar of the published example', () => {
    const of = pairOf(pairs(1, 1, 7, 12));
    expect(of).toMatchObject({ n: 21, both: 1, onlyFirst: 1, onlySecond: 7, neither: 12, clustered: null });
    expect(of.first).toMatchObject({ k: 2, n: 21, enough: false });
    expect(of.exact).toBeCloseTo(0.0703125, 10);
    expect(of.midP).toBeCloseTo(0.0390625, 10);
  });

  test('patients who count twice widen the interval', () => {
    const alone = pairOf(pairs(10, 2, 8, 10));
    const twice = pairOf(pairs(10, 2, 8, 10, (i) => `p${i >> 1}`));
    expect(twice.clustered?.patients).toBe(15);
    const width = ({ difference }: typeof alone) => difference!.high - difference!.low;
    expect(width(twice)).toBeGreaterThan(width(alone));
  });
});
