import type { FollowUpMethod, ReferenceOrigin } from './reference/types.ts';
import type { Answer, Stage } from './types.ts';

/** Times are ms UTC; flags are 0 or 1, as SQLite has no booleans. */
export interface EvidenceTables {
  /**
   * A signed act of a person who is administrator and reader. The newest of a tool is its stage. Never changed. A suspension by the
   * program has no person, and then a breach of a protocol's safety limit.
   */
  stage_act: {
    id: string;
    model_id: string;
    /** 1, 2, … of this tool: two acts at once cannot both be the next. */
    number: number;
    model_version: string;
    from_stage: Stage;
    to_stage: Stage;
    blind_first: number;
    reason: string;
    person_id: string | null;
    /** The two roles of that person, held by foreign keys and checks. */
    person_admin: 'admin' | null;
    person_reader: 'reader' | null;
    person_name: string | null;
    at: number;
    /** JSON of what the gate said. */
    gate: string | null;
    /** JSON of the breach of a safety limit. */
    breach: string | null;
  };
  /** Readers that an act names: each holds the reader's role, or the row does not stand. */
  stage_reader: { act_id: string; person_id: string; person_role: 'reader' };
  reading_fact: ReadingFactTable;
}
export interface ReadingFactTable {
  report_id: string;
  study_uid: string;
  model_id: string;
  model_version: string;
  stage: Stage;
  reader_id: string;
  body_part: string;
  priority: string;
  arrived_at: number;
  signed_at: number;
  ai_positive: number;
  blind_ai_positive: number;
  ai_score_max: number;
  images: number;
  marks: number;
  marks_rejected: number;
  marks_accepted: number;
  marks_corrected: number;
  marks_added: number;
  false_alarms: number;
  conclusion: Answer | null;
  blind_conclusion: Answer | null;
  in_training: number;
  amended: number;
  in_report: number;
  image_tp: number;
  image_fp: number;
  image_fn: number;
  image_tn: number;
  /** The signature and stage of the report that the blind conclusion stood in: an earlier one's where it was kept from there. */
  blind_signed_at: number;
  blind_stage: Stage;
  /** Where and how it was made and read (reference/tables.ts); '' and null: not recorded. */
  operating_point: string;
  patient: string;
  sex: string;
  age_band: string;
  view: string;
  site: string;
  station: string;
  vendor: string;
  machine: string;
  software: string;
  detector: string;
  kvp: number | null;
  mas: number | null;
  exposure_index: number | null;
  deviation_index: number | null;
  shown: number | null;
  reading_ms: number | null;
  rejected_for: string; // JSON, or ''
  /** The ruling reference, and the tool's verdict on what it speaks of. */
  ref_answer: Answer | null;
  ref_ai_positive: number | null;
  ref_origin: ReferenceOrigin | null;
  ref_method: FollowUpMethod | null;
  ref_rank: number | null;
  /** Without what the signing reader said. */
  own_answer: Answer | null;
  own_origin: ReferenceOrigin | null;
  own_rank: number | null;
}
/** Of the room `people` (people-001), as far as it is read here: who holds which role now. */
export interface PersonTables {
  person: { id: string; name: string; disabled: number };
  person_role: { person_id: string; role: string; active: number };
}
