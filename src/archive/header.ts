/** What the index keeps of a header: plain values out of a data set, tolerant of whatever stands in it. */
import {
  type DataSet,
  frameBits,
  frameCount,
  type Tag,
  TAG,
  yearsBetween,
  yearsOfAge,
} from '../dicom/index.ts';
import { dateDigits } from './fold.ts';
import type { StudyRow } from './types.ts';

export interface StudyHeader {
  patientId: string;
  issuer: string;
  patientName: string;
  birthDate: string;
  sex: string;
  ageYears: number | null;
  accession: string;
  studyId: string;
  studyDate: string;
  studyTime: string;
  description: string;
  referring: string;
  department: string;
  indication: string;
  priority: StudyRow['priority'];
}
export interface SeriesHeader {
  modality: string;
  number: number | null;
  description: string;
  bodyPart: string;
  laterality: string;
}
export interface InstanceHeader {
  number: number | null;
  rows: number | null;
  columns: number | null;
  frames: number;
  photometric: string;
  viewPosition: string;
  bodyPart: string;
  laterality: string;
  frameBits: number | null;
}
export interface Uids {
  sopInstanceUid: string;
  sopClassUid: string;
  studyUid: string;
  seriesUid: string;
}

/** PostgreSQL takes no NUL in text; a value of such length belongs in no list. */
const clean = (text: string): string => text.replaceAll('\0', '').slice(0, 1024);
const text = (dataset: DataSet, tag: Tag): string => clean(dataset.string(tag) ?? '').trim();
const whole = (dataset: DataSet, tag: Tag): number | null => {
  const value = dataset.number(tag);
  return value !== undefined && Number.isSafeInteger(value) ? value : null;
};
const names = (dataset: DataSet, tag: Tag): string => {
  const name = dataset.person(tag);
  if (!name) return '';
  return clean([name.alphabetic, name.ideographic ?? '', name.phonetic ?? ''].join('=').replace(/=+$/, ''));
};

/**
 * PS3.5 9.1: digits and dots, at most 64 characters. Leading zeros in a component are forbidden there, but machines in the
 * field send them, and an image is worth more than a zero.
 */
export const isTolerableUid = (uid: string): boolean => uid.length <= 64 && /^\d+(\.\d+)*$/.test(uid);

export function uidsOf(dataset: DataSet): Uids {
  return {
    sopInstanceUid: text(dataset, TAG.SOPInstanceUID),
    sopClassUid: text(dataset, TAG.SOPClassUID),
    studyUid: text(dataset, TAG.StudyInstanceUID),
    seriesUid: text(dataset, TAG.SeriesInstanceUID),
  };
}

/** Requested Procedure Priority (PS3.3 C.4.11) or the retired Study Priority ID, as three steps. */
function priorityOf(dataset: DataSet): StudyRow['priority'] {
  const given = [TAG.RequestedProcedurePriority, TAG.StudyPriorityID].map((tag) =>
    text(dataset, tag).toUpperCase(),
  );
  if (given.includes('STAT')) return 'STAT';
  return given.includes('HIGH') ? 'HIGH' : 'ROUTINE';
}

function indicationOf(dataset: DataSet): string {
  const request = dataset.items(TAG.RequestAttributesSequence)[0];
  const places: [DataSet | undefined, Tag][] = [
    [dataset, TAG.ReasonForTheRequestedProcedure],
    [request, TAG.ReasonForTheRequestedProcedure],
    [dataset, TAG.ReasonForStudy],
    [dataset, TAG.AdmittingDiagnosesDescription],
  ];
  for (const [where, tag] of places) {
    const found = where ? text(where, tag) : '';
    if (found !== '') return found;
  }
  return '';
}

export function studyHeader(dataset: DataSet): StudyHeader {
  const birthDate = dateDigits(text(dataset, TAG.PatientBirthDate));
  const studyDate = dateDigits(text(dataset, TAG.StudyDate));
  return {
    patientId: text(dataset, TAG.PatientID),
    issuer: text(dataset, TAG.IssuerOfPatientID),
    patientName: names(dataset, TAG.PatientName),
    birthDate,
    sex: text(dataset, TAG.PatientSex),
    ageYears: yearsOfAge(text(dataset, TAG.PatientAge)) ?? yearsBetween(birthDate, studyDate),
    accession: text(dataset, TAG.AccessionNumber),
    studyId: text(dataset, TAG.StudyID),
    studyDate,
    studyTime: text(dataset, TAG.StudyTime),
    description: text(dataset, TAG.StudyDescription),
    referring: names(dataset, TAG.ReferringPhysicianName),
    department: text(dataset, TAG.InstitutionalDepartmentName),
    indication: indicationOf(dataset),
    priority: priorityOf(dataset),
  };
}

const lateralityOf = (dataset: DataSet): string =>
  text(dataset, TAG.ImageLaterality) || text(dataset, TAG.Laterality);

export function seriesHeader(dataset: DataSet): SeriesHeader {
  return {
    modality: text(dataset, TAG.Modality),
    number: whole(dataset, TAG.SeriesNumber),
    description: text(dataset, TAG.SeriesDescription),
    bodyPart: text(dataset, TAG.BodyPartExamined),
    laterality: lateralityOf(dataset),
  };
}

export function instanceHeader(dataset: DataSet): InstanceHeader {
  return {
    number: whole(dataset, TAG.InstanceNumber),
    rows: whole(dataset, TAG.Rows),
    columns: whole(dataset, TAG.Columns),
    frames: frameCount(dataset),
    photometric: text(dataset, TAG.PhotometricInterpretation),
    viewPosition: text(dataset, TAG.ViewPosition),
    bodyPart: text(dataset, TAG.BodyPartExamined),
    laterality: lateralityOf(dataset),
    frameBits: frameBits(dataset) ?? null,
  };
}
