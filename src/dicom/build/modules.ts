/** The modules that every object made here shares (PS3.3 C.7, C.12), as attributes for `dataset`. */
import type { Attributes } from '../builder.ts';
import { shortText } from '../text.ts';

export interface PatientParams {
  patientId: string;
  /** Issuer of Patient ID; absent or '' if unknown. */
  issuer?: string;
  /** PN with all its groups, as stored: `Family^Given=…`. `personName` makes one of typed parts. */
  name: string;
  /** YYYYMMDD, '' if unknown. */
  birthDate: string;
  sex: '' | 'F' | 'M' | 'O';
}

export interface StudyParams {
  studyInstanceUid: string;
  /** YYYYMMDD, '' if unknown. */
  studyDate: string;
  /** HHMMSS, '' if unknown. */
  studyTime?: string;
  studyId?: string;
  accessionNumber?: string;
  description?: string;
  /** As stored: `Family^Given`. */
  referringPhysicianName?: string;
}

export interface SeriesParams {
  seriesInstanceUid: string;
  seriesNumber: number;
  description?: string;
}

export const patientModule = (patient: PatientParams): Attributes => ({
  PatientName: patient.name,
  PatientID: shortText(patient.patientId),
  IssuerOfPatientID: shortText(patient.issuer ?? '') || undefined,
  PatientBirthDate: patient.birthDate,
  PatientSex: patient.sex,
});

export const studyModule = (study: StudyParams): Attributes => ({
  StudyInstanceUID: study.studyInstanceUid,
  StudyDate: study.studyDate,
  StudyTime: study.studyTime ?? '',
  StudyID: shortText(study.studyId ?? '', 16),
  AccessionNumber: shortText(study.accessionNumber ?? '', 16),
  ReferringPhysicianName: study.referringPhysicianName ?? '',
  StudyDescription: shortText(study.description ?? '') || undefined,
});

export const seriesModule = (series: SeriesParams, modality: string): Attributes => ({
  Modality: modality,
  SeriesInstanceUID: series.seriesInstanceUid,
  SeriesNumber: series.seriesNumber,
  SeriesDescription: shortText(series.description ?? '') || undefined,
});

export const equipmentModule = (softwareVersion: string | undefined): Attributes => ({
  Manufacturer: 'Negatoscope',
  ManufacturerModelName: 'Negatoscope',
  SoftwareVersions: softwareVersion,
});
