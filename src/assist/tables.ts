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
}
/** A type, not an interface: Kysely's `withTables` wants an index signature. */
export type AssistTables = {
  ai_run: RunTable;
  ai_run_image: RunImageTable;
  ai_finding: FindingTable;
  model_state: ModelStateTable;
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
];
