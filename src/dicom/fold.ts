/** Letters that Unicode does not take apart into a base letter and a mark. */
const FOLDED: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  þ: 'th',
};

/**
 * The form in which texts are searched: case, accents and widths folded, the runs of spaces one. `LEFÈVRE` and `lefevre`
 * are the same. Wildcards and `^` stay.
 */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mn}+/gu, '')
    .toLowerCase()
    .replace(/[ßæœøđðħıłþ]/g, (letter) => FOLDED[letter]!)
    .normalize('NFKC')
    .replace(/\s+/g, ' ')
    .trim();
}
