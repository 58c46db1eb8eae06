import type {
  AeRow,
  DamagedRow,
  InstanceKind,
  Origin,
  QuarantineDecision,
  QuarantineReason,
  ReceiptRow,
  RecycledRow,
  StudyRow,
} from './types.ts';

/** 0 or 1: SQLite has no booleans. */
export type Flag = 0 | 1;

/**
 * Values as corrected. `f_…`: folded for search (fold.ts). Lists stand between bars (`|CR|DX|`) so
 * that a value can be found by LIKE.
 */
export type StudyTable = {
  study_uid: string;
  patient_id: string;
  issuer: string;
  patient_name: string;
  birth_date: string;
  sex: string;
  age_years: number | null;
  accession: string;
  study_id: string;
  study_date: string;
  study_time: string;
  description: string;
  referring: string;
  department: string;
  indication: string;
  modalities: string;
  body_parts: string;
  laterality: string;
  priority: StudyRow['priority'];
  images: number;
  series: number;
  first_received_at: number;
  last_received_at: number;
  complete: Flag;
  /** It was complete once: what comes now comes late. */
  was_complete: Flag;
  f_name: string;
  f_patient_id: string;
  f_accession: string;
  f_study_id: string;
  f_description: string;
  f_referring: string;
  f_department: string;
  f_time: string;
  /** studyIndex.ts: the order of studies. */
  order_at: number;
  /** Objects that belong to no run of AI: images and reports. */
  held: number;
  /** Series that hold such objects, and their modalities. */
  held_series: number;
  held_modalities: string;
  /** Objects of AI runs, and the modalities of their series. */
  ai: number;
  ai_modalities: string;
};

export type SeriesTable = {
  study_uid: string;
  series_uid: string;
  modality: string;
  number: number | null;
  description: string;
  body_part: string;
  laterality: string;
  f_description: string;
  /** Instances of kind `image`. */
  images: number;
  /** Objects that belong to no run of AI: images and reports. */
  held: number;
  /** Objects of AI runs. */
  ai: number;
};

export type InstanceTable = {
  sop_instance_uid: string;
  sop_class_uid: string;
  series_uid: string;
  study_uid: string;
  kind: InstanceKind;
  ai_run_id: string | null;
  transfer_syntax: string;
  number: number | null;
  rows: number | null;
  columns: number | null;
  frames: number;
  photometric: string;
  view_position: string;
  laterality: string;
  body_part: string;
  size: number;
  sha256: string;
  received_at: number;
  photo: Flag;
  door: Origin['door'];
  from_name: string;
  from_address: string;
  /** Reference into the blobs; null while the bytes are in `inbox`. */
  blob: string | null;
  dataset_offset: number;
  /** Of the pixel data's value in the file; null without pixel data. */
  pixel_offset: number | null;
  /** Bytes; -1 encapsulated. */
  pixel_length: number | null;
  encapsulated: Flag;
  /** Bits of one frame of native pixel data; null otherwise. */
  frame_bits: number | null;
  /** JSON of `FrameTable` (frames.ts); null when native, or when there are too many to keep. */
  frame_table: string | null;
};

export type ArchiveTables = {
  study: StudyTable;
  series: SeriesTable;
  instance: InstanceTable;
  /** By which words studies are found: studyIndex.ts. */
  study_word: { word: string; order_at: number; study_uid: string };
  /** DICOM JSON without bulk data. */
  instance_header: { sop_instance_uid: string; json: string };
  /** Small files as they came, until a job writes them to files. */
  inbox: { sop_instance_uid: string; bytes: Uint8Array };
  quarantine: {
    id: string;
    reason: QuarantineReason;
    detail: string;
    size: number;
    sha256: string;
    door: Origin['door'];
    from_name: string;
    from_address: string;
    received_at: number;
    sop_instance_uid: string | null;
    file_name: string | null;
    blob: string;
    /** JSON of the ingest options it came with, so that it can be released as what it was. */
    options: string;
  };
  quarantine_decision: {
    id: string;
    decision: QuarantineDecision['decision'];
    reason: string;
    because: QuarantineReason;
    sha256: string;
    sop_instance_uid: string | null;
    became: string | null;
    by_name: string;
    by_person: string | null;
    at: number;
  };
  /** Files that did not match their checksum when they were last looked at. */
  damaged: { sop_instance_uid: string; study_uid: string; what: DamagedRow['what']; found_at: number };
  sender: { door: string; name: string; first_at: number; last_at: number; images: number; days: number };
  /** What rows knew of an instance and its file does not, while the index is being made anew. */
  reindex_fact: Pick<
    InstanceTable,
    | 'sop_instance_uid'
    | 'received_at'
    | 'door'
    | 'from_name'
    | 'from_address'
    | 'kind'
    | 'ai_run_id'
    | 'photo'
  >;
  /** What was deleted. Rows are kept as JSON of what stood in the tables, and emptied once it is erased. */
  recycled: {
    id: string;
    state: RecycledRow['state'];
    study_uid: string;
    series_uid: string | null;
    sop_instance_uid: string | null;
    /** Nothing was left of the study. */
    whole: Flag;
    reason: string;
    cause: RecycledRow['cause'];
    by_name: string;
    by_person: string | null;
    at: number;
    erase_after: number;
    despite_report: Flag;
    instances: number;
    bytes: number;
    study: string;
    series: string;
    corrections: string;
  };
  recycled_instance: {
    recycled_id: string;
    sop_instance_uid: string;
    sha256: string;
    blob: string | null;
    /** JSON of the row of `instance`. */
    row: string;
    /** Of `instance_header`. */
    json: string;
    /** Of `inbox`. */
    bytes: Uint8Array | null;
  };
  ledger: {
    source: string;
    path: string;
    size: number;
    mtime: number;
    outcome: string;
    detail: string;
    at: number;
  };
  ae_title: {
    ae_title: string;
    address: string;
    state: AeRow['state'];
    first_at: number;
    last_at: number;
    knocks: number;
  };
  association: {
    id: string;
    calling_ae: string;
    called_ae: string;
    address: string;
    tls: Flag;
    started_at: number;
    ended_at: number;
    outcome: ReceiptRow['outcome'];
    reason: string;
    implementation: string;
    contexts: string;
    answers: string;
    refused: string;
  };
  correction: {
    id: string;
    study_uid: string;
    field: string;
    value: string;
    previous: string;
    reason: string;
    by_name: string;
    by_person: string | null;
    at: number;
  };
};
