import { describe, expect, test } from 'vitest';
import { generator } from './bootstrap.ts';
import { monitoringOf, REFERENCE_CASES, type Watched } from './monitoring.ts';
import { wilson } from './statistics.ts';

/** Studies a minute apart: missed, found, falsely marked, rightly unmarked. */
const KINDS = {
  missed: { marked: false, positive: true, score: 0.1 },
  found: { marked: true, positive: true, score: 0.8 },
  wrong: { marked: true, positive: false, score: 0.6 },
  right: { marked: false, positive: false, score: 0.05 },
} as const;
const studies = (...runs: [keyof typeof KINDS, number][]): Watched[] =>
  runs
    .flatMap(([kind, n]) => Array.from({ length: n }, () => KINDS[kind]))
    .map((study, i) => ({ ...study, signedAt: i * 60_000 }));

describe('misses', () => {
  test('too few to judge by: nothing is said', () => {
    const { missed } = monitoringOf(studies(['found', REFERENCE_CASES - 1], ['wrong', 300]));
    expect(missed).toMatchObject({
      n: REFERENCE_CASES - 1,
      failures: 0,
      reference: null,
      evidence: null,
      path: [],
    });
  });

  test('as at first: no alarm; then the tool begins to miss: an alarm, with the cases before it', () => {
    const steady = studies(
      ['missed', 5],
      ['found', 45],
      ['missed', 3],
      ['found', 40],
      ['missed', 2],
      ['found', 30],
    );
    const before = monitoringOf(steady).missed;
    expect(before.reference).toEqual({ failures: 5, accepted: wilson(5, 50)!.high });
    expect(before.alarms).toEqual([]);
    expect(before.path).toHaveLength(75);
    expect(before.evidence).toBeLessThan(1);

    const later = studies(['missed', 5], ['found', 45], ['found', 75], ['missed', 20]);
    const { missed } = monitoringOf(later);
    expect(missed.alarms).toHaveLength(1);
    const [alarm] = missed.alarms;
    expect(alarm).toMatchObject({ from: 125 * 60_000, cases: alarm!.failures });
    expect(alarm!.cases).toBeLessThan(20);
    expect(missed.evidence).toBeGreaterThan(before.evidence!);
  });

  test('wrong in each of the first cases: there is nothing worse to find', () => {
    const { missed } = monitoringOf(studies(['missed', 80]));
    expect(missed.reference!.failures).toBe(50);
    expect(missed.alarms).toEqual([]);
  });
});

test('false marks are watched apart; uncertain answers count in neither, their scores do', () => {
  const all = studies(['wrong', 5], ['right', 45], ['wrong', 30]);
  expect(monitoringOf(all).falseMarks.alarms.length).toBeGreaterThan(0);
  expect(monitoringOf(all).missed.n).toBe(0);
  const uncertain = all.map((study) => ({ ...study, positive: null }));
  expect(monitoringOf(uncertain)).toMatchObject({
    missed: { n: 0 },
    falseMarks: { n: 0 },
    scores: { n: 80 },
  });
});

test('scores: blocks of the same are the same, another machine is told', () => {
  const next = generator(6);
  const of = (n: number, shift: number): Watched[] =>
    Array.from({ length: n }, (_, i) => ({ signedAt: i, marked: false, positive: null, score: Math.min(1, (next() / 2 ** 32) ** 2 + shift) })); // prettier-ignore
  const { scores } = monitoringOf([...of(200, 0), ...of(300, 0), ...of(130, 0.15)]);
  expect(scores.blocks.map(({ different }) => different)).toEqual([false, false, false, true]);
  expect(scores.blocks[3]!.psi).toBeGreaterThan(5 * scores.psiByChance!);
  expect(monitoringOf(of(299, 0)).scores).toEqual({ n: 299, blocks: [], psiByChance: null });
});
