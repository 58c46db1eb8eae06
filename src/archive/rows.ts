import type { Selectable } from 'kysely';
import type { InstanceTable, StudyTable } from './tables.ts';
import type { InstanceRow, StudyRow } from './types.ts';

/** `['CR', 'DX']` ⇄ `'|CR|DX|'`: each value can be found by LIKE. */
export const joinList = (values: Iterable<string>): string => {
  const sorted = [...new Set([...values].map((value) => value.replaceAll('|', ' ').trim()))]
    .filter((value) => value !== '')
    .sort();
  return sorted.length === 0 ? '' : `|${sorted.join('|')}|`;
};
export const splitList = (text: string): string[] => text.split('|').filter((value) => value !== '');

const numberOrNull = (value: number | string | null): number | null =>
  value === null ? null : Number(value);

export const studyRow = (row: Selectable<StudyTable>): StudyRow => ({
  studyUid: row.study_uid,
  patientId: row.patient_id,
  issuer: row.issuer,
  patientName: row.patient_name,
  birthDate: row.birth_date,
  sex: row.sex,
  ageYears: numberOrNull(row.age_years),
  accession: row.accession,
  studyId: row.study_id,
  studyDate: row.study_date,
  studyTime: row.study_time,
  description: row.description,
  referring: row.referring,
  department: row.department,
  indication: row.indication,
  modalities: splitList(row.modalities),
  bodyParts: splitList(row.body_parts),
  laterality: row.laterality,
  priority: row.priority,
  images: Number(row.images),
  series: Number(row.series),
  firstReceivedAt: Number(row.first_received_at),
  lastReceivedAt: Number(row.last_received_at),
  complete: Number(row.complete) === 1,
});

export const instanceRow = (row: Selectable<InstanceTable>): InstanceRow => ({
  sopInstanceUid: row.sop_instance_uid,
  sopClassUid: row.sop_class_uid,
  seriesUid: row.series_uid,
  studyUid: row.study_uid,
  kind: row.kind,
  aiRunId: row.ai_run_id,
  transferSyntax: row.transfer_syntax,
  number: numberOrNull(row.number),
  rows: numberOrNull(row.rows),
  columns: numberOrNull(row.columns),
  frames: Number(row.frames),
  photometric: row.photometric,
  viewPosition: row.view_position,
  size: Number(row.size),
  sha256: row.sha256,
  receivedAt: Number(row.received_at),
  photo: Number(row.photo) === 1,
  laterality: row.laterality,
  bodyPart: row.body_part,
});
