/**
 * Matching of keys that the index does not have, against the header of an instance (PS3.4 C.2.2.2): single value, list of
 * UID, wild card, range and sequence. Text without case and accents where it has wild cards or is a name.
 */
import { type DataSet, type DicomJson, hexTag, type JsonAttribute, personText } from '../../dicom/index.ts';
import { type Key, keysOf } from './identifier.ts';

const WILD = new Set(['AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT']);
const RANGES = new Set(['DA', 'TM', 'DT']);

const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{Mn}+/gu, '')
    .toLowerCase()
    .trim();

/** `*` and `?` without a regular expression: what a peer sends must not make one that never ends. */
export function matchesWild(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let from = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      from = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

function matchesRange(range: string, value: string): boolean {
  const digits = (text: string) => text.replace(/[:.]/g, '');
  const [low = '', high = low, ...more] = range.split('-').map((part) => digits(part.trim()));
  const given = digits(value);
  if (more.length > 0 || given === '') return false;
  // What is shorter stands for all that begins with it.
  return given >= low && (high === '' || given.slice(0, high.length) <= high);
}

const textsOf = ({ vr, Value = [] }: JsonAttribute): string[] =>
  Value.map((value) => (vr === 'PN' ? personText(value) : String(value ?? '')));

function matchesKey(json: DicomJson, key: Key): boolean {
  const { vr, value, items } = key;
  const attribute = json[hexTag(key.tag)];
  if (vr === 'SQ') {
    const asked = items[0];
    const nested = asked ? keysOf(asked).filter(isAsked) : [];
    if (nested.length === 0) return true;
    const held = (attribute?.Value ?? []) as DicomJson[];
    return held.some((item) => nested.every((each) => matchesKey(item, each)));
  }
  if (!isAsked(key)) return true;
  const texts = attribute ? textsOf(attribute) : [];
  if (vr === 'UI') return value.split('\\').some((uid) => texts.includes(uid));
  if (RANGES.has(vr)) return texts.some((text) => matchesRange(value, text));
  if (vr === 'IS' || vr === 'DS') return texts.some((text) => Number(text) === Number(value));
  const loose = vr === 'PN' || /[*?]/.test(value);
  if (!WILD.has(vr) || !loose) return texts.some((text) => text.trim() === value);
  const pattern = fold(value);
  return texts.some((text) => matchesWild(pattern, fold(text)));
}

/** The key has something to match. */
export const isAsked = ({ value, items, vr }: Key): boolean =>
  vr === 'SQ' ? items.some((item: DataSet) => keysOf(item).some(isAsked)) : !/^\**$/.test(value);

export const matchesHeader = (json: DicomJson, keys: readonly Key[]): boolean =>
  keys.every((key) => matchesKey(json, key));
