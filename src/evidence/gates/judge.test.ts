import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generator } from '../bootstrap.ts';
import {
  counted,
  judgeFixed,
  judgeSequential,
  judgeSubgroup,
  overTime,
  thresholdOf,
  verdictOf,
} from './judge.ts';
import { standOf } from './safety.ts';
import type { GateReason, Hypothesis, SafetyLimit } from './types.ts';

const fixed: Hypothesis = { measure: 'sensitivity', target: 0.9, margin: 0.05, design: 'fixed', cases: 100 };
const sequential: Hypothesis = { ...fixed, design: 'sequential', cases: 600 };
const cases = (right: number, wrong: number) => [
  ...new Array<boolean>(right).fill(true),
  ...new Array<boolean>(wrong).fill(false),
];
const same = <T>(value: T) => ({ positive: value, negative: value });
/** A run of cases in which the tool is right with this probability. */
function run(truth: number, n: number, seed: number): boolean[] {
  const next = generator(seed + 1);
  return Array.from({ length: n }, () => next() / 2 ** 32 < truth);
}

describe('a hypothesis judged once', () => {
  test('above the threshold or not, as R says', () => {
    // prop.test(k, 100, correct = FALSE)$conf.int[1]: 0.8377379 for 91, 0.8500189 for 92, 0.8625049 for 93.
    expect(judgeFixed(fixed, same(counted(cases(92, 8)))).verdict).toBe('pass');
    expect(judgeFixed(fixed, same(counted(cases(93, 7))))).toMatchObject({ verdict: 'pass', k: 93, threshold: 0.85 });
    expect(judgeFixed(fixed, same(counted(cases(91, 9))))).toMatchObject({ verdict: 'fail', k: 91 });
    expect(judgeFixed(fixed, same(counted(cases(93, 7)))).low).toBeCloseTo(0.8625049, 6);
  }); // prettier-ignore
  test('waits for the fewer of both ways, and tells the worse of both', () => {
    const ways = { positive: counted(cases(90, 10)), negative: counted(cases(99, 0)) };
    expect(judgeFixed(fixed, ways)).toMatchObject({ code: 'cases', verdict: 'not-yet', n: 99, uncertain: 'negative' }); // prettier-ignore
    const both = { positive: counted(cases(90, 10)), negative: counted(cases(100, 0)) };
    expect(judgeFixed(fixed, both)).toMatchObject({ verdict: 'fail', k: 90, uncertain: 'positive' });
  });
  test('a bound alone serves as the lower one; nothing at all does not', () => {
    const bound = { n: 120, value: null, low: 0.87, high: null };
    expect(judgeFixed(fixed, same(bound)).verdict).toBe('pass');
    expect(judgeFixed(fixed, same({ ...bound, low: null })).verdict).toBe('fail');
  });
  test('what people write with decimals is meant', () => {
    expect(thresholdOf({ target: 0.9, margin: 0.05 })).toBe(0.85);
    expect(thresholdOf({ target: 0.7, margin: 0.1 })).toBe(0.6);
  });
});

describe('a hypothesis judged after every case', () => {
  test('a tool at the threshold passes in no more than 1 of 40 runs, however often one looks', () => {
    let passed = 0;
    const runs = 600;
    for (let seed = 0; seed < runs; seed += 1)
      passed += Number(judgeSequential(sequential, same(run(0.85, 600, seed)), false).verdict === 'pass');
    // 15 are expected at the most; above 25 has a probability below 1 of 100 at exactly 0.025.
    expect(passed).toBeLessThanOrEqual(25);
  });
  test('once said, it stays said', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 30, maxLength: 400 }),
        fc.boolean(),
        (all, futility) => {
          let said: string | undefined;
          for (let n = 30; n <= all.length; n += 10) {
            const { verdict } = judgeSequential(sequential, same(all.slice(0, n)), futility);
            if (said !== undefined) expect(verdict).toBe(said);
            else if (verdict !== 'not-yet') said = verdict;
          }
        },
      ),
      { numRuns: 40 },
    );
  });
  test('the last case without enough evidence has failed it', () => {
    const alternating = Array.from({ length: 600 }, (_, i) => i % 7 !== 0);
    expect(judgeSequential(sequential, same(alternating), false)).toMatchObject({ verdict: 'fail', n: 600 });
    expect(judgeSequential(sequential, same(cases(20, 60)), true)).toMatchObject({ verdict: 'fail', futility: true }); // prettier-ignore
  });
});

test('one failure fails, what waits makes wait, and nothing to say is no pass', () => {
  const reason = (verdict: GateReason['verdict']): GateReason => ({ code: 'cases', verdict });
  expect(verdictOf([])).toBe('not-yet');
  expect(verdictOf([reason('pass'), reason('pass')])).toBe('pass');
  expect(verdictOf([reason('pass'), reason('not-yet')])).toBe('not-yet');
  expect(verdictOf([reason('fail'), reason('not-yet')])).toBe('fail');
  const DAY = 86_400_000;
  expect(overTime([reason('not-yet')], { days: 10 }, 0, 10 * DAY - 1)).toHaveLength(1);
  expect(overTime([reason('not-yet')], { days: 10 }, 0, 10 * DAY)).toHaveLength(2);
  // What has passed in time stays passed.
  expect(overTime([reason('pass')], { days: 10 }, 0, 99 * DAY)).toHaveLength(1);
});
test('a group below its minimum says nothing; above it, its estimate decides', () => {
  const group = { by: 'bodyPart', value: 'WRIST', measure: 'sensitivity', floor: 0.8, minimum: 30 } as const;
  expect(judgeSubgroup(group, same(counted(cases(10, 19)))).verdict).toBe('not-yet');
  expect(judgeSubgroup(group, same(counted(cases(24, 6)))).verdict).toBe('pass');
  expect(judgeSubgroup(group, same(counted(cases(23, 7)))).verdict).toBe('fail');
});

describe('a safety limit', () => {
  const evidence: SafetyLimit = { measure: 'sensitivity', limit: 0.8, rule: 'e-process', alpha: 0.05 };
  const change: SafetyLimit = { measure: 'sensitivity', limit: 0.8, rule: 'cusum', budget: 1000 };
  const wrong = (truth: number, n: number, seed: number) => run(truth, n, seed).map((right) => !right);
  test('a tool as good as the limit is suspended by evidence in no more than 1 of 20 runs', () => {
    let suspended = 0;
    for (let seed = 0; seed < 400; seed += 1)
      suspended += Number(standOf(evidence, wrong(0.8, 1000, seed)).crossed);
    expect(suspended).toBeLessThanOrEqual(30);
  });
  test('by CUSUM no more than once in the budget, on average', () => {
    let cases_ = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const stand = standOf(change, wrong(0.8, 5000, seed));
      cases_ += stand.cases;
    }
    // Runs are cut at 5000: the true mean is longer still.
    expect(cases_ / 200).toBeGreaterThan(1000);
  });
  test('one that becomes worse late is found sooner by CUSUM', () => {
    const later = (rule: SafetyLimit) => {
      const found: number[] = [];
      for (let seed = 0; seed < 60; seed += 1) {
        const stand = standOf(rule, [...wrong(0.95, 300, seed), ...wrong(0.5, 300, seed + 1000)]);
        found.push(stand.crossed ? stand.cases - 300 : 300);
      }
      return found.sort((a, b) => a - b)[30]!;
    };
    expect(later(change)).toBeLessThan(40);
    expect(later(change)).toBeLessThan(later(evidence));
  });
  test('what has been crossed stays crossed, and tells the cases of then', () => {
    const stand = standOf(evidence, [...new Array<boolean>(10).fill(true), ...new Array<boolean>(500).fill(false)]); // prettier-ignore
    expect(stand).toMatchObject({ crossed: true, needed: 20 });
    expect(stand.cases).toBe(stand.failures);
    expect(standOf(evidence, [])).toMatchObject({ crossed: false, cases: 0, value: 1 });
    expect(standOf(change, [])).toMatchObject({ crossed: false, value: 0 });
  });
});
