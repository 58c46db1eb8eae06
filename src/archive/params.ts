/** What the index knows of a study, as the builders of DICOM objects take it: for what is made here and kept with the study. */
import type { PatientParams, StudyParams } from '../dicom/build/modules.ts';
import type { StudyRow } from './types.ts';

export const patientParams = (
  study: Pick<StudyRow, 'patientId' | 'issuer' | 'patientName' | 'birthDate' | 'sex'>,
): PatientParams => ({
  patientId: study.patientId,
  issuer: study.issuer,
  name: study.patientName,
  birthDate: study.birthDate,
  sex: study.sex === 'F' || study.sex === 'M' || study.sex === 'O' ? study.sex : '',
});

export const studyParams = (
  studyUid: string,
  study: Pick<StudyRow, 'studyDate' | 'studyTime' | 'studyId' | 'accession' | 'description' | 'referring'>,
): StudyParams => ({
  studyInstanceUid: studyUid,
  studyDate: study.studyDate,
  studyTime: study.studyTime,
  studyId: study.studyId,
  accessionNumber: study.accession,
  description: study.description,
  referringPhysicianName: study.referring,
});
