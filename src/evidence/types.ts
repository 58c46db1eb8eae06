import type { Principal } from '../people/types.ts';

export const STAGES = ['evaluation', 'shadow', 'pilot', 'routine', 'retired'] as const;
export type Stage = (typeof STAGES)[number];

export interface StageState {
  modelId: string;
  stage: Stage;
  /** Person ids; empty unless pilot. */
  readers: readonly string[];
  blindFirst: boolean;
  since: number;
}
/** A signed act: never changed, never deleted. */
export interface StageAct {
  id: string;
  modelId: string;
  modelVersion: string;
  from: Stage;
  to: Stage;
  readers: readonly string[];
  blindFirst: boolean;
  reason: string;
  personId: string;
  personName: string;
  at: number;
}

export type Answer = 'yes' | 'no' | 'uncertain';

/** One row per (signed report, tool that ran on its study); replaced whole when an event touches the study. */
export interface ReadingFact {
  reportId: string;
  studyUid: string;
  modelId: string;
  modelVersion: string;
  stage: Stage; // at the signature
  readerId: string;
  bodyPart: string;
  priority: string;
  arrivedAt: number;
  signedAt: number;
  /** Tool's verdict on the study: any image at or above the threshold. */
  aiPositive: boolean;
  aiScoreMax: number;
  images: number;
  marks: number;
  marksRejected: number;
  marksAccepted: number;
  marksCorrected: number;
  marksAdded: number; // by the reader, what AI missed
  /** The signed conclusion to the tool's question. */
  conclusion: Answer | null;
  /** Given before AI was seen (own conclusion blind first, or the whole report in evaluation and shadow). */
  blindConclusion: Answer | null;
  /** The study's images are part of the tool's training data: never counted in accuracy. */
  inTraining: boolean;
  amended: boolean;
}

/** k of n with its interval; `enough` false below the minimum count for showing a percentage. */
export interface Proportion {
  k: number;
  n: number;
  value: number | null; // k / n
  low: number | null; // Wilson 95 %
  high: number | null;
  enough: boolean;
}

export interface EvidenceSummary {
  modelId: string;
  from: number | null;
  to: number | null;
  timeZone: string; // IANA, the site's
  lastSeq: number;
  studiesRead: number;
  trainingExcluded: number;
  agreement: {
    /** Signed conclusion = tool's verdict, among signed positive / negative. Uncertain counted both ways. */
    positive: { uncertainAsPositive: Proportion; uncertainAsNegative: Proportion };
    negative: { uncertainAsPositive: Proportion; uncertainAsNegative: Proportion };
  };
  accuracy: {
    sensitivity: { uncertainAsPositive: Proportion; uncertainAsNegative: Proportion };
    specificity: { uncertainAsPositive: Proportion; uncertainAsNegative: Proportion };
    /** Per image: from studies whose report says image by image (decided or added marks). */
    perImage: { sensitivity: Proportion; specificity: Proportion };
  };
  marksPer100: number | null;
  falseAlarmsPer100: number | null;
  marks: number;
  falseAlarms: number;
  turnaround: {
    n: number;
    medianMs: number | null;
    q1Ms: number | null;
    q3Ms: number | null;
  };
  /** Maker's figures, apart: from the manifest. */
  card: { sensitivity: number; specificity: number; positives: number; negatives: number } | null;
}

/** The figure a person clicked; opens its studies. */
export type FigureKey =
  | 'read'
  | 'agreement-positive'
  | 'agreement-negative'
  | 'sensitivity'
  | 'specificity'
  | 'missed'
  | 'false-alarms'
  | 'marks'
  | 'turnaround'
  | 'training';

export interface Evidence {
  stage(modelId: string): Promise<StageState>;
  acts(modelId: string): Promise<StageAct[]>;
  /** Only an administrator who is also a reader; the caller has checked PIN or password. Throws NegatoscopeError 403/409. */
  setStage(
    modelId: string,
    to: Stage,
    options: { readers?: readonly string[]; blindFirst?: boolean; reason: string },
    by: Principal,
  ): Promise<StageAct>;
  summary(modelId: string, range?: { from?: number; to?: number }): Promise<EvidenceSummary>;
  /** Studies behind a figure, newest first. */
  cases(
    modelId: string,
    figure: FigureKey,
    range?: { from?: number; to?: number },
  ): Promise<ReadingFact[]>;
}

/** Events: `evidence.stage.changed` (subject model id). */
