/**
 * Attribute matching of C-FIND and QIDO-RS (PS3.4 C.2.2.2) as SQL conditions. An empty value or `*` matches everything, an
 * attribute that is no key of the level is left out: `isKey` tells a door, so that it can warn (PS3.18 8.3.4.1).
 */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
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
import type { ArchiveTables } from './tables.ts';

export type Level = 'study' | 'series' | 'instance';
type Builder = ExpressionBuilder<ArchiveTables, any>;
export interface Matching {
  fuzzy?: boolean;
  dialect: Store['dialect'];
  /** AI runs that the asker may see: their objects count for ModalitiesInStudy. */
  shown?: readonly string[];
}
type Condition = (eb: Builder, value: string, matching: Matching) => Expression<SqlBool>;

const column = (name: string) => sql.ref<string>(name);
const like = (name: string, pattern: string) => sql<SqlBool>`${column(name)} like ${pattern} escape '\\'`;
/**
 * DICOM's wild cards on a column as stored, where case counts (PS3.4 C.2.2.2.4). SQLite's LIKE does not tell the case of ASCII
 * letters; its GLOB does, and has DICOM's wild cards and `[`.
 */
const wild = (name: string, value: string, { dialect }: Matching) =>
  dialect === 'sqlite'
    ? sql<SqlBool>`${column(name)} glob ${value.replaceAll('[', '[[]')}`
    : like(name, likePattern(value));
const nothing = sql<SqlBool>`1 = 0`;

/** List of UID matching, PS3.4 C.2.2.2.2: `\` in C-FIND, a comma in QIDO-RS. */
const uid =
  (name: string): Condition =>
  (eb, value, matching) => {
    const uids = value.split(/[\\,]/).map((part) => part.trim());
    return uids.length === 1 && hasWildcard(value)
      ? wild(name, value, matching)
      : eb(column(name), 'in', uids.slice(0, 1000));
  };
/** Single value matching on the value, wild cards on the folded one. */
const text =
  (name: string, folded: string = name): Condition =>
  (eb, value, matching) =>
    hasWildcard(value)
      ? folded === name
        ? wild(name, value, matching)
        : like(folded, likePattern(fold(value)))
      : eb(column(name), '=', value);
const code =
  (name: string): Condition =>
  (eb, value, matching) =>
    hasWildcard(value)
      ? wild(name, value, matching)
      : eb(
          column(name),
          'in',
          value.split(/[\\,]/).map((part) => part.trim()),
        );
/** Names match without case and accents; `fuzzy`: every word begins a word of the name (PS3.18 8.3.4.2). */
const name =
  (folded: string): Condition =>
  (eb, value, { fuzzy }) => {
    if (fuzzy) {
      const begun = wordsOf(value).map((word) => like(folded, `% ${likePattern(word)}%`));
      return begun.length === 0 ? nothing : eb.and(begun);
    }
    return like(folded, `%=${likePattern(foldName(value).slice(1, -1))}=%`);
  };
const range =
  (name: string, digits: (part: string, fill: '0' | '9') => string): Condition =>
  (eb, value) => {
    const found = rangeOf(value, digits);
    if (!found) return nothing;
    const filled = eb(column(name), '!=', '');
    return eb.and([
      filled,
      ...(found.low === undefined ? [] : [eb(column(name), '>=', found.low)]),
      ...(found.high === undefined ? [] : [eb(column(name), '<=', found.high)]),
    ]);
  };
/** Any of a list of codes, each with wild cards. */
const anyCode =
  (name: string): Condition =>
  (eb, value, matching) =>
    eb.or(
      value
        .split(/[\\,]/)
        .map((part) => part.trim())
        .map((part) => (hasWildcard(part) ? wild(name, part, matching) : eb(column(name), '=', part))),
    );
/** The study holds an object of that modality which the asker may see: an image, a report, or a shown result of AI. */
const modalityInStudy: Condition = (eb, value, matching) =>
  eb.exists(
    eb
      .selectFrom('instance as held')
      .innerJoin('series as holding', (join) =>
        join
          .onRef('holding.study_uid', '=', 'held.study_uid')
          .onRef('holding.series_uid', '=', 'held.series_uid'),
      )
      .select('held.sop_instance_uid')
      .whereRef('held.study_uid', '=', 'study.study_uid')
      .where(anyCode('holding.modality')(eb, value, matching))
      .where((held) =>
        held.or([
          held('held.ai_run_id', 'is', null),
          ...(matching.shown?.length ? [held('held.ai_run_id', 'in', [...matching.shown])] : []),
        ]),
      ),
  );
const integer =
  (name: string): Condition =>
  (eb, value) =>
    /^[+-]?\d{1,12}$/.test(value.trim())
      ? eb(sql.ref<number>(name), '=', Number.parseInt(value, 10))
      : nothing;

const date = (part: string) => dateDigits(part);

const STUDY: Record<string, Condition> = {
  StudyInstanceUID: uid('study.study_uid'),
  PatientID: text('study.patient_id', 'study.f_patient_id'),
  IssuerOfPatientID: text('study.issuer'),
  PatientName: name('study.f_name'),
  PatientBirthDate: range('study.birth_date', date),
  PatientSex: code('study.sex'),
  AccessionNumber: text('study.accession', 'study.f_accession'),
  StudyID: text('study.study_id', 'study.f_study_id'),
  StudyDate: range('study.study_date', date),
  StudyTime: range('study.f_time', timeDigits),
  StudyDescription: text('study.description', 'study.f_description'),
  ReferringPhysicianName: name('study.f_referring'),
  InstitutionalDepartmentName: text('study.department', 'study.f_department'),
  ModalitiesInStudy: modalityInStudy,
};
const SERIES: Record<string, Condition> = {
  SeriesInstanceUID: uid('series.series_uid'),
  Modality: code('series.modality'),
  SeriesNumber: integer('series.number'),
  SeriesDescription: text('series.description', 'series.f_description'),
  BodyPartExamined: code('series.body_part'),
  Laterality: code('series.laterality'),
};
const INSTANCE: Record<string, Condition> = {
  SOPInstanceUID: uid('instance.sop_instance_uid'),
  SOPClassUID: uid('instance.sop_class_uid'),
  InstanceNumber: integer('instance.number'),
};
const KEYS: Record<Level, Record<string, Condition>> = {
  // A study has no modality of its own: who asks for one means its series.
  study: { ...STUDY, Modality: modalityInStudy },
  series: { ...STUDY, ...SERIES },
  instance: { ...STUDY, ...SERIES, ...INSTANCE },
};

/** Does `keyword` take part in matching at this level? */
export const isKey = (level: Level, keyword: string): boolean => Object.hasOwn(KEYS[level], keyword);

/** What a query asks of the modalities of whole studies, as a condition on series; undefined when it asks nothing. */
export function askedModalities(
  eb: Builder,
  level: Level,
  match: Readonly<Record<string, string>>,
  matching: Matching,
): Expression<SqlBool> | undefined {
  const keywords = level === 'study' ? ['ModalitiesInStudy', 'Modality'] : ['ModalitiesInStudy'];
  const values = keywords
    .flatMap((keyword) => match[keyword]?.trim() ?? [])
    .filter((value) => !/^\**$/.test(value));
  return values.length === 0
    ? undefined
    : eb.or(values.map((value) => anyCode('series.modality')(eb, value, matching)));
}

/** Conditions of a query, to be joined by AND. */
export function conditions(
  eb: Builder,
  level: Level,
  match: Readonly<Record<string, string>>,
  matching: Matching,
): Expression<SqlBool>[] {
  const found: Expression<SqlBool>[] = [];
  for (const [keyword, value] of Object.entries(match)) {
    const condition = isKey(level, keyword) ? KEYS[level][keyword] : undefined;
    if (condition && !/^\**$/.test(value.trim())) found.push(condition(eb, value.trim(), matching));
  }
  return found;
}
