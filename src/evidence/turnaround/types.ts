import type { Interval } from '../accuracy.ts';

/**
 * How a study went through the house, as the signature knew it: in the payload of `reading.report.signed` as `course`, of every
 * report, with and without AI. Keys, codes and numbers alone. Reports signed before it was recorded have none.
 */
export interface Course {
  reportId: string;
  studyUid: string;
  /** Of the report. Times are counted for the first one: a study that was reopened waited for something else. */
  version: number;
  readerId: string;
  /** Of the images; the first by name where there are several. */
  modality: string;
  bodyPart: string;
  priority: string;
  /** Study Date and Time (0008,0020), (0008,0030) in the site's zone, ms UTC; null where the header does not give both. */
  acquiredAt: number | null;
  arrivedAt: number;
  signedAt: number;
  /** Tools that had analysed the study when it was signed. */
  tools: CourseTool[];
}
export interface CourseTool {
  modelId: string;
  modelVersion: string;
  runId: string;
  readyAt: number | null;
  /** First showing to the signatory before the signature; null: not shown. */
  shownAt: number | null;
  /** Any image at or above the threshold. */
  positive: boolean;
  marks: number;
}

/** Stretches of a study's way, in their order, and the two sums that are waited for. */
export const STRETCHES = [
  'acquired-arrived',
  'arrived-ready',
  'arrived-opened',
  'opened-signed',
  'signed-delivered',
  'arrived-signed',
] as const;
export type Stretch = (typeof STRETCHES)[number];

/** Times of one study, ms UTC; null: not recorded. */
export interface Times {
  acquiredAt: number | null;
  arrivedAt: number;
  readyAt: number | null;
  openedAt: number | null;
  signedAt: number;
  deliveredAt: number | null;
}

/** Of durations in ms. The interval is that of the median, 95 %. */
export interface Spread {
  n: number;
  median: number | null;
  interval: Interval | null;
  q1: number | null;
  q3: number | null;
}

export type NotComparable =
  /** Nothing was signed with AI shown, or nothing without. */
  | 'none-shown'
  | 'none-hidden'
  /** Fewer than `MINIMUM_CASES` on a side, in strata where both sides have some. */
  | 'few'
  /** No stratum has both. */
  | 'no-overlap';

export interface Comparison {
  shown: Spread;
  hidden: Spread;
  /** Null where it means nothing: `why`. */
  adjusted: Adjusted | null;
  why: NotComparable | null;
  /** Strata with at least `MINIMUM_IN_STRATUM` on each side, and the studies in them. */
  strata: number;
  used: { shown: number; hidden: number };
  /** Median time of signature of each side: where they lie far apart, the practice has changed in between. */
  centre: { shown: number | null; hidden: number | null };
}
export interface Adjusted {
  /** Shown minus hidden, ms: negative is faster. */
  shift: number;
  interval: Interval;
  /** Shown over hidden: 0.8 is a fifth less. */
  ratio: number;
  ratioInterval: Interval;
  /** Van Elteren's test, two-sided. */
  p: number;
}

export interface SeriesPoint {
  /** Start of the week, ms UTC, Monday 00:00 at the site. */
  at: number;
  n: number;
  medianMs: number;
}
export interface Interrupted {
  points: SeriesPoint[];
  /** When AI was first shown. */
  breakAt: number;
  /** Null with fewer than `MINIMUM_WEEKS` on either side. */
  effect: {
    /** Change of the level at the break, as a ratio of the time before. */
    level: number;
    levelInterval: Interval;
    levelP: number;
    /** Change of the slope, as a ratio a week. */
    slope: number;
    slopeInterval: Interval;
    slopeP: number;
    /** Weeks over which errors are taken to hang together. */
    lag: number;
  } | null;
}

export interface Turnaround {
  modelId: string;
  timeZone: string;
  /** First report whose way was recorded; null: none yet. */
  recordedSince: number | null;
  studies: number;
  stretches: Record<Stretch, Spread>;
  /** Acquisition times left out: after the arrival, or days before it. */
  implausible: number;
  comparison: Comparison;
  series: Interrupted | null;
  /** Arrival to opening of studies that AI was shown of, by what it said. The list does not order by it. */
  wait: {
    positive: Spread;
    negative: Spread;
    /** Negative minus positive, adjusted as the comparison is. */
    adjusted: Adjusted | null;
    why: NotComparable | null;
  };
  load: Load;
}

/** Of studies whose AI was shown. */
export interface Load {
  studies: number;
  marks: number;
  rejected: number;
  /** Opening to signature, each at most `LONGEST_READING_MS`. */
  readingMs: number;
  /** Studies among them that were longer, and counted as long as that. */
  readingCapped: number;
  enough: boolean;
  marksPerHour: number | null;
  rejectedPerHour: number | null;
  /** Rejections whose time the reading page told, and the time from a mark's showing to its rejection. */
  timedRejections: number;
  rejectionMs: Spread;
  /** Seconds spent on rejecting, per 100 studies, as far as they were told. */
  secondsPer100: number | null;
}
