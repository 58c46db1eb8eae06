/** `result.json` from the cases. Pure: nothing here depends on when or how fast the study ran. */
import type { ModelPackage } from '../assist/package.ts';
import { mcnemar } from '../evidence/accuracy.ts';
import { bootstrap } from '../evidence/bootstrap.ts';
import { brier, expectedCalibrationError, reliability } from '../evidence/calibration.ts';
import { frocAt, frocCurve, judge } from '../evidence/froc.ts';
import { compareAreas, rocCurve, type Scored } from '../evidence/roc.ts';
import { weightedAuc, weightedRates } from '../evidence/weightedScores.ts';
import { atPrevalence, figuresOf, pair, pointOf, type Thresholds } from './figures.ts';
import type { Gathered } from './gather.ts';
import { groupsOf } from './groups.ts';
import type { LabelSheet } from './labels.ts';
import { thresholdsOf } from './target.ts';
import type { Case, Comparison, Exclusion, Figures, Result, WeightedFigures } from './types.ts';

export const PREVALENCES: readonly number[] = [0.01, 0.05, 0.1, 0.2, 0.3];
/** Rates of false marks at which FROC is read off, as in the maker's card. */
const FROC_RATES = [0.1, 0.25, 0.5, 1, 2];
const HARDWARE = ['hardware', 'materiel', 'matériel'];
const HAS = new Set(['1', 'true', 'yes', 'oui']);

export type CountedCase = Case & Scored;

export interface ResultInput {
  readonly model: ModelPackage;
  readonly compare?: ModelPackage;
  /** What is measured of each of them. */
  readonly labels: readonly string[];
  readonly sheet: LabelSheet;
  readonly cases: readonly Case[];
  readonly gathered: Pick<Gathered, 'filesWithoutLabel' | 'carriesHashes'>;
  readonly hardwareColumn?: string;
  readonly prevalences?: readonly number[];
}

/** Cases with a score whose exclusion is one of these (null: counted). */
function scored(cases: readonly Case[], ...among: (Exclusion | null)[]): CountedCase[] {
  return cases.flatMap((each) =>
    among.includes(each.excluded) && each.answer && each.positive !== undefined
      ? [{ ...each, score: each.answer.score, positive: each.positive }]
      : [],
  );
}

export function resultOf(input: ResultInput): Result {
  const { model, sheet, cases, gathered, prevalences = PREVALENCES } = input;
  const { manifest } = model;
  const thresholds = thresholdsOf(manifest, input.labels[0]!);
  const counted = scored(cases, null);
  const figures = figuresOf(counted, thresholds);
  const knownAs = (how: Case['known']): number => cases.filter(({ known }) => known === how).length;
  const [training, tuning] = [knownAs('training'), knownAs('tuning')];
  const countedKnown = counted.some(({ known }) => known !== null);
  const curve = rocCurve(counted) ?? [];
  const groups = sheet.groupColumns.map(
    (column) => [column, groupsOf(counted, (each) => each.groups[column] ?? '')] as const,
  );
  return {
    format: 1,
    model: manifest.id,
    version: manifest.version,
    weightsSha256: manifest.weights.sha256,
    finding: input.labels[0]!,
    labelsSha256: sheet.sha256,
    labelColumn: sheet.labelColumn,
    ...figures,
    defaultOperatingPoint: manifest.defaultOperatingPoint,
    excluded: cases.flatMap(({ image, excluded, detail }) =>
      excluded === null ? [] : [{ image, reason: excluded, detail }],
    ),
    counts: {
      rows: cases.length,
      filesWithoutLabel: gathered.filesWithoutLabel.length,
      unknownUse: counted.filter(({ unknownUse }) => unknownUse !== '').length,
      boxesUnusable: counted.filter(({ boxesUnusable }) => boxesUnusable).length,
      training,
      tuning,
      carriesHashes: gathered.carriesHashes,
    },
    atPrevalences: figures.operatingPoints.flatMap((point) =>
      prevalences.map((at) => ({ operatingPoint: point.name, ...atPrevalence(point, at) })),
    ),
    ...frocOf(counted, sheet),
    ...calibrationOf(counted),
    variants: {
      withoutHardware: withoutHardware(counted, input, thresholds),
      withoutKnownImages: countedKnown
        ? figuresOf(
            counted.filter(({ known }) => known === null),
            thresholds,
          )
        : null,
      withTuningImages:
        tuning === 0 || countedKnown ? null : figuresOf(scored(cases, null, 'tuning-image'), thresholds),
      withKnownImages:
        training === 0 ? null : figuresOf(scored(cases, null, 'tuning-image', 'training-image'), thresholds),
    },
    subgroups: Object.fromEntries(
      groups.flatMap(([column, of]) =>
        of
          ? [[column, Object.fromEntries([...of].map(([name, some]) => [name, figuresOf(some, thresholds)]))]]
          : [],
      ),
    ),
    weighted: weightedOf(counted, sheet, thresholds),
    ungrouped: groups.flatMap(([column, of]) => (of ? [] : [column])),
    comparison: input.compare ? comparisonOf(counted, input, input.compare) : null,
    roc: curve.map(({ threshold, ...point }) => ({
      threshold: Number.isFinite(threshold) ? threshold : null,
      ...point,
    })),
  };
}

function withoutHardware(
  counted: readonly CountedCase[],
  { sheet, hardwareColumn }: ResultInput,
  thresholds: Thresholds,
): (Figures & { column: string }) | null {
  const column = sheet.groupColumns.find((name) =>
    hardwareColumn === undefined ? HARDWARE.includes(name.toLowerCase()) : name === hardwareColumn,
  );
  if (column === undefined) return null;
  const without = counted.filter(({ groups }) => !HAS.has((groups[column] ?? '').trim().toLowerCase()));
  return without.length === counted.length ? null : { column, ...figuresOf(without, thresholds) };
}

/**
 * Images whose lesions are known: those without the finding, and those with it whose boxes stand in the table. A box on an image
 * without the finding contradicts its label.
 */
function frocOf(
  counted: readonly CountedCase[],
  sheet: LabelSheet,
): Pick<Result, 'froc' | 'frocCurve' | 'frocCounts'> {
  const placed = counted.filter(({ answer }) => answer?.marks);
  if (!sheet.hasBoxes || placed.length === 0) return { froc: [], frocCurve: [], frocCounts: null };
  const usable = placed.filter(({ positive, boxes, boxesUnusable }) =>
    positive ? Boolean(boxes?.length) : !boxesUnusable && !boxes?.length,
  );
  const judged = usable.map(({ boxes, answer }) => judge({ lesions: boxes ?? [], marks: answer!.marks! }));
  return {
    frocCounts: {
      images: judged.length,
      lesions: judged.reduce((sum, { lesions }) => sum + lesions.length, 0),
      left: counted.length - judged.length,
    },
    froc: frocAt(judged, FROC_RATES).map(({ interval, threshold, ...rate }) => ({
      ...rate,
      threshold: Number.isFinite(threshold) ? threshold : null,
      sensitivityCi: pair(interval),
    })),
    frocCurve: (frocCurve(judged) ?? []).filter(({ threshold }) => Number.isFinite(threshold)),
  };
}

/** Null where the images were drawn with equal chances: then the weights change nothing. */
function weightedOf(
  counted: readonly CountedCase[],
  { hasWeights }: LabelSheet,
  thresholds: Thresholds,
): WeightedFigures | null {
  if (!hasWeights || new Set(counted.map(({ weight }) => weight)).size < 2) return null;
  const sum = (of: readonly CountedCase[]): number => of.reduce((total, { weight }) => total + weight, 0);
  const area = weightedAuc(counted);
  return {
    n: sum(counted),
    positives: sum(counted.filter(({ positive }) => positive)),
    auc: area.value,
    aucCi: pair(area.interval),
    operatingPoints: thresholds.map(([name, threshold]) => {
      const { sensitivity, specificity, ppv, npv } = weightedRates(counted, threshold);
      return {
        name,
        threshold,
        sensitivity: sensitivity.value,
        sensitivityCi: pair(sensitivity.interval),
        specificity: specificity.value,
        specificityCi: pair(specificity.interval),
        ppv: ppv.value,
        ppvCi: pair(ppv.interval),
        npv: npv.value,
        npvCi: pair(npv.interval),
      };
    }),
  };
}

function calibrationOf(
  counted: readonly CountedCase[],
): Pick<
  Result,
  'brier' | 'brierOfPrevalence' | 'expectedCalibrationError' | 'expectedCalibrationErrorCi' | 'reliability'
> {
  if (!counted.every(({ score }) => score >= 0 && score <= 1))
    return {
      brier: null,
      brierOfPrevalence: null,
      expectedCalibrationError: null,
      expectedCalibrationErrorCi: null,
      reliability: [],
    };
  const prevalence = counted.filter(({ positive }) => positive).length / counted.length;
  return {
    brier: brier(counted) ?? null,
    brierOfPrevalence: prevalence * (1 - prevalence),
    expectedCalibrationError: expectedCalibrationError(counted) ?? null,
    expectedCalibrationErrorCi: pair(
      bootstrap(
        counted.length,
        (indices) => expectedCalibrationError(Array.from(indices, (i) => counted[i]!)) ?? null,
      ),
    ),
    reliability: reliability(counted),
  };
}

function comparisonOf(
  counted: readonly CountedCase[],
  { model, labels }: ResultInput,
  compare: ModelPackage,
): Comparison | null {
  const both = counted.filter(({ other }) => other !== undefined);
  const others = both.map((each) => ({ score: each.other!.score, positive: each.positive }));
  const thresholds = thresholdsOf(compare.manifest, labels[1]!);
  const { n, positives, auc, aucCi } = figuresOf(others, thresholds);
  if (auc === null) return null;
  const own = new Map(thresholdsOf(model.manifest, labels[0]!));
  const right = (score: number, threshold: number, positive: boolean): boolean =>
    score >= threshold === positive;
  return {
    model: compare.manifest.id,
    version: compare.manifest.version,
    weightsSha256: compare.manifest.weights.sha256,
    ...{ n, positives, auc, aucCi },
    areas:
      compareAreas(
        both.map(({ score }) => score),
        others.map(({ score }) => score),
        both.map(({ positive }) => positive),
      ) ?? null,
    points: thresholds.flatMap(([name, otherThreshold]) => {
      const threshold = own.get(name);
      if (threshold === undefined) return [];
      const discordant = (positive: boolean) => {
        let [onlyFirst, onlySecond] = [0, 0];
        for (const each of both) {
          if (each.positive !== positive) continue;
          const first = right(each.score, threshold, positive);
          const second = right(each.other!.score, otherThreshold, positive);
          if (first && !second) onlyFirst += 1;
          if (second && !first) onlySecond += 1;
        }
        return mcnemar(onlyFirst, onlySecond);
      };
      return [
        {
          name,
          threshold,
          otherThreshold,
          other: pointOf(others, name, otherThreshold),
          amongPositives: discordant(true),
          amongNegatives: discordant(false),
        },
      ];
    }),
  };
}
