import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { create } from 'fontkit';
import { sfntOf } from './woff.ts';

const require = createRequire(import.meta.url);

/** Families by preference: Inter for Latin, Greek and Cyrillic, Noto for other scripts. All under the SIL Open Font License. */
const FAMILIES = ['inter', 'noto-sans-arabic', 'noto-sans-hebrew', 'noto-sans-sc', 'noto-sans-kr'] as const;
export type Weight = 400 | 600;

export interface Part {
  readonly name: string;
  readonly ranges: readonly (readonly [number, number])[];
  file(weight: Weight): string;
}

/** `"U+0000-00ff,U+131"` → ranges of code points. */
function rangesOf(text: string): [number, number][] {
  return text.split(',').map((range) => {
    const [from = '0', to = from] = range.trim().replace(/^U\+/i, '').split('-');
    return [parseInt(from, 16), parseInt(to, 16)];
  });
}

/** The packages cut each family into files for parts of Unicode, and say in unicode.json which. */
export const parts: readonly Part[] = FAMILIES.flatMap((family) => {
  const folder = dirname(require.resolve(`@fontsource/${family}/package.json`));
  const table = JSON.parse(readFileSync(join(folder, 'unicode.json'), 'utf8')) as Record<string, string>;
  return Object.entries(table).map(([key, ranges]): Part => {
    const subset = key.replace(/[[\]]/g, '');
    return {
      name: `${family}-${subset}`,
      ranges: rangesOf(ranges),
      file: (weight) => join(folder, 'files', `${family}-${subset}-${weight}-normal.woff`),
    };
  });
});

const bytes = new Map<string, Buffer>();
/** A font file as TrueType, read once. */
export function fontBytes(file: string): Buffer {
  let known = bytes.get(file);
  if (!known) bytes.set(file, (known = sfntOf(readFileSync(file))));
  return known;
}

const glyphs = new Map<Part, { hasGlyphForCodePoint(codePoint: number): boolean }>();
/** The ranges are what a browser may ask of a file; some characters in them have no glyph. */
function has(part: Part, codePoint: number): boolean {
  if (!part.ranges.some(([from, to]) => codePoint >= from && codePoint <= to)) return false;
  let font = glyphs.get(part);
  if (!font) glyphs.set(part, (font = create(fontBytes(part.file(400)))));
  return font.hasGlyphForCodePoint(codePoint);
}
const partOf = (codePoint: number): Part | undefined => parts.find((part) => has(part, codePoint));

const RTL = '[\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufeff]+';
const RTL_WORDS = new RegExp(`${RTL}(?:\\s+${RTL})+`, 'g');
const NEUTRAL = /[\s\p{P}\p{M}\p{S}\d]/u;

export interface Run {
  text: string;
  font: string;
  file(weight: Weight): string;
}

/** Replaces what no font has: a reader of the page sees that a character is missing, and how many. */
const MISSING = '□';
const REPLACEMENT = '?';

/**
 * Text as runs of one font each. Spaces and marks stay with the run before them where that font has them, so that words are not
 * torn apart. Words of a right-to-left script in a row are turned round: the layout engine shapes each and sets them from left to
 * right.
 */
export function runsOf(text: string): { runs: Run[]; missing: number } {
  const runs: (Run & { part: Part })[] = [];
  let missing = 0;
  const visual = text.normalize('NFC').replace(RTL_WORDS, (words) => words.split(/(\s+)/).reverse().join(''));
  for (const character of visual) {
    const codePoint = character.codePointAt(0)!;
    const last = runs.at(-1);
    const stays = last !== undefined && NEUTRAL.test(character) && has(last.part, codePoint);
    let part = stays ? last.part : partOf(codePoint);
    let shown = character;
    if (!part) {
      if (/\p{C}/u.test(character)) continue; // controls and joiners have no shape of their own
      missing += 1;
      shown = partOf(MISSING.codePointAt(0)!) ? MISSING : REPLACEMENT;
      part = partOf(shown.codePointAt(0)!)!;
    }
    if (last?.part === part) last.text += shown;
    else runs.push({ text: shown, font: part.name, file: part.file, part });
  }
  return {
    runs: runs.map(({ text: words, font, file }) => ({ text: words, font, file })),
    missing,
  };
}
