import { sql, type Kysely } from 'kysely';
import type { Migration } from '../../store/types.ts';

/** Made from `reading_fact` alone; may be thrown away at any time. */
export interface TallyTables {
  /** Facts of one tool and version in one span, by tally and key. */
  fact_tally: {
    model_id: string;
    tally: string;
    /** Length of the span and its first day (spans.ts). */
    span: number;
    day: number;
    model_version: string;
    /** JSON array. */
    key: string;
    facts: number;
    s0: number;
    s1: number;
    s2: number;
    s3: number;
    s4: number;
    s5: number;
  };
  /** Which version of a tally the rows are of. */
  fact_tally_made: { tally: string; version: number };
  /** A page of a fold: `number` × `PAGE` facts in the order of their signatures lie behind it and are in its `state`. */
  fact_page: {
    fold: string;
    version: number;
    model_id: string;
    model_version: string;
    number: number;
    /** Of the last fact of the page: it stands as long as no fact up to there changes. */
    signed_at: number;
    report_id: string;
    state: string;
    said: string;
  };
}
export const SUM_COLUMNS = ['s0', 's1', 's2', 's3', 's4', 's5'] as const;

export const tallyMigrations: readonly Migration[] = [
  {
    id: 'evidence-tally-001',
    async up(db: Kysely<any>) {
      let tally = db.schema
        .createTable('fact_tally')
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('tally', 'text', (c) => c.notNull())
        .addColumn('span', 'integer', (c) => c.notNull())
        .addColumn('day', 'integer', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('facts', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('fact_tally_pk', [
          'model_id',
          'tally',
          'span',
          'day',
          'model_version',
          'key',
        ]);
      for (const name of SUM_COLUMNS) tally = tally.addColumn(name as 'key', 'bigint', (c) => c.notNull());
      await tally.execute();
      await db.schema
        .createTable('fact_tally_made')
        .addColumn('tally', 'text', (c) => c.primaryKey())
        .addColumn('version', 'integer', (c) => c.notNull())
        .execute();
      await db.schema
        .createTable('fact_page')
        .addColumn('fold', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('signed_at', 'bigint', (c) => c.notNull())
        .addColumn('report_id', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('said', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('fact_page_pk', ['model_id', 'model_version', 'fold', 'number'])
        .execute();
      // A fold goes through the facts of a version in this order, from any place on.
      await db.schema
        .createIndex('reading_fact_order')
        .on('reading_fact')
        .columns(['model_id', 'model_version', 'signed_at', 'report_id'])
        .execute();
      // The few durations among which a quartile lies.
      await sql`create index reading_fact_turnaround on reading_fact (model_id, (signed_at - arrived_at))`.execute(
        db,
      );
    },
  },
];
