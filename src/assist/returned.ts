/**
 * The result of a tool read back from the document that a worker returned for a run: the other direction of result.ts. What is
 * claimed in it counts within the run alone: images that the run does not have, places off the image and scores that are no
 * scores are refused. Pure.
 */
import { readMeasurementReport } from '../dicom/srRead.ts';
import type { ReadGroup, ReadReport } from '../dicom/srRead.ts';
import { LOCAL_SCHEME } from '../dicom/build/srContent.ts';
import type { Code } from '../dicom/build/srContent.ts';
import type { DicomJson } from '../dicom/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { ModelManifest } from './types.ts';
import type { Found, ImageOutcome, ToolResult } from './work.ts';

const unusable = (why: string): NegatoscopeError =>
  new NegatoscopeError('workitem-incomplete', `The result cannot be used: ${why}.`, { status: 409 });

const isCode = (code: Code, value: string): boolean => code.value === value && code.scheme === LOCAL_SCHEME;
const SCORE_TEXT = /^([0-9.]{1,64}): ([0-9.eE+-]{1,32})$/;

export interface ReturnedFor {
  readonly manifest: ModelManifest;
  /** The images of the run in their order, and what their files say of their size. */
  readonly images: readonly {
    readonly sopInstanceUid: string;
    readonly rows: number;
    readonly columns: number;
  }[];
}

/**
 * Whether what a tool says can come back by its report: one score an image. Segments and several labels do not come by a report
 * alone, so such tools run where the server is.
 */
export const isReturnable = (manifest: ModelManifest): boolean =>
  manifest.finding !== undefined &&
  !manifest.outputs.segmentation &&
  manifest.operatingPoints[manifest.defaultOperatingPoint]?.threshold !== undefined;

/**
 * @param json the Comprehensive SR as DICOM JSON
 * @throws `workitem-incomplete` (409) naming what is missing
 */
export function toolResultOf(json: DicomJson, { manifest, images }: ReturnedFor): ToolResult {
  const report = readMeasurementReport(json);
  const parameters = parametersOf(report);
  const said = (name: string): string | undefined => parameters.get(name);
  if (said('model') !== manifest.id || said('weights') !== `sha256:${manifest.weights.sha256}`)
    throw unusable('it does not name the model and the weights of the work item');
  const operatingPoint = manifest.defaultOperatingPoint;
  const label = manifest.finding?.label;
  const threshold = manifest.operatingPoints[operatingPoint]?.threshold;
  if (!isReturnable(manifest) || label === undefined || threshold === undefined)
    throw unusable('the result of a tool of this kind is not taken over from a report');
  if (Number(said('threshold')) !== threshold) throw unusable('it was made with another threshold');

  const scores = new Map<string, number>();
  for (const { concept, value } of report.evaluations) {
    if (!isCode(concept, 'image-score') || typeof value !== 'string') continue;
    const [, uid, text] = SCORE_TEXT.exec(value) ?? [];
    const score = Number(text);
    if (uid === undefined || !(score >= 0 && score <= 1)) throw unusable('a score is not between 0 and 1');
    scores.set(uid, score);
  }
  const known = new Map(images.map((image) => [image.sopInstanceUid, image]));
  for (const uid of scores.keys())
    if (!known.has(uid)) throw unusable('it has a score of an image that the work item does not have');
  if (scores.size === 0) throw unusable('it has no score of any image');

  const outcomes: ImageOutcome[] = [];
  const findings: Found[] = [];
  for (const { sopInstanceUid, rows, columns } of images) {
    const score = scores.get(sopInstanceUid);
    if (score === undefined) continue;
    const positive = score >= threshold;
    // The heat map does not come by a report: docs/conformance.md says so.
    outcomes.push({ sopInstanceUid, score, positive, heat: null });
    if (!positive) continue;
    findings.push({
      number: findings.length + 1,
      sopInstanceUid,
      label,
      score,
      places: placesOn(report, sopInstanceUid, { rows, columns }),
    });
  }
  return {
    modelId: manifest.id,
    modelVersion: manifest.version,
    weightsSha256: manifest.weights.sha256,
    operatingPoint,
    threshold,
    images: outcomes,
    findings,
    segmentations: [],
    undecodable: images.length - outcomes.length,
  };
}

/** `model=…`, `weights=…` of the first algorithm. */
function parametersOf({ algorithms }: ReadReport): Map<string, string> {
  return new Map(
    (algorithms[0]?.parameters ?? []).map((each) => {
      const at = each.indexOf('=');
      return [each.slice(0, at), each.slice(at + 1)] as const;
    }),
  );
}

function placesOn(
  { groups }: ReadReport,
  sopInstanceUid: string,
  { rows, columns }: { rows: number; columns: number },
): Found['places'] {
  return groups.flatMap((group: ReadGroup) =>
    group.regions.flatMap(({ box, image }) => {
      if (image?.sopInstanceUid !== sopInstanceUid) return [];
      const peak = group.measurements.find(({ concept }) => isCode(concept, 'peak'))?.value;
      if (peak === undefined || !(peak >= 0 && peak <= 1))
        throw unusable('a place has no peak between 0 and 1');
      // A box of the heat map overhangs the image by less than a cell of it.
      const slack = Math.max(rows, columns) / 4;
      if (
        box.x < -slack ||
        box.y < -slack ||
        box.x + box.width > columns + slack ||
        box.y + box.height > rows + slack
      )
        throw unusable('a place lies off its image');
      return [{ box, peak }];
    }),
  );
}
