import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../types.ts';
import { stateOf, type GivenLabel, type Policy } from './needs.ts';
import type { Exposure, LabelKind } from './types.ts';

let at = 0;
const label = (
  kind: LabelKind,
  answer: Answer,
  personId: string,
  exposure: Exposure | null = null,
): GivenLabel => ({ kind, answer, personId, exposure, at: ++at });
const read = (answer: Answer, personId: string, exposure: Exposure | null = null) =>
  label('reading', answer, personId, exposure);
const part: Policy = { second: 'part', settling: 'third' };

describe('what a case needs', () => {
  test('no answer yet: one reading, or two where both are wanted anyway', () => {
    expect(stateOf([], false, part)).toEqual({ need: 'reading', missing: 1, answer: null, origin: null });
    expect(stateOf([], true, part)).toMatchObject({ missing: 2 });
    expect(stateOf([], false, { second: 'all', settling: 'third' })).toMatchObject({ missing: 2 });
    expect(stateOf([], true, { second: 'none', settling: 'third' })).toMatchObject({ missing: 1 });
  });
  test('a no is enough; a yes and an unsure ask for a second', () => {
    expect(stateOf([read('no', 'a')], false, part)).toMatchObject({ need: 'none', origin: 'reading' });
    for (const answer of ['yes', 'uncertain'] as const)
      expect(stateOf([read(answer, 'a')], false, part)).toMatchObject({
        need: 'reading',
        missing: 1,
        answer,
      });
    expect(stateOf([read('no', 'a')], true, part)).toMatchObject({ need: 'reading', missing: 1 });
    expect(stateOf([read('yes', 'a')], false, { second: 'none', settling: 'third' })).toMatchObject({
      need: 'none',
      answer: 'yes',
    });
  });
  test('two that agree, two that differ, and a third', () => {
    const agree = [read('yes', 'a'), read('yes', 'b')];
    expect(stateOf(agree, false, part)).toMatchObject({ need: 'none', origin: 'second-reading' });
    const differ = [read('yes', 'a'), read('no', 'b')];
    expect(stateOf(differ, false, part)).toMatchObject({ need: 'adjudication', answer: 'uncertain' });
    expect(stateOf([...differ, label('adjudication', 'no', 'c')], false, part)).toEqual({
      need: 'none',
      missing: 0,
      answer: 'no',
      origin: 'adjudication',
    });
  });
  test('consensus stands when both say the same; where they do not, a third decides', () => {
    const policy: Policy = { second: 'part', settling: 'consensus' };
    const differ = [read('yes', 'a'), read('no', 'b')];
    expect(stateOf(differ, false, policy).need).toBe('consensus');
    const half = [...differ, label('consensus', 'yes', 'a')];
    expect(stateOf(half, false, policy)).toMatchObject({ need: 'consensus', answer: 'uncertain' });
    expect(stateOf([...half, label('consensus', 'yes', 'b')], false, policy)).toMatchObject({
      need: 'none',
      answer: 'yes',
      origin: 'consensus',
    });
    expect(stateOf([...half, label('consensus', 'no', 'b')], false, policy).need).toBe('adjudication');
  });
  test('who had seen what the tool says changes nothing', () => {
    const kinds = fc.constantFrom<LabelKind>('reading', 'consensus', 'adjudication', 'follow-up');
    const answers = fc.constantFrom<Answer>('yes', 'no', 'uncertain');
    const labels = fc.array(
      fc.record({
        kind: kinds,
        answer: answers,
        exposure: fc.constantFrom<Exposure | null>(null, 'saw-ai', 'signed-with-ai'),
        personId: fc.constantFrom('a', 'b', 'c', 'd'),
        at: fc.nat(),
      }),
      { maxLength: 6 },
    );
    const policies = fc.record({
      second: fc.constantFrom<Policy['second']>('none', 'part', 'all'),
      settling: fc.constantFrom<Policy['settling']>('third', 'consensus'),
    });
    fc.assert(
      fc.property(labels, fc.boolean(), policies, (given, twice, policy) => {
        const state = stateOf(given, twice, policy);
        expect(state).toEqual(
          stateOf(
            given.filter(({ exposure }) => exposure === null),
            twice,
            policy,
          ),
        );
        expect(state.missing > 0).toBe(state.need === 'reading');
        expect(state.answer === null).toBe(state.origin === null);
      }),
    );
  });
});
