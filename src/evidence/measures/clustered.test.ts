/**
 * Against R 4 with `survey` (Lumley T., doi:10.18637/jss.v009.i08): `svydesign(ids = ~patient, weights = ~1)`, `svymean(~ a + b)`,
 * its `vcov`, and `prop.test(p n / deff, n / deff, correct = FALSE)`; 15 patients with 27 studies.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wilson } from '../statistics.ts';
import { clusteredDifference, clusteredProportion, wilsonAt } from './clustered.ts';

const N = [1, 2, 1, 2, 3, 1, 1, 3, 1, 1, 2, 1, 2, 1, 5];
const A = [1, 2, 0, 0, 3, 1, 0, 3, 1, 0, 2, 0, 2, 1, 4];
const B = [1, 0, 0, 2, 2, 1, 1, 2, 0, 1, 2, 0, 1, 1, 3];
const studies = N.flatMap((n, i) =>
  Array.from({ length: n }, (_, j) => ({ patient: `p${i}`, first: j < A[i]!, second: j < B[i]! })),
);
const first = studies.map(({ patient, first: right }) => ({ patient, right }));

describe('studies of which several are of one patient', () => {
  test('a proportion has the interval of as many studies as theirs are worth', () => {
    const { k, n, value, low, high, patients, clustered } = clusteredProportion(first);
    expect({ k, n, patients, clustered }).toEqual({ k: 20, n: 27, patients: 15, clustered: true });
    expect(value).toBeCloseTo(0.740740740741, 12);
    expect(low).toBeCloseTo(0.517940508644558, 10);
    expect(high).toBeCloseTo(0.88369042263282, 10);
  });

  test('the difference of two judgements has the variance over patients', () => {
    const of = clusteredDifference(studies)!;
    expect(of.value).toBeCloseTo(0.111111111111111, 12);
    expect(of.variance).toBeCloseTo(0.0193422895754857, 12);
    expect(of.low).toBeCloseTo(-0.161473937822556, 10);
    expect(of.high).toBeCloseTo(0.383696160044778, 10);
    expect(of.p).toBeCloseTo(0.424336527264367, 10);
  });

  test('without a patient who counts twice, or without known ones, it is Wilson’s', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), fc.boolean(), (list, known) => {
        const each = list.map((right, i) => ({ patient: known ? `p${i}` : '', right }));
        const { low, high, clustered, k, n } = clusteredProportion(each);
        expect(clustered).toBe(false);
        expect({ low, high }).toEqual(wilson(k, n));
      }),
    );
  });

  test('is never narrower than if every study were another patient’s, and encloses its value', () => {
    const study = fc.record({ patient: fc.constantFrom('', 'a', 'b', 'c', 'd'), right: fc.boolean() });
    fc.assert(
      fc.property(fc.array(study, { minLength: 1, maxLength: 40 }), (list) => {
        const { low, high, value, k, n } = clusteredProportion(list);
        const plain = wilson(k, n)!;
        expect(low!).toBeLessThanOrEqual(plain.low + 1e-12);
        expect(high!).toBeGreaterThanOrEqual(plain.high - 1e-12);
        expect(value!).toBeGreaterThanOrEqual(low!);
        expect(value!).toBeLessThanOrEqual(high!);
        expect(low!).toBeGreaterThanOrEqual(0);
        expect(high!).toBeLessThanOrEqual(1);
      }),
    );
    expect(clusteredProportion([])).toMatchObject({ n: 0, value: null, low: null });
    // Six studies of two patients, all right: as sure as two.
    const all = Array.from({ length: 6 }, (_, i) => ({ patient: `p${i % 2}`, right: true }));
    expect(clusteredProportion(all)).toMatchObject({ low: wilsonAt(1, 2).low, high: 1 });
  });
});
