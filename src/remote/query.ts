/** Asking another system: PS3.4 C.6.2, Study Root. */
import { TAG, dataset, jsonString } from '../dicom/index.ts';
import type { DicomJson } from '../dicom/types.ts';
import { fold } from '../archive/fold.ts';
import type { QueryForm, RemoteInstance, RemoteStudy } from './types.ts';
import type { Association } from '../wire/index.ts';

export const STUDY_ROOT = {
  find: '1.2.840.10008.5.1.4.1.2.2.1',
  move: '1.2.840.10008.5.1.4.1.2.2.2',
  get: '1.2.840.10008.5.1.4.1.2.2.3',
} as const;

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/**
 * What a person types as a name → PN to match: `lef ana` → `lef*^ana*`. Letters beyond ASCII become `*` where enough is left,
 * since systems compare bytes of whatever character set they keep; `matchesName` looks again.
 */
export function namePattern(typed: string): string {
  const parts = typed
    .trim()
    .split(/[\s^,]+/)
    .filter(Boolean);
  const open = parts.map((part) => (/[*?]$/.test(part) ? part : `${part}*`));
  const narrowed = open.map((part) => part.replace(/[^\x20-\x7e]+/g, '*').replace(/\*{2,}/g, '*'));
  const enough = narrowed.join('').replace(/[^A-Za-z]/g, '').length >= 2;
  return (enough ? narrowed : open).join('^');
}

/** Whether a name begins with what was typed, accents and case aside; always where a wildcard was typed, or nothing beyond ASCII. */
export function matchesName(name: string, typed: string): boolean {
  if (isAscii(typed) || /[*?]/.test(typed)) return true;
  const words = fold(name).split(/[\s^=]+/);
  return typed
    .trim()
    .split(/[\s^,]+/)
    .filter(Boolean)
    .every((part) => words.some((word) => word.startsWith(fold(part))));
}

/** `20260101-20260131`, open at either end: PS3.4 C.2.2.2.5. */
const dateRange = (from = '', to = ''): string => (from || to ? (from === to ? from : `${from}-${to}`) : '');

export function studyIdentifier(form: QueryForm): DicomJson {
  return dataset({
    QueryRetrieveLevel: 'STUDY',
    PatientName: form.patientName ? namePattern(form.patientName) : '',
    PatientID: form.patientId?.trim() ?? '',
    PatientBirthDate: '',
    PatientSex: '',
    StudyDate: dateRange(form.from, form.to),
    StudyTime: '',
    AccessionNumber: form.accession?.trim() ?? '',
    ModalitiesInStudy: form.modality ?? '',
    StudyDescription: '',
    StudyInstanceUID: form.studyUid ?? '',
    NumberOfStudyRelatedInstances: '',
  });
}

const text = (json: DicomJson, tag: number): string => jsonString(json, tag) ?? '';
const texts = (json: DicomJson, key: string): string[] =>
  (json[key]?.Value ?? []).filter((value): value is string => typeof value === 'string');

export function studyOf(json: DicomJson): Omit<RemoteStudy, 'here'> {
  const count = Number(json['00201208']?.Value?.[0]);
  const name = json['00100010']?.Value?.[0] as { Alphabetic?: string; Ideographic?: string } | undefined;
  return {
    studyUid: text(json, TAG.StudyInstanceUID),
    patientName: [name?.Alphabetic ?? '', name?.Ideographic].filter((part) => part !== undefined).join('='),
    patientId: text(json, TAG.PatientID),
    birthDate: text(json, TAG.PatientBirthDate),
    sex: text(json, TAG.PatientSex),
    studyDate: text(json, TAG.StudyDate).replace(/\D/g, ''),
    studyTime: text(json, TAG.StudyTime),
    accession: text(json, TAG.AccessionNumber),
    description: text(json, TAG.StudyDescription),
    modalities: texts(json, '00080061'),
    instances: Number.isInteger(count) && count > 0 ? count : null,
  };
}

/**
 * Every instance of a study, level by level: what PS3.4 C.4.1.3.1.1 asks of every provider. Empty where the study is not
 * there. Yields what it has learned so far.
 */
export async function listInstances(
  association: Association,
  studyUid: string,
  signal: AbortSignal,
): Promise<Map<string, RemoteInstance>> {
  const found = new Map<string, RemoteInstance>();
  const ask = (identifier: DicomJson) =>
    association.find({ sopClassUid: STUDY_ROOT.find, identifier }, { signal });
  const series: string[] = [];
  const atSeries = { QueryRetrieveLevel: 'SERIES', StudyInstanceUID: studyUid, SeriesInstanceUID: '' };
  for await (const row of ask(dataset(atSeries))) series.push(text(row, TAG.SeriesInstanceUID));
  for (const seriesUid of new Set(series)) {
    const identifier = dataset({
      QueryRetrieveLevel: 'IMAGE',
      StudyInstanceUID: studyUid,
      SeriesInstanceUID: seriesUid,
      SOPInstanceUID: '',
      SOPClassUID: '',
    });
    for await (const row of ask(identifier)) {
      const sopInstanceUid = text(row, TAG.SOPInstanceUID);
      if (sopInstanceUid)
        found.set(sopInstanceUid, { sopInstanceUid, seriesUid, sopClassUid: text(row, TAG.SOPClassUID) });
    }
  }
  return found;
}
