import type { Text } from '../../assist/types.ts';

/** What was measured: the tool by itself, readers without it, readers with it, or the way work goes. */
export const CLAIM_ARMS = ['ai', 'reader', 'reader-with-ai', 'workflow'] as const;
export type ClaimArm = (typeof CLAIM_ARMS)[number];
export const CLAIM_MEASURES = ['sensitivity', 'specificity', 'auc', 'turnaround-change'] as const;
export type ClaimMeasure = (typeof CLAIM_MEASURES)[number];
export const CLAIM_UNITS = ['patient', 'exam', 'image', 'reading'] as const;
export type ClaimUnit = (typeof CLAIM_UNITS)[number];
export const CLAIM_REFERENCES = [
  'expert-consensus',
  'report-or-ct',
  'own-readers',
  'follow-up',
  'unknown',
] as const;
export type ClaimReference = (typeof CLAIM_REFERENCES)[number];
export const CLAIM_FUNDING = ['maker', 'independent', 'unknown'] as const;

/** Rates and areas 0 … 1, a change of a time as a share of it (−0.82). What the source does not give is null. */
export interface ClaimFigure {
  measure: ClaimMeasure;
  arm: ClaimArm;
  unit: ClaimUnit;
  value: number;
  low: number | null;
  high: number | null;
  k: number | null;
  n: number | null;
}

/** A published study as one reads it. Empty texts and nulls: not found, and not guessed. */
export interface ClaimForm {
  /** Labels of tools it speaks of, as in a manifest's `labels`; the condition that was looked for. */
  condition: string;
  conditionText: Text;
  product: string;
  productVersion: string;
  title: string;
  /** Authors, journal, year. */
  citation: string;
  doi: string;
  design: Text;
  /** Cases, and what they are; readers; sites. */
  n: number | null;
  readers: number | null;
  population: Text;
  reference: ClaimReference;
  referenceText: Text;
  /** Oxford CEBM or what the source says of itself. */
  level: string;
  funding: (typeof CLAIM_FUNDING)[number];
  fundingText: Text;
  /** Cited by others; the source itself was not found. */
  secondHand: boolean;
  note: Text;
  figures: ClaimFigure[];
}
export interface ClaimCard extends ClaimForm {
  id: string;
  /** 0: as shipped. Earlier versions stay. */
  version: number;
  removed: boolean;
  personName: string | null;
  at: number | null;
}
/** Events: `evidence.claim.recorded` (subject: card; payload {version, removed}). */
