/**
 * Attribute matching of C-FIND and QIDO-RS (PS3.4 C.2.2.2) as SQL conditions. An empty value or `*` matches everything, an
 * attribute that is no key of the level is left out: `isKey` tells a door, so that it can warn (PS3.18 8.3.4.1).
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Store } from '../store/types.ts';
import {
  dateDigits,
  fold,
  foldName,
  hasWildcard,
  likePattern,
  rangeOf,
  timeDigits,
  wordsOf,
} from './fold.ts';
import { groupWord, modalityWord, nameWord } from './studyIndex.ts';

export type Level = 'study' | 'series' | 'instance';
/** What a question may ask for beyond plain matching. */
export interface MatchingOptions {
  /** Every word of a name begins a word of the name: PS3.18 8.3.4.2. */
  fuzzy?: boolean;
  /** Two quotation marks alone stand for what is empty or absent: PS3.4 C.2.2.2.7. */
  emptyValues?: boolean;
  /** Of several values every one has to be there, not any of them: PS3.4 C.2.2.2.8. */
  everyValue?: boolean;
}
export interface Matching extends MatchingOptions {
  dialect: Store['dialect'];
}
type Bool = RawBuilder<SqlBool>;

interface Condition {
  readonly where: Bool;
  /** The same as a condition on rows `word` of `study_word`, from which the studies are found in their order. */
  readonly words?: Bool;
  /** What is left to ask of those studies; nothing without it. */
  readonly beside?: readonly Bool[];
  /** What follows for the order of studies, in which an index can begin and end. */
  readonly between?: { readonly low: number | undefined; readonly high: number | undefined };
  /** It leaves a handful of rows, found by an index. */
  readonly narrow?: boolean;
  /** `where` lets through studies that only an AI result may make match: said of the modalities that the asker sees. */
  readonly modalities?: (seen: readonly string[]) => boolean;
}
type Key = (value: string, matching: Matching) => Condition;

/** What a query asks of the tables. */
export interface Conditions {
  readonly study: Bool[];
  readonly series: Bool[];
  readonly instance: Bool[];
  /** Leads to studies of which `beside` is to be asked: together the same as `study`. */
  readonly words: Bool | undefined;
  readonly beside: Bool[];
  readonly between: { readonly low: number | undefined; readonly high: number | undefined };
  readonly narrow: boolean;
  readonly modalities: ((seen: readonly string[]) => boolean) | undefined;
}

/** No value in the index is longer (header.ts); what is longer matches nothing. */
const MAX_VALUE = 1024;
const LAST = '\u{10ffff}';
const NOTHING: Condition = { where: sql<SqlBool>`1 = 0`, narrow: true };

const column = (name: string) => sql.raw<string>(name);
const pattern = (value: string): string => likePattern(value.replace(/\*+/g, '*'));
const like = (name: string, text: string): Bool => sql<SqlBool>`${column(name)} like ${text} escape '\\'`;
/**
 * DICOM's wild cards on a column as stored, where case counts (PS3.4 C.2.2.2.4). SQLite's LIKE does not tell the case of ASCII
 * letters; its GLOB does, and has DICOM's wild cards and `[`.
 */
const wild = (name: string, value: string, { dialect }: Matching): Bool =>
  dialect === 'sqlite'
    ? sql<SqlBool>`${column(name)} glob ${value.replace(/\*+/g, '*').replaceAll('[', '[[]')}`
    : like(name, pattern(value));
/** Texts that begin so: a range, which an index serves. */
const begins = (name: string, prefix: string): Bool =>
  sql<SqlBool>`${column(name)} >= ${prefix} and ${column(name)} <= ${prefix + LAST}`;
const all = (parts: readonly Bool[]): Bool => sql<SqlBool>`${sql.join(parts, sql` and `)}`;
const any = (parts: readonly Bool[]): Bool => sql<SqlBool>`(${sql.join(parts, sql` or `)})`;
/** A list as one parameter, however long it is: the statement stays the same, and below every limit. */
export const oneOf = (name: string, values: readonly string[], dialect: Store['dialect']): Bool => {
  if (values.length === 1) return sql<SqlBool>`${column(name)} = ${values[0]}`;
  return dialect === 'sqlite'
    ? sql<SqlBool>`${column(name)} in (select value from json_each(${JSON.stringify(values)}))`
    : sql<SqlBool>`${column(name)} = any(${values}::text[])`;
};
const prefixOf = (value: string): string => value.slice(0, value.search(/[*?]|$/));
/** `\` in C-FIND, a comma in QIDO-RS: PS3.4 C.2.2.2.2, PS3.18 8.3.4.1. */
const listOf = (value: string): string[] =>
  value
    .split(/[\\,]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

const uid =
  (name: string): Key =>
  (value, matching) => {
    if (hasWildcard(value)) return { where: any(listOf(value).map((part) => wild(name, part, matching))) };
    const uids = listOf(value);
    return uids.length === 0 ? NOTHING : { where: oneOf(name, uids, matching.dialect), narrow: true };
  };
/** Single value matching on the value, wild cards on the folded one. */
const text =
  (name: string, { folded, indexed }: { folded?: string; indexed?: true } = {}): Key =>
  (value, matching) => {
    if (!hasWildcard(value)) {
      const same = sql<SqlBool>`${column(name)} = ${value}`;
      if (!folded || !indexed) return { where: same };
      return { where: sql<SqlBool>`${column(folded)} = ${fold(value)} and ${same}`, narrow: true };
    }
    if (!folded) return { where: wild(name, value, matching) };
    const prefix = indexed ? prefixOf(fold(value)) : '';
    const match = like(folded, pattern(fold(value)));
    return prefix === '' ? { where: match } : { where: all([begins(folded, prefix), match]), narrow: true };
  };
/** Any of a list of codes, each with wild cards. */
const code =
  (name: string): Key =>
  (value, matching) => {
    const [exact, patterns] = [
      listOf(value).filter((part) => !hasWildcard(part)),
      listOf(value).filter(hasWildcard),
    ];
    const parts = [
      ...(exact.length > 0 ? [oneOf(name, exact, matching.dialect)] : []),
      ...patterns.map((part) => wild(name, part, matching)),
    ];
    return parts.length === 0 ? NOTHING : { where: any(parts) };
  };

const inWords = (words: Bool): Bool =>
  sql<SqlBool>`study.study_uid in (select study_uid from study_word where ${words})`;
/** Names match without case and accents; `fuzzy`: every word begins a word of the name (PS3.18 8.3.4.2). */
const name =
  (kind: 'p' | 'r', folded: string): Key =>
  (value, { fuzzy }) => {
    if (fuzzy) {
      // The longest word first: it leaves the fewest.
      const [first, ...rest] = wordsOf(value)
        .sort((a, b) => b.length - a.length)
        .map((word) => begins('word', nameWord(kind, word)));
      if (!first) return NOTHING;
      const others = rest.map(inWords);
      return others.length > 0
        ? { where: all([inWords(first), ...others]), words: first, beside: others }
        : { where: inWords(first), words: first };
    }
    const wanted = foldName(value).slice(1, -1);
    if (wanted === '') return NOTHING;
    // Several component groups together: in the whole name.
    if (wanted.includes('=')) return { where: like(folded, `%=${pattern(wanted)}=%`) };
    if (!hasWildcard(wanted)) {
      const words = sql<SqlBool>`word = ${groupWord(kind, wanted)}`;
      return { where: inWords(words), words };
    }
    const prefix = prefixOf(wanted);
    const range = begins('word', groupWord(kind, prefix));
    const words =
      wanted.replace(/\*+$/, '*') === `${prefix}*`
        ? range
        : all([range, like('word', groupWord(kind, pattern(wanted)))]);
    return { where: inWords(words), words };
  };
const range =
  (name: string, digits: (part: string, fill: '0' | '9') => string): Key =>
  (value) => {
    const found = rangeOf(value, digits);
    if (!found) return NOTHING;
    const { low, high } = found;
    return {
      where: all([
        sql<SqlBool>`${column(name)} <> ''`,
        ...(low === undefined ? [] : [sql<SqlBool>`${column(name)} >= ${low}`]),
        ...(high === undefined ? [] : [sql<SqlBool>`${column(name)} <= ${high}`]),
      ]),
    };
  };
/** Days of the study, which lead the order of studies: studyIndex.ts. */
const studyDate: Key = (value, matching) => {
  const condition = range('study.study_date', date)(value, matching);
  const found = rangeOf(value, date);
  if (!found) return condition;
  const { low, high } = found;
  return {
    ...condition,
    between: {
      low: low === undefined ? undefined : Number(low) * 1e6,
      high: high === undefined ? undefined : Number(high) * 1e6 + 999_999,
    },
  };
};
/** The study holds an object of that modality which the asker may see: an image, a report, or a shown result of AI. */
const modalityInStudy: Key = (value, matching) => {
  const parts = listOf(value);
  if (parts.length === 0) return NOTHING;
  const patterns = parts.map(
    (part) =>
      new RegExp(
        `^${part
          .replace(/[.+^${}()|[\]\\]/g, '\\$&')
          .replace(/\*+/g, '.*')
          .replaceAll('?', '.')}$`,
        'su',
      ),
  );
  const listed = (part: string) =>
    any(['study.held_modalities', 'study.ai_modalities'].map((name) => wild(name, `*|${part}|*`, matching)));
  const wordsOf = (some: readonly string[]) =>
    oneOf(
      'word',
      some.flatMap((part) => [modalityWord('m', part), modalityWord('a', part)]),
      matching.dialect,
    );
  const has = (seen: readonly string[]) => (pattern: RegExp) =>
    seen.some((modality) => pattern.test(modality));
  // The only key of which an entity has several values.
  if (matching.everyValue && parts.length > 1) {
    const [first, ...rest] = parts as [string, ...string[]];
    return {
      where: all(parts.map(listed)),
      ...(hasWildcard(value) ? {} : { words: wordsOf([first]), beside: rest.map(listed) }),
      modalities: (seen) => patterns.every(has(seen)),
    };
  }
  return {
    where: any(parts.map(listed)),
    ...(hasWildcard(value) ? {} : { words: wordsOf(parts) }),
    modalities: (seen) => patterns.some(has(seen)),
  };
};
const INTEGER = /^[+-]?\d{1,12}$/;
const integer =
  (name: string): Key =>
  (value) =>
    INTEGER.test(value) ? { where: sql<SqlBool>`${column(name)} = ${Number.parseInt(value, 10)}` } : NOTHING;

const date = (part: string) => dateDigits(part);

const STUDY: Record<string, Key> = {
  StudyInstanceUID: uid('study.study_uid'),
  PatientID: text('study.patient_id', { folded: 'study.f_patient_id', indexed: true }),
  IssuerOfPatientID: text('study.issuer'),
  PatientName: name('p', 'study.f_name'),
  PatientBirthDate: range('study.birth_date', date),
  PatientSex: code('study.sex'),
  AccessionNumber: text('study.accession', { folded: 'study.f_accession', indexed: true }),
  StudyID: text('study.study_id', { folded: 'study.f_study_id' }),
  StudyDate: studyDate,
  StudyTime: range('study.f_time', timeDigits),
  StudyDescription: text('study.description', { folded: 'study.f_description' }),
  ReferringPhysicianName: name('r', 'study.f_referring'),
  InstitutionalDepartmentName: text('study.department', { folded: 'study.f_department' }),
  ModalitiesInStudy: modalityInStudy,
};
const SERIES: Record<string, Key> = {
  SeriesInstanceUID: uid('series.series_uid'),
  Modality: code('series.modality'),
  SeriesNumber: integer('series.number'),
  SeriesDescription: text('series.description', { folded: 'series.f_description' }),
  BodyPartExamined: code('series.body_part'),
  Laterality: code('series.laterality'),
};
const INSTANCE: Record<string, Key> = {
  SOPInstanceUID: uid('instance.sop_instance_uid'),
  SOPClassUID: uid('instance.sop_class_uid'),
  InstanceNumber: integer('instance.number'),
};
const KEYS: Record<Level, Record<string, Key>> = {
  // A study has no modality of its own: who asks for one means its series.
  study: { ...STUDY, Modality: modalityInStudy },
  series: { ...STUDY, ...SERIES },
  instance: { ...STUDY, ...SERIES, ...INSTANCE },
};

/** Columns by which it is told that an attribute has no value; identifiers always have one. */
const EMPTY: Readonly<Record<string, string>> = {
  PatientID: 'study.patient_id',
  IssuerOfPatientID: 'study.issuer',
  PatientName: 'study.f_name',
  PatientBirthDate: 'study.birth_date',
  PatientSex: 'study.sex',
  AccessionNumber: 'study.accession',
  StudyID: 'study.study_id',
  StudyDate: 'study.study_date',
  StudyTime: 'study.study_time',
  StudyDescription: 'study.description',
  ReferringPhysicianName: 'study.f_referring',
  InstitutionalDepartmentName: 'study.department',
  SeriesDescription: 'series.description',
  BodyPartExamined: 'series.body_part',
  Laterality: 'series.laterality',
};
export const EMPTY_VALUE = '""';
const emptiness = (level: Level, keyword: string): Condition => {
  if (keyword === 'SeriesNumber') return { where: sql<SqlBool>`series.number is null` };
  if (keyword === 'InstanceNumber') return { where: sql<SqlBool>`instance.number is null` };
  const inStudy = keyword === 'ModalitiesInStudy' || (keyword === 'Modality' && level === 'study');
  const name = inStudy
    ? 'study.held_modalities'
    : keyword === 'Modality'
      ? 'series.modality'
      : EMPTY[keyword];
  if (name === undefined) return NOTHING;
  const where = sql<SqlBool>`${column(name)} = ''`;
  return inStudy ? { where, modalities: (seen) => seen.length === 0 } : { where };
};

/** Does `keyword` take part in matching at this level? */
export const isKey = (level: Level, keyword: string): boolean => Object.hasOwn(KEYS[level], keyword);

/** Can anything match this value? Not a date that is none, a number that is none, a UID with letters, or what is too long. */
export function isValue(level: Level, keyword: string, value: string): boolean {
  const given = value.trim();
  if (!isKey(level, keyword) || /^\**$/.test(given)) return true;
  if (isUid(keyword)) return /^[\d.*?]{1,64}([\\,]\s*[\d.*?]{0,64})*$/.test(given);
  if (given.length > MAX_VALUE) return false;
  if (keyword.endsWith('Date')) return rangeOf(given, date) !== undefined;
  if (keyword.endsWith('Time')) return rangeOf(given, timeDigits) !== undefined;
  return !keyword.endsWith('Number') || keyword === 'AccessionNumber' || INTEGER.test(given);
}

const tableOf = (keyword: string, level: Level): Level =>
  Object.hasOwn(INSTANCE, keyword)
    ? 'instance'
    : Object.hasOwn(SERIES, keyword) && level !== 'study'
      ? 'series'
      : 'study';
/** SOP Class UID and Study Instance UID can stand for very many rows, or for few: they do not lead. */
const isUid = (keyword: string) => keyword.endsWith('UID');

/** Conditions of a query, to be joined by AND. */
export function conditionsOf(
  level: Level,
  match: Readonly<Record<string, string>>,
  matching: Matching,
): Conditions {
  const found: Record<Level, Bool[]> = { study: [], series: [], instance: [] };
  let leading: Condition | undefined;
  let between: Conditions['between'] = { low: undefined, high: undefined };
  let narrow = false;
  const modalities: ((seen: readonly string[]) => boolean)[] = [];
  const asked: [Level, Condition][] = [];
  for (const [keyword, given] of Object.entries(match)) {
    const value = given.trim();
    if (!isKey(level, keyword) || /^\**$/.test(value)) continue;
    const key = KEYS[level][keyword]!;
    const condition =
      matching.emptyValues && value === EMPTY_VALUE
        ? emptiness(level, keyword)
        : value.length > MAX_VALUE && !isUid(keyword)
          ? NOTHING
          : key(value, matching);
    asked.push([tableOf(keyword, level), condition]);
    narrow ||= condition.narrow === true && keyword !== 'SOPClassUID';
    // A name leads before a modality does.
    if (condition.words && (leading === undefined || condition.modalities === undefined)) leading = condition;
    if (condition.between) between = condition.between;
    if (condition.modalities) modalities.push(condition.modalities);
  }
  if (narrow) leading = undefined;
  const beside: Bool[] = [];
  for (const [table, condition] of asked) {
    found[table].push(condition.where);
    if (table === 'study')
      beside.push(...(condition === leading ? (condition.beside ?? []) : [condition.where]));
  }
  return {
    ...found,
    words: leading?.words,
    beside,
    between,
    narrow,
    modalities: modalities.length === 0 ? undefined : (seen) => modalities.every((matches) => matches(seen)),
  };
}
