import { sql, type Kysely } from 'kysely';
import type { Migration } from '../../store/types.ts';
import type { Answer } from '../types.ts';
import type { Exposure, LabelKind, Origin, SecondReading, Settling } from './types.ts';

/** Times are ms UTC; flags are 0 or 1. All but `label_hold` follow from the event log (project.ts). */
export interface LabellingTables {
  label_queue: {
    id: string;
    model_id: string;
    model_version: string;
    operating_point: string;
    from_at: number;
    to_at: number;
    title: string;
    /** Of the sample. */
    seed: string;
    /** Of the order in which each person meets the cases, and of which are read twice. No door gives it out. */
    order_seed: string;
    sample: number;
    marked: number;
    unmarked: number;
    training: number;
    frame_sha256: string;
    second: SecondReading;
    second_share: number;
    settling: Settling;
    offer_unread: number;
    drawn_by: string;
    drawn_at: number;
    closed_at: number | null;
  };
  /** The whole frame: what was drawn, and what an extension would draw. */
  label_case: {
    queue_id: string;
    study_uid: string;
    run_id: string;
    marked: number;
    /** In the order of the draw, from 0, among the marked or the unmarked. */
    place: number;
    drawn: number;
    /** Chosen for a second reading whatever the first says. */
    twice: number;
    need: 'reading' | 'consensus' | 'adjudication' | 'none';
    /** Independent readings still to come. */
    missing: number;
    answer: Answer | null;
    origin: Origin | null;
  };
  label: {
    id: string;
    queue_id: string;
    study_uid: string;
    kind: LabelKind;
    answer: Answer;
    boxes: string; // JSON of LabelBox[]
    exposure: Exposure | null;
    person_id: string;
    person_role: 'reader';
    given_at: number;
    undone_at: number | null;
  };
  /** Who works on a case now. Lapses by itself. */
  label_hold: {
    queue_id: string;
    study_uid: string;
    person_id: string;
    until: number;
  };
}

const ANSWERS = sql.raw(`('yes','no','uncertain')`);

export const labellingMigrations: readonly Migration[] = [
  {
    id: 'evidence-labelling-001',
    async up(db: Kysely<any>) {
      let queue = db.schema.createTable('label_queue').addColumn('id', 'text', (c) => c.primaryKey());
      for (const name of [
        'model_id',
        'model_version',
        'operating_point',
        'title',
        'seed',
        'order_seed',
        'frame_sha256',
        'second',
        'settling',
        'drawn_by',
      ])
        queue = queue.addColumn(name as 'id', 'text', (c) => c.notNull());
      for (const name of ['from_at', 'to_at', 'drawn_at'])
        queue = queue.addColumn(name as 'id', 'bigint', (c) => c.notNull());
      for (const name of ['sample', 'marked', 'unmarked', 'training', 'offer_unread'])
        queue = queue.addColumn(name as 'id', 'integer', (c) => c.notNull());
      await queue
        .addColumn('second_share', 'double precision', (c) => c.notNull())
        .addColumn('closed_at', 'bigint')
        .execute();

      await db.schema
        .createTable('label_case')
        .addColumn('queue_id', 'text', (c) => c.notNull().references('label_queue.id').onDelete('cascade'))
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('run_id', 'text', (c) => c.notNull())
        .addColumn('marked', 'integer', (c) => c.notNull())
        .addColumn('place', 'integer', (c) => c.notNull())
        .addColumn('drawn', 'integer', (c) => c.notNull())
        .addColumn('twice', 'integer', (c) => c.notNull())
        .addColumn('need', 'text', (c) => c.notNull())
        .addColumn('missing', 'integer', (c) => c.notNull())
        .addColumn('answer', 'text', (c) => c.check(sql`answer in ${ANSWERS}`))
        .addColumn('origin', 'text')
        .addPrimaryKeyConstraint('label_case_pk', ['queue_id', 'study_uid'])
        .execute();
      await db.schema
        .createIndex('label_case_need')
        .on('label_case')
        .columns(['queue_id', 'drawn', 'need'])
        .execute();

      await db.schema
        .createTable('label')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('queue_id', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('answer', 'text', (c) => c.notNull().check(sql`answer in ${ANSWERS}`))
        .addColumn('boxes', 'text', (c) => c.notNull())
        .addColumn('exposure', 'text')
        .addColumn('person_id', 'text', (c) => c.notNull())
        .addColumn('person_role', 'text', (c) => c.notNull().check(sql`person_role = 'reader'`))
        .addColumn('given_at', 'bigint', (c) => c.notNull())
        .addColumn('undone_at', 'bigint')
        .addForeignKeyConstraint('label_of_case', ['queue_id', 'study_uid'], 'label_case', [
          'queue_id',
          'study_uid',
        ])
        .addForeignKeyConstraint('label_by_reader', ['person_id', 'person_role'], 'person_role', [
          'person_id',
          'role',
        ])
        .execute();
      await db.schema.createIndex('label_case_of').on('label').columns(['queue_id', 'study_uid']).execute();
      // Nobody reads a case twice.
      await db.schema
        .createIndex('label_once')
        .unique()
        .on('label')
        .columns(['queue_id', 'study_uid', 'person_id', 'kind'])
        .where(sql.ref('undone_at'), 'is', null)
        .execute();

      await db.schema
        .createTable('label_hold')
        .addColumn('queue_id', 'text', (c) => c.notNull())
        .addColumn('study_uid', 'text', (c) => c.notNull())
        .addColumn('person_id', 'text', (c) => c.notNull())
        .addColumn('until', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('label_hold_pk', ['queue_id', 'study_uid', 'person_id'])
        .execute();
    },
  },
];
