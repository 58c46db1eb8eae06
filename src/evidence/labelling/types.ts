import type { Box, RunRow } from '../../assist/types.ts';
import type { Principal } from '../../people/types.ts';
import type { Agreement } from '../agreement.ts';
import type { Interval } from '../accuracy.ts';
import type { Answer, Proportion } from '../types.ts';

/** A box on one image of the case, drawn by the one who answers yes. Pixels of the upright stored image. */
export interface LabelBox {
  sopInstanceUid: string;
  box: Box;
}

/**
 * What a person was before the label: null, not shown what the tool says of this study; otherwise the label is kept apart and
 * never counted in accuracy.
 */
export type Exposure = 'saw-ai' | 'signed-with-ai';

/** `consensus`: one half of it, given by a reader of the case who has seen both readings; it stands once both say the same. */
export type LabelKind = 'reading' | 'consensus' | 'adjudication' | 'follow-up';

/**
 * How the reference of a case came about. Rank: 1 one reading, 2 a second independent reading that says the same, 3 consensus of
 * both or a third person's decision, 4 follow-up (later imaging, surgery, clinical course). A signed report is of rank 1 and
 * stands in the reading facts, not here.
 */
export type Origin = 'reading' | 'second-reading' | 'consensus' | 'adjudication' | 'follow-up';
export const RANK: Readonly<Record<Origin, number>> = {
  reading: 1,
  'second-reading': 2,
  consensus: 3,
  adjudication: 3,
  'follow-up': 4,
};

/** Which cases get a second reading: none, all yes and unsure with a random part of the no, or all. */
export type SecondReading = 'none' | 'part' | 'all';
/** Who settles a disagreement: a third person, or the two readers together (a third where they cannot). */
export type Settling = 'third' | 'consensus';

export interface DrawForm {
  modelId: string;
  modelVersion: string;
  operatingPoint: string;
  /** Arrival of the studies, ms UTC: `from` ≤ arrival < `to`. */
  from: number;
  to: number;
  /** Said to those who label: nothing of the tool in it. */
  title: string;
  /** How many of the unmarked studies. */
  sample: number;
  second: SecondReading;
  /** Of the studies answered no, how many get a second reading (`part`), 0 … 1. */
  secondShare: number;
  settling: Settling;
  /** Also studies that the worklist still waits for. */
  offerUnread: boolean;
}

/** What a draw would be made from. */
export interface Frame {
  marked: number;
  unmarked: number;
  /** Left out: images of these studies are part of the tool's training data. */
  training: number;
}

export interface Queue extends DrawForm {
  id: string;
  frame: Frame;
  /**
   * The draw can be repeated from it and the studies of the frame. Null for a person who also reads, until the queue is closed: a
   * study that it would not have drawn is there because it was marked.
   */
  seed: string | null;
  /** SHA-256 over the studies of the frame, sorted, each with its mark: `uid 1\n`. */
  frameSha256: string;
  drawnBy: string;
  drawnAt: number;
  closedAt: number | null;
}

/** A queue as those who label see it: nothing of the tool's verdict, and no number from which it follows. */
export interface QueueToLabel {
  id: string;
  title: string;
  modelId: string;
  drawnAt: number;
  closed: boolean;
  /** By this person. */
  given: number;
  /** That this person could label now. */
  left: number;
}

export interface CaseImage {
  sopInstanceUid: string;
  sopClassUid: string;
  transferSyntax: string;
  rows: number | null;
  columns: number | null;
  frames: number;
  viewPosition: string;
  laterality: string;
  photo: boolean;
}
/** One case for one person. Of the patient what reading needs: age and sex, no name. */
export interface CaseToLabel {
  kind: LabelKind;
  study: {
    studyUid: string;
    ageYears: number | null;
    sex: string;
    bodyParts: string[];
    laterality: string;
    modalities: string[];
  };
  series: {
    seriesUid: string;
    modality: string;
    description: string;
    bodyPart: string;
    instances: CaseImage[];
  }[];
  /** Of who settles a disagreement: the readings, without names, in an order of their own. Empty otherwise. */
  readings: { answer: Answer; boxes: LabelBox[] }[];
}
export interface Desk {
  queue: QueueToLabel;
  case: CaseToLabel | null;
  /** Held for the same person, to be fetched while the first is looked at. */
  following: CaseToLabel | null;
  /** There is something to undo. */
  undo: boolean;
}

export interface LabelForm {
  studyUid: string;
  kind: LabelKind;
  answer: Answer;
  boxes: readonly LabelBox[];
}

/** Why a case is not offered now. */
export interface Waiting {
  /** Their report is not signed yet. */
  unread: number;
  /** No longer in the archive. */
  gone: number;
}

/** Estimate or, where too few studies show the tool wrong, what it is at least. */
export type Corrected =
  | {
      kind: 'estimate';
      value: number;
      low: number;
      high: number;
      /** The same by resampling: a check of the formula. */
      resampled: Interval | null;
      /** Studies in which the tool was wrong, that it stands on. */
      wrong: number;
    }
  | { kind: 'bound'; atLeast: number; atMostWrong: number; wrong: number }
  | { kind: 'none'; wrong: number };

export interface QueueFigures {
  /** Among the answered alone, each counted once: wrong where not all unmarked studies were drawn. */
  naive: { sensitivity: Proportion; specificity: Proportion };
  /** For all studies of the period. */
  corrected: { sensitivity: Corrected; specificity: Corrected };
  /** No weights are needed: marked studies are all here, and unmarked ones a plain random sample. */
  positivePredictive: Proportion;
  negativePredictive: Proportion;
  /** Studies with a yes, of all of the period. */
  prevalence: { value: number; low: number; high: number } | null;
}
export interface QueueProgress {
  drawn: number;
  answered: number;
  /** A second reading, or a decision between two, is still to come. */
  open: number;
  /** Answered, by rank 1 … 4. */
  byRank: Record<1 | 2 | 3 | 4, number>;
  waiting: Waiting;
  persons: { personId: string; name: string; labels: number }[];
}
export interface QueueOverview {
  queue: Queue;
  progress: QueueProgress;
  /** Null for a person who also reads, until the queue is closed: they may still label in it. */
  figures: {
    marked: { drawn: number; answered: number };
    unmarked: { drawn: number; answered: number };
    uncertain: number;
    uncertainAsPositive: QueueFigures;
    uncertainAsNegative: QueueFigures;
    /** Labels by those who had seen what the tool says: agreement with it, never accuracy. */
    apart: { positive: Proportion; negative: Proportion; labels: number };
    readers: Agreement & { table: number[][] };
  } | null;
}

export type QueueFigureKey =
  'answered' | 'found' | 'missed' | 'false-alarms' | 'left-alone' | 'uncertain' | 'disagreed' | 'apart';
export interface QueueCase {
  studyUid: string;
  marked: boolean;
  answer: Answer | null;
  origin: Origin | null;
  rank: number | null;
  open: boolean;
  weight: number;
  labels: { kind: LabelKind; answer: Answer; boxes: LabelBox[]; exposure: Exposure | null; at: number }[];
}

/** Where a study stands in the reading room, for one person. */
export interface Standing {
  signed: boolean;
  exposure: Exposure | null;
}

export interface Labelling {
  /** Versions and operating points at which a tool has analysed studies. */
  tools(modelId: string): Promise<{ modelVersion: string; operatingPoint: string; studies: number }[]>;
  /** What could be drawn. Throws `labelling-forbidden` (403), `frame-too-large` (400). */
  frame(
    form: Pick<DrawForm, 'modelId' | 'modelVersion' | 'operatingPoint' | 'from' | 'to'>,
    by: Principal,
  ): Promise<Frame>;
  /** Only who answers for evidence. Throws `labelling-forbidden` (403), `frame-empty`, `frame-too-large`, `bad-draw` (400). */
  draw(form: DrawForm, by: Principal): Promise<Queue>;
  /** More of the unmarked, of the same frame in the same order: earlier answers keep their meaning. */
  extend(queueId: string, sample: number, by: Principal): Promise<Queue>;
  /** Whether studies without a signed report are offered. */
  change(queueId: string, change: { offerUnread: boolean }, by: Principal): Promise<Queue>;
  /** Nothing is labelled in it any more. */
  close(queueId: string, by: Principal): Promise<Queue>;
  queues(modelId: string, by: Principal): Promise<Queue[]>;
  /** Throws `labelling-forbidden` (403). */
  queue(queueId: string, by: Principal): Promise<Queue>;
  overview(queueId: string, by: Principal): Promise<QueueOverview>;
  /** Throws `labelling-blinded` (403) for a person who may still label in it. */
  cases(queueId: string, figure: QueueFigureKey, by: Principal): Promise<QueueCase[]>;
  /** The same as rows of a labels.csv. `uncertain`: what an unsure answer is written as. */
  csv(queueId: string, uncertain: 'positive' | 'negative' | 'leave-out', by: Principal): Promise<string>;

  /** What a reader may label in. */
  toLabel(by: Principal): Promise<QueueToLabel[]>;
  /** The case at hand and the one after it, held for this person for a while. */
  next(queueId: string, by: Principal): Promise<Desk>;
  /**
   * Throws `labelling-closed`, `case-taken` (409: not offered to this person, or others have it now), `already-labelled` (409),
   * `boxes-without-yes`, `box-outside` (400), `not-a-reader` (403).
   */
  label(queueId: string, form: LabelForm, by: Principal): Promise<Desk>;
  /** Takes the person's last label back, and gives the case again. Throws `nothing-to-undo`, `label-settled` (409). */
  undo(queueId: string, by: Principal): Promise<Desk>;
  /** Gives held cases back. */
  pause(queueId: string, by: Principal): Promise<void>;
  /** Makes the rows anew from the event log. */
  rebuild(): Promise<void>;
}

/** A study that a tool has analysed. */
export interface AnalysedStudy {
  studyUid: string;
  runId: string;
  /** Any image at or above the threshold. */
  marked: boolean;
}
export type { RunRow };
/**
 * Events: `evidence.labelling.drawn`, `.frame` (a part of the studies), `.extended`, `.changed`, `.closed` (subject: queue),
 * `evidence.label.given`, `.undone` (subject: label; payload {queue}). Payloads are enough to make every row again; no door shows
 * them, since they say what the tool found.
 */
