import { dataset } from '../builder.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import { newUid } from '../uid.ts';
import { EXPLICIT_LE } from '../uids.ts';
import { shortText } from '../text.ts';
import { writePart10 } from '../write.ts';
import type { PatientParams, StudyParams } from './modules.ts';
import { equipmentModule, patientModule, seriesModule, studyModule } from './modules.ts';
import { originalBlock } from './original.ts';
import { dicomTime } from './srContent.ts';
import type { PhotoPixels } from './photoPixels.ts';
import { photoPixels } from './photoPixels.ts';

const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';

export interface PhotoParams {
  patient: PatientParams;
  /** Without UIDs: new ones. Photos of one drop share study and series. */
  study: Omit<StudyParams, 'studyInstanceUid'> & { studyInstanceUid?: string };
  /** Body Part Examined: a defined term of PS3.16 Annex L, '' if unknown. */
  bodyPart: string;
  laterality: '' | 'L' | 'R' | 'B';
  seriesInstanceUid?: string;
  /** Series Description; `Photo` when absent. */
  seriesDescription?: string;
  sopInstanceUid?: string;
  seriesNumber?: number;
  instanceNumber?: number;
  /** When it was taken in. */
  at: Date;
  /** IANA zone of the site: dates and times stand in it. */
  timeZone: string;
  softwareVersion?: string;
}

export interface PhotoObject {
  /** The Part 10 file. */
  bytes: Buffer;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
}

/**
 * A JPEG or PNG → Secondary Capture Image Storage (PS3.3 A.8.1) with the original inside, byte for byte (`originalOf`).
 *
 * A baseline JPEG that stands upright is the pixel data itself (JPEG Baseline, 1.2.840.10008.1.2.4.50). Everything else is
 * decoded, turned upright by its EXIF orientation and stored as native pixels, with the file in a private attribute.
 * The original keeps its EXIF data, place (GPS) and time included: whoever de-identifies or sends such an object out has to
 * remove the private block, and for baseline JPEG the APP1 segments of the stream.
 *
 * Throws `photo-unreadable` (422), `photo-too-large` (413).
 */
export async function photoToSecondaryCapture(photo: Uint8Array, params: PhotoParams): Promise<PhotoObject> {
  const pixels = await photoPixels(photo);
  const uids = {
    studyInstanceUid: params.study.studyInstanceUid ?? newUid(),
    seriesInstanceUid: params.seriesInstanceUid ?? newUid(),
    sopInstanceUid: params.sopInstanceUid ?? newUid(),
  };
  const json = {
    ...dataset({
      ...patientModule(params.patient),
      ...studyModule({ ...params.study, studyInstanceUid: uids.studyInstanceUid }),
      ...seriesModule(
        { ...uids, seriesNumber: params.seriesNumber ?? 1, description: params.seriesDescription || 'Photo' },
        'OT',
      ),
      ...equipmentModule(params.softwareVersion),
      ...imageAttributes(params, uids.sopInstanceUid, pixels),
    }),
    ...originalBlock(
      pixels.mediaType === 'image/png' ? 'PNG' : 'JPEG',
      photo.length,
      pixels.isOriginal ? undefined : photo,
    ),
  };
  const transferSyntax = pixels.encapsulated ? JPEG_BASELINE : EXPLICIT_LE;
  return { bytes: writePart10({ json, meta: { transferSyntax } }), ...uids };
}

function imageAttributes(params: PhotoParams, sopInstanceUid: string, pixels: PhotoPixels) {
  const { date, time, offset } = dicomTime(params.at, params.timeZone);
  const lossy = pixels.lossyRatio !== undefined;
  const pixelData = pixels.encapsulated
    ? { vr: 'OB', Fragments: [new Uint8Array(0), pixels.data] }
    : { vr: pixels.bitsAllocated > 8 ? 'OW' : 'OB', Binary: pixels.data };
  return {
    SOPClassUID: SOP_CLASS.SecondaryCaptureImageStorage,
    SOPInstanceUID: sopInstanceUid,
    InstanceCreationDate: date,
    InstanceCreationTime: time,
    TimezoneOffsetFromUTC: offset,
    ConversionType: 'DI',
    DateOfSecondaryCapture: date,
    TimeOfSecondaryCapture: time,
    ImageType: ['DERIVED', 'SECONDARY'],
    InstanceNumber: params.instanceNumber ?? 1,
    PatientOrientation: '',
    BodyPartExamined: shortText(params.bodyPart, 16) || undefined,
    // Laterality is the body part's (L or R); both sides in one picture is the image's to say.
    Laterality: params.laterality === 'B' ? undefined : params.laterality,
    ImageLaterality: params.laterality === 'B' ? 'B' : undefined,
    BurnedInAnnotation: 'YES', // nobody has looked: a film has its name on it
    ImageComments: 'Photo or picture file, taken in by hand. Not for measurement; not read by AI.',
    LossyImageCompression: lossy ? '01' : undefined,
    LossyImageCompressionRatio: lossy ? Number(pixels.lossyRatio!.toFixed(2)) : undefined,
    LossyImageCompressionMethod: lossy ? 'ISO_10918_1' : undefined,
    SamplesPerPixel: pixels.samplesPerPixel,
    PhotometricInterpretation: pixels.photometric,
    PlanarConfiguration: pixels.samplesPerPixel === 3 ? 0 : undefined,
    Rows: pixels.rows,
    Columns: pixels.columns,
    BitsAllocated: pixels.bitsAllocated,
    BitsStored: pixels.bitsAllocated,
    HighBit: pixels.bitsAllocated - 1,
    PixelRepresentation: 0,
    PixelData: pixelData,
  };
}
