import type { Principal } from '../people/types.ts';
import type { Breach, Gate, Gates } from './gates/types.ts';
import type { Ruling } from './reference/types.ts';
import type { Monitoring } from './monitoring.ts';
import type { Turnaround } from './turnaround/types.ts';

/** `suspended`: hidden as in shadow, by a signed act or by the protocol's safety limit, until a signed act. */
export const STAGES = ['evaluation', 'shadow', 'pilot', 'routine', 'suspended', 'retired'] as const;
export type Stage = (typeof STAGES)[number];

export interface StageState {
  modelId: string;
  stage: Stage;
  /** Person ids; empty unless pilot. */
  readers: readonly string[];
  blindFirst: boolean;
  since: number;
}
/** A signed act, or a suspension by the safety limit of a protocol: never changed, never deleted. */
export interface StageAct {
  id: string;
  modelId: string;
  modelVersion: string;
  from: Stage;
  to: Stage;
  readers: readonly string[];
  blindFirst: boolean;
  reason: string;
  /** Null: the program itself, by the safety limit of the protocol in force. */
  personId: string | null;
  personName: string | null;
  at: number;
  /** Of a step forward, what the gate said then, frozen; null for other acts and those before there were gates. */
  gate: Gate | null;
  /** Of a suspension by the program: what fell below which limit. */
  breach: Breach | null;
}

export type Answer = 'yes' | 'no' | 'uncertain';

/**
 * One row per (signed report, tool that ran on its study); replaced whole when an event touches the study, but for a blind
 * conclusion of an earlier report (facts.ts).
 */
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
  /**
   * The tool's verdict on what `blindConclusion` was given about: `aiPositive`, or, where that conclusion stands in an earlier
   * report of the study, the verdict of then.
   */
  blindAiPositive?: boolean;
  /** The study's images are part of the tool's training data: never counted in accuracy. */
  inTraining: boolean;
  amended: boolean;
  /** The run was in the report when it was signed; false: it finished later. */
  inReport?: boolean;
  /** Marks that the report contradicts: rejected ones, or, where AI was not shown, all marks of a study concluded "no". */
  falseAlarms?: number;
  /**
   * Images by tool's verdict and what the report says of that image, from conclusions given before AI was seen: concluded "no"
   * says it of every image, a reader's own mark says "yes" of its image; of other images the report says nothing.
   */
  perImage?: PerImage;
  /** Absent in events of before: not recorded. */
  context?: FactContext;
  /** What is known to be so, fixed without AI in view; of this room (reference/), not of the event. */
  reference?: (Ruling & { aiPositive: boolean }) | null;
  /** The same without what the signing reader said or settled: what that reader may be compared with. */
  ownReference?: Pick<Ruling, 'answer' | 'origin' | 'rank'> | null;
}

/** Why a reader rejected a mark, where they said so. */
export const REJECT_REASONS = ['nothing', 'variant', 'artefact', 'old', 'other'] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** Where and how a study was made and read: codes and numbers, '' and null where the header does not say. */
export interface FactContext {
  operatingPoint: string;
  /** A code of the patient under a key of this installation: the same for the same patient, and of nobody else's use. */
  patient: string;
  sex: string;
  /** See `ageBand`; never the age. */
  ageBand: string;
  /** View positions of the images, sorted, with `+` between. */
  view: string;
  /** Institution Name or department; Station Name. */
  site: string;
  station: string;
  vendor: string;
  machine: string;
  software: string;
  detector: string;
  /** Of the first image: kV, mAs, Exposure Index and Deviation Index (IEC 62494-1). */
  kvp: number | null;
  mas: number | null;
  exposureIndex: number | null;
  deviationIndex: number | null;
  /** The result was shown to the reader before the signature. */
  shown: boolean;
  /** From the claim to the signature, ms. */
  readingMs: number | null;
  /** Rejected marks by reason. */
  rejectedFor: Partial<Record<RejectReason, number>>;
}
export interface PerImage {
  truePositive: number;
  falsePositive: number;
  falseNegative: number;
  trueNegative: number;
}

/**
 * All facts of one study, complete: what the reading room gives in the payload of `reading.report.signed`,
 * `reading.report.addendum` and `reading.facts`. The consumer replaces the study's rows by them, so evidence can be built again
 * from the event log alone and needs nothing of the reading room but its events. Keys and codes, never a name.
 */
export interface ReadingSnapshot {
  studyUid: string;
  facts: ReadingFact[];
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
    /** Per image: see `PerImage`. */
    perImage: { sensitivity: Proportion; specificity: Proportion };
    /** What these rest on: studies by origin of their reference, the strongest first. */
    references: { origin: Ruling['origin']; rank: Ruling['rank']; studies: number }[];
  };
  /** Studies that marks and false alarms are counted in; `enough` as for a proportion. */
  counted: { studies: number; enough: boolean };
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

/** `decidedAt`: of the newest act about its stage, 0 without one; an alarm before it has been answered. */
export interface ToolMonitoring extends Monitoring {
  modelId: string;
  version: string;
  decidedAt: number;
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
  /** Of a version of the tool; without one, of that in use. A tool nobody decided on is in evaluation. */
  stage(modelId: string, version?: string): Promise<StageState>;
  acts(modelId: string): Promise<StageAct[]>;
  /** Only an administrator who is also a reader; the caller has checked PIN or password. Throws NegatoscopeError 403/409. */
  setStage(
    modelId: string,
    to: Stage,
    options: { readers?: readonly string[]; blindFirst?: boolean; reason: string },
    by: Principal,
  ): Promise<StageAct>;
  /** How long the studies of a tool take, with it in view and without. */
  turnaround(modelId: string, range?: { from?: number; to?: number }): Promise<Turnaround>;
  /** Protocols of the version in use, and what the gate out of its stage says. */
  readonly gates: Gates;
  /** The version in use, watched over time. */
  monitoring(modelId: string): Promise<ToolMonitoring>;
  summary(modelId: string, range?: { from?: number; to?: number }): Promise<EvidenceSummary>;
  /**
   * Studies behind a figure, newest first: as many as its n (or, for `missed`, n − k of the sensitivity; for `false-alarms` and
   * `marks`, the studies that have any). Where uncertain is counted both ways, the studies of either way; `counted` in
   * figures.ts tells which.
   */
  cases(
    modelId: string,
    figure: FigureKey,
    range?: { from?: number; to?: number; limit?: number },
  ): Promise<ReadingFact[]>;
  /** Begins to consume the events that carry facts. */
  start?(): Promise<void>;
}

/** Events: `evidence.stage.changed` (subject model id; payload {from, to, version, gate?, protocol?, breach?}), those of gates/types.ts. */
