import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generator } from './bootstrap.ts';
import { cusum, eProcess } from './sequential.ts';

/** `n` failures at a rate, from a seed. */
function failuresAt(rate: number, n: number, seed: number): boolean[] {
  const next = generator(seed);
  return Array.from({ length: n }, () => next() / 2 ** 32 < rate);
}
const failures = fc.array(fc.boolean(), { maxLength: 300 });

describe('CUSUM', () => {
  // Steiner et al. 2000, 2.2: with equal risks a death adds log((1 - p + R p)^-1 R), a survivor log((1 - p + R p)^-1).
  test('the steps of Steiner', () => {
    const { path } = cusum([true, false, true], { accepted: 0.1, ratio: 2 });
    const [death, survivor] = [Math.log(2 / 1.1), Math.log(1 / 1.1)];
    expect(path[0]).toBeCloseTo(death, 14);
    expect(path[1]).toBeCloseTo(death + survivor, 14);
    expect(path[2]).toBeCloseTo(2 * death + survivor, 14);
  });

  test('is the sum less its lowest point so far', () => {
    fc.assert(
      fc.property(failures, fc.double({ min: 0.01, max: 0.6, noNaN: true }), (of, accepted) => {
        const { path, alarms } = cusum(of, { accepted, budget: Number.MAX_VALUE });
        let [sum, lowest] = [0, 0];
        of.forEach((failed, i) => {
          sum += Math.log((failed ? 2 : 1) / (1 - accepted + 2 * accepted));
          lowest = Math.min(lowest, sum);
          expect(path[i]).toBeCloseTo(sum - lowest, 9);
        });
        expect(alarms).toEqual([]);
      }),
    );
  });

  test('a false alarm comes no more often than it may; a doubled rate is found soon', () => {
    const runs = 400;
    let cases = 0;
    let found = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const quiet = cusum(failuresAt(0.2, 2000, seed), { accepted: 0.2, budget: 100 });
      cases += (quiet.alarms[0] ?? 1999) + 1;
      found += cusum(failuresAt(0.4, 2000, seed), { accepted: 0.2, budget: 100 }).alarms[0]! + 1;
    }
    expect(cases / runs).toBeGreaterThan(100);
    expect(found / runs).toBeLessThan(60);
  });

  test('tells where the rise began, and begins again', () => {
    const quiet = new Array<boolean>(40).fill(false);
    const storm = new Array<boolean>(15).fill(true);
    const { alarms, since } = cusum([...quiet, ...storm, ...quiet, ...storm], { accepted: 0.2 });
    expect(since[0]).toBe(40);
    expect(alarms).toHaveLength(2);
    expect(since[1]).toBeGreaterThan(alarms[0]!);
  });

  test('parameters that are none', () => {
    for (const accepted of [0, 1, NaN, -1]) expect(() => cusum([], { accepted })).toThrow(RangeError);
    expect(() => cusum([], { accepted: 0.1, ratio: 1 })).toThrow(RangeError);
    expect(() => cusum([], { accepted: 0.1, budget: 1 })).toThrow(RangeError);
  });
});

describe('e-process', () => {
  test('is the mean of the likelihood ratios, as they stand in a textbook', () => {
    const odds = [1.25, 1.5, 2, 3, 4, 6, 8, 12, 16];
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), (of) => {
        const k = of.filter(Boolean).length;
        const ratios = odds.map((ratio) => {
          const rate = (ratio * 0.25) / (0.75 + ratio * 0.25);
          return (rate / 0.25) ** k * ((1 - rate) / 0.75) ** (of.length - k);
        });
        const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / odds.length;
        expect(eProcess(of, 0.25).at(-1)! / mean).toBeCloseTo(1, 10);
      }),
    );
  });

  test('is 1 on average one case ahead, and less where failures are rarer', () => {
    for (const before of [[], [true], [false, true, true], failuresAt(0.3, 50, 3)])
      for (const rate of [0.3, 0.2, 0.05]) {
        const now = before.length === 0 ? 1 : eProcess(before, 0.3).at(-1)!;
        const next = (failed: boolean) => eProcess([...before, failed], 0.3).at(-1)!;
        const expected = rate * next(true) + (1 - rate) * next(false);
        if (rate === 0.3) expect(expected / now).toBeCloseTo(1, 10);
        else expect(expected).toBeLessThan(now);
      }
  });

  test('exceeds 20 by chance in no more than 1 of 20 runs, looked at after every case', () => {
    let false_ = 0;
    let found = 0;
    for (let seed = 1; seed <= 500; seed += 1) {
      false_ += Number(eProcess(failuresAt(0.2, 1000, seed), 0.2).some((e) => e >= 20));
      found += Number(eProcess(failuresAt(0.4, 200, seed), 0.2).some((e) => e >= 20));
    }
    expect(false_ / 500).toBeLessThan(0.05);
    expect(found / 500).toBeGreaterThan(0.95);
  });

  test('thousands of cases stay numbers', () => {
    const values = eProcess(new Array<boolean>(5000).fill(false), 0.3);
    expect(values.every((e) => e >= 0 && Number.isFinite(e))).toBe(true);
  });
});
