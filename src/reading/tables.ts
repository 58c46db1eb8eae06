import type { RunRow } from '../assist/types.ts';
import type { Answer, RejectReason } from '../evidence/types.ts';
import type { Decision, Discrepancy, DocumentKind } from './types.ts';

/**
 * Times are ms UTC. `round`: the version of the report that is being made, 1 for a study never signed. What a reader does before
 * the signature belongs to that person and round, so that nobody meets another's marks before an own conclusion.
 */
export interface ReadingTables {
  /** Runs of tools as the event log tells them: what the rule of visibility needs in one query. */
  reading_run: {
    run_id: string;
    study_uid: string;
    model_id: string;
    state: RunRow['state'];
    finished_at: number | null;
  };
  /** Where a study stands; no row: never signed. */
  reading_state: {
    study_uid: string;
    /** Of the report in force. */
    version: number;
    report_id: string;
    signed_at: number;
    reopened_at: number | null;
  };
  claim: {
    study_uid: string;
    person_id: string;
    since: number;
    renewed_at: number;
    /** How many images the reader was shown last: what came later is late. Null before the page was opened. */
    images: number | null;
  };
  opinion: {
    study_uid: string;
    model_id: string;
    person_id: string;
    round: number;
    answer: Answer;
    at: number;
  };
  /** First time a run was shown to a person. */
  ai_shown: { run_id: string; person_id: string; study_uid: string; round: number; at: number };
  /** First time a person was shown what a tool says of a study outside of its reading: after the signature, or in a list of cases. */
  ai_seen: { person_id: string; study_uid: string; model_id: string; at: number };
  finding: {
    /** Of the assist room for AI's; with the person the key, as each reader decides alone. */
    id: string;
    person_id: string;
    study_uid: string;
    round: number;
    origin: 'ai' | 'reader';
    run_id: string | null;
    model_id: string | null;
    sop_instance_uid: string;
    number: number;
    label: string;
    places: string; // JSON
    score: number | null;
    decision: Decision | null;
    box: string | null; // JSON
    text: string | null;
    decided_at: number | null;
    /** Why AI's mark was rejected, where the reader said so. */
    reason: RejectReason | null;
  };
  /** What a reader measured, wrote on images or chose. `content` is JSON of a Mark; the id is the page's. */
  mark: {
    id: string;
    person_id: string;
    study_uid: string;
    round: number;
    content: string;
    created_at: number;
  };
  draft: {
    study_uid: string;
    person_id: string;
    round: number;
    fields: string; // JSON of the fields that the reader has set
    revision: number;
    saved_at: number;
  };
  /** Signed: inserted once, never updated. `content` is canonical JSON of a ReportRecord. */
  report: {
    id: string;
    study_uid: string;
    version: number;
    person_id: string;
    person_role: 'reader';
    signed_at: number;
    content: string;
    sha256: string;
  };
  /** Results that were there when the report was signed. */
  report_run: { report_id: string; run_id: string };
  addendum: {
    id: string;
    report_id: string;
    number: number;
    text: string;
    person_id: string;
    person_role: 'reader';
    person_name: string;
    signed_at: number;
    sha256: string;
  };
  /** Where delivery put the report: PDF and SR, one for the report and one for each addendum; what was marked, once. */
  report_document: {
    report_id: string;
    kind: DocumentKind;
    /** Addenda in it. */
    addenda: number;
    sop_instance_uid: string;
    stored_at: number;
  };
  discrepancy: {
    id: string;
    study_uid: string;
    report_id: string;
    kind: Discrepancy['kind'];
    /** Run of a late result; '' for images. */
    run_id: string;
    at: number;
    signatory: string;
    seen_at: number | null;
  };
}
