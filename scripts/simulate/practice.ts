/**
 * A year of a practice of which everything is known: when studies come, what is in them, how good readers and tool are, and the
 * day from which the tool is worse. Pure.
 */
import { erfc } from '../../src/evidence/distributions.ts';
import type { Draw } from './intervals/draw.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;

interface Skill {
  readonly sensitivity: number;
  readonly specificity: number;
}
export interface Practice {
  readonly studies: number;
  /** First midnight, ms UTC. */
  readonly from: number;
  readonly days: number;
  /** Relative volumes, Monday first, and from midnight on. */
  readonly weekdays: readonly number[];
  readonly hours: readonly number[];
  readonly prevalence: number;
  /** Alone. Each reads as many studies as the others. */
  readonly readers: readonly Skill[];
  /** With the tool in view: a finding that the reader had missed and the tool marks is taken over, or a false mark is. */
  readonly persuaded: { readonly byRight: number; readonly byWrong: number };
  readonly tool: Skill;
  /** From this day on; null: never. */
  readonly degraded: (Skill & { readonly day: number }) | null;
  /** Arrival to signature, log-normal: median in ms, and the standard deviation of the logarithm. */
  readonly turnaround: { readonly medianMs: number; readonly spread: number };
}

export const PRACTICE: Practice = {
  studies: 4000,
  from: Date.UTC(2026, 0, 5),
  days: 364,
  weekdays: [1.2, 1, 1, 1, 1.1, 0.7, 0.6],
  hours: [2, 1, 1, 1, 1, 1, 2, 4, 8, 10, 10, 9, 7, 7, 8, 8, 9, 9, 8, 7, 6, 5, 4, 3],
  prevalence: 0.2,
  readers: [
    { sensitivity: 0.96, specificity: 0.99 },
    { sensitivity: 0.94, specificity: 0.99 },
    { sensitivity: 0.95, specificity: 0.985 },
    { sensitivity: 0.95, specificity: 0.995 },
  ],
  persuaded: { byRight: 0.7, byWrong: 0.05 },
  tool: { sensitivity: 0.9, specificity: 0.92 },
  degraded: null,
  turnaround: { medianMs: 30 * 60_000, spread: 1.03 },
};
/** From the middle of the year on it misses more than a third, as after an exchange of a detector. */
export const DEGRADED: Practice = {
  ...PRACTICE,
  degraded: { day: 182, sensitivity: 0.65, specificity: 0.92 },
};

export interface SimulatedStudy {
  readonly number: number;
  readonly arrivedAt: number;
  readonly signedAt: number;
  readonly degraded: boolean;
  readonly truth: boolean;
  readonly reader: number;
  readonly score: number;
  readonly marked: boolean;
  /** The reader's own conclusion before AI was seen, and the signed one. */
  readonly blind: boolean;
  readonly signed: boolean;
}

/** Φ⁻¹ by bisection: asked a few times a year. */
function normalQuantile(p: number): number {
  let [low, high] = [-9, 9];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (erfc(-middle / Math.SQRT2) / 2 < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
/** Scores of two normals with a threshold: as far apart as this skill needs. Between 0 and 1, marked from ½ on. */
function scorer(skill: Skill): (truth: boolean, draw: Draw) => number {
  const threshold = normalQuantile(skill.specificity);
  const shift = threshold + normalQuantile(skill.sensitivity);
  return (truth, draw) => 1 / (1 + Math.exp(threshold - draw.normal() - (truth ? shift : 0)));
}
function pick(weights: readonly number[], draw: Draw): number {
  let left = draw.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => (left -= weight) < 0);
  return at < 0 ? weights.length - 1 : at;
}

/** The studies of a year in the order of their signatures. */
export function yearOf(practice: Practice, draw: Draw): SimulatedStudy[] {
  const { prevalence, readers, persuaded, turnaround, degraded } = practice;
  const [before, after] = [scorer(practice.tool), degraded && scorer(degraded)];
  const studies = Array.from({ length: practice.studies }, (_, number): SimulatedStudy => {
    const week = Math.floor((draw.uniform() * practice.days) / 7);
    const day = week * 7 + pick(practice.weekdays, draw);
    const arrivedAt = Math.floor(
      practice.from + day * DAY + (pick(practice.hours, draw) + draw.uniform()) * HOUR,
    );
    const takes = turnaround.medianMs * Math.exp(turnaround.spread * draw.normal());
    const isDegraded = degraded !== null && day >= degraded.day;
    const truth = draw.chance(prevalence);
    const reader = Math.floor(draw.uniform() * readers.length);
    const { sensitivity, specificity } = readers[reader]!;
    const score = (isDegraded ? after! : before)(truth, draw);
    const marked = score >= 0.5;
    const blind = draw.chance(truth ? sensitivity : 1 - specificity);
    const signed = blind || (marked && draw.chance(truth ? persuaded.byRight : persuaded.byWrong));
    return { number, arrivedAt, signedAt: Math.floor(arrivedAt + takes), degraded: isDegraded, truth, reader, score, marked, blind, signed }; // prettier-ignore
  });
  return studies.sort((a, b) => a.signedAt - b.signedAt || a.number - b.number);
}

/**
 * What the evidence can find: the tool against the readers' own conclusions, which are wrong now and then. Reader and tool err
 * independently here, so that the tool looks worse than it is.
 */
export function againstReaders({ prevalence: p, readers }: Practice, tool: Skill): Skill {
  let [yes, markedYes, no, unmarkedNo] = [0, 0, 0, 0];
  for (const { sensitivity, specificity } of readers) {
    const [rightYes, wrongYes] = [p * sensitivity, (1 - p) * (1 - specificity)];
    const [rightNo, wrongNo] = [(1 - p) * specificity, p * (1 - sensitivity)];
    yes += rightYes + wrongYes;
    markedYes += rightYes * tool.sensitivity + wrongYes * (1 - tool.specificity);
    no += rightNo + wrongNo;
    unmarkedNo += rightNo * tool.specificity + wrongNo * (1 - tool.sensitivity);
  }
  return { sensitivity: markedYes / yes, specificity: unmarkedNo / no };
}
