/**
 * The result as a DICOM object: Comprehensive SR after TID 1500, in a series of its own. It is made from the rows of the run
 * alone, under UIDs that follow from the run's id, so a repetition after a crash finds it or makes the same again.
 */
import { SEES_ALL } from '../archive/types.ts';
import type { Archive } from '../archive/types.ts';
import { LOCAL, measurementReport, NO_UNITS, SCORE, studyAttributes } from '../dicom/build/sr.ts';
import type { Algorithm, Code, Evaluation, ImageReference, MeasurementGroup } from '../dicom/build/sr.ts';
import type { DicomJson } from '../dicom/types.ts';
import { stableUid } from '../dicom/uid.ts';
import { writePart10 } from '../dicom/write.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import { findingsOf, runById } from './runs.ts';
import type { AssistTables } from './tables.ts';
import type { AiFinding, ModelManifest, RunRow } from './types.ts';

const SERIES_NUMBER = 9000;
const PLACE = LOCAL('peak', 'Peak of the heat map');
const IMAGE_SCORE = LOCAL('image-score', 'Model score of an image');
const VERDICT = LOCAL('verdict', 'Images at or above the threshold');

export const resultUidOf = (runId: string): string => stableUid(`${runId} result`);

export interface ResultInput {
  readonly run: RunRow;
  readonly findings: readonly AiFinding[];
  readonly manifest: ModelManifest;
  readonly softwareVersion: string;
  /** When the results were computed: the time of the document. */
  readonly at: Date;
  /** IANA zone that it is written in; UTC without. */
  readonly timeZone?: string | undefined;
  /** DICOM JSON of an image of the study: patient and study are taken over from it. */
  readonly study: DicomJson;
  /** SOP Class UID of each analysed image, by SOP Instance UID. */
  readonly sopClasses: ReadonlyMap<string, string>;
}

/** The document as Part 10 bytes. Pure: the same input gives the same bytes. */
export function resultDocument(input: ResultInput): Buffer {
  const { run, findings, manifest, softwareVersion, at } = input;
  const reference = (sopInstanceUid: string): ImageReference => ({
    studyUid: run.studyUid,
    seriesUid: run.images.find((i) => i.sopInstanceUid === sopInstanceUid)!.seriesUid,
    sopClassUid: input.sopClasses.get(sopInstanceUid)!,
    sopInstanceUid,
  });
  const algorithm: Algorithm = {
    name: manifest.name.en,
    version: run.modelVersion,
    manufacturer: manifest.maker,
    parameters: [
      `model=${run.modelId}`,
      `weights=sha256:${run.weightsSha256}`,
      `operating-point=${run.operatingPoint}`,
      `threshold=${run.threshold}`,
      `software=Negatoscope ${softwareVersion}`,
      `run=${run.id}`,
    ],
  };
  const groups = findings.flatMap((finding): MeasurementGroup[] => {
    const label = manifest.labels[finding.label]!;
    const found: Code = label.code ?? LOCAL(finding.label, label.text.en);
    const image = reference(finding.sopInstanceUid);
    const tracking = (place: string): { trackingId: string; trackingUid: string } => ({
      trackingId: `Finding ${finding.number}${place}`,
      trackingUid: stableUid(`${finding.id}${place}`),
    });
    return [
      {
        ...tracking(''),
        finding: found,
        images: [image],
        algorithm,
        measurements: [{ concept: SCORE, value: finding.score, unit: NO_UNITS }],
        comment: label.text.en,
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
  const evaluations: Evaluation[] = [
    { concept: VERDICT, value: `${findings.length} of ${run.images.length}` },
    ...run.images.map((i) => ({ concept: IMAGE_SCORE, value: `${i.sopInstanceUid}: ${i.score}` })),
  ];
  const json = measurementReport({
    study: studyAttributes(input.study),
    equipment: { manufacturer: 'Negatoscope', model: 'Negatoscope', version: softwareVersion },
    at,
    ...(input.timeZone && { timeZone: input.timeZone }),
    language: 'en',
    observers: [
      {
        device: {
          uid: stableUid(run.weightsSha256),
          name: manifest.name.en,
          manufacturer: manifest.maker,
          model: manifest.id,
        },
      },
    ],
    images: run.images.map((i) => reference(i.sopInstanceUid)),
    evaluations,
    groups,
    algorithms: [algorithm],
    seriesDescription: `${manifest.name.en} ${run.modelVersion}`.slice(0, 64),
    seriesNumber: SERIES_NUMBER,
    sopInstanceUid: resultUidOf(run.id),
    seriesInstanceUid: stableUid(`${run.id} series`),
  });
  return writePart10({ json });
}

/** Makes and stores it unless it is there; gives its SOP Instance UID. Throws `result-not-stored` when the archive does not take it. */
export async function storeResult(
  deps: { readonly store: Store; readonly archive: Archive; readonly timeZone?: string | undefined },
  runId: string,
  manifest: ModelManifest,
): Promise<string> {
  const { store, archive } = deps;
  const uid = resultUidOf(runId);
  const there = await archive.instance(uid, SEES_ALL);
  if (there?.aiRunId === runId) return uid;
  if (there)
    throw new NegatoscopeError(
      'result-not-stored',
      'Something else came under the identifier of this result',
      {
        status: 500,
      },
    );

  const read = store.read.withTables<AssistTables>();
  const run = (await runById(read, runId))!;
  const findings = await findingsOf(read, runId);
  const { computed_at, software_version } = await read
    .selectFrom('ai_run')
    .select(['computed_at', 'software_version'])
    .where('id', '=', runId)
    .executeTakeFirstOrThrow();
  const instances = await Promise.all(run.images.map((i) => archive.instance(i.sopInstanceUid, SEES_ALL)));
  const images = instances.filter((i) => i !== undefined);
  let study: DicomJson | undefined;
  for await (const json of archive.metadata(images.slice(0, 1), SEES_ALL)) study = json;
  if (!study || images.length < run.images.length)
    throw new NegatoscopeError('result-not-stored', 'An analysed image is no longer in the archive', {
      status: 500,
    });

  const bytes = resultDocument({
    run,
    findings,
    manifest,
    softwareVersion: software_version,
    at: new Date(Number(computed_at)),
    timeZone: deps.timeZone,
    study,
    sopClasses: new Map(images.map((i) => [i.sopInstanceUid, i.sopClassUid])),
  });
  const outcome = await archive.ingest(
    (async function* () {
      yield bytes;
    })(),
    { door: 'assist', from: run.modelId },
    { kind: 'ai', aiRunId: runId },
  );
  if (!('reason' in outcome)) return uid;
  const why = `${outcome.status}, ${outcome.reason}: ${outcome.detail}`;
  throw new NegatoscopeError('result-not-stored', `The archive did not take the result: ${why}`, {
    status: 500,
  });
}
