import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rulingOf } from './rule.ts';
import { METHODS, RANKS, type Reference, type ReferenceOrigin } from './types.ts';

const of = (
  origin: ReferenceOrigin,
  answer: Reference['answer'],
  more: Partial<Reference> = {},
): Reference => ({
  origin,
  answer,
  method: origin === 'follow-up' ? 'clinical' : null,
  withoutAi: origin !== 'signed-report',
  persons: origin === 'follow-up' ? [] : ['a'],
  at: 1,
  ...more,
});
const any = fc.record({
  origin: fc.constantFrom(...(Object.keys(RANKS) as ReferenceOrigin[])),
  answer: fc.constantFrom<Reference['answer']>('yes', 'no', 'uncertain'),
  method: fc.constantFrom(null, ...METHODS),
  withoutAi: fc.boolean(),
  persons: fc.subarray(['a', 'b', 'c']),
  at: fc.integer({ min: 0, max: 5 }),
});

describe('the reference that rules', () => {
  test('is the highest: follow-up above what readers settled, that above two readings, these above one', () => {
    const all = [
      of('blind-conclusion', 'no'),
      of('second-reading', 'yes', { persons: ['b', 'c'] }),
      of('adjudication', 'no', { persons: ['b', 'c', 'd'] }),
      of('follow-up', 'yes'),
    ];
    expect(rulingOf(all)).toMatchObject({ answer: 'yes', origin: 'follow-up', rank: 4 });
    expect(rulingOf(all.slice(0, 3))).toMatchObject({ answer: 'no', origin: 'adjudication', rank: 3 });
    expect(rulingOf(all.slice(0, 2))).toMatchObject({ answer: 'yes', origin: 'second-reading', rank: 2 });
    expect(rulingOf(all.slice(0, 1))).toMatchObject({ answer: 'no', origin: 'blind-conclusion', rank: 1 });
    expect(rulingOf([])).toBeNull();
  });

  test('among follow-ups is the strongest method, then the newest', () => {
    const clinical = of('follow-up', 'no', { at: 9 });
    const surgery = of('follow-up', 'yes', { method: 'surgery', at: 3 });
    expect(rulingOf([clinical, surgery])).toMatchObject({ answer: 'yes', method: 'surgery' });
    expect(rulingOf([clinical, of('follow-up', 'uncertain', { at: 10 })])).toMatchObject({
      answer: 'uncertain',
    });
  });

  test('is never a report that was written with AI in view, nor follow-up judged by somebody who knew it', () => {
    expect(rulingOf([of('signed-report', 'yes')])).toBeNull();
    expect(rulingOf([of('follow-up', 'yes', { withoutAi: false }), of('reading', 'no')])).toMatchObject({
      answer: 'no',
      origin: 'reading',
    });
  });

  test('two people who read alone are two readings: of rank 2 where they agree, uncertain where they differ', () => {
    const first = of('blind-conclusion', 'yes');
    expect(rulingOf([first, of('reading', 'yes', { persons: ['b'] })])).toMatchObject({
      answer: 'yes',
      origin: 'second-reading',
      rank: 2,
    });
    expect(rulingOf([first, of('reading', 'no', { persons: ['b'] })])).toMatchObject({
      answer: 'uncertain',
      origin: 'disagreement',
      rank: 1,
    });
    // The same person twice is one reader, whose first reading counts.
    expect(rulingOf([first, of('reading', 'no', { at: 5 })])).toMatchObject({ answer: 'yes', rank: 1 });
  });

  test('for a comparison with a reader holds nothing that this reader said or settled', () => {
    const all = [
      of('blind-conclusion', 'no', { persons: ['a'] }),
      of('consensus', 'no', { persons: ['a', 'b'] }),
      of('reading', 'yes', { persons: ['c'] }),
    ];
    expect(rulingOf(all)).toMatchObject({ answer: 'no', rank: 3 });
    expect(rulingOf(all, 'a')).toMatchObject({ answer: 'yes', origin: 'reading', rank: 1 });
    expect(rulingOf(all.slice(0, 2), 'a')).toBeNull();
  });

  test('does not depend on the order, and leaving somebody out never makes it stronger', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 6 }), fc.integer(), (list, seed) => {
        const distinct = list.map((each, i) => ({ ...each, at: i }));
        const turned = [...distinct].sort((a, b) => ((a.at * 7 + seed) % 5) - ((b.at * 7 + seed) % 5));
        expect(rulingOf(turned)).toEqual(rulingOf(distinct));
        // 2 may come of two single readings; the rank without somebody is at most the rank with everybody.
        expect(rulingOf(distinct, 'a')?.rank ?? 0).toBeLessThanOrEqual(
          Math.max(rulingOf(distinct)?.rank ?? 0, 2),
        );
      }),
    );
  });
});
