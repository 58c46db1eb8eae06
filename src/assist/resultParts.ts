/** What a result says of segments and measurements: objects, and groups of the report. Pure. */
import { studyAttributes, LOCAL, SCT, UCUM } from '../dicom/build/sr.ts';
import type { Algorithm, Code, ImageReference, MeasurementGroup } from '../dicom/build/sr.ts';
import { segmentation } from '../dicom/build/segmentation.ts';
import { DCM } from '../dicom/build/srContent.ts';
import { SOP_CLASS } from '../dicom/sopClasses.ts';
import type { DicomJson } from '../dicom/types.ts';
import { stableUid } from '../dicom/uid.ts';
import { segmentationUidOf } from './keep.ts';
import type { ResultInput } from './result.ts';
import { inflatedBits } from './segments.ts';
import type { FoundSegment } from './segments.ts';
import type { ModelManifest } from './types.ts';
import type { Segmented, ToolResult } from './work.ts';

const SERIES_NUMBER = 9001;
const ANATOMICAL_STRUCTURE = SCT('91723000', 'Anatomical Structure');
const VOLUME = SCT('118565006', 'Volume');
const MILLILITRE = UCUM('ml', 'milliliter');
/** CID 7474. */
const SUM_OF_VOXELS = DCM('126030', 'Sum of segmented voxel volumes');
const PIXELS = LOCAL('pixels', 'Pixels of the segment');
const PIXEL_COUNT = UCUM('{pixels}', 'pixels');

/** Of the whole result: every image that it was made from. */
export const imagesOf = ({ images, segmentations }: ToolResult): string[] => [
  ...images.map((image) => image.sopInstanceUid),
  ...segmentations.flatMap((each) => each.images),
];

export const referenceOf =
  ({ studyUid, instances }: Pick<ResultInput, 'studyUid' | 'instances'>) =>
  (sopInstanceUid: string): ImageReference => {
    const { seriesUid, sopClassUid } = instances.get(sopInstanceUid)!;
    return { studyUid, seriesUid, sopClassUid, sopInstanceUid };
  };

/** A label's code and English words; its key where the package has lost it since. */
export function labelOf(
  manifest: ModelManifest,
  key: string,
): { code: Code; words: string; category: Code; colour?: string } {
  const label = manifest.labels[key];
  const words = label?.text.en ?? key;
  return {
    words,
    code: label?.code ?? LOCAL(key.slice(0, 16), words),
    category: label?.category ?? ANATOMICAL_STRUCTURE,
    ...(label?.colour && { colour: label.colour }),
  };
}

export const algorithmOf = ({ manifest, result, softwareVersion, runId }: ResultInput): Algorithm => ({
  name: manifest.name.en,
  version: result.modelVersion,
  manufacturer: manifest.maker,
  parameters: [
    `model=${result.modelId}`,
    `weights=sha256:${result.weightsSha256}`,
    ...(result.operatingPoint === ''
      ? []
      : [`operating-point=${result.operatingPoint}`, `threshold=${result.threshold}`]),
    ...Object.entries(manifest.operatingPoints[result.operatingPoint]?.thresholds ?? {}).map(
      ([label, threshold]) => `threshold:${label}=${threshold}`,
    ),
    `software=Negatoscope ${softwareVersion}`,
    `run=${runId}`,
  ],
});

const seen = ({ segments }: Segmented): FoundSegment[] =>
  segments.filter(({ sources }) => sources.length > 0);
const trackingOf = (runId: string, number: number, label: string): string =>
  stableUid(`${runId} segment ${number} ${label}`);

/** One object for each that has a pixel. */
export function segmentationObjects(input: ResultInput): DicomJson[] {
  const { manifest, result, runId, softwareVersion } = input;
  const reference = referenceOf(input);
  return result.segmentations.flatMap((each, number) => {
    const segments = seen(each);
    if (segments.length === 0) return [];
    return [
      segmentation({
        study: studyAttributes(input.study),
        equipment: { manufacturer: 'Negatoscope', model: 'Negatoscope', version: softwareVersion },
        at: input.at,
        ...(input.timeZone && { timeZone: input.timeZone }),
        seriesDescription: `${manifest.name.en} ${result.modelVersion}`.slice(0, 64),
        seriesNumber: SERIES_NUMBER,
        seriesInstanceUid: segmentationSeriesOf(runId),
        sopInstanceUid: segmentationUidOf(runId, number),
        instanceNumber: number + 1,
        rows: each.rows,
        columns: each.columns,
        sources: each.images.map(reference),
        geometry: each.geometry,
        segments: segments.map(({ label, sources }) => {
          const { code, words, category, colour } = labelOf(manifest, label);
          return {
            label: words,
            category,
            type: code,
            trackingId: words,
            trackingUid: trackingOf(runId, number, label),
            ...(colour && { colour }),
            sources,
          };
        }),
        algorithm: algorithmOf(input),
        bits: inflatedBits(each),
      }),
    ];
  });
}
const segmentationSeriesOf = (runId: string): string => stableUid(`${runId} segmentations`);

/** A group for each segment with its volume or its pixels, of those that were not seen too: that is a result. */
export function segmentGroups(input: ResultInput): MeasurementGroup[] {
  const { manifest, result, runId, studyUid, instances } = input;
  const reference = referenceOf(input);
  return result.segmentations.flatMap((each, number) => {
    const shown = seen(each);
    let frame = 1;
    return each.segments.map((segment): MeasurementGroup => {
      const { code, words } = labelOf(manifest, segment.label);
      const inObject = shown.indexOf(segment);
      const first = each.images[0]!;
      const image: ImageReference = {
        studyUid,
        seriesUid: segmentationSeriesOf(runId),
        sopClassUid: SOP_CLASS.SegmentationStorage,
        sopInstanceUid: segmentationUidOf(runId, number),
      };
      const planar = each.images.length === 1;
      const at = frame;
      frame += segment.sources.length;
      return {
        trackingId: words,
        trackingUid: trackingOf(runId, number, segment.label),
        finding: code,
        algorithm: algorithmOf(input),
        ...(inObject < 0
          ? { images: planar ? [reference(first)] : [] }
          : {
              segment: planar
                ? // A frame is of one segment, whose number must not stand beside it (PS3.3 C.17.2.1).
                  { image: { ...image, frames: [at] }, source: { image: reference(first) } }
                : {
                    image: { ...image, segments: [inObject + 1] },
                    source: { seriesUid: instances.get(first)!.seriesUid },
                  },
            }),
        measurements: [
          segment.ml === null
            ? { concept: PIXELS, value: segment.pixels, unit: PIXEL_COUNT }
            : { concept: VOLUME, value: segment.ml, unit: MILLILITRE, method: SUM_OF_VOXELS },
        ],
      };
    });
  });
}

/** What the network measured on each image. */
export function measurementGroups(input: ResultInput): MeasurementGroup[] {
  const { manifest, result, runId } = input;
  const items = manifest.outputs.measurements?.items ?? [];
  const reference = referenceOf(input);
  return result.images.flatMap(({ sopInstanceUid, measurements }, i): MeasurementGroup[] => {
    if (!measurements) return [];
    return [
      {
        trackingId: `Measurements ${i + 1}`,
        trackingUid: stableUid(`${runId} measurements ${sopInstanceUid}`),
        finding: MEASURED,
        images: [reference(sopInstanceUid)],
        algorithm: algorithmOf(input),
        measurements: items.flatMap(({ key, code, unit }) => {
          const value = measurements[key];
          return value === undefined ? [] : [{ concept: code, value, unit }];
        }),
      },
    ];
  });
}
const MEASURED = LOCAL('measured', 'Measured by the algorithm');
