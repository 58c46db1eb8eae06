/**
 * Matching of keys that the index does not have, against the header of an instance (PS3.4 C.2.2.2): single value, list of
 * UID, wild card, range and sequence. Text without case and accents where it has wild cards or is a name.
 */
import { EMPTY_VALUE, type MatchingOptions } from '../archive/index.ts';
import {
  type DataSet,
  type DicomJson,
  hexTag,
  type JsonAttribute,
  keywordOf,
  personText,
  TAG,
  type Tag,
  type VR,
  vrOf,
} from '../dicom/index.ts';

/** A key of a query: an attribute that is asked for, with the value to match or none. */
export interface Key {
  readonly tag: Tag;
  readonly keyword: string;
  readonly vr: VR;
  /** As matching takes it, values joined by `\`; empty is universal matching. */
  readonly value: string;
  /** Keys within each item of a sequence. */
  readonly items: readonly (readonly Key[])[];
}

/** These say how the query is to be read: PS3.4 C.4.1.1.3. */
export const NO_KEYS: ReadonlySet<Tag> = new Set([
  TAG.SpecificCharacterSet,
  TAG.QueryRetrieveLevel,
  TAG.TimezoneOffsetFromUTC,
]);

/** Of answers: they tell what is here, whatever a file that was elsewhere says (PS3.4 C.4.1.1.3.2, PS3.18 10.6.3.3). */
const OF_ANSWERS = new Set<Tag>([
  TAG.QueryRetrieveView,
  TAG.RetrieveAETitle,
  TAG.InstanceAvailability,
  TAG.SOPClassesInStudy,
  TAG.RetrieveURL,
  TAG.AvailableTransferSyntaxUID,
  TAG.NumberOfPatientRelatedStudies,
  TAG.NumberOfPatientRelatedSeries,
  TAG.NumberOfPatientRelatedInstances,
  TAG.NumberOfStudyRelatedSeries,
  TAG.NumberOfStudyRelatedInstances,
  TAG.NumberOfSeriesRelatedInstances,
]);
/** Not of commands, of what stands before a data set in a file, or of directories (PS3.5 7.1), nor of answers alone. */
export const isOfHeader = (tag: Tag): boolean => tag >>> 16 >= 0x0008 && !OF_ANSWERS.has(tag);

export function keysOf(dataset: DataSet): Key[] {
  return dataset.tags
    .filter((tag) => (tag & 0xffff) !== 0 && !NO_KEYS.has(tag))
    .map((tag) => ({
      tag,
      keyword: keywordOf(tag) ?? '',
      vr: vrOf(tag) ?? dataset.vr(tag) ?? 'UN',
      value: dataset.strings(tag).join('\\'),
      items: dataset.items(tag).map(keysOf),
    }));
}

const WILD = new Set(['AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT']);
/** VRs of multiple value matching: PS3.4 C.2.2.2.8. */
const SEVERAL = new Set(['AE', 'AS', 'CS', 'LO', 'PN', 'SH', 'UC']);
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

function matchesKey(json: DicomJson, key: Key, options: MatchingOptions): boolean {
  const { vr, value, items } = key;
  const attribute = json[hexTag(key.tag)];
  if (vr === 'SQ') {
    const nested = items[0]?.filter(isAsked) ?? [];
    if (nested.length === 0) return true;
    const held = (attribute?.Value ?? []) as DicomJson[];
    return held.some((item) => nested.every((each) => matchesKey(item, each, options)));
  }
  if (!isAsked(key)) return true;
  const texts = attribute ? textsOf(attribute) : [];
  if (options.emptyValues && value === EMPTY_VALUE) return texts.every((text) => text === '');
  // Several values of one attribute: each has to be there. Without an agreement on it they mean nothing (PS3.4 C.2.2.2.8).
  if (SEVERAL.has(vr) && value.includes('\\'))
    return value.split('\\').every((each) => matchesKey(json, { ...key, value: each }, options));
  if (vr === 'UI') return value.split('\\').some((uid) => texts.includes(uid));
  if (RANGES.has(vr)) return texts.some((text) => matchesRange(value, text));
  if (vr === 'IS' || vr === 'DS') return texts.some((text) => Number(text) === Number(value));
  const loose = vr === 'PN' || /[*?]/.test(value);
  if (!WILD.has(vr) || !loose) return texts.some((text) => text.trim() === value);
  const pattern = fold(value);
  return texts.some((text) => matchesWild(pattern, fold(text)));
}

/**
 * What an answer holds of an attribute that is asked for: of a sequence the items that match, each with the attributes asked
 * for, or the whole of it where the item of the key names none (PS3.4 C.2.2.2.6). Bulk data is no answer to a query.
 */
export function askedOf(held: JsonAttribute, { vr, items }: Key, options: MatchingOptions): JsonAttribute {
  if (held.BulkDataURI) return { vr };
  const keys = vr === 'SQ' ? (items[0] ?? []) : [];
  if (keys.length === 0) return withoutBulk(held);
  const asked = keys.filter(isAsked);
  const matching = ((held.Value ?? []) as DicomJson[]).filter((item) =>
    asked.every((key) => matchesKey(item, key, options)),
  );
  if (matching.length === 0) return { vr };
  const reduced = matching.map((item) => {
    const answer: DicomJson = {};
    for (const key of keys) {
      const name = hexTag(key.tag);
      const inside = item[name];
      answer[name] = inside ? askedOf(inside, key, options) : { vr: key.vr };
    }
    return answer;
  });
  return { vr, Value: reduced };
}

function withoutBulk(held: JsonAttribute): JsonAttribute {
  const { vr, Value, BulkDataURI } = held;
  if (BulkDataURI) return { vr };
  if (vr !== 'SQ' || !Value) return held;
  const items = (Value as DicomJson[]).map((item) =>
    Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, withoutBulk(attribute)])),
  );
  return { vr, Value: items };
}

/** The key has something to match. */
export const isAsked = ({ value, items, vr }: Key): boolean =>
  vr === 'SQ' ? items.some((item) => item.some(isAsked)) : !/^\**$/.test(value);

export const matchesHeader = (
  json: DicomJson,
  keys: readonly Key[],
  options: MatchingOptions = {},
): boolean => keys.every((key) => matchesKey(json, key, options));
