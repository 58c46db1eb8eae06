/** Against R 4: `pchisq(lower.tail = FALSE)`, `chisq.test(correct = FALSE)`, and the sum of the index. */
import { describe, expect, test } from 'vitest';
import { generator } from '../bootstrap.ts';
import {
  chiSquaredTail,
  INPUT_ALPHA,
  INPUT_REFERENCE,
  inputsOf,
  wordsCompared,
  type InputRow,
} from './inputs.ts';

const HOUR = 3_600_000;
const words = (counts: Record<string, number>) =>
  Object.entries(counts).flatMap(([word, n]) => Array.from({ length: n }, () => word));

test.each([
  [3.84, 1, 0.0500435212487052],
  [12.5, 5, 0.0285431233261675],
  [0.7, 3, 0.873203949063954],
  [45, 10, 2.17472725766718e-6],
])('the tail of chi-squared at %d with %i degrees of freedom', (x, degrees, p) => {
  expect(chiSquaredTail(x, degrees) / p).toBeCloseTo(1, 10);
});

test('two samples of words', () => {
  const { psi, p } = wordsCompared(words({ a: 120, b: 60, c: 20 }), words({ a: 20, b: 30, c: 10 }));
  expect(psi).toBeCloseTo(0.292963276978163, 12);
  expect(p).toBeCloseTo(0.00135605625657526, 12);
  expect(wordsCompared(['a', 'a'], ['a'])).toEqual({ psi: 0, p: 1 });
  // A word that is new is seen, and stays finite.
  const fresh = wordsCompared(words({ a: 200 }), words({ b: 100 }));
  expect(fresh.p).toBeLessThan(1e-10);
  expect(Number.isFinite(fresh.psi)).toBe(true);
});

/** A year, 80 studies a week; from `change` on with another software and 8 kV more. */
const year = (seed: number, change = Infinity): InputRow[] => {
  const next = generator(seed);
  const below = (n: number) => Math.floor((next() / 2 ** 32) * n);
  return Array.from({ length: 52 * 80 }, (_, i) => ({
    at: i * 2.1 * HOUR,
    words: {
      machine: ['A', 'A', 'B'][below(3)]!,
      station: '',
      software: i < change ? '1' : '2',
      detector: '',
      view: ['AP', 'LAT'][below(2)]!,
    },
    numbers: { kvp: 50 + below(20) + (i < change ? 0 : 8), mas: null, exposureIndex: 200 + below(300) },
  }));
};

describe('what a tool is given', () => {
  test('without enough studies nothing is compared; what is not recorded is not compared', () => {
    expect(inputsOf([])).toEqual({ n: 0, reference: null, weeks: [], changes: [] });
    expect(inputsOf(year(1).slice(0, INPUT_REFERENCE - 1)).reference).toBeNull();
    const [week] = inputsOf(year(1)).weeks;
    // All have one software: nothing differs. No station, no detector, no mAs.
    expect(week!.of.map(({ key }) => key)).toEqual(['machine', 'software', 'view', 'kvp', 'exposureIndex']);
  });

  test('a week is called different by chance about as seldom as it says', () => {
    let [weeks, different] = [0, 0];
    for (let seed = 1; seed <= 40; seed += 1)
      for (const { of } of inputsOf(year(seed)).weeks) {
        weeks += 1;
        different += Number(of.some((each) => each.different));
      }
    expect(weeks).toBe(40 * 26);
    // One reference for all weeks of a year: they are not independent; three times its share is far beyond chance.
    expect(different / weeks).toBeLessThan(3 * INPUT_ALPHA);
  });

  test('another software and another voltage are seen in their first whole week, and the change has its day', () => {
    const change = 52 * 80 - 800;
    const { weeks, changes } = inputsOf(year(3, change));
    const at = change * 2.1 * HOUR;
    expect(changes).toMatchObject([
      { machine: expect.any(String), before: '1', after: '2' },
      { before: '1', after: '2' },
    ]);
    expect(changes[0]!.at).toBe(at);
    const after = weeks.filter(({ from }) => from >= at);
    expect(after.length).toBeGreaterThan(5);
    for (const { of } of after)
      expect(of.filter(({ different }) => different).map(({ key }) => key)).toEqual(
        expect.arrayContaining(['software', 'kvp']),
      );
  });
});
