import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { compareAreas, delong, midranks, rocCurve, type Scored } from './roc.ts';
import { coarse, fractureScores } from './testing.ts';

const cases = fractureScores();

describe('on real scores, as pROC 1.18.0 (R 4.2.2) has them', () => {
  // roc(fractured, score, direction = "<"); c(auc(r), var(r)), DeLong's method; the interval from both on the logit scale,
  // plogis(qlogis(auc) ± qnorm(0.975) · √var / (auc (1 − auc))), computed in Python.
  test('area, variance and interval', () => {
    const area = delong(cases)!;
    expect(area).toMatchObject({ positives: 83, negatives: 163 });
    expect(area.auc).toBeCloseTo(0.889792298026461, 13); // roc_auc_score of scikit-learn 1.2.1: 0.8897922980264615
    expect(area.variance).toBeCloseTo(0.000498900626701788, 15);
    expect(area.low).toBeCloseTo(0.8378327230202884, 12);
    expect(area.high).toBeCloseTo(0.9265628856626367, 12);
  });
  test('with ties: the scores rounded down to tenths', () => {
    const area = delong(coarse(cases))!;
    expect(area.auc).toBeCloseTo(0.874750535885875, 13);
    expect(area.variance).toBeCloseTo(0.000575826502625507, 15);
    expect(area.low).toBeCloseTo(0.819706169811231, 12);
    expect(area.high).toBeCloseTo(0.9147376655293894, 12);
  });
  // roc.test(r, q, method = "delong")
  const compared = (b: number[]) =>
    compareAreas(cases.map(({ score }) => score), b, cases.map(({ positive }) => positive))!; // prettier-ignore
  test('two areas on the same cases: against the rounded scores', () => {
    const { z, p, low, high } = compared(coarse(cases).map(({ score }) => score));
    expect(z).toBeCloseTo(1.84325219794918, 8);
    expect(p).toBeCloseTo(0.0652921969319756, 9);
    expect(low).toBeCloseTo(-0.00095242036594673, 10);
    expect(high).toBeCloseTo(0.0310359446471204, 10);
  });
  test('two areas on the same cases: against the size of the file', () => {
    const { aucB, z, p, low, high } = compared(cases.map(({ bytes }) => -bytes));
    expect(aucB).toBeCloseTo(0.48573434843669, 13);
    expect(z).toBeCloseTo(8.74908682027162, 9);
    expect(p! / 2.15086139795522e-18).toBeCloseTo(1, 8);
    expect(low).toBeCloseTo(0.313541185368374, 12);
    expect(high).toBeCloseTo(0.494574713811166, 12);
  });
});

test('the curve with ties, as roc_curve of scikit-learn 1.2.1 (drop_intermediate=False) has it', () => {
  const curve = rocCurve(coarse(cases))!;
  const round = (values: number[]) => values.map((value) => Math.round(value * 1e6) / 1e6);
  expect(curve.map(({ threshold }) => threshold)).toEqual([
    Infinity, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0,
  ]); // prettier-ignore
  expect(round(curve.map(({ sensitivity }) => sensitivity))).toEqual([
    0, 0.072289, 0.108434, 0.228916, 0.313253, 0.433735, 0.554217, 0.626506, 0.759036, 0.891566, 1,
  ]); // prettier-ignore
  expect(round(curve.map(({ falsePositiveRate }) => falsePositiveRate))).toEqual([
    0, 0, 0.006135, 0.006135, 0.01227, 0.030675, 0.055215, 0.09816, 0.128834, 0.269939, 1,
  ]); // prettier-ignore
  expect(rocCurve(cases)).toHaveLength(246);
});

const anyCases = fc
  .array(fc.record({ score: fc.integer({ min: 0, max: 12 }), positive: fc.boolean() }), {
    minLength: 4,
    maxLength: 60,
  })
  .filter((all) => [true, false].every((side) => all.filter(({ positive }) => positive === side).length > 1));

describe('for any cases', () => {
  it('the area is the share of pairs in the right order, and that under the curve', () => {
    fc.assert(
      fc.property(anyCases, (all) => {
        const [yes, no] = [true, false].map((side) => all.filter(({ positive }) => positive === side));
        let right = 0;
        for (const a of yes!)
          for (const b of no!) right += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
        const { auc, low, high } = delong(all)!;
        expect(auc).toBeCloseTo(right / (yes!.length * no!.length), 12);
        expect(low).toBeLessThanOrEqual(auc);
        expect(high).toBeGreaterThanOrEqual(auc);
        const curve = rocCurve(all)!;
        const area = curve.slice(1).reduce((sum, to, i) => {
          const from = curve[i]!;
          const width = to.falsePositiveRate - from.falsePositiveRate;
          return sum + (width * (to.sensitivity + from.sensitivity)) / 2;
        }, 0);
        expect(area).toBeCloseTo(auc, 12);
      }),
    );
  });

  it('only the order of the scores counts; turned round, the area is its complement', () => {
    fc.assert(
      fc.property(anyCases, (all) => {
        const given = delong(all)!;
        const stretched = delong(all.map((each) => ({ ...each, score: Math.exp(each.score) - 7 })))!;
        expect(stretched.auc).toBeCloseTo(given.auc, 12);
        expect(stretched.variance).toBeCloseTo(given.variance!, 12);
        const turned = delong(all.map((each) => ({ ...each, score: -each.score })))!;
        expect(turned.auc).toBeCloseTo(1 - given.auc, 12);
        expect(turned.variance).toBeCloseTo(given.variance!, 12);
      }),
    );
  });

  it('a test does not differ from itself, and a − b is −(b − a)', () => {
    fc.assert(
      fc.property(anyCases, fc.infiniteStream(fc.integer({ min: 0, max: 5 })), (all, stream) => {
        const a = all.map(({ score }) => score);
        const b = all.map(() => Number(stream.next().value));
        const positive = all.map((each) => each.positive);
        expect(compareAreas(a, a, positive)).toMatchObject({ difference: 0, z: null, p: null });
        const there = compareAreas(a, b, positive)!;
        const back = compareAreas(b, a, positive)!;
        expect(there.difference).toBeCloseTo(-back.difference, 12);
        if (there.z !== null) expect(there.z).toBeCloseTo(-back.z!, 8);
      }),
    );
  });
});

it('midranks: ties share the mean', () => {
  expect([...midranks([3, 1, 3, 2, 3])]).toEqual([4, 1, 4, 2, 4]);
  expect([...midranks([])]).toEqual([]);
});

it('has no answer without both classes, and refuses what is no number', () => {
  const one: Scored[] = [{ score: 1, positive: true }];
  expect(delong(one)).toBeUndefined();
  expect(rocCurve(one)).toBeUndefined();
  expect(delong([...one, { score: 0, positive: false }])).toMatchObject({
    auc: 1,
    variance: null,
    low: null,
  });
  expect(() => delong([...one, { score: NaN, positive: false }])).toThrow(RangeError);
  expect(() => rocCurve([{ score: NaN, positive: true }])).toThrow(RangeError);
  expect(() => compareAreas([1], [1, 2], [true])).toThrow(RangeError);
});
