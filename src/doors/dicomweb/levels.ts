/** To which level an attribute of a header belongs, so that a search of studies or series tells it: PS3.3 A.1.2. */
import { TAG, type Tag } from '../../dicom/index.ts';

/** Modules of the patient and of the study: PS3.3 C.7.1 and C.7.2. Group 0010 is the patient's. */
const STUDY = new Set<Tag>([
  TAG.StudyDate,
  TAG.StudyTime,
  TAG.AccessionNumber,
  TAG.IssuerOfAccessionNumberSequence,
  TAG.ReferringPhysicianName,
  TAG.ReferringPhysicianIdentificationSequence,
  TAG.ConsultingPhysicianName,
  TAG.StudyDescription,
  TAG.ProcedureCodeSequence,
  TAG.PhysiciansOfRecord,
  TAG.NameOfPhysiciansReadingStudy,
  TAG.AdmittingDiagnosesDescription,
  TAG.ReferencedStudySequence,
  TAG.StudyInstanceUID,
  TAG.StudyID,
  TAG.RequestingService,
  TAG.ReasonForStudy,
  TAG.RequestingPhysician,
  TAG.AdmissionID,
  TAG.ReasonForVisit,
  TAG.ReasonForTheRequestedProcedure,
  TAG.TimezoneOffsetFromUTC,
]);
/** Modules of the series, of its equipment and of its frame of reference: PS3.3 C.7.3, C.7.4, C.7.5. */
const SERIES = new Set<Tag>([
  TAG.SeriesDate,
  TAG.SeriesTime,
  TAG.Modality,
  TAG.Manufacturer,
  TAG.InstitutionName,
  TAG.InstitutionAddress,
  TAG.InstitutionalDepartmentName,
  TAG.StationName,
  TAG.SeriesDescription,
  TAG.SeriesDescriptionCodeSequence,
  TAG.PerformingPhysicianName,
  TAG.OperatorsName,
  TAG.ManufacturerModelName,
  TAG.ReferencedPerformedProcedureStepSequence,
  TAG.BodyPartExamined,
  TAG.DeviceSerialNumber,
  TAG.SoftwareVersions,
  TAG.ProtocolName,
  TAG.PatientPosition,
  TAG.SeriesInstanceUID,
  TAG.SeriesNumber,
  TAG.FrameOfReferenceUID,
  TAG.PositionReferenceIndicator,
  TAG.Laterality,
  TAG.PerformedProcedureStepStartDate,
  TAG.PerformedProcedureStepStartTime,
  TAG.PerformedProcedureStepID,
  TAG.PerformedProcedureStepDescription,
  TAG.RequestAttributesSequence,
]);

/** Does an answer at this level tell the attribute? Below the study its own level's alone, unless `withStudy`. */
export const belongs = (tag: Tag, level: 'study' | 'series', withStudy: boolean): boolean =>
  (withStudy && (STUDY.has(tag) || tag >>> 16 === 0x0010)) || (level === 'series' && SERIES.has(tag));
