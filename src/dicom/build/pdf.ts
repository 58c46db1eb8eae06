import { NegatoscopeError } from '../../errors.ts';
import { dataset } from '../builder.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import { writePart10 } from '../write.ts';
import type { PatientParams, SeriesParams, StudyParams } from './modules.ts';
import { equipmentModule, patientModule, seriesModule, studyModule } from './modules.ts';
import { dicomTime } from './srContent.ts';

export interface PdfParams {
  patient: PatientParams;
  study: StudyParams;
  series: SeriesParams;
  sopInstanceUid: string;
  instanceNumber?: number;
  /** Document Title, as a list of documents shows it. */
  title: string;
  /** Whether a physician attests the content (Verification Flag, PS3.3 C.24.2). */
  verified: boolean;
  /** How it came to be: WSD from a workstation, SD scanned, DI by hand from a file (PS3.3 C.8.6.1). */
  conversion?: 'WSD' | 'SD' | 'DI';
  /** When the document was made. */
  at: Date;
  /** IANA zone of the site: dates and times stand in it. */
  timeZone: string;
  /** Document type (PS3.16 CID 7020); LOINC 18748-4 "Diagnostic imaging report" when absent, none when nobody knows. */
  concept?: { value: string; scheme: string; meaning: string } | null;
  softwareVersion?: string;
}

/**
 * A PDF → Encapsulated PDF Storage (PS3.3 A.45.1) as Part 10 bytes in Explicit VR Little Endian. The document inside is the
 * given one byte for byte; Encapsulated Document Length tells it from the even padding.
 *
 * Throws `not-a-pdf` (422).
 */
export function encapsulatePdf(pdf: Uint8Array, params: PdfParams): Buffer {
  if (!Buffer.from(pdf.subarray(0, 1024)).includes('%PDF-'))
    throw new NegatoscopeError('not-a-pdf', 'The document is not a PDF file.', { status: 422 });
  const { date, time, offset } = dicomTime(params.at, params.timeZone);
  const { concept = { value: '18748-4', scheme: 'LN', meaning: 'Diagnostic imaging report' } } = params;
  const json = dataset({
    ...patientModule(params.patient),
    ...studyModule(params.study),
    ...seriesModule(params.series, 'DOC'),
    ...equipmentModule(params.softwareVersion),
    SOPClassUID: SOP_CLASS.EncapsulatedPDFStorage,
    SOPInstanceUID: params.sopInstanceUid,
    InstanceCreationDate: date,
    InstanceCreationTime: time,
    TimezoneOffsetFromUTC: offset,
    ContentDate: date,
    ContentTime: time,
    AcquisitionDateTime: '',
    ConversionType: params.conversion ?? 'WSD',
    InstanceNumber: params.instanceNumber ?? 1,
    BurnedInAnnotation: 'YES',
    DocumentTitle: params.title,
    VerificationFlag: params.verified ? 'VERIFIED' : 'UNVERIFIED',
    ConceptNameCodeSequence: concept
      ? [
          {
            CodeValue: concept.value,
            CodingSchemeDesignator: concept.scheme,
            CodeMeaning: concept.meaning,
          },
        ]
      : [],
    MIMETypeOfEncapsulatedDocument: 'application/pdf',
    EncapsulatedDocument: pdf,
    EncapsulatedDocumentLength: pdf.length,
  });
  return writePart10({ json });
}
