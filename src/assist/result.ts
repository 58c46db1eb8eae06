/**
 * The result as DICOM objects: Comprehensive SR after TID 1500, in a series of its own. They are made from the result alone,
 * under UIDs that follow from the run's id, so a repetition after a crash finds them or makes the same again.
 */
import { SEES_ALL } from '../archive/types.ts';
import type { Archive } from '../archive/types.ts';
import { LOCAL, measurementReport, NO_UNITS, SCORE, SCT, studyAttributes } from '../dicom/build/sr.ts';
import type { Code, Evaluation, MeasurementGroup } from '../dicom/build/sr.ts';
import { TAG } from '../dicom/dictionary.ts';
import { jsonString } from '../dicom/json.ts';
import type { DicomJson } from '../dicom/types.ts';
import { stableUid } from '../dicom/uid.ts';
import { writePart10 } from '../dicom/write.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import { keptResult } from './keep.ts';
import { decides } from './postprocess.ts';
import {
  algorithmOf,
  imagesOf,
  labelOf,
  measurementGroups,
  referenceOf,
  segmentationObjects,
  segmentGroups,
} from './resultParts.ts';
import type { AssistTables } from './tables.ts';
import type { ModelManifest } from './types.ts';
import type { ImageOutcome, ToolResult } from './work.ts';

const SERIES_NUMBER = 9000;
const PLACE = LOCAL('peak', 'Peak of the heat map');
const IMAGE_SCORE = LOCAL('image-score', 'Model score of an image');
const VERDICT = LOCAL('verdict', 'Images at or above the threshold');

export const resultUidOf = (runId: string): string => stableUid(`${runId} result`);

export interface ResultInput {
  readonly runId: string;
  readonly studyUid: string;
  readonly result: ToolResult;
  readonly manifest: ModelManifest;
  /** Version of the program that computed it. */
  readonly softwareVersion: string;
  /** When the results were computed: the time of the documents. */
  readonly at: Date;
  /** IANA zone that it is written in; UTC without. */
  readonly timeZone?: string | undefined;
  /** DICOM JSON of an image of the study: patient and study are taken over from it. */
  readonly study: DicomJson;
  /** Where the analysed images belong, by SOP Instance UID. */
  readonly instances: ReadonlyMap<string, { readonly seriesUid: string; readonly sopClassUid: string }>;
}

/** A DICOM object as it is stored or sent. */
export interface ResultDocument {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly seriesUid: string;
  /** Part 10. */
  readonly bytes: Buffer;
}

/**
 * Every object that the result makes, under UIDs that follow from the run: segmentations first, then the report that points at
 * them. Pure: the same input gives the same bytes.
 */
export const resultDocuments = (input: ResultInput): ResultDocument[] =>
  [...segmentationObjects(input), report(input)].map((json) => ({
    sopClassUid: jsonString(json, TAG.SOPClassUID)!,
    sopInstanceUid: jsonString(json, TAG.SOPInstanceUID)!,
    seriesUid: jsonString(json, TAG.SeriesInstanceUID)!,
    bytes: writePart10({ json }),
  }));

/** The measurement report: TID 1500. */
function report(input: ResultInput): DicomJson {
  const { runId, result, manifest, softwareVersion, at } = input;
  const { images, findings } = result;
  const reference = referenceOf(input);
  const algorithm = algorithmOf(input);
  const groups = findings.flatMap((finding): MeasurementGroup[] => {
    const { code: found, words } = labelOf(manifest, finding.label);
    const image = reference(finding.sopInstanceUid);
    const tracking = (place: string): { trackingId: string; trackingUid: string } => ({
      trackingId: `Finding ${finding.number}${place}`,
      trackingUid: stableUid(`${runId}.${finding.number}${place}`),
    });
    return [
      {
        ...tracking(''),
        finding: found,
        images: [image],
        algorithm,
        measurements: [{ concept: SCORE, value: finding.score, unit: NO_UNITS }],
        comment: words,
      },
      ...finding.places.map(({ box, peak }, i) => ({
        ...tracking(`, suspected place ${i + 1}`),
        finding: found,
        region: { image, box },
        algorithm,
        measurements: [{ concept: PLACE, value: peak, unit: NO_UNITS }],
      })),
    ];
  });
  // An image below the threshold is no finding: its score stands as text, with the image it belongs to.
  const evaluations: Evaluation[] = decides(manifest)
    ? [
        { concept: VERDICT, value: `${images.filter((i) => i.positive).length} of ${images.length}` },
        ...images.flatMap((i) => scoresOf(i, manifest)),
      ]
    : [];
  return measurementReport({
    study: studyAttributes(input.study),
    equipment: { manufacturer: 'Negatoscope', model: 'Negatoscope', version: softwareVersion },
    at,
    ...(input.timeZone && { timeZone: input.timeZone }),
    language: 'en',
    observers: [
      {
        device: {
          uid: stableUid(result.weightsSha256),
          name: manifest.name.en,
          manufacturer: manifest.maker,
          model: manifest.id,
        },
      },
    ],
    procedure: procedureOf(input.study),
    images: [...new Set(imagesOf(result))].map(reference),
    evaluations,
    groups: [...groups, ...measurementGroups(input), ...segmentGroups(input)],
    algorithms: [algorithm],
    seriesDescription: `${manifest.name.en} ${result.modelVersion}`.slice(0, 64),
    seriesNumber: SERIES_NUMBER,
    sopInstanceUid: resultUidOf(runId),
    seriesInstanceUid: stableUid(`${runId} series`),
  });
}

function scoresOf({ sopInstanceUid, score, scores }: ImageOutcome, manifest: ModelManifest): Evaluation[] {
  if (!scores) return [{ concept: IMAGE_SCORE, value: `${sopInstanceUid}: ${score}` }];
  return Object.entries(scores).map(([label, value]) => ({
    concept: IMAGE_SCORE,
    value: `${sopInstanceUid}: ${labelOf(manifest, label).words}: ${value}`,
  }));
}

/** CID 100 for what a study mostly is; radiography otherwise. */
const PROCEDURES: Readonly<Record<string, Code>> = {
  MR: SCT('113091000', 'Magnetic resonance imaging'),
  CT: SCT('77477000', 'Computed tomography'),
  MG: SCT('71651007', 'Mammography'),
  US: SCT('16310003', 'Ultrasonography'),
};
const procedureOf = (study: DicomJson): Code =>
  PROCEDURES[jsonString(study, TAG.Modality) ?? ''] ?? SCT('363680008', 'Radiographic imaging');

/**
 * Makes and stores them unless they are there; gives the SOP Instance UID of the report. Throws `result-not-stored` when the
 * archive does not take one.
 */
export async function storeResult(
  deps: { readonly store: Store; readonly archive: Archive; readonly timeZone?: string | undefined },
  runId: string,
  manifest: ModelManifest,
): Promise<string> {
  const { store, archive } = deps;
  const uid = resultUidOf(runId);
  const there = await archive.instance(uid, SEES_ALL);
  if (there?.aiRunId === runId) return uid;
  if (there) throw notStored('Something else came under the identifier of this result');

  const kept = (await keptResult(store.read.withTables<AssistTables>(), runId))!;
  const { result, studyUid, softwareVersion, at } = kept;
  const wanted = [...new Set(imagesOf(result))];
  const found = await Promise.all(wanted.map((sop) => archive.instance(sop, SEES_ALL)));
  const images = found.filter((i) => i !== undefined);
  let study: DicomJson | undefined;
  for await (const json of archive.metadata(images.slice(0, 1), SEES_ALL)) study = json;
  if (!study || images.length < found.length)
    throw notStored('An analysed image is no longer in the archive');

  const documents = resultDocuments({
    runId,
    studyUid,
    result,
    manifest,
    softwareVersion,
    at: new Date(at),
    timeZone: deps.timeZone,
    study,
    instances: new Map(images.map((i) => [i.sopInstanceUid, i])),
  });
  for (const { bytes } of documents) {
    const outcome = await archive.ingest(
      (async function* () {
        yield bytes;
      })(),
      { door: 'assist', from: result.modelId },
      { kind: 'ai', aiRunId: runId },
    );
    if ('reason' in outcome)
      throw notStored(
        `The archive did not take the result: ${outcome.status}, ${outcome.reason}: ${outcome.detail}`,
      );
  }
  return uid;
}

const notStored = (message: string): NegatoscopeError =>
  new NegatoscopeError('result-not-stored', message, { status: 500 });
