import { NegatoscopeError } from '../../errors.ts';
import { dataset } from '../builder.ts';
import { frameBytes } from '../frames.ts';
import { parseDicom } from '../parse.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import type { DicomJson, Tag } from '../types.ts';
import { newUid } from '../uid.ts';
import { EXPLICIT_LE } from '../uids.ts';
import { personName, shortText } from '../text.ts';
import { writePart10 } from '../write.ts';
import type { PatientParams } from './modules.ts';
import { equipmentModule, patientModule, seriesModule, studyModule } from './modules.ts';
import { dicomTime } from './srContent.ts';
import type { PhotoPixels } from './photoPixels.ts';
import { photoPixels } from './photoPixels.ts';

const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';

/**
 * Private attributes of creator `NEGATOSCOPE` in group 7FE1, behind the pixel data so that reading a header stays cheap:
 *
 * | tag | VR | |
 * |---|---|---|
 * | (7FE1,xx01) | CS | media type of the original: `JPEG` or `PNG` |
 * | (7FE1,xx02) | UL | its length in bytes (values are padded to an even length) |
 * | (7FE1,xx03) | OB | the original file; absent where Pixel Data already is that file, byte for byte |
 */
export const PRIVATE_CREATOR = 'NEGATOSCOPE';
const BLOCK = 0x10;
const creatorTag = 0x7fe10000 + BLOCK;
const privateTag = (block: number, element: number): Tag => 0x7fe10000 + block * 0x100 + element;
const key = (tag: Tag): string => tag.toString(16).toUpperCase().padStart(8, '0');

export interface PhotoParams extends Omit<PatientParams, 'name' | 'issuer'> {
  familyName: string;
  givenName: string;
  /** YYYYMMDD */
  studyDate: string;
  /** Body Part Examined: a defined term of PS3.16 Annex L, '' if unknown. */
  bodyPart: string;
  laterality: '' | 'L' | 'R' | 'B';
  /** Study Description. */
  description: string;
  /** Absent: new ones. Photos of one drop share study and series. */
  studyInstanceUid?: string;
  seriesInstanceUid?: string;
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
    studyInstanceUid: params.studyInstanceUid ?? newUid(),
    seriesInstanceUid: params.seriesInstanceUid ?? newUid(),
    sopInstanceUid: params.sopInstanceUid ?? newUid(),
  };
  const json = {
    ...dataset({
      ...patientModule({ ...params, name: personName(params.familyName, params.givenName) }),
      ...studyModule({ ...params, ...uids }),
      ...seriesModule({ ...uids, seriesNumber: params.seriesNumber ?? 1, description: 'Photo' }, 'OT'),
      ...equipmentModule(params.softwareVersion),
      ...imageAttributes(params, uids.sopInstanceUid, pixels),
    }),
    ...privateBlock(photo, pixels),
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

function privateBlock(photo: Uint8Array, pixels: PhotoPixels): DicomJson {
  return {
    [key(creatorTag)]: { vr: 'LO', Value: [PRIVATE_CREATOR] },
    [key(privateTag(BLOCK, 1))]: { vr: 'CS', Value: [pixels.mediaType === 'image/png' ? 'PNG' : 'JPEG'] },
    [key(privateTag(BLOCK, 2))]: { vr: 'UL', Value: [photo.length] },
    ...(!pixels.isOriginal && { [key(privateTag(BLOCK, 3))]: { vr: 'OB', Binary: photo } }),
  };
}

export interface OriginalPhoto {
  mediaType: 'image/jpeg' | 'image/png';
  bytes: Uint8Array;
}

/**
 * The file that `photoToSecondaryCapture` was given, byte for byte; undefined for any other object. `file` is the whole Part 10
 * file. Throws DicomError for what is no DICOM.
 */
export function originalOf(file: Uint8Array): OriginalPhoto | undefined {
  const parsed = parseDicom(file);
  const read = parsed.dataset;
  const creator = read.tags.find(
    (tag) => tag > 0x7fe10000 && tag < 0x7fe10100 && read.string(tag) === PRIVATE_CREATOR,
  );
  if (creator === undefined) return undefined;
  const block = creator & 0xff;
  const length = read.number(privateTag(block, 2));
  if (length === undefined) return undefined;
  const stored = read.bytes(privateTag(block, 3)) ?? frameBytes(parsed, 1);
  if (!stored || stored.length < length || stored.length > length + 1)
    throw new NegatoscopeError('original-damaged', 'The original picture inside the object is damaged.', {
      status: 422,
    });
  const mediaType = read.string(privateTag(block, 1)) === 'PNG' ? 'image/png' : 'image/jpeg';
  return { mediaType, bytes: stored.subarray(0, length) };
}
