import { sql, type ColumnDefinitionBuilder, type Kysely } from 'kysely';
import type { Migration } from '../store/types.ts';

const required = (c: ColumnDefinitionBuilder) => c.notNull();

/** After `people-001`: reports and addenda refer to the reader's role of a person, so that nothing else can sign. */
export const readingMigrations: readonly Migration[] = [
  {
    id: 'reading-001',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('reading_run')
        .addColumn('run_id', 'text', (c) => c.primaryKey())
        .addColumn('study_uid', 'text', required)
        .addColumn('model_id', 'text', required)
        .addColumn('state', 'text', required)
        .addColumn('finished_at', 'bigint')
        .execute();
      await db.schema.createIndex('reading_run_study').on('reading_run').column('study_uid').execute();
      await db.schema.createIndex('reading_run_state').on('reading_run').column('state').execute();

      await db.schema
        .createTable('report')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('study_uid', 'text', required)
        .addColumn('version', 'integer', required)
        .addColumn('person_id', 'text', required)
        .addColumn('person_role', 'text', (c) => c.notNull().check(sql`person_role = 'reader'`))
        .addColumn('signed_at', 'bigint', required)
        .addColumn('content', 'text', required)
        .addColumn('sha256', 'text', required)
        .addUniqueConstraint('report_version', ['study_uid', 'version'])
        .addForeignKeyConstraint('report_reader', ['person_id', 'person_role'], 'person_role', [
          'person_id',
          'role',
        ])
        .execute();
      await db.schema
        .createTable('report_run')
        .addColumn('report_id', 'text', (c) => c.notNull().references('report.id'))
        .addColumn('run_id', 'text', required)
        .addPrimaryKeyConstraint('report_run_pk', ['report_id', 'run_id'])
        .execute();
      await db.schema.createIndex('report_run_run').on('report_run').column('run_id').execute();
      await db.schema
        .createTable('addendum')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('report_id', 'text', (c) => c.notNull().references('report.id'))
        .addColumn('number', 'integer', required)
        .addColumn('text', 'text', required)
        .addColumn('person_id', 'text', required)
        .addColumn('person_role', 'text', (c) => c.notNull().check(sql`person_role = 'reader'`))
        .addColumn('person_name', 'text', required)
        .addColumn('signed_at', 'bigint', required)
        .addColumn('sha256', 'text', required)
        .addUniqueConstraint('addendum_number', ['report_id', 'number'])
        .addForeignKeyConstraint('addendum_reader', ['person_id', 'person_role'], 'person_role', [
          'person_id',
          'role',
        ])
        .execute();
      await db.schema
        .createTable('report_document')
        .addColumn('report_id', 'text', (c) => c.notNull().references('report.id'))
        .addColumn('kind', 'text', required)
        .addColumn('addenda', 'integer', required)
        .addColumn('sop_instance_uid', 'text', required)
        .addColumn('stored_at', 'bigint', required)
        .addPrimaryKeyConstraint('report_document_pk', ['report_id', 'kind', 'addenda'])
        .execute();

      await db.schema
        .createTable('reading_state')
        .addColumn('study_uid', 'text', (c) => c.primaryKey())
        .addColumn('version', 'integer', required)
        .addColumn('report_id', 'text', (c) => c.notNull().references('report.id'))
        .addColumn('signed_at', 'bigint', required)
        .addColumn('reopened_at', 'bigint')
        .execute();
      await db.schema.createIndex('reading_state_signed').on('reading_state').column('signed_at').execute();
      await db.schema
        .createTable('claim')
        .addColumn('study_uid', 'text', (c) => c.primaryKey())
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('since', 'bigint', required)
        .addColumn('renewed_at', 'bigint', required)
        .addColumn('images', 'bigint')
        .execute();
      await db.schema
        .createTable('opinion')
        .addColumn('study_uid', 'text', required)
        .addColumn('model_id', 'text', required)
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('round', 'integer', required)
        .addColumn('answer', 'text', (c) => c.notNull().check(sql`answer in ('yes','no','uncertain')`))
        .addColumn('at', 'bigint', required)
        .addPrimaryKeyConstraint('opinion_pk', ['study_uid', 'model_id', 'person_id', 'round'])
        .execute();
      await db.schema
        .createTable('ai_shown')
        .addColumn('run_id', 'text', required)
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('study_uid', 'text', required)
        .addColumn('round', 'integer', required)
        .addColumn('at', 'bigint', required)
        .addPrimaryKeyConstraint('ai_shown_pk', ['run_id', 'person_id'])
        .execute();
      await db.schema
        .createTable('finding')
        .addColumn('id', 'text', required)
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('study_uid', 'text', required)
        .addColumn('round', 'integer', required)
        .addColumn('origin', 'text', (c) => c.notNull().check(sql`origin in ('ai','reader')`))
        .addColumn('run_id', 'text')
        .addColumn('model_id', 'text')
        .addColumn('sop_instance_uid', 'text', required)
        .addColumn('number', 'integer', required)
        .addColumn('label', 'text', required)
        .addColumn('places', 'text', required)
        .addColumn('score', 'double precision')
        .addColumn('decision', 'text', (c) => c.check(sql`decision in ('accepted','rejected','corrected')`))
        .addColumn('box', 'text')
        .addColumn('text', 'text')
        .addColumn('decided_at', 'bigint')
        .addPrimaryKeyConstraint('finding_pk', ['id', 'person_id'])
        .addUniqueConstraint('finding_number', ['study_uid', 'person_id', 'round', 'number'])
        .execute();
      await db.schema
        .createTable('draft')
        .addColumn('study_uid', 'text', required)
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('round', 'integer', required)
        .addColumn('fields', 'text', required)
        .addColumn('revision', 'integer', required)
        .addColumn('saved_at', 'bigint', required)
        .addPrimaryKeyConstraint('draft_pk', ['study_uid', 'person_id', 'round'])
        .execute();
      await db.schema
        .createTable('discrepancy')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('study_uid', 'text', required)
        .addColumn('report_id', 'text', (c) => c.notNull().references('report.id'))
        .addColumn('kind', 'text', (c) => c.notNull().check(sql`kind in ('late-result','late-image')`))
        .addColumn('run_id', 'text', required)
        .addColumn('at', 'bigint', required)
        .addColumn('signatory', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('seen_at', 'bigint')
        .addUniqueConstraint('discrepancy_once', ['report_id', 'kind', 'run_id'])
        .execute();
      await db.schema
        .createIndex('discrepancy_signatory')
        .on('discrepancy')
        .columns(['signatory', 'seen_at'])
        .execute();
    },
  },
  {
    id: 'reading-002',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('mark')
        .addColumn('id', 'text', required)
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('study_uid', 'text', required)
        .addColumn('round', 'integer', required)
        .addColumn('content', 'text', required)
        .addColumn('created_at', 'bigint', required)
        .addPrimaryKeyConstraint('mark_pk', ['id', 'person_id'])
        .execute();
      await db.schema
        .createIndex('mark_study')
        .on('mark')
        .columns(['study_uid', 'person_id', 'round'])
        .execute();
    },
  },
  {
    id: 'reading-003',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('ai_seen')
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('study_uid', 'text', required)
        .addColumn('model_id', 'text', required)
        .addColumn('at', 'bigint', required)
        .addPrimaryKeyConstraint('ai_seen_pk', ['person_id', 'study_uid', 'model_id'])
        .execute();
      await db.schema.createIndex('ai_seen_study').on('ai_seen').column('study_uid').execute();
    },
  },
  {
    id: 'reading-reasons-001',
    async up(db: Kysely<any>) {
      await db.schema
        .alterTable('finding')
        .addColumn('reason', 'text', (c) =>
          c.check(sql`reason in ('nothing','variant','artefact','old','other')`),
        )
        .execute();
    },
  },
];
