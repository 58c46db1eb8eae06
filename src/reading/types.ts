import type { AiFinding, Box, ModelManifest, RunRow, Text } from '../assist/types.ts';
import type { Sight, StudyRow } from '../archive/types.ts';
import type { Answer, RejectReason, Stage } from '../evidence/types.ts';
import type { Mark, MarkKind, Presentation, Quantity } from '../measure/marks.ts';
import type { Point } from '../measure/calibration.ts';
import type { Principal } from '../people/types.ts';

export type ReadingState = 'waiting-images' | 'to-read' | 'reading' | 'signed' | 'reopened';
export type WorklistName = 'to-read' | 'mine' | 'waiting-ai' | 'signed-today' | 'reopened' | 'all';

/** What a list or a page may say about a tool without saying what it found. */
export interface AiStatus {
  modelId: string;
  runId: string;
  state: RunRow['state'];
  reason: RunRow['reason'];
  detail: string | null;
}

export interface WorklistRow {
  study: StudyRow;
  state: ReadingState;
  /** ms since the first image arrived until now or the signature. */
  waitingSince: number;
  signedAt: number | null;
  claimedBy: { personId: string; name: string; since: number } | null;
  ai: AiStatus[];
  thumbnail: { seriesUid: string; sopInstanceUid: string } | null;
}
export interface WorklistPage {
  rows: WorklistRow[];
  counts: Record<WorklistName, number> & { byModality: Record<string, number> };
  next: string | null;
}

export type Decision = 'accepted' | 'rejected' | 'corrected';
/** A finding on the reader's page: AI's with the decision, or the reader's own. */
export interface Finding {
  id: string;
  by: 'ai' | 'reader';
  modelId: string | null;
  sopInstanceUid: string;
  number: number;
  label: string;
  /** AI's places, unchanged. */
  places: { box: Box; peak: number }[];
  score: number | null;
  decision: Decision | null; // null: undecided; a reader's own is 'accepted'
  /** The reader's box and label after a correction, or of an own finding. */
  box: Box | null;
  text: string | null;
  decidedAt: number | null;
  /** Run of an AI finding. */
  runId?: string | null;
  /** Why it was rejected, where the reader said so. */
  reason?: RejectReason | null;
}

/** What the page says of a mark; lengths, angles and areas are the program's own, from the points and the image's header. */
export interface MarkForm {
  kind: MarkKind;
  sopInstanceUid: string;
  frame: number;
  points: Point[];
  text: string | null;
  /** Values of pixels alone: `mean`, `sd`, `min`, `max`, `value`. */
  pixels: Pick<Quantity, 'name' | 'value'>[];
  presentation: Presentation | null;
}

export interface Opinion {
  modelId: string;
  answer: Answer;
  at: number;
}

/** What the reader may see of one tool on this study, and what is asked of them. */
export interface AiView {
  status: AiStatus;
  stage: Stage;
  /** Why nothing of it is shown: the stage, or the own conclusion is still to be given. */
  hidden: 'stage' | 'not-named' | 'opinion-first' | null;
  opinion: Opinion | null;
  run: RunRow | null; // only when not hidden
  /** Of results from elsewhere: codes of why not all of it is findings (`ai.unmapped.<code>`). */
  unmapped: readonly string[];
}

export interface ReportFields {
  indication: string;
  technique: string;
  findings: string;
  conclusion: string;
  justification: string;
  /** "0,12 dGy·cm²" from the header, else ''. Filled by the program, with its source. */
  dose: string;
  patientInformedOfAi: boolean;
  /** Answer to each tool's question, where its manifest asks one. */
  answers: Record<string, Answer>;
  language: 'fr' | 'en';
}
export interface Draft {
  fields: ReportFields;
  revision: number;
  savedAt: number | null;
}
export interface Report {
  id: string;
  studyUid: string;
  version: number;
  fields: ReportFields;
  findings: Finding[];
  /** Of the patient as it was signed; a later correction does not change it. */
  identity: Pick<StudyRow, 'patientName' | 'patientId' | 'birthDate'>;
  readerId: string;
  readerName: string;
  signedAt: number;
  sha256: string;
  srSopInstanceUid: string | null;
  pdfSopInstanceUid: string | null;
  addenda: { id: string; text: string; readerName: string; signedAt: number }[];
  /** Everything that was signed, as it was then: what PDF and SR are made from. */
  record?: ReportRecord;
}

/** A tool as it stood when the report was signed. */
export interface RecordedAi {
  modelId: string;
  runId: string;
  name: Text;
  version: string;
  weightsSha256: string;
  regulatory: ModelManifest['regulatory']['status'];
  stage: Stage;
  state: RunRow['state'];
  reason: RunRow['reason'];
  operatingPoint: string;
  threshold: number;
  /** First showing to the signatory; null: not shown before the signature. */
  shownAt: number | null;
  /** The signatory's own conclusion, when it was given before AI was shown. */
  opinion: { answer: Answer; at: number } | null;
  question: ModelManifest['question'] | null;
  labels: ModelManifest['labels'];
}
/** Frozen by the signature; `Report.sha256` is the digest of its canonical JSON (keys sorted, no white space). */
export interface ReportRecord {
  format: 1;
  id: string;
  studyUid: string;
  version: number;
  signedAt: number;
  /** IANA zone of the site. */
  timeZone: string;
  siteName: string;
  reader: { id: string; name: string };
  fields: ReportFields;
  findings: Finding[];
  /** Absent in reports signed before there were marks. */
  marks?: Mark[];
  study: StudyRow;
  /** Images that the reader was shown. */
  images: { seriesUid: string; sopInstanceUid: string; sopClassUid: string }[];
  ai: RecordedAi[];
}

export interface StudyView {
  study: StudyRow;
  state: ReadingState;
  claim: { personId: string; name: string; since: number; mine: boolean } | null;
  series: {
    seriesUid: string;
    modality: string;
    description: string;
    bodyPart: string;
    instances: {
      sopInstanceUid: string;
      sopClassUid: string;
      transferSyntax: string;
      rows: number | null;
      columns: number | null;
      frames: number;
      viewPosition: string;
      laterality: string;
      photo: boolean;
    }[];
  }[];
  priors: StudyRow[];
  ai: AiView[];
  findings: Finding[];
  /** The reader's own, of the report that is being made; those of signed reports stand in their records. */
  marks: Mark[];
  draft: Draft;
  reports: Report[];
  /**
   * A sentence for each finding that the reader accepted, corrected or drew, in the draft's language: what may be put into
   * the report. A draft that was never saved holds it already. Nothing negative, no side without a source, no conclusion.
   */
  acceptedText?: string;
  /** Why signing is refused now; empty when it is possible. */
  signingBlockedBy: SigningBlock[];
}
export type SigningBlock =
  | { code: 'not-a-reader' }
  | { code: 'claimed-by-other'; name: string }
  | { code: 'undecided-findings'; numbers: number[] }
  | { code: 'question-unanswered'; modelId: string }
  | { code: 'opinion-missing'; modelId: string }
  | { code: 'conclusion-empty' }
  | { code: 'already-signed' };

export interface Template {
  id: string;
  region: string;
  kind: 'normal' | 'free';
  title: string;
  bodyParts: string[];
  fields: Partial<ReportFields>;
}

/** What delivery makes of a signed report. Presentation states are numbered, one for each image. */
export type DocumentKind = 'pdf' | 'sr' | 'measurements' | 'keys' | `presentation-${number}`;

export interface Discrepancy {
  id: string;
  studyUid: string;
  reportId: string;
  /** `late-result`: AI finished after the signature; `late-image`: an image came after it. */
  kind: 'late-result' | 'late-image';
  at: number;
  seenAt: number | null;
  /** Undefined once the study has been deleted. */
  study: StudyRow | undefined;
}

export interface Reading {
  /** The rule of visibility, for every door. */
  sightOf(principal: Principal | null): Sight;
  worklist(
    principal: Principal,
    query: {
      list: WorklistName;
      modality?: string;
      search?: string;
      cursor?: string;
      limit?: number;
    },
  ): Promise<WorklistPage>;
  open(studyUid: string, principal: Principal): Promise<StudyView>;
  /**
   * Atomic: throws 409 `claimed-by-other` with the name. Renewed by calling again and by all work on the study; lapses after
   * five minutes of silence. A signed study is not claimed: nothing happens.
   */
  claim(studyUid: string, principal: Principal): Promise<void>;
  release(studyUid: string, principal: Principal): Promise<void>;
  giveOpinion(studyUid: string, modelId: string, answer: Answer, principal: Principal): Promise<StudyView>;
  decide(
    findingId: string,
    input: {
      decision: Decision | null;
      box?: Box | null;
      text?: string | null;
      ms?: number | null;
      reason?: RejectReason | null;
    },
    principal: Principal,
  ): Promise<Finding>;
  addFinding(
    studyUid: string,
    input: { sopInstanceUid: string; label: string; box: Box | null; text?: string },
    principal: Principal,
  ): Promise<Finding>;
  removeFinding(findingId: string, principal: Principal): Promise<void>;
  /** Makes or changes a mark under the page's own id, a UUID. Repeating it changes its time alone. */
  putMark(studyUid: string, markId: string, form: MarkForm, principal: Principal): Promise<Mark>;
  /** Nothing happens where there is none. */
  removeMark(studyUid: string, markId: string, principal: Principal): Promise<void>;
  /** Optimistic: throws 409 `draft-changed` when `revision` is not the stored one. */
  saveDraft(
    studyUid: string,
    fields: Partial<ReportFields>,
    revision: number,
    principal: Principal,
  ): Promise<Draft>;
  templates(language: 'fr' | 'en'): Template[];
  /** The caller has just checked the PIN or password of this person. Signs whole or not at all. */
  sign(studyUid: string, revision: number, principal: Principal): Promise<Report>;
  addendum(reportId: string, text: string, principal: Principal): Promise<Report>;
  report(reportId: string): Promise<Report | undefined>;
  discrepancies(principal: Principal): Promise<Discrepancy[]>;
  markSeen(discrepancyId: string, principal: Principal): Promise<void>;
  /** Delivery tells where it put a document of the report. Idempotent. */
  documentStored(
    reportId: string,
    document: { kind: DocumentKind; addenda: number; sopInstanceUid: string },
  ): Promise<void>;
  /**
   * A list told this person what a tool says of studies: what they label later was not given blind. Told by the doors that list
   * such cases; the reading page tells it itself.
   */
  noteSeen(seen: readonly { studyUid: string; modelId: string }[], principal: Principal): Promise<void>;
  start(): Promise<void>;
}

export type { AiFinding };
/**
 * Events: `reading.claimed`, `reading.released`, `reading.opinion` (subject: model; no answer in it), `reading.ai-shown` (subject:
 * run; payload {model}), `reading.decided` (subject: finding; payload {decision, run, ms}: run of AI's
 * finding, and how long the page showed the mark as the one at hand, where it told), `reading.report.signed` and
 * `reading.report.addendum` (subject: report; payload {version, sha256, snapshot}; of the signature also `course`), `reading.facts` (subject: report; payload
 * {snapshot}: evidence changed after the signature), `reading.reopened`, `reading.discrepancy` (payload {kind}).
 * `snapshot` is a ReadingSnapshot of src/evidence/types.ts, `course` a Course of src/evidence/turnaround/types.ts.
 */
