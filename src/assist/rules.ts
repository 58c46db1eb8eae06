/**
 * Whether a tool may run on a study: its intended use applied image by image. Pure. The rules come from the manifest alone;
 * the reason that is given is that of the image that came furthest, so that one photo beside a hand does not hide the hand.
 */
import type { InstanceRow, SeriesRow, StudyRow } from '../archive/types.ts';
import { bodyPartsOf } from './bodyparts.ts';
import type { ModelManifest, NotRunReason } from './types.ts';

/** What is asked of the archive for one series beyond its row. */
export type SeriesFacts = SeriesRow & {
  /** SNOMED CT codes of Anatomic Region Sequence, where the header has it. */
  readonly anatomicRegions?: readonly string[];
};

export interface RunnableImage {
  readonly sopInstanceUid: string;
  readonly seriesUid: string;
  readonly sha256: string;
  readonly bodyPart: string;
}

export type MayRun =
  | { readonly run: RunnableImage[] }
  /** `detail`: the body part for `body-part`, the age for `child` or the modality for `modality`; else null. */
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
  study: Pick<StudyRow, 'ageYears' | 'description'>,
  instances: readonly InstanceRow[],
  series: readonly SeriesFacts[],
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
    const { sopInstanceUid, seriesUid, sha256 } = instance;
    return { sopInstanceUid, seriesUid, sha256, bodyPart: parts[0]! };
  };

  for (const instance of instances) {
    if (instance.kind !== 'image') continue;
    const answer = check(instance);
    if (!('notRun' in answer)) run.push(answer);
    else if (!furthest || answer.step > furthest.step) furthest = answer;
  }
  if (run.length > 0) return { run };
  return furthest
    ? { notRun: furthest.notRun, detail: furthest.detail }
    : { notRun: 'no-image', detail: null };
}
