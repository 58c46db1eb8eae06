import { readFileSync } from 'node:fs';
import { create } from 'fontkit';
import { expect, test } from 'vitest';
import { fontBytes, parts, runsOf } from './fonts.ts';
import { sfntOf } from './woff.ts';

test('every font file has a table of characters that can be read', () => {
  const unreadable = parts.filter((part) => {
    const font = create(fontBytes(part.file(400)));
    return typeof font.hasGlyphForCodePoint(part.ranges[0]![0]) !== 'boolean';
  });
  expect(unreadable).toEqual([]);
});

test('a letter whose file tiny-inflate cannot inflate has its glyph', () => {
  // U+5834 lies in noto-sans-sc-101 alone.
  expect(runsOf('場')).toMatchObject({ missing: 0, runs: [{ font: 'noto-sans-sc-101' }] });
});

test('names in the scripts that arrive by DICOM have glyphs', () => {
  // PS3.5 H.3, I.2, K.2 and L: Japanese, Korean, Chinese; Annex F and J for others.
  for (const name of [
    '山田^太郎',
    'やまだ^たろう',
    '김^희중',
    '洪^吉洞',
    '王^小東',
    'قباني^لنزار',
    'שרון^דבורה',
    'Διονυσιος',
    'Люкceмбypг',
  ])
    expect(runsOf(name).missing, name).toBe(0);
});

test('a font file that is none is refused', () => {
  expect(() => sfntOf(Buffer.from('wOF2'))).toThrow('no WOFF');
  const whole = readFileSync(parts[0]!.file(400));
  expect(() => sfntOf(whole.subarray(0, whole.length / 2))).toThrow();
});
