import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leftBehind, withAccepted } from './accepted.ts';

test('an accepted finding is written behind the text, once', () => {
  expect(withAccepted('', '', 'Fracture, main.')).toBe('Fracture, main.');
  expect(withAccepted('Parties molles normales.', '', 'Fracture, main.')).toBe(
    'Parties molles normales.\nFracture, main.',
  );
  expect(withAccepted('Fracture, main.', '', 'Fracture, main.')).toBe('Fracture, main.');
});
test('a decision taken back takes its line along, but not what the reader made of it', () => {
  expect(withAccepted('A.\nFracture, main.', 'Fracture, main.', '')).toBe('A.');
  expect(withAccepted('Fracture, main, non déplacée.', 'Fracture, main.', '')).toBe(
    'Fracture, main, non déplacée.',
  );
});
test('a line that the reader went on writing is named when its finding goes, and not doubled when it comes back', () => {
  const line = 'Image 1 : Fracture.';
  const text = 'Image 1 : Fracture, non déplacée.';
  expect(leftBehind(text, line, '')).toEqual([text]);
  expect(leftBehind(text, line, line)).toEqual([]);
  expect(leftBehind('Image 1 : Fracture.', line, '')).toEqual([]);
  expect(leftBehind('Image 1 : Fractures anciennes.', line, '')).toEqual([]);
  expect(withAccepted(text, '', line)).toBe(text);
  expect(withAccepted(text, line, '')).toBe(text);
});
test("the reader's own lines always stay", () => {
  const line = fc.stringMatching(/^[a-z]{1,5}$/);
  fc.assert(
    fc.property(fc.array(line), fc.array(line), fc.array(line), (own, before, after) => {
      const mine = own.map((each) => `lecteur ${each}`);
      const text = withAccepted(mine.join('\n'), before.join('\n'), after.join('\n'));
      for (const each of mine) expect(text.split('\n')).toContain(each);
    }),
  );
});
