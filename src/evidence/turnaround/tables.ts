import type { Kysely } from 'kysely';
import type { Migration } from '../../store/types.ts';

/** Times are ms UTC; flags are 0 or 1. */
export interface TurnaroundTables {
  /** One row a signed report. */
  study_course: {
    report_id: string;
    study_uid: string;
    version: number;
    reader_id: string;
    modality: string;
    body_part: string;
    priority: string;
    acquired_at: number | null;
    arrived_at: number;
    opened_at: number | null;
    signed_at: number;
    delivered_at: number | null;
  };
  /** One row a tool that had analysed the study. */
  study_course_tool: {
    report_id: string;
    model_id: string;
    model_version: string;
    signed_at: number;
    ready_at: number | null;
    shown_at: number | null;
    positive: number;
    marks: number;
    rejected: number;
    timed_rejections: number;
    /** JSON: ms of each rejection whose time was told. */
    rejection_ms: string;
  };
  /** What a study's next signature will take along: when it was first opened since it came, or since the last signature. */
  study_opened: { study_uid: string; at: number };
  /** The last decision of a reader on a mark of a tool, and how long they looked at it; null: not told. */
  mark_decided: {
    finding_id: string;
    person_id: string;
    study_uid: string;
    run_id: string;
    decision: string;
    ms: number | null;
  };
}

export const turnaroundMigrations: readonly Migration[] = [
  {
    id: 'evidence-turnaround-001',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('study_course')
        .addColumn('report_id', 'text', (c) => c.primaryKey())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('reader_id', 'text', (c) => c.notNull())
        .addColumn('modality', 'text', (c) => c.notNull())
        .addColumn('body_part', 'text', (c) => c.notNull())
        .addColumn('priority', 'text', (c) => c.notNull())
        .addColumn('acquired_at', 'bigint')
        .addColumn('arrived_at', 'bigint', (c) => c.notNull())
        .addColumn('opened_at', 'bigint')
        .addColumn('signed_at', 'bigint', (c) => c.notNull())
        .addColumn('delivered_at', 'bigint')
        .execute();
      await db.schema.createIndex('study_course_signed').on('study_course').column('signed_at').execute();
      await db.schema
        .createTable('study_course_tool')
        .addColumn('report_id', 'text', (c) => c.notNull().references('study_course.report_id'))
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('signed_at', 'bigint', (c) => c.notNull())
        .addColumn('ready_at', 'bigint')
        .addColumn('shown_at', 'bigint')
        .addColumn('positive', 'integer', (c) => c.notNull())
        .addColumn('marks', 'integer', (c) => c.notNull())
        .addColumn('rejected', 'integer', (c) => c.notNull())
        .addColumn('timed_rejections', 'integer', (c) => c.notNull())
        .addColumn('rejection_ms', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('study_course_tool_pk', ['report_id', 'model_id'])
        .execute();
      await db.schema
        .createIndex('study_course_tool_model')
        .on('study_course_tool')
        .columns(['model_id', 'signed_at'])
        .execute();
      await db.schema
        .createTable('study_opened')
        .addColumn('study_uid', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema
        .createTable('mark_decided')
        .addColumn('finding_id', 'text', (c) => c.notNull())
        .addColumn('person_id', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('run_id', 'text', (c) => c.notNull())
        .addColumn('decision', 'text', (c) => c.notNull())
        .addColumn('ms', 'integer')
        .addPrimaryKeyConstraint('mark_decided_pk', ['finding_id', 'person_id'])
        .execute();
      await db.schema.createIndex('mark_decided_study').on('mark_decided').column('study_uid').execute();
    },
  },
];
