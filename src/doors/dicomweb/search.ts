/** The parameters of a search: PS3.18 8.3.4 and 10.6.1. */
import { EMPTY_VALUE, isKey, isValue, type Level, type MatchingOptions } from '../../archive/index.ts';
import {
  type DicomJson,
  encodeDataSet,
  EXPLICIT_LE,
  hexTag,
  keywordOf,
  listedVr,
  parseDataSet,
  type Tag,
  tagOf,
  TEXT_VRS,
} from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { isOfHeader, type Key, keysOf, NO_KEYS } from '../header-match.ts';
import { belongs } from './levels.ts';

const MAX_RESULTS = 5_000;
const OPTIONS = new Set([
  'limit',
  'offset',
  'fuzzymatching',
  'emptyvaluematching',
  'multiplevaluematching',
  'includefield',
  'accept',
]);

/** Attributes asked for: whole, or of the items of a sequence those named below it. */
export type Fields = ReadonlyMap<Tag, Fields | 'whole'>;
export interface Search {
  match: Record<string, string>;
  /** What the index does not have: matched with headers. */
  keys: readonly Key[];
  options: MatchingOptions;
  limit: number;
  offset: number;
  include: Fields | 'all';
  warnings: string[];
}

const SAFE_NAME = /^[\w.]{1,64}$/;
/** Names the parameter unless it may be anything; never its value, which may be a patient's. */
const bad = (name: string, why: string): NegatoscopeError => {
  const parameter = SAFE_NAME.test(name) ? name : '(unknown)';
  return new NegatoscopeError('bad-parameter', `The query parameter ${parameter} ${why}.`, {
    details: { parameter },
  });
};
const UNUSABLE = 'has a value that cannot be used';

/** `PatientName`, `00100010`, or from sequence to sequence with dots between; undefined where one of them is none. */
function pathOf(name: string): Tag[] | undefined {
  const tags = name.split('.').map((part) => tagOf(part));
  return tags.some((tag) => tag === undefined) ? undefined : (tags as Tag[]);
}

/** What is searched: a level of the archive, or the worklist, of which no key is in the index. */
export type Searched = Level | 'workitem';
/** Whether one header can tell it of the whole: an attribute of the level that is searched, or of one above. */
const belongsTo = (tag: Tag, level: Searched): boolean =>
  level === 'instance' || level === 'workitem'
    ? tag >>> 16 !== 0x7fe0 && isOfHeader(tag)
    : belongs(tag, level, true);
/** All but the last are sequences, as far as we know them: those of private ones are in no list. */
const isThroughSequences = (path: readonly Tag[]): boolean =>
  path.slice(0, -1).every((tag) => (listedVr(tag) ?? 'SQ') === 'SQ');
const isSupported = (path: readonly Tag[], level: Searched): boolean =>
  belongsTo(path[0]!, level) && isThroughSequences(path) && !NO_KEYS.has(path.at(-1)!);
const isVrOfText = (tag: Tag): boolean => TEXT_VRS.has(listedVr(tag) ?? '');

/** Puts a key into its sequences; false when it is there already. */
function addKey(into: DicomJson, [tag, ...below]: Tag[], value: string): boolean {
  const name = hexTag(tag!);
  if (below.length > 0) {
    const sequence = (into[name] ??= { vr: 'SQ', Value: [{}] });
    return addKey(sequence.Value![0] as DicomJson, below as Tag[], value);
  }
  if (name in into) return false;
  // A list has commas here, and backslashes there.
  const list = listedVr(tag!) === 'UI' ? value.split(',').join('\\') : value;
  into[name] = { vr: listedVr(tag!)!, ...(list === '' ? {} : { Value: [list] }) };
  return true;
}

/** @throws `bad-parameter` (400) */
export function searchOf(query: Record<string, string | string[]>, level: Searched): Search {
  const one = (name: string): string | undefined => {
    const given = query[name];
    if (Array.isArray(given)) throw bad(name, 'is given more than once');
    return given;
  };
  const whole = (name: string, fallback: number): number => {
    const value = one(name);
    if (value === undefined) return fallback;
    if (!/^\d{1,9}$/.test(value)) throw bad(name, UNUSABLE);
    return Number(value);
  };
  const flag = (name: string): boolean => {
    const value = one(name);
    if (value !== undefined && value !== 'true' && value !== 'false') throw bad(name, UNUSABLE);
    return value === 'true';
  };
  const options = {
    fuzzy: flag('fuzzymatching'),
    emptyValues: flag('emptyvaluematching'),
    everyValue: flag('multiplevaluematching'),
  };
  const match: Record<string, string> = {};
  const others: DicomJson = {};
  const warnings: string[] = [];
  for (const [name, given] of Object.entries(query)) {
    if (OPTIONS.has(name)) continue;
    const path = pathOf(name);
    if (!path) throw bad(name, 'is no attribute of DICOM and no option of a search');
    const keyword = path.length === 1 ? keywordOf(path[0]!) : undefined;
    if (keyword === undefined || level === 'workitem' || !isKey(level, keyword)) {
      if (!isSupported(path, level)) warnings.push(`${name} is not supported and was ignored`);
      else if (!isVrOfText(path.at(-1)!)) warnings.push(`${name} is no text and was ignored`);
      else if (Array.isArray(given)) throw bad(name, 'is given more than once');
      else if (!addKey(others, path, given)) throw bad(name, 'is given more than once');
      continue;
    }
    // Twice is a list, where there are lists.
    const list = listedVr(path[0]!) === 'UI' || listedVr(path[0]!) === 'CS';
    if (Object.hasOwn(match, keyword) || (Array.isArray(given) && !list))
      throw bad(name, 'is given more than once');
    const value = [given].flat().join(',');
    if (!(options.emptyValues && value === EMPTY_VALUE) && !isValue(level, keyword, value))
      throw bad(name, UNUSABLE);
    match[keyword] = value;
  }
  const limit = whole('limit', MAX_RESULTS);
  if (limit > MAX_RESULTS) warnings.push(`at most ${MAX_RESULTS} results are given at once`);
  return {
    match,
    keys: keysOf(parseDataSet(encodeDataSet(others), EXPLICIT_LE)),
    warnings,
    options,
    limit: Math.min(MAX_RESULTS, limit),
    offset: whole('offset', 0),
    include: fieldsOf([query.includefield ?? []].flat().flatMap((field) => field.split(','))),
  };
}

function fieldsOf(names: readonly string[]): Fields | 'all' {
  if (names.includes('all')) return 'all';
  const fields = new Map<Tag, Map<Tag, never> | 'whole'>();
  for (const name of names) {
    if (name === '') continue;
    const path = pathOf(name);
    if (!path) throw bad('includefield', 'names what is no attribute of DICOM');
    let inside = fields as Map<Tag, unknown>;
    for (const [depth, tag] of path.entries()) {
      const there = inside.get(tag);
      if (there === 'whole') break;
      if (depth === path.length - 1) inside.set(tag, 'whole');
      else {
        const below = (there as Map<Tag, unknown> | undefined) ?? new Map<Tag, unknown>();
        inside.set(tag, below);
        inside = below;
      }
    }
  }
  return fields as Fields;
}

/** What of a data set was asked for. */
export function selected(json: DicomJson, fields: Fields): DicomJson {
  const found: DicomJson = {};
  for (const [tag, below] of fields) {
    const key = hexTag(tag);
    const attribute = json[key];
    if (attribute === undefined) continue;
    found[key] =
      below === 'whole' || attribute.vr !== 'SQ' || !attribute.Value
        ? attribute
        : { ...attribute, Value: attribute.Value.map((item) => selected((item ?? {}) as DicomJson, below)) };
  }
  return found;
}
