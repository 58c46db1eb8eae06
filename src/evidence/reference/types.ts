import type { Principal } from '../../people/types.ts';
import type { Answer } from '../types.ts';

/** How the truth of a study was learnt later. From the weakest to the strongest. */
export const METHODS = ['clinical', 'imaging', 'cross-sectional', 'surgery'] as const;
/**
 * `clinical`: seen again after some days; `imaging`: a later examination of the same kind; `cross-sectional`: CT or MR;
 * `surgery`: operation or pathology.
 */
export type FollowUpMethod = (typeof METHODS)[number];

export type ReferenceOrigin =
  /** The signed report, written with AI in view: agreement with it is never accuracy. */
  | 'signed-report'
  /** Given before AI was seen: the own conclusion first, or a report that AI was not shown for. */
  | 'blind-conclusion'
  /** One reading of the labelling queue. */
  | 'reading'
  /** Two independent readings that say the same. */
  | 'second-reading'
  /** Two independent readings that differ, and nothing stronger. */
  | 'disagreement'
  | 'consensus'
  | 'adjudication'
  | 'follow-up';

/** 1 one reading, 2 two that agree, 3 settled between readers, 4 follow-up. Follow-up by its method within. */
export const RANKS: Readonly<Record<ReferenceOrigin, 1 | 2 | 3 | 4>> = {
  'signed-report': 1,
  'blind-conclusion': 1,
  reading: 1,
  disagreement: 1,
  'second-reading': 2,
  consensus: 3,
  adjudication: 3,
  'follow-up': 4,
};

/** One thing that says what is so in a study. */
export interface Reference {
  origin: ReferenceOrigin;
  answer: Answer;
  method: FollowUpMethod | null;
  /** Fixed without AI in view: only then may accuracy rest on it. */
  withoutAi: boolean;
  /** Whose judgement it is; follow-up is nobody's reading. */
  persons: readonly string[];
  at: number;
}
/** The reference that rules, and by what. */
export interface Ruling {
  answer: Answer;
  origin: ReferenceOrigin;
  rank: 1 | 2 | 3 | 4;
  method: FollowUpMethod | null;
}

/** What a person enters of a study's follow-up. */
export interface FollowUpForm {
  modelId: string;
  method: FollowUpMethod;
  answer: Answer;
  /** Days from the study to the follow-up, 0 … 3650; null: not known. A number, no date: the log keeps no dates of a patient. */
  days: number | null;
  /** Whoever judged it knew what the tool had said: kept, shown, and never counted in accuracy. */
  withAi: boolean;
}
/** An entry as it stands. Never changed: a newer one takes its place, or says that it was a mistake (`answer` null). */
export interface ReferenceEntry extends Omit<FollowUpForm, 'answer'> {
  id: string;
  studyUid: string;
  answer: Answer | null;
  source: 'dialog' | 'import';
  /** The entry that it corrects. */
  replaces: string | null;
  /** A newer entry stands in its place. */
  replaced: boolean;
  personId: string;
  personName: string;
  at: number;
}
/** All that is known of one study for one tool's question. */
export interface StudyReferences {
  studyUid: string;
  /** With those that were replaced, newest first. */
  entries: ReferenceEntry[];
  /** Empty for a reader while nobody has signed the study: it would not be read blind any more. */
  references: Reference[];
  /** What accuracy rests on; null: nothing that was fixed without AI. */
  ruling: Ruling | null;
}

/** A line of the file, from 1 (the header is line 1). */
export type ImportProblem =
  | { line: number; code: 'no-study' | 'several-studies' | 'study-missing' }
  | {
      line: number;
      code: 'bad-answer' | 'bad-method' | 'bad-days' | 'bad-date' | 'bad-with-ai';
      value: string;
    }
  | { line: number; code: 'date-before-study' | 'twice' | 'too-few-fields' };
export interface ImportReport {
  /** Lines of data. */
  rows: number;
  /** Would be entered, or were. */
  entered: number;
  /** Said the same already. */
  known: number;
  problems: ImportProblem[];
  /** Nothing was written: a trial, or there are problems. */
  dryRun: boolean;
}

export interface References {
  /** Throws `reference-forbidden` (403): readers and those who answer for evidence. */
  ofStudy(studyUid: string, modelId: string, by: Principal): Promise<StudyReferences>;
  /**
   * Throws `reference-forbidden` (403), `study-unknown`, `model-unknown` (404), `bad-reference` (400), and with `replaces`
   * `entry-unknown` (404) and `entry-replaced` (409: somebody corrected it first).
   */
  enter(studyUid: string, form: FollowUpForm, by: Principal, replaces?: string): Promise<ReferenceEntry>;
  /** Says that an entry was a mistake; it stays to be seen. Throws as `enter`. */
  withdraw(entryId: string, by: Principal): Promise<ReferenceEntry>;
  /**
   * Follow-up from a CSV file; all of it or, where a line has a problem, nothing. Only who answers for evidence. Throws
   * `reference-forbidden` (403), `bad-csv`, `csv-too-large` (400).
   */
  importCsv(
    modelId: string,
    text: string,
    options: { dryRun: boolean },
    by: Principal,
  ): Promise<ImportReport>;
  /** Makes the rows of follow-up anew from the event log. */
  rebuild(): Promise<void>;
}
/**
 * Events: `evidence.reference.entered` (study; subject: entry; payload: the entry in codes and numbers). An import is one event a
 * line.
 */
