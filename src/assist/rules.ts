/**
 * Whether a tool may run on a study: its intended use applied image by image. Pure. The rules come from the manifest alone;
 * the reason that is given is that of the image that came furthest, so that one photo beside a hand does not hide the hand.
 */
import type { InstanceRow, SeriesRow, StudyRow } from '../archive/types.ts';
import { bodyPartsOf } from './bodyparts.ts';
import type { ModelManifest, NotRunReason, Range, SeriesRules } from './types.ts';

/** What the header of a series says beyond its row; undefined where it does not. */
export interface HeaderFacts {
  /** SNOMED CT codes of Anatomic Region Sequence. */
  readonly anatomicRegions?: readonly string[];
  readonly protocol?: string;
  /** Between rows, between columns: mm. */
  readonly pixelSpacing?: readonly number[];
  /** Between slices: mm. */
  readonly sliceSpacing?: number | undefined;
  readonly repetitionTimeMs?: number | undefined;
  readonly echoTimeMs?: number | undefined;
  readonly inversionTimeMs?: number | undefined;
}
export type SeriesFacts = SeriesRow & HeaderFacts;

export interface RunnableImage {
  readonly sopInstanceUid: string;
  readonly seriesUid: string;
  readonly sha256: string;
  readonly bodyPart: string;
}

export type MayRun =
  | { readonly run: RunnableImage[] }
  /** `detail`: what did not fit, as `NotRunReason` says for each. */
  | { readonly notRun: NotRunReason; readonly detail: string | null };

interface Refusal {
  /** How far the image came: the furthest one names the reason. */
  readonly step: number;
  readonly notRun: NotRunReason;
  readonly detail: string | null;
}

const refuse = (step: number, notRun: NotRunReason, detail: string | null = null): Refusal => ({
  step,
  notRun,
  detail,
});

export function mayRun(
  manifest: Pick<ModelManifest, 'intendedUse'>,
  study: Pick<StudyRow, 'ageYears' | 'description'> & Partial<Pick<StudyRow, 'sex'>>,
  instances: readonly InstanceRow[],
  series: readonly SeriesFacts[],
  /** Codes of View Code Sequence by SOP Instance UID, where asked for. */
  views: ReadonlyMap<string, readonly string[]> = new Map(),
): MayRun {
  const use = manifest.intendedUse;
  const known = new Set(use.bodyParts);
  const seriesOf = new Map(series.map((s) => [s.seriesUid, s]));
  const run: RunnableImage[] = [];
  let furthest: Refusal | undefined;

  const check = (instance: InstanceRow): Refusal | RunnableImage => {
    const of = seriesOf.get(instance.seriesUid);
    if (!of || instance.rows === null || instance.columns === null) return refuse(0, 'no-image');
    if (instance.photo) return refuse(2, 'photo');
    const modality = of.modality.toUpperCase();
    const radiograph =
      use.modalities.includes(modality) && (!use.sopClasses || use.sopClasses.includes(instance.sopClassUid));
    if (!radiograph || instance.frames > 1) return refuse(1, 'modality', modality || null);

    const parts = bodyPartsOf({
      bodyPartExamined: instance.bodyPart || of.bodyPart,
      anatomicRegions: of.anatomicRegions ?? [],
      seriesDescription: of.description,
      studyDescription: study.description,
      known,
    });
    const foreign = parts.find((part) => !known.has(part));
    if (parts.length === 0) return refuse(4, 'body-part-unknown');
    // Several parts, some permitted: the image may show either, so nothing is known.
    if (foreign !== undefined && parts.some((part) => known.has(part))) return refuse(4, 'body-part-unknown');
    if (foreign !== undefined) return refuse(3, 'body-part', foreign);

    const { min, max, unknown } = use.ageYears;
    if (study.ageYears === null) {
      if (unknown === 'refuse') return refuse(5, 'age-unknown');
    } else if (min !== undefined && study.ageYears < min) {
      return refuse(5, 'child', String(study.ageYears));
    } else if (max !== undefined && study.ageYears > max) {
      return refuse(5, 'age', String(study.ageYears));
    }
    const refused =
      sexRefused(use, study.sex ?? '') ??
      viewRefused(use, instance, views.get(instance.sopInstanceUid) ?? []) ??
      imageRefused(use, instance, of);
    if (refused) return refused;
    const { sopInstanceUid, seriesUid, sha256 } = instance;
    return { sopInstanceUid, seriesUid, sha256, bodyPart: parts[0]! };
  };

  for (const instance of instances) {
    if (instance.kind !== 'image') continue;
    const answer = check(instance);
    if (!('notRun' in answer)) run.push(answer);
    else if (!furthest || answer.step > furthest.step) furthest = answer;
  }
  if (run.length > 0 && use.series) return bestSeries(use.series, run, seriesOf);
  if (run.length > 0) return { run };
  return furthest
    ? { notRun: furthest.notRun, detail: furthest.detail }
    : { notRun: 'no-image', detail: null };
}

type Use = ModelManifest['intendedUse'];

function sexRefused({ sex }: Use, of: string): Refusal | undefined {
  if (!sex) return undefined;
  const known = of === 'F' || of === 'M' || of === 'O';
  if (!known) return sex.unknown === 'refuse' ? refuse(6, 'sex') : undefined;
  return sex.values.includes(of) ? undefined : refuse(6, 'sex', of);
}

function viewRefused({ views }: Use, instance: InstanceRow, codes: readonly string[]): Refusal | undefined {
  if (!views) return undefined;
  const said = [instance.viewPosition.toUpperCase(), ...codes].filter(Boolean);
  if (said.length === 0) return views.unknown === 'refuse' ? refuse(7, 'view') : undefined;
  return said.some((view) => views.values.includes(view)) ? undefined : refuse(7, 'view', said[0]);
}

function imageRefused(use: Use, instance: InstanceRow, of: SeriesFacts): Refusal | undefined {
  const { rows, columns, photometric } = instance;
  if (use.photometric && !use.photometric.includes(photometric))
    return refuse(8, 'photometric', photometric || null);
  if (use.minMatrix !== undefined && Math.min(rows!, columns!) < use.minMatrix)
    return refuse(9, 'matrix', `${columns} × ${rows}`);
  const { spacingMm } = use;
  if (!spacingMm) return undefined;
  for (const [range, values] of [
    [spacingMm.pixel, of.pixelSpacing ?? []],
    [spacingMm.slice, of.sliceSpacing === undefined ? [] : [of.sliceSpacing]],
  ] as const) {
    if (!range) continue;
    if (values.length === 0) {
      if (spacingMm.unknown === 'refuse') return refuse(10, 'spacing');
    } else {
      const outside = values.find((value) => !within(range, value));
      if (outside !== undefined) return refuse(10, 'spacing', String(outside));
    }
  }
  return undefined;
}

const within = ({ min, max }: Range, value: number): boolean =>
  (min === undefined || value >= min) && (max === undefined || value <= max);

/** Of the series whose images all pass, the one with the most images that its rules permit; the first of equals. */
function bestSeries(
  rules: SeriesRules,
  run: readonly RunnableImage[],
  seriesOf: ReadonlyMap<string, SeriesFacts>,
): MayRun {
  const groups = [...Map.groupBy(run, (image) => image.seriesUid)].sort((a, b) => b[1].length - a[1].length);
  let furthest: Refusal | undefined;
  for (const [seriesUid, images] of groups) {
    const refused = seriesRefused(rules, seriesOf.get(seriesUid)!, images.length);
    if (!refused) return { run: images };
    if (!furthest || refused.step > furthest.step) furthest = refused;
  }
  return { notRun: furthest!.notRun, detail: furthest!.detail };
}

function seriesRefused(
  { slices, acquisition }: SeriesRules,
  of: SeriesFacts,
  count: number,
): Refusal | undefined {
  if (!within(slices, count)) return refuse(11, 'slices', String(count));
  if (!acquisition) return undefined;
  const words = wordsOf(`${of.description} ${of.protocol ?? ''}`);
  const says = (list: readonly string[]): boolean =>
    list.some((phrase) => words.includes(` ${wordsOf(phrase).trim()} `));
  if (says(acquisition.none)) return refuse(12, 'acquisition');
  if (says(acquisition.any)) return undefined;
  const wanted = Object.entries(acquisition.parameters ?? {}) as [
    'repetitionTimeMs' | 'echoTimeMs' | 'inversionTimeMs',
    Range,
  ][];
  const told = wanted.every(([name, range]) => of[name] !== undefined && within(range, of[name]));
  return wanted.length > 0 && told ? undefined : refuse(12, 'acquisition');
}

/** Lower case, without accents, one blank between words and around: `T1_MPRAGE-sag` is ` t1 mprage sag `. */
const wordsOf = (text: string): string =>
  ` ${text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}+*]+/u)
    .filter(Boolean)
    .join(' ')} `;
