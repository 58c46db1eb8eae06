import { sql, type Kysely } from 'kysely';
import type { Migration } from '../store/types.ts';
import { gateMigrations } from './gates/tables.ts';
import { claimMigrations } from './claims/index.ts';
import { labellingMigrations } from './labelling/tables.ts';
import { referenceMigrations } from './reference/tables.ts';
import { tallyMigrations } from './tally/tables.ts';
import { turnaroundMigrations } from './turnaround/tables.ts';

const STAGE_LIST = sql.raw(`('evaluation','shadow','pilot','routine','retired')`);
const ANSWER_LIST = sql.raw(`('yes','no','uncertain')`);

/** After `people-001`: acts refer to the roles of persons. */
export const evidenceMigrations: readonly Migration[] = [
  {
    id: 'evidence-001',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('stage_act')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('from_stage', 'text', (c) => c.notNull().check(sql`from_stage in ${STAGE_LIST}`))
        .addColumn('to_stage', 'text', (c) => c.notNull().check(sql`to_stage in ${STAGE_LIST}`))
        .addColumn('blind_first', 'integer', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull().check(sql`length(trim(reason)) > 0`))
        .addColumn('person_id', 'text', (c) => c.notNull())
        .addColumn('person_admin', 'text', (c) => c.notNull().check(sql`person_admin = 'admin'`))
        .addColumn('person_reader', 'text', (c) => c.notNull().check(sql`person_reader = 'reader'`))
        .addColumn('person_name', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addUniqueConstraint('stage_act_number', ['model_id', 'number'])
        .addForeignKeyConstraint('stage_act_admin', ['person_id', 'person_admin'], 'person_role', [
          'person_id',
          'role',
        ])
        .addForeignKeyConstraint('stage_act_reader', ['person_id', 'person_reader'], 'person_role', [
          'person_id',
          'role',
        ])
        .execute();
      await db.schema
        .createTable('stage_reader')
        .addColumn('act_id', 'text', (c) => c.notNull().references('stage_act.id'))
        .addColumn('person_id', 'text', (c) => c.notNull())
        .addColumn('person_role', 'text', (c) => c.notNull().check(sql`person_role = 'reader'`))
        .addPrimaryKeyConstraint('stage_reader_pk', ['act_id', 'person_id'])
        .addForeignKeyConstraint('stage_reader_role', ['person_id', 'person_role'], 'person_role', [
          'person_id',
          'role',
        ])
        .execute();

      let fact = db.schema
        .createTable('reading_fact')
        .addColumn('report_id', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('stage', 'text', (c) => c.notNull().check(sql`stage in ${STAGE_LIST}`))
        .addColumn('reader_id', 'text', (c) => c.notNull())
        .addColumn('body_part', 'text', (c) => c.notNull())
        .addColumn('priority', 'text', (c) => c.notNull())
        .addColumn('arrived_at', 'bigint', (c) => c.notNull())
        .addColumn('signed_at', 'bigint', (c) => c.notNull())
        .addColumn('ai_score_max', 'double precision', (c) => c.notNull())
        .addColumn('conclusion', 'text', (c) => c.check(sql`conclusion in ${ANSWER_LIST}`))
        .addColumn('blind_conclusion', 'text', (c) => c.check(sql`blind_conclusion in ${ANSWER_LIST}`))
        .addPrimaryKeyConstraint('reading_fact_pk', ['report_id', 'model_id']);
      for (const name of [
        'ai_positive',
        'images',
        'marks',
        'marks_rejected',
        'marks_accepted',
        'marks_corrected',
        'marks_added',
        'false_alarms',
        'in_training',
        'amended',
        'in_report',
        'image_tp',
        'image_fp',
        'image_fn',
        'image_tn',
      ])
        fact = fact.addColumn(name as 'images', 'integer', (c) => c.notNull());
      await fact.execute();
      await db.schema.createIndex('reading_fact_study').on('reading_fact').column('study_uid').execute();
      await db.schema
        .createIndex('reading_fact_model')
        .on('reading_fact')
        .columns(['model_id', 'signed_at'])
        .execute();
    },
  },
  {
    id: 'evidence-002',
    async up(db: Kysely<any>) {
      await db.schema
        .alterTable('reading_fact')
        .addColumn('blind_ai_positive', 'integer', (c) => c.notNull().defaultTo(0))
        .execute();
      await db
        .updateTable('reading_fact')
        .set((eb) => ({ blind_ai_positive: eb.ref('ai_positive') }))
        .execute();
    },
  },
  ...labellingMigrations,
  ...tallyMigrations,
  ...turnaroundMigrations,
  ...claimMigrations,
  ...gateMigrations,
  ...referenceMigrations,
];
