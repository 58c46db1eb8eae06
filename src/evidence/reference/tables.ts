import { sql, type Kysely } from 'kysely';
import type { Migration } from '../../store/types.ts';
import type { Answer } from '../types.ts';
import type { FollowUpMethod } from './types.ts';

/** Append-only: a correction is a newer row. Follows from the event log. Times are ms UTC; flags are 0 or 1. */
export interface ReferenceTables {
  reference_entry: {
    id: string;
    study_uid: string;
    model_id: string;
    method: FollowUpMethod;
    /** Null: the entry that this one replaces was a mistake. */
    answer: Answer | null;
    days: number | null;
    with_ai: number;
    source: 'dialog' | 'import';
    replaces: string | null;
    person_id: string;
    at: number;
  };
}

/** In `reading_fact`: where and how the study was made, and what is known to be so. '' and null: not recorded. */
const TEXTS = [
  'operating_point',
  'patient',
  'sex',
  'age_band',
  'view',
  'site',
  'station',
  'vendor',
  'machine',
  'software',
  'detector',
  'rejected_for',
] as const;
const NUMBERS = ['kvp', 'mas', 'exposure_index', 'deviation_index', 'reading_ms'] as const;

export const referenceMigrations: readonly Migration[] = [
  {
    id: 'evidence-reference-001',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('reference_entry')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('method', 'text', (c) =>
          c.notNull().check(sql`method in ('clinical','imaging','cross-sectional','surgery')`),
        )
        .addColumn('answer', 'text', (c) => c.check(sql`answer in ('yes','no','uncertain')`))
        .addColumn('days', 'integer')
        .addColumn('with_ai', 'integer', (c) => c.notNull())
        .addColumn('source', 'text', (c) => c.notNull().check(sql`source in ('dialog','import')`))
        .addColumn('replaces', 'text', (c) => c.references('reference_entry.id'))
        .addColumn('person_id', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        // Nothing is withdrawn that was never entered.
        .addCheckConstraint('reference_withdrawal', sql`answer is not null or replaces is not null`)
        .execute();
      await db.schema
        .createIndex('reference_entry_study')
        .on('reference_entry')
        .columns(['study_uid', 'model_id'])
        .execute();
      // Two people cannot both correct the same entry: the second is told.
      await db.schema
        .createIndex('reference_entry_once')
        .unique()
        .on('reference_entry')
        .column('replaces')
        .where(sql.ref('replaces'), 'is not', null)
        .execute();

      // Asked by study alone, whatever the queue.
      await db.schema.createIndex('label_case_study').on('label_case').column('study_uid').execute();

      for (const name of TEXTS)
        await db.schema
          .alterTable('reading_fact')
          .addColumn(name, 'text', (c) => c.notNull().defaultTo(''))
          .execute();
      for (const name of NUMBERS)
        await db.schema.alterTable('reading_fact').addColumn(name, 'double precision').execute();
      for (const name of ['shown', 'ref_ai_positive', 'ref_rank', 'own_rank'])
        await db.schema.alterTable('reading_fact').addColumn(name, 'integer').execute();
      for (const name of ['ref_answer', 'ref_origin', 'ref_method', 'own_answer', 'own_origin'])
        await db.schema.alterTable('reading_fact').addColumn(name, 'text').execute();
      await db
        .updateTable('reading_fact')
        .set((eb) => ({
          ref_answer: eb.ref('blind_conclusion'),
          ref_ai_positive: eb.ref('blind_ai_positive'),
          ref_origin: sql`'blind-conclusion'`,
          ref_rank: 1,
        }))
        .where('blind_conclusion', 'is not', null)
        .execute();
      // Before: shown to nobody before the signature in these stages, and not recorded in the others.
      await db
        .updateTable('reading_fact')
        .set({ shown: 0 })
        .where('stage', 'in', ['evaluation', 'shadow'])
        .execute();
      await db.schema
        .createIndex('reading_fact_reference')
        .on('reading_fact')
        .columns(['model_id', 'ref_rank'])
        .execute();
    },
  },
];
