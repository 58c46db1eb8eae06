import type { Proportion } from '../types.ts';
import type { Corrected } from '../labelling/types.ts';
import type { RejectReason, ReadingFact } from '../types.ts';

/** A proportion whose studies may share patients. */
export interface Clustered extends Proportion {
  /** Patients among them; a study without a known patient is one of its own. */
  patients: number;
  /** The interval takes into account that some patients count more than once. */
  clustered: boolean;
}

/** Studies with a reference stronger than one reading, by the tool's verdict. */
export interface VerifiedGroup {
  studies: number;
  verified: number;
}
export interface Verification {
  marked: VerifiedGroup;
  unmarked: VerifiedGroup;
  /** The marked have a stronger reference far more often than the others: what is counted among them alone is biased. */
  uneven: boolean;
  /** Among the verified alone, each counted once. */
  uncorrected: { sensitivity: Proportion; specificity: Proportion };
  /** For all studies, by Begg and Greenes; a bound where fewer than five verified show the tool wrong. */
  corrected: { sensitivity: Corrected; specificity: Corrected };
  /** How many of the unmarked to verify, at random; null where nothing is gained by it. */
  proposal: { sample: number; of: number; atLeast: number | null } | null;
}

export const ARMS = ['alone', 'ai', 'with'] as const;
/** The reader's own conclusion before AI; the tool; the conclusion signed with AI in view. */
export type Arm = (typeof ARMS)[number];

/** Two arms on the same studies of one kind: those with, or those without, what is looked for. */
export interface Pair {
  n: number;
  /** Right: both, the first alone, the second alone, neither. */
  both: number;
  onlyFirst: number;
  onlySecond: number;
  neither: number;
  first: Proportion;
  second: Proportion;
  /** First − second, 95 %. */
  difference: { value: number; low: number; high: number } | null;
  /** McNemar, two-sided. */
  exact: number | null;
  midP: number | null;
  /** Some patients count more than once: interval by Obuchowski, and its P beside McNemar's. */
  clustered: { patients: number; p: number | null } | null;
}
export interface Comparison {
  first: Arm;
  second: Arm;
  /** Studies with a reference of somebody else, and both arms. */
  studies: number;
  sensitivity: Pair;
  specificity: Pair;
}
/** What AI caught and what it would make, and did make, worse. */
export interface Effect {
  /** Missed by the reader alone, marked by the tool; of these, taken over in the signed report. */
  caught: number;
  caughtTaken: number;
  /** Found by the reader alone, not marked by the tool. */
  wouldLose: number;
  /** Left alone by the reader, marked by the tool. */
  wouldAdd: number;
  /** From right before AI to wrong in the signed report, and from wrong to right. */
  madeWorse: number;
  madeBetter: number;
  /** Studies whose reader said something before AI was shown, and signed with it. */
  withBoth: number;
}
export interface Paired {
  comparisons: Comparison[];
  effect: Effect;
}

/** Two versions or operating points on the same studies. */
export interface VersionPair {
  first: { modelVersion: string; operatingPoint: string };
  second: { modelVersion: string; operatingPoint: string };
  /** Analysed by both, with a reference that was fixed without AI. */
  studies: number;
  sensitivity: Pair;
  specificity: Pair;
  /** Areas under the ROC curve and their difference, by DeLong; null without two studies of each kind. */
  areas: {
    first: number;
    second: number;
    difference: number;
    low: number;
    high: number;
    p: number | null;
  } | null;
}

export const DIMENSIONS = [
  'version',
  'operatingPoint',
  'site',
  'station',
  'machine',
  'bodyPart',
  'view',
  'ageBand',
  'sex',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export interface Subgroup {
  /** '' where it is not recorded. */
  value: string;
  studies: number;
  sensitivity: Clustered;
  specificity: Clustered;
}
export interface Subgroups {
  /** By dimension, the largest first; those with one value are left out. */
  by: { dimension: Dimension; groups: Subgroup[] }[];
  all: Pick<Subgroup, 'sensitivity' | 'specificity'>;
  /** Intervals shown, and how many of them would miss the overall value by chance alone, at 5 in 100. */
  intervals: number;
  byChance: number;
}

export interface Overrides {
  /** Studies read with the result in view that the tool marked, and of these signed *no*; and the other way round. */
  markedSignedNo: Proportion;
  unmarkedSignedYes: Proportion;
  /** Of those that the reader overruled and whose truth is known from elsewhere: the tool was right. */
  overruledToolRight: Proportion;
  /** Marks shown, and rejected; rejected ones by the reason given. */
  marks: number;
  rejected: number;
  reasons: { reason: RejectReason | 'none'; marks: number }[];
}
/** Among studies read with the result in view whose truth is known from somebody else. */
export interface Automation {
  studies: number;
  /** Signed as the tool said, where the tool was wrong and where it was right. */
  followedWrong: Proportion;
  followedRight: Proportion;
  /** Conclusions that changed after AI was shown. */
  changes: {
    /** The reader had said something before. */
    n: number;
    towardWrong: number;
    towardRight: number;
    /** Against what the tool said. */
    awayRight: number;
    awayWrong: number;
  };
  /** Claim to signature, ms: where the reader signed as the tool said, and where not. */
  readingMs: { followed: Spread; overruled: Spread };
}
export interface Spread {
  n: number;
  median: number | null;
  q1: number | null;
  q3: number | null;
}

export interface Measures {
  verification: Verification;
  paired: Paired;
  subgroups: Subgroups;
  overrides: Overrides;
  automation: Automation;
}
export interface ToolMeasures {
  modelId: string;
  /** Signed reports in the period; training images are not among them. */
  studies: number;
  uncertainAsPositive: Measures;
  uncertainAsNegative: Measures;
  /** Versions and operating points at which it has analysed studies, the most used first. */
  versions: { modelVersion: string; operatingPoint: string; studies: number }[];
}

/** Which studies stand behind a number. */
export const MEASURE_CASES = [
  'verified-marked',
  'verified-unmarked',
  'found',
  'missed',
  'false-alarm',
  'left-alone',
  'caught',
  'caught-taken',
  'would-lose',
  'would-add',
  'made-worse',
  'made-better',
  'marked-signed-no',
  'unmarked-signed-yes',
  'followed-wrong',
  'followed-right',
  'toward-wrong',
  'toward-right',
  'pair',
  'subgroup',
] as const;
export type MeasureCases = (typeof MEASURE_CASES)[number];
export interface MeasureQuery {
  which: MeasureCases;
  uncertain: 'positive' | 'negative';
  /** Of `pair`: the two arms, the truth and who is right. */
  first?: Arm | undefined;
  second?: Arm | undefined;
  truth?: 'yes' | 'no' | undefined;
  right?: 'both' | 'first' | 'second' | 'neither' | undefined;
  /** Of `subgroup`: with `truth`. */
  dimension?: Dimension | undefined;
  value?: string | undefined;
}

export type InputKey =
  'machine' | 'station' | 'software' | 'detector' | 'view' | 'kvp' | 'mas' | 'exposureIndex';
export interface InputWeek {
  from: number;
  to: number;
  n: number;
  of: {
    key: InputKey;
    /** Of words; of numbers the largest distance of the distribution functions. */
    psi: number | null;
    distance: number | null;
    p: number;
    different: boolean;
  }[];
}
/** Another software on the same machine. */
export interface InputChange {
  at: number;
  machine: string;
  before: string;
  after: string;
}
/** What the tool is given, against the first studies of its version. */
export interface Inputs {
  n: number;
  /** Null while there are fewer than 200. */
  reference: { from: number; to: number; n: number } | null;
  weeks: InputWeek[];
  changes: InputChange[];
}

export interface MeasuresRoom {
  /** Of the version that was signed with last. */
  inputs(modelId: string): Promise<Inputs>;
  of(modelId: string, range?: { from?: number; to?: number }): Promise<ToolMeasures>;
  cases(modelId: string, query: MeasureQuery, range?: { from?: number; to?: number }): Promise<ReadingFact[]>;
  /** Throws `model-unknown` (404) and `version-unknown` (404). */
  versions(modelId: string, first: VersionPair['first'], second: VersionPair['second']): Promise<VersionPair>;
}
