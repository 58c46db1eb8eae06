/**
 * The result of a tool read back from the documents that a worker returned for a run: the other direction of result.ts. What is
 * claimed in them counts within the run alone: images that the run does not have, places off the image and scores that are no
 * scores are refused. Pure.
 */
import { readMeasurementReport } from '../dicom/srRead.ts';
import type { ReadGroup, ReadReport } from '../dicom/srRead.ts';
import { LOCAL_SCHEME } from '../dicom/build/srContent.ts';
import type { Code } from '../dicom/build/srContent.ts';
import type { DicomFile, DicomJson } from '../dicom/types.ts';
import { decides, thresholdOf } from './postprocess.ts';
import { labelOf } from './resultParts.ts';
import { segmentedOf, unusable, type KnownImage, type ReturnedFor } from './returnedSegments.ts';
import type { ModelManifest } from './types.ts';
import type { Found, ImageOutcome, ToolResult } from './work.ts';

const isCode = (code: Code | undefined, value: string): boolean =>
  code?.value === value && code.scheme === LOCAL_SCHEME;
/** `1.2.3: 0.5`, and of one label of several `1.2.3: Fracture: 0.5`. */
const SCORE_TEXT = /^([0-9.]{1,64})(?:: (.+))?: ([0-9.eE+-]{1,32})$/;

export interface Returned {
  /** The Comprehensive SR. */
  readonly report: DicomJson;
  /** Whole segmentation objects. */
  readonly segmentations: readonly DicomFile[];
}

/** A label is known again by its code, and its score by its words. */
interface Labels {
  ofCode(code: Code | undefined): string | undefined;
  ofWords(words: string): string | undefined;
}
const nameOf = ({ scheme, value }: Pick<Code, 'scheme' | 'value'>): string => `${scheme} ${value}`;
function labelsOf(manifest: ModelManifest): Labels {
  const keys = Object.keys(manifest.labels);
  const codes = new Map(keys.map((key) => [nameOf(labelOf(manifest, key).code), key]));
  const words = new Map(keys.map((key) => [labelOf(manifest, key).words, key]));
  return {
    ofCode: (code) => code && codes.get(nameOf(code)),
    ofWords: (text) => words.get(text),
  };
}

/** Whether what a tool says can come back by its documents: its labels are told apart by their codes and by their words. */
export function isReturnable(manifest: ModelManifest): boolean {
  const labels = Object.keys(manifest.labels).map((key) => labelOf(manifest, key));
  return [labels.map(({ code }) => nameOf(code)), labels.map(({ words }) => words)].every(
    (names) => new Set(names).size === names.length,
  );
}

/**
 * Heat maps do not come by documents, and of a volume only the images that show a segment are known again.
 *
 * @throws `workitem-incomplete` (409) naming what is missing
 */
export function toolResultOf(
  { report: json, segmentations: objects }: Returned,
  of: ReturnedFor,
): ToolResult {
  const { manifest, images } = of;
  if (!isReturnable(manifest))
    throw unusable('the result of a tool of this kind is not taken over from a report');
  const report = readMeasurementReport(json);
  const operatingPoint = manifest.defaultOperatingPoint;
  const point = manifest.operatingPoints[operatingPoint] ?? { threshold: 0 };
  sameTool(report, manifest);

  const labels = labelsOf(manifest);
  const groups = new Map<string, ReadGroup[]>();
  for (const group of report.groups)
    for (const uid of new Set(
      [...group.regions.map(({ image }) => image), ...group.images].map((each) => each?.sopInstanceUid),
    ))
      // prettier-ignore
      if (uid !== undefined) groups.set(uid, [...(groups.get(uid) ?? []), group]);
  const isVolume = manifest.input.kind === 'volume';
  const segmentations = segmentedOf(objects, of, labels.ofCode, isVolume);
  const scores = decides(manifest) ? scoresOf(report, of, labels) : undefined;
  const segmented = new Set(segmentations.flatMap((each) => each.images));
  const wasSeen = (uid: string): boolean => scores?.has(uid) ?? (groups.has(uid) || segmented.has(uid));

  const outcomes: ImageOutcome[] = [];
  const findings: Found[] = [];
  for (const image of isVolume ? [] : images) {
    const uid = image.sopInstanceUid;
    if (!wasSeen(uid)) continue;
    const own = groups.get(uid) ?? [];
    const { whole = 0, byLabel } = scores?.get(uid) ?? {};
    const found: Pick<Found, 'label' | 'score' | 'places'>[] = [];
    for (const [label, score] of [
      ...(manifest.outputs.score && manifest.finding ? [[manifest.finding.label, whole] as const] : []),
      ...Object.entries(byLabel ?? {}),
    ]) {
      if (score < thresholdOf(point, label)) continue;
      // A tool with one finding has no other place than of it.
      const only = manifest.outputs.score && !manifest.outputs.boxes;
      found.push({ label, score, places: placesOn(own, image, (code) => only || labels.ofCode(code) === label) }); // prettier-ignore
    }
    for (const label of manifest.outputs.boxes?.labels ?? []) {
      if (found.some((each) => each.label === label)) continue;
      const places = placesOn(own, image, (code) => labels.ofCode(code) === label).filter(
        ({ peak }) => peak >= thresholdOf(point, label),
      );
      if (places.length > 0)
        found.push({ label, score: Math.max(...places.map(({ peak }) => peak)), places });
    }
    const measurements = measurementsOf(own, manifest);
    outcomes.push({
      sopInstanceUid: uid,
      score: whole,
      positive: found.length > 0,
      heat: null,
      ...(byLabel && { scores: byLabel }),
      ...(measurements && { measurements }),
    });
    for (const each of found.sort((a, b) => b.score - a.score))
      findings.push({ number: findings.length + 1, sopInstanceUid: uid, ...each });
  }
  if (!isVolume && outcomes.length === 0) throw unusable('it says nothing of any image');
  return {
    modelId: manifest.id,
    modelVersion: manifest.version,
    weightsSha256: manifest.weights.sha256,
    operatingPoint,
    threshold: point.threshold,
    images: outcomes,
    findings,
    segmentations,
    undecodable: isVolume ? 0 : images.length - outcomes.length,
  };
}

/** Model, weights and thresholds: `model=…`, `weights=…` of the first algorithm. */
function sameTool({ algorithms }: ReadReport, manifest: ModelManifest): void {
  const said = new Map(
    (algorithms[0]?.parameters ?? []).map((each) => {
      const at = each.indexOf('=');
      return [each.slice(0, at), each.slice(at + 1)] as const;
    }),
  );
  if (said.get('model') !== manifest.id || said.get('weights') !== `sha256:${manifest.weights.sha256}`)
    throw unusable('it does not name the model and the weights of the work item');
  const point = manifest.operatingPoints[manifest.defaultOperatingPoint];
  if (!point) return;
  const wanted = [
    ['threshold', point.threshold] as const,
    ...Object.entries(point.thresholds ?? {}).map(([label, value]) => [`threshold:${label}`, value] as const),
  ];
  if (wanted.some(([name, value]) => Number(said.get(name)) !== value))
    throw unusable('it was made with another threshold');
}

interface Scores {
  /** Of the image; of a tool with several, the highest. */
  whole: number;
  byLabel?: Record<string, number>;
}
function scoresOf(
  report: ReadReport,
  { manifest, images }: ReturnedFor,
  labels: Labels,
): Map<string, Scores> {
  const known = new Set(images.map(({ sopInstanceUid }) => sopInstanceUid));
  const scores = new Map<string, Scores>();
  for (const { concept, value } of report.evaluations) {
    if (!isCode(concept, 'image-score') || typeof value !== 'string') continue;
    const [, uid, words, text] = SCORE_TEXT.exec(value) ?? [];
    const score = Number(text);
    if (uid === undefined || !(score >= 0 && score <= 1)) throw unusable('a score is not between 0 and 1');
    if (!known.has(uid)) throw unusable('it has a score of an image that the work item does not have');
    if (!manifest.outputs.scores) {
      scores.set(uid, { whole: score });
      continue;
    }
    const label = words === undefined ? undefined : labels.ofWords(words);
    if (label === undefined || !manifest.outputs.scores.labels.includes(label))
      throw unusable('it has a score of a label that the model does not have');
    const before = scores.get(uid);
    scores.set(uid, {
      whole: Math.max(before?.whole ?? 0, score),
      byLabel: { ...before?.byLabel, [label]: score },
    });
  }
  if (scores.size === 0) throw unusable('it has no score of any image');
  const wanted = new Set(manifest.outputs.scores?.labels.filter((label) => label !== null));
  for (const { byLabel } of scores.values())
    if (byLabel && Object.keys(byLabel).length < wanted.size)
      throw unusable('an image lacks the score of a label');
  return scores;
}

function placesOn(
  groups: readonly ReadGroup[],
  { sopInstanceUid, rows, columns }: KnownImage,
  isOf: (finding: Code | undefined) => boolean,
): Found['places'] {
  return groups.flatMap((group) =>
    group.regions.flatMap(({ box, image }) => {
      if (image?.sopInstanceUid !== sopInstanceUid || !isOf(group.finding)) return [];
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

function measurementsOf(
  groups: readonly ReadGroup[],
  { outputs }: ModelManifest,
): Record<string, number> | undefined {
  const group = groups.find(({ finding }) => isCode(finding, 'measured'));
  if (!group || !outputs.measurements) return undefined;
  return Object.fromEntries(
    outputs.measurements.items.flatMap(({ key, code }) => {
      const found = group.measurements.find(({ concept }) => nameOf(concept) === nameOf(code));
      return found ? [[key, found.value]] : [];
    }),
  );
}
