import { dataset, type Attributes } from '../builder.ts';
import { TAG, type Keyword } from '../dictionary.ts';
import { hexTag } from '../errors.ts';
import { jsonString } from '../json.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import type { DicomJson } from '../types.ts';
import { newUid } from '../uid.ts';
import { LOCAL_SCHEME, dicomTime, type ContentItem, type ImageReference } from './srContent.ts';

/** What the Patient and General Study modules take over from the study: PS3.3 C.7.1.1, C.7.2.1. */
const STUDY_KEYWORDS = [
  'PatientName',
  'PatientID',
  'IssuerOfPatientID',
  'PatientBirthDate',
  'PatientSex',
  'PatientAge',
  'StudyInstanceUID',
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'ReferringPhysicianName',
  'StudyID',
  'StudyDescription',
] as const satisfies readonly Keyword[];

/** Patient and study of a new object: by keyword. Study Instance UID must be there; the rest is written empty where it must be. */
export type StudyAttributes = Pick<Attributes, (typeof STUDY_KEYWORDS)[number]> & {
  StudyInstanceUID: string;
};

/** The same from the DICOM JSON of an image of the study, for `srDocument` and other builders. */
export function studyAttributes(json: DicomJson): StudyAttributes {
  const found = STUDY_KEYWORDS.filter((keyword) => json[hexTag(TAG[keyword])]?.Value);
  const attributes: Record<string, unknown> = Object.fromEntries(
    found.map((keyword) => [keyword, json[hexTag(TAG[keyword])]]),
  );
  return { ...attributes, StudyInstanceUID: jsonString(json, TAG.StudyInstanceUID) ?? '' };
}

export interface Equipment {
  manufacturer: string;
  model: string;
  version: string;
  /** Name of the site. */
  institution?: string;
}

/** What every object that is made of a study says of itself. */
export interface MadeObject {
  study: StudyAttributes;
  equipment: Equipment;
  at: Date;
  /** IANA zone that dates and times are written in. Default UTC. */
  timeZone?: string;
  seriesDescription?: string;
  seriesNumber?: number;
  /** Default: new ones. Give them where a job may run twice. */
  sopInstanceUid?: string;
  seriesInstanceUid?: string;
}

export interface SrDocument extends MadeObject {
  /** Root CONTAINER, relationship `null`. */
  content: ContentItem;
  /** Who answers for it: makes the document VERIFIED. Without it, UNVERIFIED. */
  verification?: { name: string; organisation: string; at: Date };
  /** Images beyond those that the content points at. */
  evidence?: readonly ImageReference[];
}

/** Modules that SR documents, key object selections and presentation states share: patient, study, series, equipment, SOP common. */
export function headOf(of: MadeObject, modality: string, sopClassUid: string): Attributes {
  const { date, time, offset } = dicomTime(of.at, of.timeZone);
  return {
    SOPClassUID: sopClassUid,
    SOPInstanceUID: of.sopInstanceUid ?? newUid(),
    InstanceCreationDate: date,
    InstanceCreationTime: time,
    TimezoneOffsetFromUTC: offset,
    // Type 2 attributes are written empty where the study does not give them.
    PatientName: '',
    PatientID: '',
    PatientBirthDate: '',
    PatientSex: '',
    StudyDate: '',
    StudyTime: '',
    AccessionNumber: '',
    ReferringPhysicianName: '',
    StudyID: '',
    ...of.study,
    Manufacturer: of.equipment.manufacturer,
    ManufacturerModelName: of.equipment.model,
    SoftwareVersions: of.equipment.version,
    InstitutionName: of.equipment.institution,
    Modality: modality,
    SeriesInstanceUID: of.seriesInstanceUid ?? newUid(),
    SeriesNumber: of.seriesNumber ?? 1,
    SeriesDate: date,
    SeriesTime: time,
    SeriesDescription: of.seriesDescription,
  };
}

/** A scheme of one's own has to be said what it is (PS3.3 C.12.1.1.7). */
export const codingSchemes = (content: DicomJson): Attributes => ({
  CodingSchemeIdentificationSequence: JSON.stringify(content).includes(`"${LOCAL_SCHEME}"`)
    ? [{ CodingSchemeDesignator: LOCAL_SCHEME, CodingSchemeName: 'Negatoscope local codes' }]
    : undefined,
});

/**
 * A Comprehensive SR Document: PS3.3 A.35.3, with the modules Patient, General Study, SR Document Series, General Equipment,
 * SR Document General, SR Document Content and SOP Common.
 */
export function srDocument(document: SrDocument): DicomJson {
  const { content, verification, timeZone } = document;
  const { date, time } = dicomTime(document.at, timeZone);
  const images = [...content.images, ...(document.evidence ?? [])];
  return {
    ...dataset({
      ...headOf(document, 'SR', SOP_CLASS.ComprehensiveSRStorage),
      ReferencedPerformedProcedureStepSequence: [],
      InstanceNumber: 1,
      ContentDate: date,
      ContentTime: time,
      CompletionFlag: 'COMPLETE',
      VerificationFlag: verification ? 'VERIFIED' : 'UNVERIFIED',
      VerifyingObserverSequence: verification && [
        {
          VerifyingOrganization: verification.organisation,
          VerificationDateTime: dicomTime(verification.at, timeZone).dateTime,
          VerifyingObserverName: verification.name,
          VerifyingObserverIdentificationCodeSequence: [],
        },
      ],
      PerformedProcedureCodeSequence: [],
      CurrentRequestedProcedureEvidenceSequence: images.length ? evidenceItems(images) : undefined,
      ...codingSchemes(content.json),
    }),
    ...content.json,
  };
}

function unique(images: readonly ImageReference[]): ImageReference[] {
  return [...new Map(images.map((entry) => [entry.sopInstanceUid, entry])).values()];
}

/** Hierarchical SOP Instance Reference Macro: PS3.3 C.17.2.1. Each image once. */
export function evidenceItems(images: readonly ImageReference[]): Attributes[] {
  const studies = Map.groupBy(unique(images), (entry) => entry.studyUid);
  return [...studies].map(([studyUid, inStudy]) => ({
    ReferencedSeriesSequence: [...Map.groupBy(inStudy, (entry) => entry.seriesUid)].map(
      ([seriesUid, inSeries]) => ({
        ReferencedSOPSequence: inSeries.map((entry) => ({
          ReferencedSOPClassUID: entry.sopClassUid,
          ReferencedSOPInstanceUID: entry.sopInstanceUid,
        })),
        SeriesInstanceUID: seriesUid,
      }),
    ),
    StudyInstanceUID: studyUid,
  }));
}
