import type { Migration } from '../store/types.ts';
import type { NotRunReason, RunRow } from './types.ts';

/** A tool's run on one study. The latest by `queued_at`, `id` counts; earlier ones stay. */
export interface RunTable {
  id: string;
  study_uid: string;
  model_id: string;
  model_version: string;
  weights_sha256: string;
  software_version: string;
  state: RunRow['state'];
  reason: NotRunReason | null;
  detail: string | null;
  operating_point: string;
  threshold: number;
  /** sha256 of the images and their content: the same study again is the same run. '' when not run. */
  input_digest: string;
  queued_at: number;
  started_at: number | null;
  /** The results stand in the tables; what is left is to store the DICOM result. */
  computed_at: number | null;
  finished_at: number | null;
  attempt: number;
  sr_sop_instance_uid: string | null;
}
export interface RunImageTable {
  run_id: string;
  sop_instance_uid: string;
  series_uid: string;
  /** Order in the study: series number, instance number. */
  position: number;
  body_part: string;
  score: number | null;
  positive: number | null;
  heat_rows: number | null;
  heat_columns: number | null;
  heat: Uint8Array | null;
  /** JSON Box in pixels of the image. */
  heat_box: string | null;
  /** JSON: label → score, of tools with several. */
  scores: string | null;
  /** JSON: key → value. */
  measurements: string | null;
}
/** Heat maps of single labels; the one of the surest stands with the image. */
export interface HeatTable {
  run_id: string;
  sop_instance_uid: string;
  label: string;
  rows: number;
  columns: number;
  cells: Uint8Array;
  box: string;
}
/** What was segmented, of a volume or of one image. */
export interface SegmentationTable {
  run_id: string;
  /** 0, 1, … within the run. */
  number: number;
  /** JSON of `Segmented` but for its bits. */
  found: string;
  /** Deflated; null once the object is stored, which holds them. */
  bits: Uint8Array | null;
  /** The object; null where no pixel belongs to a segment. */
  sop_instance_uid: string | null;
}
export interface FindingTable {
  id: string;
  run_id: string;
  study_uid: string;
  sop_instance_uid: string;
  number: number;
  label: string;
  score: number;
  /** JSON of AiFinding.places. */
  places: string;
}
export interface ModelStateTable {
  model_id: string;
  enabled: number;
  /** In use; null: none was chosen. */
  version: string | null;
}
/** What a version was when it was first seen here. */
export interface ModelPackageTable {
  model_id: string;
  version: string;
  weights_sha256: string;
  added_at: number;
  /** Person, token, or `system` for one that lay in a folder. */
  added_by: string;
}
/**
 * A run as it is offered, claimed and ended: a work item of PS3.4 CC. Who may work on the run is told by its row in `job`; what stands
 * here is what that row does not hold: one row each time the run was offered, kept when it ended.
 */
export interface WorkItemTable {
  uid: string;
  run_id: string;
  study_uid: string;
  model_id: string;
  /** 1, 2, …: how often the run was offered. */
  number: number;
  created_at: number;
  updated_at: number;
  claimed_at: number | null;
  /** Who claimed it: `local`, or the name of a token. */
  worker: string | null;
  /** Id of that token; null for our own processes. */
  worker_id: string | null;
  /** The claim on the job, as `Held`: row and attempt. */
  job_id: string | null;
  attempt: number | null;
  transaction_uid: string | null;
  /** Per cent. */
  progress: number | null;
  progress_text: string | null;
  cancel_requested_at: number | null;
  ended_at: number | null;
  outcome: 'completed' | 'canceled' | null;
  reason: string | null;
  /** A code of ours for the reason: `pixels-undecodable` ends the run without another attempt. */
  reason_code: string | null;
  /** JSON of the performed procedure (PS3.3 C.30.3) as whoever claimed it told of it. */
  performed: string | null;
}
export interface SubscriptionTable {
  ae_title: string;
  /** UID of a work item or of one of the two worklists (PS3.4 CC.2.3). */
  resource: string;
  owner: string;
  created_at: number;
  /** Of a worklist: items that come after this are not told of. */
  suspended_at: number | null;
  /** JSON of the matching keys of a filtered worklist. */
  filter: string | null;
  /** 1: this one item is not told of, although its worklist is. */
  excluded: number;
}
/** An algorithm elsewhere, known by the results that came from it. */
export interface ForeignToolTable {
  id: string;
  name: string;
  manufacturer: string;
  /** Of its latest result. */
  version: string;
  /** JSON: what it names, by key. */
  labels: string;
  first_seen_at: number;
}
export interface ForeignObjectTable {
  sop_instance_uid: string;
  run_id: string;
  study_uid: string;
  findings: number;
  /** Codes, with spaces between, of why not all of it is findings. */
  unmapped: string;
}
/** A type, not an interface: Kysely's `withTables` wants an index signature. */
export type AssistTables = {
  ai_run: RunTable;
  ai_work_item: WorkItemTable;
  ai_subscription: SubscriptionTable;
  ai_foreign_tool: ForeignToolTable;
  ai_foreign_object: ForeignObjectTable;
  ai_run_image: RunImageTable;
  ai_finding: FindingTable;
  ai_heat: HeatTable;
  ai_segmentation: SegmentationTable;
  model_state: ModelStateTable;
  model_package: ModelPackageTable;
};

export const assistMigrations: readonly Migration[] = [
  {
    id: 'assist-001',
    async up(db) {
      await db.schema
        .createTable('ai_run')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('weights_sha256', 'text', (c) => c.notNull())
        .addColumn('software_version', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('reason', 'text')
        .addColumn('detail', 'text')
        .addColumn('operating_point', 'text', (c) => c.notNull())
        .addColumn('threshold', 'double precision', (c) => c.notNull())
        .addColumn('input_digest', 'text', (c) => c.notNull())
        .addColumn('queued_at', 'bigint', (c) => c.notNull())
        .addColumn('started_at', 'bigint')
        .addColumn('computed_at', 'bigint')
        .addColumn('finished_at', 'bigint')
        .addColumn('attempt', 'integer', (c) => c.notNull())
        .addColumn('sr_sop_instance_uid', 'text')
        .execute();
      await db.schema.createIndex('ai_run_study').on('ai_run').columns(['study_uid', 'model_id']).execute();
      await db.schema.createIndex('ai_run_state').on('ai_run').columns(['state']).execute();
      await db.schema
        .createTable('ai_run_image')
        .addColumn('run_id', 'text', (c) => c.notNull().references('ai_run.id').onDelete('cascade'))
        .addColumn('sop_instance_uid', 'text', (c) => c.notNull())
        .addColumn('series_uid', 'text', (c) => c.notNull())
        .addColumn('position', 'integer', (c) => c.notNull())
        .addColumn('body_part', 'text', (c) => c.notNull())
        .addColumn('score', 'double precision')
        .addColumn('positive', 'integer')
        .addColumn('heat_rows', 'integer')
        .addColumn('heat_columns', 'integer')
        .addColumn('heat', 'bytea' as never)
        .addColumn('heat_box', 'text')
        .addPrimaryKeyConstraint('ai_run_image_key', ['run_id', 'sop_instance_uid'])
        .execute();
      await db.schema
        .createTable('ai_finding')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('run_id', 'text', (c) => c.notNull().references('ai_run.id').onDelete('cascade'))
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('sop_instance_uid', 'text', (c) => c.notNull())
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('label', 'text', (c) => c.notNull())
        .addColumn('score', 'double precision', (c) => c.notNull())
        .addColumn('places', 'text', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('ai_finding_run').on('ai_finding').columns(['run_id']).execute();
      await db.schema
        .createTable('model_state')
        .addColumn('model_id', 'text', (c) => c.primaryKey())
        .addColumn('enabled', 'integer', (c) => c.notNull())
        .execute();
    },
  },
  {
    id: 'assist-work-items',
    async up(db) {
      await db.schema
        .createTable('ai_work_item')
        .addColumn('uid', 'text', (c) => c.primaryKey())
        .addColumn('run_id', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .addColumn('claimed_at', 'bigint')
        .addColumn('worker', 'text')
        .addColumn('worker_id', 'text')
        .addColumn('job_id', 'text')
        .addColumn('attempt', 'integer')
        .addColumn('transaction_uid', 'text')
        .addColumn('progress', 'double precision')
        .addColumn('progress_text', 'text')
        .addColumn('cancel_requested_at', 'bigint')
        .addColumn('ended_at', 'bigint')
        .addColumn('outcome', 'text')
        .addColumn('reason', 'text')
        .addColumn('reason_code', 'text')
        .addColumn('performed', 'text')
        .execute();
      await db.schema
        .createIndex('ai_work_item_run')
        .on('ai_work_item')
        .columns(['run_id', 'number'])
        .unique()
        .execute();
      await db.schema
        .createIndex('ai_work_item_open')
        .on('ai_work_item')
        .columns(['ended_at', 'created_at'])
        .execute();
      await db.schema.createIndex('ai_work_item_study').on('ai_work_item').columns(['study_uid']).execute();
      await db.schema
        .createTable('ai_subscription')
        .addColumn('ae_title', 'text', (c) => c.notNull())
        .addColumn('resource', 'text', (c) => c.notNull())
        .addColumn('owner', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('suspended_at', 'bigint')
        .addColumn('filter', 'text')
        .addColumn('excluded', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('ai_subscription_key', ['ae_title', 'resource'])
        .execute();
    },
  },
  {
    id: 'assist-packages',
    async up(db) {
      await db.schema
        .createTable('model_package')
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('version', 'text', (c) => c.notNull())
        .addColumn('weights_sha256', 'text', (c) => c.notNull())
        .addColumn('added_at', 'bigint', (c) => c.notNull())
        .addColumn('added_by', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('model_package_key', ['model_id', 'version'])
        .execute();
      await db.schema.alterTable('model_state').addColumn('version', 'text').execute();
    },
  },
  {
    id: 'assist-kinds',
    async up(db) {
      await db.schema.alterTable('ai_run_image').addColumn('scores', 'text').execute();
      await db.schema.alterTable('ai_run_image').addColumn('measurements', 'text').execute();
      await db.schema
        .createTable('ai_heat')
        .addColumn('run_id', 'text', (c) => c.notNull().references('ai_run.id').onDelete('cascade'))
        .addColumn('sop_instance_uid', 'text', (c) => c.notNull())
        .addColumn('label', 'text', (c) => c.notNull())
        .addColumn('rows', 'integer', (c) => c.notNull())
        .addColumn('columns', 'integer', (c) => c.notNull())
        .addColumn('cells', 'bytea' as never, (c) => c.notNull())
        .addColumn('box', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('ai_heat_key', ['run_id', 'sop_instance_uid', 'label'])
        .execute();
      await db.schema
        .createTable('ai_segmentation')
        .addColumn('run_id', 'text', (c) => c.notNull().references('ai_run.id').onDelete('cascade'))
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('found', 'text', (c) => c.notNull())
        .addColumn('bits', 'bytea' as never)
        .addColumn('sop_instance_uid', 'text')
        .addPrimaryKeyConstraint('ai_segmentation_key', ['run_id', 'number'])
        .execute();
      await db.schema
        .createIndex('ai_segmentation_sop')
        .on('ai_segmentation')
        .columns(['sop_instance_uid'])
        .execute();
    },
  },
  {
    id: 'assist-foreign',
    async up(db) {
      await db.schema
        .createTable('ai_foreign_tool')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('manufacturer', 'text', (c) => c.notNull())
        .addColumn('version', 'text', (c) => c.notNull())
        .addColumn('labels', 'text', (c) => c.notNull())
        .addColumn('first_seen_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema
        .createTable('ai_foreign_object')
        .addColumn('sop_instance_uid', 'text', (c) => c.primaryKey())
        .addColumn('run_id', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('findings', 'integer', (c) => c.notNull())
        .addColumn('unmapped', 'text', (c) => c.notNull())
        .execute();
      await db.schema
        .createIndex('ai_foreign_object_study')
        .on('ai_foreign_object')
        .columns(['study_uid'])
        .execute();
    },
  },
  {
    id: 'assist-operated',
    async up(db) {
      // How many studies a tool has analysed at which version and operating point is asked by a page.
      await db.schema
        .createIndex('ai_run_operated')
        .on('ai_run')
        .columns(['model_id', 'state', 'model_version', 'operating_point', 'study_uid'])
        .execute();
    },
  },
];
