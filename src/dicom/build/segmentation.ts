/**
 * Segmentation (PS3.3 A.51, C.8.20), BINARY: which pixels of which images belong to which segment. One frame for each image in
 * which a segment has a pixel; frames without one are left out (C.8.20.2.1 allows it).
 *
 *     const json = segmentation({
 *       study: studyAttributes(metadataOfAnImage), equipment, at: new Date(), rows: 256, columns: 256,
 *       sources,                                            // the images, in spatial order
 *       geometry: { orientation: [1, 0, 0, 0, 1, 0], spacing: [1, 1], thickness: 1, between: 1, frameOfReferenceUid, positions },
 *       segments: [{ label: 'White matter', category: SCT('85756007', 'Tissue'), type: SCT('389080008', 'White Matter'),
 *                    trackingUid, sources: [12, 13, 14] }],  // frames: of sources 12, 13 and 14
 *       algorithm: { name: 'MeshNet', version: '1.0.0' },
 *       bits,                                               // packFrame() of each, segment by segment
 *     });
 *     const file = writePart10({ json });
 */
import { NegatoscopeError } from '../../errors.ts';
import { dataset, type Attributes } from '../builder.ts';
import { TAG } from '../dictionary.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import type { DicomJson, JsonAttribute, Tag } from '../types.ts';
import { stableUid } from '../uid.ts';
import { labOf } from './colour.ts';
import { codeItem, DCM, dicomTime, type Code, type ImageReference } from './srContent.ts';
import { codingSchemes, headOf, type MadeObject } from './srDocument.ts';
import type { Algorithm } from './sr.ts';

export interface SegmentOf {
  /** For people. At most 64 characters are written. */
  label: string;
  description?: string;
  /** CID 7150: what kind of thing; type: which one. */
  category: Code;
  type: Code;
  /** Of the pixels: follows the same thing over time. */
  trackingId: string;
  trackingUid: string;
  /** `#rrggbb`. */
  colour?: string;
  /** Indices into `sources`, ascending: the images that have a pixel of it. */
  sources: readonly number[];
}

/** Of images of one orientation: PS3.3 C.7.6.2, C.7.6.16.2. Lengths in mm. */
export interface SegmentationGeometry {
  frameOfReferenceUid: string;
  /** Direction cosines of a row, then of a column. */
  orientation: readonly number[];
  /** Between rows, between columns. */
  spacing: readonly [number, number];
  thickness: number | null;
  /** Between neighbouring images; null for one image. */
  between: number | null;
  /** Centre of the first pixel, for each source. */
  positions: readonly (readonly number[])[];
}

export interface SegmentationObject extends MadeObject {
  instanceNumber?: number;
  rows: number;
  columns: number;
  sources: readonly ImageReference[];
  /** Null for images without a position in the patient, such as radiographs. */
  geometry: SegmentationGeometry | null;
  segments: readonly SegmentOf[];
  algorithm: Algorithm;
  /** One bit a pixel, the first pixel lowest, no gap between frames (PS3.5 8.1.1); frames as `segments` lists them. */
  bits: Uint8Array;
}

/** CID 7162. */
const ARTIFICIAL_INTELLIGENCE = DCM('123110', 'Artificial Intelligence');
/** CID 7203, CID 7202. */
const SEGMENTED = DCM('113076', 'Segmentation');
const SOURCE = DCM('121322', 'Source image for image processing operation');

/**
 * The data set. Throws `segmentation-empty` when no segment has a frame (an object without frames is not valid: PS3.3 C.7.6.6)
 * and `segmentation-bits` when `bits` are not those of the frames.
 */
export function segmentation(of: SegmentationObject): DicomJson {
  const { geometry, rows, columns } = of;
  const frames = of.segments.flatMap((segment, i) =>
    segment.sources.map((source) => ({ segment: i + 1, source })),
  );
  if (frames.length === 0)
    throw new NegatoscopeError('segmentation-empty', 'No pixel belongs to a segment', { status: 500 });
  const bytes = Math.ceil((frames.length * rows * columns) / 8);
  if (of.bits.length !== bytes)
    throw new NegatoscopeError('segmentation-bits', `${of.bits.length} bytes for ${frames.length} frames of ${rows} × ${columns}: ${bytes} are needed`, { status: 500 }); // prettier-ignore

  const { date, time } = dicomTime(of.at, of.timeZone);
  const head = headOf(of, 'SEG', SOP_CLASS.SegmentationStorage);
  const organisation = stableUid(`${head.SOPInstanceUID as string} dimensions`);
  return dataset({
    ...head,
    ImageType: ['DERIVED', 'PRIMARY'],
    InstanceNumber: of.instanceNumber ?? 1,
    ContentDate: date,
    ContentTime: time,
    DeviceSerialNumber: of.equipment.version,
    ContentLabel: 'SEGMENTATION',
    ContentDescription: of.seriesDescription ?? '',
    ContentCreatorName: '',
    SegmentationType: 'BINARY',
    SegmentsOverlap: 'NO',
    LossyImageCompression: '00',
    BurnedInAnnotation: 'NO',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    NumberOfFrames: frames.length,
    Rows: rows,
    Columns: columns,
    BitsAllocated: 1,
    BitsStored: 1,
    HighBit: 0,
    PixelRepresentation: 0,
    ...(geometry
      ? { FrameOfReferenceUID: geometry.frameOfReferenceUid, PositionReferenceIndicator: '' }
      : // Wanted, if empty, where no position says it: PS3.3 C.7.6.1.1.1.
        { PatientOrientation: '' }),
    SegmentSequence: of.segments.map((segment, i) => segmentItem(segment, i + 1, of.algorithm)),
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: organisation }],
    DimensionIndexSequence: dimensions(organisation, geometry !== null),
    SharedFunctionalGroupsSequence: [geometry ? sharedGeometry(geometry) : {}],
    PerFrameFunctionalGroupsSequence: frames.map(({ segment, source }) => ({
      FrameContentSequence: [{ DimensionIndexValues: [segment, source + 1] }],
      SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment }],
      ...(geometry && {
        PlanePositionSequence: [{ ImagePositionPatient: geometry.positions[source]! }],
      }),
      DerivationImageSequence: [
        {
          DerivationCodeSequence: [codeItem(SEGMENTED)],
          SourceImageSequence: [
            {
              ReferencedSOPClassUID: of.sources[source]!.sopClassUid,
              ReferencedSOPInstanceUID: of.sources[source]!.sopInstanceUid,
              ReferencedFrameNumber: of.sources[source]!.frames,
              SpatialLocationsPreserved: 'YES',
              PurposeOfReferenceCodeSequence: [codeItem(SOURCE)],
            },
          ],
        },
      ],
    })),
    ReferencedSeriesSequence: referencedSeries(of, frames),
    ...codingSchemes(
      dataset({ SegmentSequence: of.segments.map((s, i) => segmentItem(s, i, of.algorithm)) }),
    ),
    PixelData: of.bits.length % 2 ? Buffer.concat([of.bits, Buffer.of(0)]) : of.bits,
  });
}

function segmentItem(segment: SegmentOf, number: number, algorithm: Algorithm): Attributes {
  return {
    SegmentNumber: number,
    SegmentLabel: segment.label.slice(0, 64),
    SegmentDescription: segment.description,
    SegmentAlgorithmType: 'AUTOMATIC',
    SegmentAlgorithmName: algorithm.name.slice(0, 64),
    SegmentationAlgorithmIdentificationSequence: [
      {
        AlgorithmFamilyCodeSequence: [codeItem(ARTIFICIAL_INTELLIGENCE)],
        AlgorithmName: algorithm.name.slice(0, 64),
        AlgorithmVersion: algorithm.version.slice(0, 64),
        AlgorithmParameters: algorithm.parameters?.join('\r\n'),
        AlgorithmSource: algorithm.manufacturer?.slice(0, 64),
      },
    ],
    SegmentedPropertyCategoryCodeSequence: [codeItem(segment.category)],
    SegmentedPropertyTypeCodeSequence: [codeItem(segment.type)],
    TrackingID: segment.trackingId,
    TrackingUID: segment.trackingUid,
    RecommendedDisplayCIELabValue: segment.colour && labOf(segment.colour),
  };
}

/** By segment, then by place (PS3.3 C.7.6.17): the order in which the frames stand. */
function dimensions(organisation: string, placed: boolean): Attributes[] {
  const pointer = (to: Tag): JsonAttribute => ({
    vr: 'AT',
    Value: [to.toString(16).toUpperCase().padStart(8, '0')],
  });
  const index = (attribute: Tag, group: Tag, label: string): Attributes => ({
    DimensionOrganizationUID: organisation,
    DimensionIndexPointer: pointer(attribute),
    FunctionalGroupPointer: pointer(group),
    DimensionDescriptionLabel: label,
  });
  return [
    index(TAG.ReferencedSegmentNumber, TAG.SegmentIdentificationSequence, 'Segment'),
    placed
      ? index(TAG.ImagePositionPatient, TAG.PlanePositionSequence, 'Position')
      : index(TAG.ReferencedSOPInstanceUID, TAG.DerivationImageSequence, 'Image'),
  ];
}

const sharedGeometry = (geometry: SegmentationGeometry): Attributes => ({
  PlaneOrientationSequence: [{ ImageOrientationPatient: [...geometry.orientation] }],
  PixelMeasuresSequence: [
    {
      PixelSpacing: [...geometry.spacing],
      // Wanted as soon as there is a volume: PS3.3 C.7.6.16.2.1.
      SliceThickness: geometry.thickness ?? geometry.between ?? undefined,
      SpacingBetweenSlices: geometry.between ?? undefined,
    },
  ],
});

/** Common Instance Reference: the images that the frames name, PS3.3 C.12.2. */
function referencedSeries(of: SegmentationObject, frames: readonly { source: number }[]): Attributes[] {
  const used = [...new Set(frames.map(({ source }) => source))].sort((a, b) => a - b);
  const bySeries = Map.groupBy(
    used.map((i) => of.sources[i]!),
    (image) => image.seriesUid,
  );
  return [...bySeries].map(([seriesUid, images]) => ({
    SeriesInstanceUID: seriesUid,
    ReferencedInstanceSequence: images.map((image) => ({
      ReferencedSOPClassUID: image.sopClassUid,
      ReferencedSOPInstanceUID: image.sopInstanceUid,
    })),
  }));
}

/**
 * Sets the bits of frame `frame` (from 0) in `into` where `inside` says so. Frames follow each other without a gap, so a frame
 * may begin inside a byte.
 * @param pixels number of pixels of a frame
 */
export function packFrame(
  into: Uint8Array,
  frame: number,
  pixels: number,
  inside: (pixel: number) => boolean,
): void {
  let bit = frame * pixels;
  for (let pixel = 0; pixel < pixels; pixel += 1, bit += 1)
    if (inside(pixel)) into[bit >> 3]! |= 1 << (bit & 7);
}
