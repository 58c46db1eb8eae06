/** A header as lines that can be searched. Pure. */
import type { Metadata } from '../viewer/loading/dicomweb.ts';

export interface HeaderLine {
  /** `(0010,0010)`, or `(0008,1140)[1](0008,1155)`: unique within the header. */
  path: string;
  tag: string;
  depth: number;
  name: string;
  vr: string;
  value: string;
  private: boolean;
}

export type NameOf = (tag: string) => string;

/** Longer values are cut, they are bulk in all but name. */
const MAX_TEXT = 400;
/** Beyond any header that is read; a list of frames may have a million. */
export const MAX_LINES = 20_000;

export const tagText = (tag: string): string => `(${tag.slice(0, 4)},${tag.slice(4)})`.toLowerCase();

/** `PatientBirthDate` → `Patient Birth Date`; letters that stand together stay so: `SOPClassUID` → `SOP Class UID`. */
export const words = (keyword: string): string =>
  keyword.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');

/** Depth first, as it stands in the file. */
export function headerLines(data: Metadata, nameOf: NameOf): HeaderLine[] {
  const lines: HeaderLine[] = [];
  const add = (set: Metadata, depth: number, above: string) => {
    for (const [tag, attribute] of Object.entries(set)) {
      if (lines.length >= MAX_LINES) return;
      const path = above + tagText(tag);
      const isPrivate = (parseInt(tag.slice(0, 4), 16) & 1) === 1;
      const line = { path, tag, depth, vr: attribute.vr, private: isPrivate };
      const name = isPrivate ? '' : words(nameOf(tag));
      if (attribute.vr === 'SQ') {
        const items = (attribute.Value ?? []) as Metadata[];
        lines.push({ ...line, name, value: items.length ? `× ${items.length}` : '' });
        items.forEach((item, index) => add(item, depth + 1, `${path}[${index + 1}]`));
      } else lines.push({ ...line, name, value: valueText(attribute) });
    }
  };
  add(data, 0, '');
  return lines;
}

function valueText(attribute: Metadata[string]): string {
  if (attribute.BulkDataURI !== undefined) return '…';
  if (attribute.InlineBinary !== undefined) {
    const bytes = Math.floor((attribute.InlineBinary.replace(/=+$/, '').length * 3) / 4);
    return `${bytes} B`;
  }
  const text = (attribute.Value ?? []).map(oneText).join(' \\ ');
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
function oneText(value: unknown): string {
  if (value === null || value === undefined) return '';
  // A person's name has up to three writings (PS3.18 F.2.2).
  if (typeof value === 'object') return Object.values(value).filter(Boolean).join(' = ');
  return String(value);
}

const folded = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** Lines in which every word of the question stands: in the tag, the name or the value; without accents and case. */
export function searchLines(lines: readonly HeaderLine[], question: string): HeaderLine[] {
  const wanted = folded(question).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...lines];
  return lines.filter((line) => {
    const text = folded(
      `${line.path} ${line.tag} ${line.name.replaceAll(' ', '')} ${line.name} ${line.vr} ${line.value}`,
    );
    return wanted.every((word) => text.includes(word));
  });
}
