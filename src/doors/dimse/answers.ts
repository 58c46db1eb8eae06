/** What the rows of the index say to the keys of a question, and how it is written: PS3.4 C.4.1.1.3.2, C.4.1.2.2.1. */
import type { FoundStudy, InstanceRow, MatchingOptions, SeriesRow, StudyRow } from '../../archive/index.ts';
import type { PatientRow } from '../../archive/types.ts';
import {
  type Attributes,
  dataset as attributes,
  type DicomJson,
  encodeDataSet,
  type EncodeOptions,
  hexTag,
  TAG,
  textSetEncoder,
} from '../../dicom/index.ts';
import { askedOf, type Key } from '../header-match.ts';
import type { QueryLevel } from './identifier.ts';

/** One match: a row of the level that is asked for, with the study of a series, and the header of an instance if it was read. */
export type Match =
  | { readonly patient: PatientRow }
  | { readonly study: FoundStudy }
  | { readonly series: SeriesRow; readonly study?: FoundStudy }
  | { readonly instance: InstanceRow; readonly header?: DicomJson };

type Value = string | number | null | readonly string[];
/** Values by keyword. */
type Values<Row> = Readonly<Record<string, (row: Row) => Value>>;

const PATIENT: Values<Pick<StudyRow, 'patientId' | 'issuer' | 'patientName' | 'birthDate' | 'sex'>> = {
  PatientID: (row) => row.patientId,
  IssuerOfPatientID: (row) => row.issuer,
  PatientName: (row) => row.patientName,
  PatientBirthDate: (row) => row.birthDate,
  PatientSex: (row) => row.sex,
};
const PATIENT_COUNTS: Values<PatientRow> = {
  NumberOfPatientRelatedStudies: ({ counts }) => counts.studies,
  NumberOfPatientRelatedSeries: ({ counts }) => counts.series,
  NumberOfPatientRelatedInstances: ({ counts }) => counts.instances,
};
const STUDY: Values<FoundStudy> = {
  StudyInstanceUID: (row) => row.studyUid,
  StudyID: (row) => row.studyId,
  StudyDate: (row) => row.studyDate,
  StudyTime: (row) => row.studyTime,
  AccessionNumber: (row) => row.accession,
  StudyDescription: (row) => row.description,
  ReferringPhysicianName: (row) => row.referring,
  InstitutionalDepartmentName: (row) => row.department,
  ModalitiesInStudy: ({ counts }) => counts.modalities,
  NumberOfStudyRelatedSeries: ({ counts }) => counts.series,
  NumberOfStudyRelatedInstances: ({ counts }) => counts.instances,
};
const SERIES: Values<SeriesRow> = {
  StudyInstanceUID: (row) => row.studyUid,
  SeriesInstanceUID: (row) => row.seriesUid,
  Modality: (row) => row.modality,
  SeriesNumber: (row) => row.number,
  SeriesDescription: (row) => row.description,
  BodyPartExamined: (row) => row.bodyPart,
  Laterality: (row) => row.laterality,
  NumberOfSeriesRelatedInstances: (row) => row.instances,
};
const INSTANCE: Values<InstanceRow> = {
  StudyInstanceUID: (row) => row.studyUid,
  SeriesInstanceUID: (row) => row.seriesUid,
  SOPInstanceUID: (row) => row.sopInstanceUid,
  SOPClassUID: (row) => row.sopClassUid,
  InstanceNumber: (row) => row.number,
  Rows: (row) => row.rows,
  Columns: (row) => row.columns,
  NumberOfFrames: (row) => (row.frames > 1 ? row.frames : null),
  AvailableTransferSyntaxUID: (row) => row.transferSyntax,
};

/** For answers of this level: the value of an attribute that the index tells, undefined for any other. */
type Teller = (match: Match) => Value;
const over =
  <Row>(values: Values<Row>, rowOf: (match: Match) => Row | undefined) =>
  (keyword: string): Teller | undefined => {
    const value = Object.hasOwn(values, keyword) ? values[keyword]! : undefined;
    return (
      value &&
      ((match) => {
        const row = rowOf(match);
        return row === undefined ? null : value(row);
      })
    );
  };
const studyOf = (match: Match) => ('study' in match ? match.study : undefined);
const TOLD: Readonly<Record<QueryLevel, readonly ((keyword: string) => Teller | undefined)[]>> = {
  PATIENT: [
    over({ ...PATIENT, ...PATIENT_COUNTS } as Values<PatientRow>, (match) =>
      'patient' in match ? match.patient : undefined,
    ),
  ],
  STUDY: [over(PATIENT, studyOf), over(STUDY, studyOf)],
  SERIES: [
    over(SERIES, (match) => ('series' in match ? match.series : undefined)),
    over(PATIENT, studyOf),
    over(STUDY, studyOf),
  ],
  IMAGE: [over(INSTANCE, (match) => ('instance' in match ? match.instance : undefined))],
};

/** What the index tells of an attribute at this level; undefined where it tells nothing. */
export function tellerOf(level: QueryLevel, keyword: string): Teller | undefined {
  for (const find of TOLD[level]) {
    const teller = find(keyword);
    if (teller) return teller;
  }
  return undefined;
}

/** Of a series the study has to be read for this attribute. */
export const isOfStudy = (keyword: string): boolean =>
  !Object.hasOwn(SERIES, keyword) && (Object.hasOwn(PATIENT, keyword) || Object.hasOwn(STUDY, keyword));

/** Writes the answers to one question. */
export function answerWriter(
  level: QueryLevel,
  keys: readonly Key[],
  aeTitle: string,
  { matching, ...options }: EncodeOptions & { readonly matching: MatchingOptions },
): (match: Match) => Buffer {
  const own: Attributes = { QueryRetrieveLevel: level, RetrieveAETitle: aeTitle };
  const asked = keys.filter(({ keyword }) => !(keyword in own));
  const tellers = asked.map(({ tag, keyword }): Teller | undefined =>
    tag === TAG.InstanceAvailability ? () => 'ONLINE' : tellerOf(level, keyword),
  );
  if (level === 'IMAGE')
    return (match) => encodeDataSet(imageAnswer(match, asked, tellers, own, matching), options);
  const constant = Object.entries(attributes(own)).map(([key, { vr, Value = [] }]) => ({
    tag: parseInt(key, 16),
    vr,
    text: String(Value[0] ?? ''),
  }));
  const encode = textSetEncoder([...asked, ...constant], options);
  const said = constant.map(({ text }) => text);
  return (match) => encode([...tellers.map((tell) => (tell ? textOf(tell(match)) : '')), ...said]);
}

const textOf = (value: Value): string =>
  value === null
    ? ''
    : typeof value === 'string'
      ? value
      : Array.isArray(value)
        ? value.join('\\')
        : String(value);

/** Instances have numbers in binary, and whatever else their header has. */
function imageAnswer(
  match: Match,
  asked: readonly Key[],
  tellers: readonly (Teller | undefined)[],
  own: Attributes,
  matching: MatchingOptions,
): DicomJson {
  const header = 'header' in match ? match.header : undefined;
  const answer: DicomJson = {};
  for (const [i, key] of asked.entries()) {
    const { tag, vr } = key;
    const told = tellers[i]?.(match);
    const held = header?.[hexTag(tag)];
    const values = (Array.isArray(told) ? told : [told]).filter((value) => value !== null && value !== '');
    if (told !== undefined) answer[hexTag(tag)] = values.length > 0 ? { vr, Value: values } : { vr };
    else answer[hexTag(tag)] = held ? askedOf(held, key, matching) : { vr };
  }
  return { ...answer, ...attributes(own) };
}
