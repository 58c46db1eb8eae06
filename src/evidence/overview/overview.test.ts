import { describe, expect, test } from 'vitest';
import type { ToolMonitoring } from '../types.ts';
import { createOverview, driftOf, nextOf } from './index.ts';
import type { GateLook } from './types.ts';

const chart = (alarms: [number, number][] = [], watched = true): ToolMonitoring['missed'] => ({
  n: 100,
  failures: 10,
  reference: watched ? { failures: 5, accepted: 0.2 } : null,
  path: [],
  limit: 7,
  alarms: alarms.map(([from, at]) => ({ from, at, cases: 20, failures: 9 })),
  evidence: null,
});
const watch = (more: Partial<ToolMonitoring> = {}): ToolMonitoring => ({
  modelId: 'm',
  version: '1',
  decidedAt: 0,
  missed: chart(),
  falseMarks: chart(),
  scores: { n: 0, blocks: [], psiByChance: null },
  ...more,
});
const gate = (verdict: GateLook['verdict']): GateLook => ({ verdict, targets: [], cases: null });

describe('drift', () => {
  test('is said of what is watched alone', () => {
    expect(driftOf(watch()).state).toBe('steady');
    const none = chart([], false);
    expect(driftOf(watch({ missed: none, falseMarks: none })).state).toBe('few');
    expect(driftOf(watch({ missed: none })).state).toBe('steady');
  });
  test('an alarm stands until somebody has decided after it', () => {
    const alarmed = { missed: chart([[100, 200], [300, 400]]) }; // prettier-ignore
    expect(driftOf(watch({ ...alarmed, decidedAt: 250 }))).toEqual({
      state: 'alarm',
      alarms: [{ what: 'missed', from: 300, to: 401 }],
    });
    expect(driftOf(watch({ ...alarmed, decidedAt: 400 })).state).toBe('steady');
  });
  test('scores that differ are an alarm', () => {
    const block = { from: 10, to: 20, distance: 0.4, p: 0.001, psi: 0.5, different: true };
    const { alarms } = driftOf(watch({ scores: { n: 300, blocks: [block], psiByChance: 0.1 } }));
    expect(alarms).toEqual([{ what: 'scores', from: 10, to: 21 }]);
  });
});

test('what comes first is decided first', () => {
  const of = { stage: 'pilot' as const, alarm: false, gate: null, enough: false };
  expect(nextOf({ ...of, stage: 'retired', alarm: true })).toBe('retired');
  expect(nextOf({ ...of, stage: 'suspended', alarm: true })).toBe('suspended');
  expect(nextOf({ ...of, alarm: true, gate: gate('pass') })).toBe('answer-alarm');
  expect(nextOf({ ...of, gate: gate('pass') })).toBe('decide-pass');
  expect(nextOf({ ...of, gate: gate('fail') })).toBe('decide-fail');
  expect(nextOf({ ...of, gate: gate('not-yet'), enough: true })).toBe('collect');
  expect(nextOf({ ...of, gate: gate('no-protocol'), enough: true })).toBe('register');
  expect(nextOf(of)).toBe('label');
  expect(nextOf({ ...of, enough: true })).toBe('review');
});

test('without a tool there is no row, and it says when it was made', async () => {
  const overview = createOverview({
    evidence: {} as never,
    assist: { models: async () => [] } as never,
    timeZone: 'Europe/Paris',
    now: () => 1_000_000_000_000,
  });
  expect(await overview()).toEqual({
    at: 1_000_000_000_000,
    timeZone: 'Europe/Paris',
    days: 90,
    from: 1_000_000_000_000 - 90 * 86_400_000 - ((1_000_000_000_000 - 90 * 86_400_000) % 3_600_000),
    rows: [],
    worklistByAi: false,
  });
});
