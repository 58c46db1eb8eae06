/** What the studies of the page leave in the database; their results lie in files. Times are ms UTC, flags 0 or 1. */
import { type Kysely, sql } from 'kysely';
import type { Migration } from '../store/types.ts';

export type ValidationTables = { validation_study: ValidationTable };
export interface ValidationTable {
  id: string;
  model_id: string;
  compare_id: string | null;
  /** Which label of a model with several. */
  finding: string | null;
  /** `archive`, or one of the folders that the configuration names. */
  source: string;
  label_column: string;
  language: 'fr' | 'en';
  count_tuning: number;
  /** The bytes of labels.csv, base64. */
  labels: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  phase: string | null;
  done: number;
  total: number;
  error_code: string | null;
  error: string | null;
  /** JSON: see `StudySummary`. */
  summary: string | null;
  person: string;
  created_at: number;
  finished_at: number | null;
}

export const validationMigrations: readonly Migration[] = [
  {
    id: 'validation-001',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('validation_study')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('compare_id', 'text')
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('label_column', 'text', (c) => c.notNull())
        .addColumn('language', 'text', (c) => c.notNull())
        .addColumn('count_tuning', 'integer', (c) => c.notNull())
        .addColumn('labels', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) =>
          c.notNull().check(sql`state in ('waiting','running','done','failed','cancelled')`),
        )
        .addColumn('phase', 'text')
        .addColumn('done', 'integer', (c) => c.notNull())
        .addColumn('total', 'integer', (c) => c.notNull())
        .addColumn('error_code', 'text')
        .addColumn('error', 'text')
        .addColumn('summary', 'text')
        .addColumn('person', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('finished_at', 'bigint')
        .execute();
    },
  },
  {
    id: 'validation-002',
    async up(db: Kysely<any>) {
      await db.schema.alterTable('validation_study').addColumn('finding', 'text').execute();
    },
  },
];
