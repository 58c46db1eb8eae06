import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateDigits, fold, foldName, likePattern, rangeOf, searchName, timeDigits } from './fold.ts';

/** LIKE with `\` as escape, as SQL defines it. */
function like(text: string, pattern: string): boolean {
  const source = pattern.replace(/\\(.)|[%_]|[^\\%_]+/gs, (part, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return part === '%' ? '.*' : part === '_' ? '.' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's').test(text);
}

test('a wildcard pattern takes its own text and nothing of SQL for a wildcard', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '%', '_', '\\', '.', "'") }), (text) => {
      expect(like(text, likePattern(text))).toBe(true);
      expect(like(`${text}x`, likePattern(text))).toBe(false);
      expect(like(`pre${text}post`, likePattern(`*${text}*`))).toBe(true);
      expect(like('x', likePattern(text))).toBe(false);
    }),
  );
  expect(like('IM01', likePattern('IM0?'))).toBe(true);
  expect(like('IM011', likePattern('IM0?'))).toBe(false);
});

test.each([
  ['LEFÈVRE^Anaïs', 'lefevre^anais'],
  ['Żółć Łukasz', 'zolc lukasz'],
  ['Straße', 'strasse'],
  ['Işık İ', 'isik i'],
  ['ﾔﾏﾀﾞ', 'ヤマタ'],
  ['  a \t b ', 'a b'],
  ['Doe*', 'doe*'],
])('folds %s', (text, expected) => {
  expect(fold(text)).toBe(expected);
});

test('names without case, accents and empty components', () => {
  expect(foldName('LEFÈVRE^Anaïs^^^')).toBe('=lefevre^anais=');
  expect(foldName('Wang^XiaoDong=王^小東=')).toBe('=wang^xiaodong=王^小東=');
  expect(foldName(' ^ ')).toBe('');
  expect(searchName("Müller-Łoś^J'an")).toBe("=muller-los^j'an= muller los j an");
});

test('dates and times', () => {
  expect(timeDigits('101530.5')).toBe('101530500000');
  expect(timeDigits('10')).toBe('100000000000');
  expect(timeDigits('', '9')).toBe('');
  expect(dateDigits('2026.03.01')).toBe('20260301');
  expect(dateDigits('202603')).toBe('');
  expect(rangeOf('1000-1100', timeDigits)).toEqual({ low: '100000000000', high: '110099999999' });
  expect(rangeOf('-20260101', dateDigits)).toEqual({ high: '20260101' });
  expect(rangeOf('20260101-', dateDigits)).toEqual({ low: '20260101' });
  for (const none of ['-', '', 'a-b', '1-2-3', '2026']) expect(rangeOf(none, dateDigits)).toBeUndefined();
});
