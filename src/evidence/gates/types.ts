import type { Principal } from '../../people/types.ts';
import type { Stage } from '../types.ts';

/** Stages that a protocol may be registered for. */
export const PROTOCOL_STAGES = ['evaluation', 'shadow', 'pilot', 'routine'] as const;
export type ProtocolStage = (typeof PROTOCOL_STAGES)[number];
export type Measure = 'sensitivity' | 'specificity';

/**
 * Where the cases come from: `readings`, conclusions that readers gave before AI was seen; `queue`, a closed labelling queue;
 * `validation`, a finished validation study. Only what began after the registration counts.
 */
export const SOURCES = ['readings', 'queue', 'validation'] as const;
export type Source = (typeof SOURCES)[number];

export interface Hypothesis {
  measure: Measure;
  /** What is hoped for, and how far below it may lie: the lower bound has to lie above `target` − `margin`. 0 … 1. */
  target: number;
  margin: number;
  /**
   * `fixed`: judged once, on the first `cases`, by the lower bound of Wilson's 95 % interval. `sequential`: judged after every case
   * from the 30th on by an e-process, until 40 times the odds (one-sided α 0.025) or `cases`.
   */
  design: 'fixed' | 'sequential';
  /** Studies with the finding (sensitivity) or without it (specificity). */
  cases: number;
}
/** A group that must not do badly where all together do well. */
export interface Subgroup {
  by: 'bodyPart' | 'priority';
  value: string;
  measure: Measure;
  /** Its estimate must not lie below. 0 … 1. */
  floor: number;
  /** With fewer cases nothing is said, and the gate waits. */
  minimum: number;
}
/**
 * Below it the tool suspends itself, in pilot and routine. `e-process`: the chance that a tool as good as the limit is ever
 * suspended is at most `alpha`, however often one looks. `cusum`: that happens at most once in `budget` cases on average, and a
 * tool that becomes worse late is found sooner.
 */
export type SafetyLimit = { measure: Measure; limit: number } & (
  { rule: 'e-process'; alpha: number } | { rule: 'cusum'; budget: number }
);

/** What is registered before a stage begins. Rates 0 … 1. */
export interface ProtocolForm {
  stage: ProtocolStage;
  source: Source;
  /** In words: whose patients, what the truth is taken from, what is left out. */
  reference: string;
  hypotheses: Hypothesis[];
  subgroups: Subgroup[];
  safety: SafetyLimit[];
  /** Stop for futility: of sequential hypotheses, the same odds that the target is missed. */
  futility: boolean;
  /** Days from the registration on; when they are over and cases are missing, the hypothesis has failed. Null: no end. */
  days: number | null;
}
/** As it was signed: the text that the digest is of, canonical JSON. */
export interface ProtocolBody extends ProtocolForm {
  format: 1;
  modelId: string;
  modelVersion: string;
}
export interface Protocol extends ProtocolForm {
  id: string;
  modelId: string;
  modelVersion: string;
  /** 1, 2, … of this version and stage. Earlier ones stay; the last one that was registered before the first case holds. */
  number: number;
  /** Of the canonical JSON of its `ProtocolBody`, hex. */
  sha256: string;
  personId: string;
  personName: string;
  at: number;
  /** When its first case came: since then it cannot be replaced. Null before, and of those that were replaced. */
  begunAt: number | null;
  /** Another one took its place before it began. */
  replaced: boolean;
  deviations: Deviation[];
}
/** What was done otherwise than written: signed, never changed, never taken back. */
export interface Deviation {
  id: string;
  number: number;
  text: string;
  personName: string;
  at: number;
}

export type Verdict = 'pass' | 'fail' | 'not-yet';
/** Why a gate says what it says: a code for the catalogue, its own verdict, and the numbers. */
export interface GateReason {
  code:
    | 'cases' // too few: `n` of `wanted`
    | 'bound' // lower bound against `threshold`
    | 'evidence' // e-value for (pass) or against (fail) the threshold
    | 'subgroup' // estimate against its floor
    | 'time' // `wanted` days are over
    | 'source'; // no queue or study yet that counts
  verdict: Verdict;
  measure?: Measure;
  /** Which way of counting the uncertain decided: the less favourable one. */
  uncertain?: 'positive' | 'negative';
  k?: number;
  n?: number;
  wanted?: number;
  value?: number | null;
  low?: number | null;
  high?: number | null;
  threshold?: number;
  /** Times the odds, against `needed`. */
  odds?: number;
  needed?: number;
  /** The odds are those of lying below the threshold: stopped for futility. */
  futility?: boolean;
  by?: Subgroup['by'];
  group?: string;
}
/** What the gate out of a stage says now: a computation. A person decides. */
export interface Gate {
  stage: ProtocolStage;
  verdict: Verdict | 'no-protocol';
  reasons: GateReason[];
  protocol: Pick<Protocol, 'id' | 'number' | 'sha256'> | null;
  deviations: number;
  /** Last event that it knows of. */
  lastSeq: number;
  at: number;
}
/** A safety limit that was crossed. */
export interface Breach {
  protocolId: string;
  sha256: string;
  safety: SafetyLimit;
  /** Counted from then: the registration, or the last signed act after a suspension. */
  from: number;
  cases: number;
  failures: number;
  /** E-value, or the sum of the CUSUM, and what it had to reach. */
  value: number;
  needed: number;
}

export interface GateView {
  modelId: string;
  modelVersion: string;
  stage: Stage;
  /** Of the present stage; null while suspended or retired. */
  gate: Gate | null;
  /** Of this version, newest first. */
  protocols: Protocol[];
  /** Where each safety limit in force stands. */
  safety: (Breach & { crossed: boolean })[];
  /** May the person asking register, record a deviation. */
  mayRegister: boolean;
  /** From the facts of the last 90 days: for the planner. Null with fewer than 30 studies, or all of one kind. */
  practice: { studies: number; days: number; positives: number; perDay: number; prevalence: number } | null;
}

export interface Gates {
  view(modelId: string, by: Principal): Promise<GateView>;
  /** Throws `protocol-begun` (409), `protocol-forbidden` (403), `protocol-invalid` (400), `model-unknown` (404). */
  register(modelId: string, form: ProtocolForm, by: Principal): Promise<Protocol>;
  /** Throws `not-found` (404), `protocol-forbidden` (403), `reason-missing` (400). */
  deviate(protocolId: string, text: string, by: Principal): Promise<Deviation>;
}
/**
 * Events: `evidence.protocol.registered` (subject: protocol; payload {model, version, stage, number, sha256, body}),
 * `evidence.protocol.begun` (payload {sha256}), `evidence.protocol.deviated` (payload {number, sha256 of its text}).
 */
