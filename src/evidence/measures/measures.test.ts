import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { behindMeasure, measuresOf } from './index.ts';
import { PAIRS } from './paired.ts';
import type { JudgedRow } from './rows.ts';
import { verificationOf } from './verification.ts';

const NOWHERE = { version: '1', operatingPoint: 'b', site: '', station: '', machine: '', bodyPart: '', view: '', ageBand: '', sex: '' }; // prettier-ignore
let reports = 0;
const row = (more: Partial<JudgedRow>): JudgedRow => ({
  reportId: `r${++reports}`,
  patient: '',
  shown: true,
  conclusion: null,
  blind: null,
  aiPositive: false,
  blindAiPositive: more.aiPositive ?? false,
  ref: more.own ?? null,
  refRank: more.own ? 3 : 0,
  refAiPositive: more.aiPositive ?? false,
  own: null,
  marks: 0,
  rejected: 0,
  rejectedFor: '',
  readingMs: null,
  of: NOWHERE,
  ...more,
});
const times = (n: number, more: Partial<JudgedRow>) => Array.from({ length: n }, () => row(more));

const answer = fc.constantFrom<JudgedRow['own']>('yes', 'no', 'uncertain', null);
const any = fc
  .record({
    patient: fc.constantFrom('', 'a', 'b'),
    shown: fc.constantFrom(true, false, null),
    conclusion: answer,
    blind: answer,
    aiPositive: fc.boolean(),
    blindAiPositive: fc.boolean(),
    ref: answer,
    refRank: fc.integer({ min: 1, max: 4 }),
    refAiPositive: fc.boolean(),
    own: answer,
    marks: fc.integer({ min: 0, max: 3 }),
    rejected: fc.constant(0),
    view: fc.constantFrom('AP', 'LAT', ''),
  })
  .map(({ view, ...more }) =>
    row({ ...more, refRank: more.ref ? more.refRank : 0, of: { ...NOWHERE, view } }),
  );

describe('reader and tool on the same studies', () => {
  // 10 fractures and 10 normal studies, counted by hand.
  const rows = [
    ...times(5, { own: 'yes', blind: 'yes', aiPositive: true, conclusion: 'yes' }),
    ...times(2, { own: 'yes', blind: 'no', aiPositive: true, conclusion: 'yes' }), // caught and taken
    ...times(1, { own: 'yes', blind: 'no', aiPositive: true, conclusion: 'no' }), // caught, not taken
    ...times(1, { own: 'yes', blind: 'yes', aiPositive: false, conclusion: 'no' }), // lost
    ...times(1, { own: 'yes', blind: 'yes', aiPositive: false, conclusion: 'yes' }), // would be lost
    ...times(7, { own: 'no', blind: 'no', aiPositive: false, conclusion: 'no' }),
    ...times(1, { own: 'no', blind: 'no', aiPositive: true, conclusion: 'yes' }), // made worse
    ...times(1, { own: 'no', blind: 'no', aiPositive: true, conclusion: 'no' }),
    ...times(1, { own: 'no', blind: 'yes', aiPositive: false, conclusion: 'no' }), // made better
    // Nobody else fixed the truth of these: they are in no comparison.
    ...times(4, { blind: 'yes', aiPositive: true, conclusion: 'yes', ref: 'yes', refRank: 1 }),
  ];
  const { paired, automation, overrides } = measuresOf(rows, 'positive');

  test('every arm has its own rates', () => {
    const [aloneAi, withAlone] = paired.comparisons;
    expect(aloneAi).toMatchObject({
      first: 'alone',
      second: 'ai',
      studies: 20,
      sensitivity: { n: 10, first: { k: 7 }, second: { k: 8 }, onlyFirst: 2, onlySecond: 3 },
      specificity: { n: 10, first: { k: 9 }, second: { k: 8 } },
    });
    expect(withAlone).toMatchObject({
      first: 'with',
      second: 'alone',
      sensitivity: { first: { k: 8 }, second: { k: 7 }, onlyFirst: 2, onlySecond: 1 },
      specificity: { first: { k: 9 }, second: { k: 9 }, onlyFirst: 1, onlySecond: 1 },
    });
  });

  test('what AI caught, and what it would make and did make worse', () => {
    expect(paired.effect).toEqual({
      caught: 3,
      caughtTaken: 2,
      wouldLose: 2,
      wouldAdd: 2,
      madeWorse: 2,
      madeBetter: 3,
      withBoth: 20,
    });
  });

  test('signs of trusting the tool too much', () => {
    expect(automation.followedWrong).toMatchObject({ k: 2, n: 4 });
    expect(automation.followedRight).toMatchObject({ k: 15, n: 16 });
    expect(automation.changes).toEqual({ n: 20, towardWrong: 2, towardRight: 3, awayRight: 0, awayWrong: 0 });
    expect(overrides.markedSignedNo).toMatchObject({ k: 2, n: 14 });
    expect(overrides.unmarkedSignedYes).toMatchObject({ k: 1, n: 10 });
    expect(overrides.overruledToolRight).toMatchObject({ k: 1, n: 3 });
  });

  test('reasons are counted where they were given', () => {
    const { reasons, marks, rejected } = measuresOf(
      [
        row({ marks: 3, rejected: 3, rejectedFor: '{"old":1,"nothing":1}' }),
        row({ marks: 2, rejected: 1, rejectedFor: '{"old":1}' }),
        row({ shown: false, marks: 9, rejected: 9 }),
      ],
      'positive',
    ).overrides;
    expect({ marks, rejected }).toEqual({ marks: 5, rejected: 4 });
    expect(reasons).toEqual([
      { reason: 'old', marks: 2 },
      { reason: 'nothing', marks: 1 },
      { reason: 'none', marks: 1 },
    ]);
  });
});

describe('verification', () => {
  test('where the marked alone are verified, the figure is a bound, and a random sample is proposed', () => {
    const rows = [
      ...times(40, { own: 'yes', aiPositive: true }),
      ...times(10, { own: 'no', aiPositive: true }),
      ...times(2, { own: 'yes' }),
      ...times(18, { own: 'no' }),
      ...times(430, {}),
    ];
    const of = verificationOf(rows, 'positive');
    expect(of.marked).toEqual({ studies: 50, verified: 50 });
    expect(of.unmarked).toEqual({ studies: 450, verified: 20 });
    expect(of.uneven).toBe(true);
    expect(of.uncorrected.sensitivity).toMatchObject({ k: 40, n: 42 });
    expect(of.corrected.sensitivity).toMatchObject({ kind: 'bound', wrong: 2 });
    expect(of.proposal).toMatchObject({ of: 450 });
    expect(of.proposal!.atLeast).toBeGreaterThanOrEqual(0.85);
  });

  test('with five verified misses the corrected sensitivity is that of Begg and Greenes, below the other', () => {
    const rows = [
      ...times(80, { own: 'yes', aiPositive: true }),
      ...times(20, { own: 'no', aiPositive: true }),
      ...times(5, { own: 'yes' }),
      ...times(95, { own: 'no' }),
      ...times(300, {}),
    ];
    const { corrected, uncorrected } = verificationOf(rows, 'positive');
    // 80 found; of 400 unmarked 5 in 100 were missed: 80 / (80 + 20).
    expect(corrected.sensitivity).toMatchObject({ kind: 'estimate' });
    expect((corrected.sensitivity as { value: number }).value).toBeCloseTo(0.8, 12);
    expect(uncorrected.sensitivity.value).toBeCloseTo(80 / 85, 12);
  });

  test('all verified alike: nothing is proposed', () => {
    const rows = [...times(20, { own: 'yes', aiPositive: true }), ...times(60, { own: 'no' })];
    expect(verificationOf(rows, 'positive')).toMatchObject({ uneven: false, proposal: null });
    expect(verificationOf([], 'positive')).toMatchObject({ uneven: false, proposal: null });
  });
});

test('every number opens exactly its studies', () => {
  fc.assert(
    fc.property(
      fc.array(any, { maxLength: 40 }),
      fc.constantFrom('positive' as const, 'negative' as const),
      (rows, uncertain) => {
        const { paired, verification, overrides, automation, subgroups } = measuresOf(rows, uncertain);
        const behind = (query: Omit<Parameters<typeof behindMeasure>[1], 'uncertain'>) =>
          behindMeasure(rows, { ...query, uncertain }).length;
        const { effect } = paired;
        expect(behind({ which: 'caught' })).toBe(effect.caught);
        expect(behind({ which: 'caught-taken' })).toBe(effect.caughtTaken);
        expect(behind({ which: 'would-lose' })).toBe(effect.wouldLose);
        expect(behind({ which: 'would-add' })).toBe(effect.wouldAdd);
        expect(behind({ which: 'made-worse' })).toBe(effect.madeWorse);
        expect(behind({ which: 'made-better' })).toBe(effect.madeBetter);
        for (const [i, [first, second]] of PAIRS.entries())
          for (const truth of ['yes', 'no'] as const) {
            const pair = paired.comparisons[i]![truth === 'yes' ? 'sensitivity' : 'specificity'];
            expect(behind({ which: 'pair', first, second, truth })).toBe(pair.n);
            expect(behind({ which: 'pair', first, second, truth, right: 'first' })).toBe(pair.onlyFirst);
            expect(behind({ which: 'pair', first, second, truth, right: 'second' })).toBe(pair.onlySecond);
            expect(behind({ which: 'pair', first, second, truth, right: 'both' })).toBe(pair.both);
            expect(behind({ which: 'pair', first, second, truth, right: 'neither' })).toBe(pair.neither);
            expect(pair.both + pair.onlyFirst + pair.onlySecond + pair.neither).toBe(pair.n);
          }
        expect(behind({ which: 'verified-marked' })).toBe(verification.marked.verified);
        expect(behind({ which: 'verified-unmarked' })).toBe(verification.unmarked.verified);
        expect(behind({ which: 'found' })).toBe(verification.uncorrected.sensitivity.k);
        expect(behind({ which: 'missed' }) + behind({ which: 'found' })).toBe(
          verification.uncorrected.sensitivity.n,
        );
        expect(behind({ which: 'left-alone' })).toBe(verification.uncorrected.specificity.k);
        expect(behind({ which: 'marked-signed-no' })).toBe(overrides.markedSignedNo.k);
        expect(behind({ which: 'unmarked-signed-yes' })).toBe(overrides.unmarkedSignedYes.k);
        expect(behind({ which: 'followed-wrong' })).toBe(automation.followedWrong.k);
        expect(behind({ which: 'followed-right' })).toBe(automation.followedRight.k);
        expect(behind({ which: 'toward-wrong' })).toBe(automation.changes.towardWrong);
        expect(behind({ which: 'toward-right' })).toBe(automation.changes.towardRight);
        for (const { dimension, groups } of subgroups.by)
          for (const { value, sensitivity, specificity } of groups) {
            expect(behind({ which: 'subgroup', dimension, value, truth: 'yes' })).toBe(sensitivity.n);
            expect(behind({ which: 'subgroup', dimension, value, truth: 'no' })).toBe(specificity.n);
          }
      },
    ),
    { numRuns: 60 },
  );
});
