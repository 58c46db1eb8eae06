/** The interface of the validation room: a model, run on labelled images, and what was measured. */
import type { ModelPackage } from '../assist/package.ts';
import type { McNemar } from '../evidence/accuracy.ts';
import type { ReliabilityBin } from '../evidence/calibration.ts';
import type { FrocPoint, Mark, Rectangle } from '../evidence/froc.ts';
import type { AucComparison, RocPoint } from '../evidence/roc.ts';

/** Where images come from. */
export interface ImageSource {
  /** Of every image there is, in a fixed order; empty where that cannot be listed. */
  readonly names: readonly string[];
  /** By file name, path, or SOP Instance UID: none, one, or several that cannot be told apart. */
  find(image: string): Promise<readonly FoundImage[]>;
}
export interface FoundImage {
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/** Why an image is not counted. */
export const EXCLUSIONS = [
  'label-missing', // the field is empty
  'label-invalid', // neither 0 nor 1; `detail`: what stands there
  'file-missing',
  'file-ambiguous', // several files of that name; `detail`: which
  'unreadable', // `detail`: what is wrong with it
  'outside-intended-use', // `detail`: the rule
  'duplicate', // the same bytes as an earlier row; `detail`: which
  'contradiction', // the same bytes as another row with another label; `detail`: which
  'training-image', // the model was trained on it
  'tuning-image', // the maker chose thresholds, calibration or the like on it
  'model-failed', // `detail`: how
] as const;
export type Exclusion = (typeof EXCLUSIONS)[number];

/** What one model says of one image. */
export interface Answer {
  readonly score: number;
  /** Places with their scores, whatever the score of the image; pixels of the upright image. Null: the model gives none. */
  readonly marks: readonly Mark[] | null;
  readonly seconds: number;
}

export interface Case {
  readonly image: string;
  readonly positive: boolean | undefined;
  readonly excluded: Exclusion | null;
  readonly detail: string;
  readonly file: string;
  readonly sha256: string;
  /** What the header does not say of the intended use: a reason such as `age-unknown`; '' where it says all. */
  readonly unknownUse: string;
  readonly boxes: readonly Rectangle[] | undefined;
  readonly boxesUnusable: boolean;
  readonly weight: number;
  readonly groups: Readonly<Record<string, string>>;
  /** What the maker used it for, by its hash; null where that is not known of it. */
  readonly known: 'training' | 'tuning' | null;
  readonly answer: Answer | undefined;
  /** Of the model it is compared with. */
  readonly other: Answer | undefined;
}

export type Pair = readonly [low: number, high: number];

/** One threshold on some cases. Null where there are no cases to divide by. */
export interface OperatingPoint {
  readonly name: string;
  readonly threshold: number;
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
  readonly sensitivity: number | null;
  readonly sensitivityCi: Pair | null; // Wilson 95 %
  readonly sensitivityExactCi: Pair | null; // Clopper–Pearson 95 %
  readonly specificity: number | null;
  readonly specificityCi: Pair | null;
  readonly specificityExactCi: Pair | null;
  readonly ppv: number | null;
  readonly ppvCi: Pair | null;
  readonly npv: number | null;
  readonly npvCi: Pair | null;
}

/** Figures of some of the cases. */
export interface Figures {
  readonly n: number;
  readonly positives: number;
  readonly auc: number | null;
  /** DeLong 95 %. */
  readonly aucCi: Pair | null;
  readonly operatingPoints: readonly OperatingPoint[];
}

export interface AtPrevalence {
  readonly prevalence: number;
  readonly ppv: number | null;
  readonly ppvCi: Pair | null; // logit, Mercaldo 2007
  readonly npv: number | null;
  readonly npvCi: Pair | null;
}

export interface FrocEntry {
  readonly falseMarksPerImage: number;
  readonly reached: number;
  readonly threshold: number | null;
  readonly lesions: number;
  readonly found: number;
  readonly sensitivity: number;
  readonly sensitivityCi: Pair | null; // bootstrap over images
}

export interface Comparison {
  readonly model: string;
  readonly version: string;
  readonly weightsSha256: string;
  readonly n: number;
  readonly positives: number;
  readonly auc: number;
  readonly aucCi: Pair | null;
  /** First model minus second, DeLong. */
  readonly areas: AucComparison | null;
  /** Both at the same operating point, where both have one of that name. `onlyFirst`: only the first model is right. */
  readonly points: readonly {
    readonly name: string;
    readonly threshold: number;
    readonly otherThreshold: number;
    readonly other: OperatingPoint;
    readonly amongPositives: McNemar;
    readonly amongNegatives: McNemar;
  }[];
}

/** Rates at one threshold of the whole from which a weighted sample was drawn; intervals by bootstrap. */
export interface WeightedPoint {
  readonly name: string;
  readonly threshold: number;
  readonly sensitivity: number | null;
  readonly sensitivityCi: Pair | null;
  readonly specificity: number | null;
  readonly specificityCi: Pair | null;
  readonly ppv: number | null;
  readonly ppvCi: Pair | null;
  readonly npv: number | null;
  readonly npvCi: Pair | null;
}
export interface WeightedFigures {
  /** Sums of weights: images of the whole, and those of them with the finding. */
  readonly n: number;
  readonly positives: number;
  readonly auc: number | null;
  readonly aucCi: Pair | null;
  readonly operatingPoints: readonly WeightedPoint[];
}

/** `result.json`: the same input gives the same bytes. */
export interface Result extends Figures {
  readonly format: 1;
  readonly model: string;
  readonly version: string;
  readonly weightsSha256: string;
  /** Key of the label of the model that was measured. */
  readonly finding: string;
  /** SHA-256 of the table of labels. */
  readonly labelsSha256: string;
  readonly labelColumn: string;
  readonly defaultOperatingPoint: string;
  readonly excluded: readonly {
    readonly image: string;
    readonly reason: Exclusion;
    readonly detail: string;
  }[];
  readonly atPrevalences: readonly (AtPrevalence & { readonly operatingPoint: string })[];
  readonly froc: readonly FrocEntry[];
  readonly frocCurve: readonly FrocPoint[];
  /** Images and lesions behind FROC, and why others are not. */
  readonly frocCounts: { readonly images: number; readonly lesions: number; readonly left: number } | null;
  /** Null where the scores are no probabilities. */
  readonly brier: number | null;
  readonly brierOfPrevalence: number | null;
  readonly expectedCalibrationError: number | null;
  readonly expectedCalibrationErrorCi: Pair | null;
  readonly reliability: readonly ReliabilityBin[];
  readonly roc: readonly {
    readonly threshold: number | null;
    readonly sensitivity: number;
    readonly falsePositiveRate: number;
  }[];
  /** Where the table has a column `weight`: what holds of the whole; every other figure describes the drawn images alone. */
  readonly weighted: WeightedFigures | null;
  /** Column → value (or range of values) → figures. */
  readonly subgroups: Readonly<Record<string, Readonly<Record<string, Figures>>>>;
  /** Further columns that make no groups: nearly every image has a value of its own. */
  readonly ungrouped: readonly string[];
  /** The same on other cases. Null where it would be the same, or the column is not there. */
  readonly variants: {
    readonly withoutHardware: (Figures & { readonly column: string }) | null;
    /** Where images known to the model are counted (`countTuning`). */
    readonly withoutKnownImages: Figures | null;
    readonly withTuningImages: Figures | null;
    readonly withKnownImages: Figures | null;
  };
  readonly counts: {
    readonly rows: number;
    readonly filesWithoutLabel: number;
    readonly unknownUse: number;
    readonly boxesUnusable: number;
    readonly training: number;
    readonly tuning: number;
    readonly carriesHashes: boolean;
  };
  readonly comparison: Comparison | null;
}

export type { RocPoint };

/** How it went: `run.json`, which differs from run to run. */
export interface RunFacts {
  readonly at: string; // ISO 8601
  readonly software: string;
  readonly machine: string;
  readonly processes: number;
  readonly analysed: number;
  /** Scores that an earlier, interrupted run had left. */
  readonly kept: number;
  readonly wallSeconds: number;
  /** Of one image, decoding and inference; null when all were kept. */
  readonly medianSeconds: number | null;
  readonly p95Seconds: number | null;
}

export interface StudyOptions {
  readonly model: ModelPackage;
  readonly compare?: ModelPackage;
  readonly images: ImageSource;
  /** The bytes of labels.csv. */
  readonly labels: Uint8Array;
  readonly labelColumn?: string;
  /** Which label of the model, for those with several. */
  readonly finding?: string;
  /** Folder of the results; made when it is not there. An interrupted study goes on in it. */
  readonly out: string;
  readonly language?: 'fr' | 'en';
  /** Models' processes at once. */
  readonly processes?: number;
  /** Column whose 1 marks an implant. */
  readonly hardwareColumn?: string;
  /** Counts the images on which the maker chose thresholds and the like; those of its training are never counted. */
  readonly countTuning?: boolean;
  /** 0 … 1, exclusive. */
  readonly prevalences?: readonly number[];
  readonly signal?: AbortSignal;
  readonly now?: () => number;
  progress?(progress: Progress): void;
}

export interface Progress {
  readonly phase: 'looking' | 'analysing' | 'measuring' | 'writing';
  readonly done: number;
  readonly total: number;
}
