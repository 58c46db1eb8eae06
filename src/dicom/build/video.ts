/** A film → a multi-frame image object that carries it, byte for byte. */
import { NegatoscopeError } from '../../errors.ts';
import { dataset, type Attributes } from '../builder.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import { newUid } from '../uid.ts';
import { encodeDataSet, writePart10 } from '../write.ts';
import { anatomicRegion } from './anatomy.ts';
import { equipmentModule, patientModule, seriesModule, studyModule } from './modules.ts';
import type { PatientParams, SeriesParams, StudyParams } from './modules.ts';
import { originalBlock } from './original.ts';
import { dicomTime } from './srContent.ts';
import { readMp4 } from './video/mp4.ts';
import { readMpeg } from './video/mpeg.ts';
import { readTransport } from './video/transport.ts';
import type { ByteSource, VideoFacts } from './video/types.ts';

export type { ByteSource, VideoFacts } from './video/types.ts';

/** What was filmed: a body from outside, from inside, or a screen. */
export type VideoKind = 'photographic' | 'endoscopic' | 'capture';

const KINDS = {
  photographic: { sopClass: SOP_CLASS.VideoPhotographicImageStorage, modality: 'XC' },
  endoscopic: { sopClass: SOP_CLASS.VideoEndoscopicImageStorage, modality: 'ES' },
  capture: { sopClass: SOP_CLASS.MultiFrameTrueColorSecondaryCaptureImageStorage, modality: 'OT' },
} as const;
export const videoModality = (kind: VideoKind): string => KINDS[kind].modality;

export interface VideoParams {
  kind: VideoKind;
  patient: PatientParams;
  study: StudyParams;
  series: SeriesParams;
  sopInstanceUid?: string;
  instanceNumber?: number;
  bodyPart: string;
  laterality: '' | 'L' | 'R' | 'B';
  /** When it was taken in. */
  at: Date;
  /** IANA zone of the site: dates and times stand in it. */
  timeZone: string;
  softwareVersion?: string;
}

/** PS3.3 C.7.6.1.1.5.1. */
const METHODS = { h264: 'ISO_14496_10', hevc: 'ISO_23008_2', mpeg2: 'ISO_13818_2' } as const;

const CONTAINERS = { 'video/mp4': 'MP4', 'video/mpeg': 'MPEG', 'video/mp2t': 'MP2T' } as const;

/** One fragment has a length of 32 bits, even. */
const MAX_FRAGMENT = 0xfffffffe;
/** Fragments of what is longer. */
const FRAGMENT = 1024 ** 3;
const CHUNK = 1024 * 1024;
/** Sync byte of a transport packet, ISO/IEC 13818-1 2.4.3.3: the first box of an MP4 would be longer than a gigabyte. */
const TRANSPORT = 0x47;

/**
 * What a film says of itself: MP4 or QuickTime with H.264 or HEVC, also in fragments; the same or MPEG-2 as a transport stream;
 * MPEG-2 as a program or elementary stream. All are containers of PS3.5 8.2.5 to 8.2.11, and stay as they are.
 *
 * Throws `video-unreadable`, `video-unsupported` (422).
 */
export async function readVideo(source: ByteSource): Promise<VideoFacts> {
  const head = Buffer.from(await source.read(0, 4));
  const isMpeg = head.length === 4 && [0x1ba, 0x1b3].includes(head.readUInt32BE(0));
  if (isMpeg) return readMpeg(source);
  return head[0] === TRANSPORT ? readTransport(source) : readMp4(source);
}

/**
 * Part 10 bytes of Video Photographic, Video Endoscopic (PS3.3 A.32.7, A.32.5) or Multi-frame True Color Secondary Capture
 * (A.8.5), as a stream: the film is read while the object is being written. The bit stream is one fragment, as its transfer
 * syntax asks (PS3.5 8.2.5, 8.2.7, 8.2.10); longer than 4 GiB it takes the fragmentable one.
 *
 * Throws `video-too-large` (413) for HEVC beyond 4 GiB, which DICOM cannot hold.
 */
export function encapsulateVideo(
  source: ByteSource,
  facts: VideoFacts,
  params: VideoParams,
): { transferSyntax: string; sopInstanceUid: string; bytes: AsyncGenerator<Uint8Array> } {
  const long = source.size > MAX_FRAGMENT;
  if (long && facts.codec === 'hevc')
    throw new NegatoscopeError('video-too-large', 'A film in HEVC may have 4 GiB. Cut it into parts.', {
      status: 413,
    });
  const transferSyntax = long ? `${facts.transferSyntax}.1` : facts.transferSyntax;
  const sopInstanceUid = params.sopInstanceUid ?? newUid();
  const head = writePart10({
    json: dataset(attributes(source.size, facts, params, sopInstanceUid)),
    meta: { transferSyntax },
  });
  const tail = encodeDataSet(originalBlock(CONTAINERS[facts.mediaType], source.size));
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield head;
    yield Buffer.from('e07f10004f420000fffffffffeff00e000000000', 'hex'); // Pixel Data, an empty offset table
    for (let from = 0; from < source.size;) {
      const length = long ? Math.min(FRAGMENT, source.size - from) : source.size;
      const item = Buffer.from('feff00e000000000', 'hex');
      item.writeUInt32LE(length + (length % 2), 4);
      yield item;
      for (let at = from; at < from + length; at += CHUNK)
        yield await source.read(at, Math.min(CHUNK, from + length - at));
      if (length % 2) yield Buffer.of(0);
      from += length;
    }
    yield Buffer.from('feffdde000000000', 'hex');
    yield tail;
  }
  return { transferSyntax, sopInstanceUid, bytes: bytes() };
}

function attributes(
  size: number,
  facts: VideoFacts,
  params: VideoParams,
  sopInstanceUid: string,
): Attributes {
  const { date, time, offset } = dicomTime(params.at, params.timeZone);
  const { sopClass, modality } = KINDS[params.kind];
  const capture = params.kind === 'capture';
  const deep = facts.bitDepth > 8;
  return {
    ...patientModule(params.patient),
    ...studyModule(params.study),
    ...seriesModule(params.series, modality),
    ...equipmentModule(params.softwareVersion),
    SOPClassUID: sopClass,
    SOPInstanceUID: sopInstanceUid,
    InstanceCreationDate: date,
    InstanceCreationTime: time,
    TimezoneOffsetFromUTC: offset,
    ContentDate: date,
    ContentTime: time,
    ...(capture
      ? { ConversionType: 'DV', DateOfSecondaryCapture: date, TimeOfSecondaryCapture: time }
      : {
          AcquisitionDateTime: `${date}${time}${offset}`,
          AcquisitionContextSequence: [],
          ...anatomicRegion(params.bodyPart),
        }),
    ImageType: capture ? ['DERIVED', 'SECONDARY'] : ['ORIGINAL', 'PRIMARY'],
    InstanceNumber: params.instanceNumber ?? 1,
    PatientOrientation: '',
    BodyPartExamined: params.bodyPart || undefined,
    Laterality: params.laterality === 'B' || params.laterality === '' ? undefined : params.laterality,
    BurnedInAnnotation: 'YES', // nobody has looked
    ImageComments: 'Film taken in by hand. Not for measurement; not read by AI.',
    LossyImageCompression: '01',
    LossyImageCompressionRatio: Number(
      ((facts.rows * facts.columns * 3 * (deep ? 2 : 1) * facts.frames) / size).toFixed(2),
    ),
    LossyImageCompressionMethod: METHODS[facts.codec],
    SamplesPerPixel: 3,
    PhotometricInterpretation: 'YBR_PARTIAL_420',
    PlanarConfiguration: 0,
    NumberOfFrames: facts.frames,
    FrameIncrementPointer: { vr: 'AT', Value: ['00181063'] },
    FrameTime: Number(facts.frameTime.toFixed(6)),
    CineRate: Math.max(1, Math.round(1000 / facts.frameTime)),
    Rows: facts.rows,
    Columns: facts.columns,
    BitsAllocated: deep ? 16 : 8,
    BitsStored: facts.bitDepth,
    HighBit: facts.bitDepth - 1,
    PixelRepresentation: 0,
  };
}
