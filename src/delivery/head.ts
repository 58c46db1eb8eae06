import { shortText, type sr } from '../dicom/index.ts';
import type { ReportRecord } from '../reading/types.ts';

/** Patient and study of a signed report, as it was signed: what heads the objects that are made of it. */
export const studyOf = ({ study, studyUid }: ReportRecord): sr.StudyAttributes => ({
  PatientName: study.patientName,
  PatientID: study.patientId,
  ...(study.issuer ? { IssuerOfPatientID: study.issuer } : {}),
  PatientBirthDate: study.birthDate,
  PatientSex: study.sex,
  StudyInstanceUID: studyUid,
  StudyDate: study.studyDate,
  StudyTime: study.studyTime,
  AccessionNumber: study.accession,
  ReferringPhysicianName: study.referring,
  StudyID: study.studyId,
  ...(study.description ? { StudyDescription: study.description } : {}),
});

export function equipmentOf({ siteName }: ReportRecord, version: string): sr.Equipment {
  const institution = shortText(siteName);
  return {
    manufacturer: 'Negatoscope',
    model: 'Negatoscope',
    version,
    ...(institution ? { institution } : {}),
  };
}
export const organisationOf = ({ siteName }: ReportRecord): string => shortText(siteName) || 'Negatoscope';
