import { sql, type CreateTableBuilder, type Kysely, PostgresAdapter } from 'kysely';
import type { Migration } from '../store/types.ts';
import { retally } from './studyIndex.ts';

type Table = CreateTableBuilder<any, any>;
const texts = (table: Table, ...names: string[]): Table =>
  names.reduce((t, name) => t.addColumn(name, 'text', (c) => c.notNull()), table);

/** Bytes: PostgreSQL's name for them, which SQLite takes as it takes any. */
const BYTES = sql`bytea`;

async function first(db: Kysely<any>): Promise<void> {
  const study = db.schema.createTable('study').addColumn('study_uid', 'text', (c) => c.primaryKey());
  await texts(
    study,
    'patient_id',
    'issuer',
    'patient_name',
    'birth_date',
    'sex',
    'accession',
    'study_id',
    'study_date',
    'study_time',
    'description',
    'referring',
    'department',
    'indication',
    'modalities',
    'body_parts',
    'laterality',
    'priority',
    'f_name',
    'f_patient_id',
    'f_accession',
    'f_study_id',
    'f_description',
    'f_referring',
    'f_department',
    'f_time',
  )
    .addColumn('age_years', 'integer')
    .addColumn('images', 'integer', (c) => c.notNull())
    .addColumn('series', 'integer', (c) => c.notNull())
    .addColumn('first_received_at', 'bigint', (c) => c.notNull())
    .addColumn('last_received_at', 'bigint', (c) => c.notNull())
    .addColumn('complete', 'integer', (c) => c.notNull())
    .addColumn('was_complete', 'integer', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('study_patient').on('study').columns(['patient_id', 'issuer']).execute();
  await db.schema.createIndex('study_date').on('study').columns(['study_date', 'f_time']).execute();
  await db.schema.createIndex('study_accession').on('study').column('accession').execute();
  await db.schema.createIndex('study_received').on('study').column('last_received_at').execute();

  await texts(
    db.schema.createTable('series'),
    'study_uid',
    'series_uid',
    'modality',
    'description',
    'body_part',
    'laterality',
    'f_description',
  )
    .addColumn('number', 'bigint')
    .addColumn('images', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('series_pk', ['study_uid', 'series_uid'])
    .execute();
  await db.schema.createIndex('series_uid').on('series').column('series_uid').execute();

  await texts(
    db.schema.createTable('instance').addColumn('sop_instance_uid', 'text', (c) => c.primaryKey()),
    'sop_class_uid',
    'series_uid',
    'study_uid',
    'kind',
    'transfer_syntax',
    'photometric',
    'view_position',
    'laterality',
    'body_part',
    'sha256',
    'door',
    'from_name',
    'from_address',
  )
    .addColumn('ai_run_id', 'text')
    .addColumn('number', 'bigint')
    .addColumn('rows', 'bigint')
    .addColumn('columns', 'bigint')
    .addColumn('frames', 'bigint', (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('received_at', 'bigint', (c) => c.notNull())
    .addColumn('photo', 'integer', (c) => c.notNull())
    .addColumn('blob', 'text')
    .addColumn('dataset_offset', 'bigint', (c) => c.notNull())
    .addColumn('pixel_offset', 'bigint')
    .addColumn('pixel_length', 'bigint')
    .addColumn('encapsulated', 'integer', (c) => c.notNull())
    .addColumn('frame_bits', 'bigint')
    .addColumn('frame_table', 'text')
    .execute();
  await db.schema
    .createIndex('instance_series')
    .on('instance')
    .columns(['study_uid', 'series_uid'])
    .execute();
  await db.schema.createIndex('instance_run').on('instance').column('ai_run_id').execute();
  await db.schema.createIndex('instance_blob').on('instance').column('blob').execute();

  await db.schema
    .createTable('instance_header')
    .addColumn('sop_instance_uid', 'text', (c) => c.primaryKey())
    .addColumn('json', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('inbox')
    .addColumn('sop_instance_uid', 'text', (c) => c.primaryKey())
    .addColumn('bytes', BYTES, (c) => c.notNull())
    .execute();

  await texts(
    db.schema.createTable('quarantine').addColumn('id', 'text', (c) => c.primaryKey()),
    'reason',
    'detail',
    'sha256',
    'door',
    'from_name',
    'from_address',
    'blob',
    'options',
  )
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('received_at', 'bigint', (c) => c.notNull())
    .addColumn('sop_instance_uid', 'text')
    .addColumn('file_name', 'text')
    .execute();
  await db.schema.createIndex('quarantine_sha256').on('quarantine').column('sha256').execute();

  await texts(
    db.schema.createTable('ae_title').addColumn('ae_title', 'text', (c) => c.primaryKey()),
    'address',
    'state',
  )
    .addColumn('first_at', 'bigint', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addColumn('knocks', 'integer', (c) => c.notNull())
    .execute();

  await texts(
    db.schema.createTable('correction').addColumn('id', 'text', (c) => c.primaryKey()),
    'study_uid',
    'field',
    'value',
    'previous',
    'reason',
    'by_name',
  )
    .addColumn('by_person', 'text')
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('correction_study').on('correction').column('study_uid').execute();
}

/** Files on a disk that were dealt with. */
async function ledger(db: Kysely<any>): Promise<void> {
  await texts(db.schema.createTable('ledger'), 'source', 'path', 'outcome', 'detail')
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('mtime', 'bigint', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('ledger_key', ['source', 'path'])
    .execute();
}

/** Questions answered by indexes and kept counts: studyIndex.ts. */
async function queries(db: Kysely<any>): Promise<void> {
  const postgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const add = async (table: string, name: string, type: 'integer' | 'bigint' | 'text') => {
    await db.schema
      .alterTable(table)
      .addColumn(name, type, (c) => c.notNull().defaultTo(type === 'text' ? '' : 0))
      .execute();
  };
  await add('study', 'order_at', 'bigint');
  for (const name of ['held', 'held_series', 'ai']) await add('study', name, 'integer');
  for (const name of ['held_modalities', 'ai_modalities']) await add('study', name, 'text');
  for (const name of ['held', 'ai']) await add('series', name, 'integer');

  // Beginnings are ranges: text in the order of its bytes, which is SQLite's own.
  const bytewise = postgres ? sql` collate "C"` : sql``;
  if (postgres) {
    for (const name of ['f_patient_id', 'f_accession'])
      await sql`alter table study alter column ${sql.ref(name)} type text collate "C"`.execute(db);
  }
  // On SQLite the key is the table: a row costs once.
  await sql`create table study_word (
    word text${bytewise} not null, order_at bigint not null, study_uid text not null,
    primary key (word, order_at, study_uid)
  )${postgres ? sql`` : sql` without rowid`}`.execute(db);
  await db.schema.dropIndex('study_date').execute();
  await db.schema.createIndex('study_order').on('study').columns(['order_at', 'study_uid']).execute();
  await db.schema.createIndex('study_f_patient').on('study').column('f_patient_id').execute();
  await db.schema.createIndex('study_f_accession').on('study').column('f_accession').execute();
  await db.schema.dropIndex('study_accession').execute();
  await sql`create index instance_ai on instance (study_uid, series_uid, ai_run_id) where ai_run_id is not null`.execute(
    db,
  );
  for (let after = ''; ;) {
    const studies: { study_uid: string }[] = await db
      .selectFrom('study')
      .select('study_uid')
      .where('study_uid', '>', after)
      .orderBy('study_uid')
      .limit(1000)
      .execute();
    if (studies.length === 0) break;
    for (const { study_uid } of studies) await retally(db as never, study_uid);
    after = studies.at(-1)!.study_uid;
  }
}

/** Deleting with a way back: recycle.ts. */
async function recycling(db: Kysely<any>): Promise<void> {
  await texts(
    db.schema.createTable('recycled').addColumn('id', 'text', (c) => c.primaryKey()),
    'state',
    'study_uid',
    'reason',
    'cause',
    'by_name',
    'study',
    'series',
    'corrections',
  )
    .addColumn('series_uid', 'text')
    .addColumn('sop_instance_uid', 'text')
    .addColumn('by_person', 'text')
    .addColumn('whole', 'integer', (c) => c.notNull())
    .addColumn('despite_report', 'integer', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('erase_after', 'bigint', (c) => c.notNull())
    .addColumn('instances', 'bigint', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('recycled_at').on('recycled').column('at').execute();
  await db.schema.createIndex('recycled_study').on('recycled').column('study_uid').execute();
  await texts(
    db.schema.createTable('recycled_instance'),
    'recycled_id',
    'sop_instance_uid',
    'sha256',
    'row',
    'json',
  )
    .addColumn('blob', 'text')
    .addColumn('bytes', BYTES)
    .addPrimaryKeyConstraint('recycled_instance_key', ['recycled_id', 'sop_instance_uid'])
    .execute();
  await db.schema.createIndex('recycled_instance_blob').on('recycled_instance').column('blob').execute();
}

/** What people decided on what was kept aside. */
async function decisions(db: Kysely<any>): Promise<void> {
  await texts(
    db.schema.createTable('quarantine_decision').addColumn('id', 'text', (c) => c.primaryKey()),
    'decision',
    'reason',
    'because',
    'sha256',
    'by_name',
  )
    .addColumn('sop_instance_uid', 'text')
    .addColumn('became', 'text')
    .addColumn('by_person', 'text')
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('quarantine_received')
    .on('quarantine')
    .columns(['received_at', 'id'])
    .execute();
}

/** What verification found, and who sent when: verification.ts, senders.ts. */
async function watching(db: Kysely<any>): Promise<void> {
  await texts(
    db.schema.createTable('damaged').addColumn('sop_instance_uid', 'text', (c) => c.primaryKey()),
    'study_uid',
    'what',
  )
    .addColumn('found_at', 'bigint', (c) => c.notNull())
    .execute();
  await texts(db.schema.createTable('sender'), 'door', 'name')
    .addColumn('first_at', 'bigint', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addColumn('images', 'bigint', (c) => c.notNull())
    .addColumn('days', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('sender_key', ['door', 'name'])
    .execute();
}

/** For making the index anew: reindex.ts. */
async function rebuilding(db: Kysely<any>): Promise<void> {
  await texts(
    db.schema.createTable('reindex_fact').addColumn('sop_instance_uid', 'text', (c) => c.primaryKey()),
    'door',
    'from_name',
    'from_address',
    'kind',
  )
    .addColumn('ai_run_id', 'text')
    .addColumn('received_at', 'bigint', (c) => c.notNull())
    .addColumn('photo', 'integer', (c) => c.notNull())
    .execute();
}

/** Receipts of associations. Contexts, answers and refused instances as JSON: bounded by what keeps them. */
async function receipts(db: Kysely<any>): Promise<void> {
  await texts(
    db.schema.createTable('association').addColumn('id', 'text', (c) => c.primaryKey()),
    'calling_ae',
    'called_ae',
    'address',
    'outcome',
    'reason',
    'implementation',
    'contexts',
    'answers',
    'refused',
  )
    .addColumn('tls', 'integer', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('association_ended').on('association').column('ended_at').execute();
}

/** Indexes that every instance paid for: two that no question uses, and one that small instances need only once they are files. */
async function fewerIndexes(db: Kysely<any>): Promise<void> {
  await db.schema.dropIndex('study_received').execute();
  await db.schema.dropIndex('instance_run').execute();
  await db.schema.dropIndex('instance_blob').execute();
  await sql`create index instance_blob on instance (blob) where blob is not null`.execute(db);
}

export const archiveMigrations: readonly Migration[] = [
  { id: 'archive-001', up: first },
  { id: 'archive-002', up: ledger },
  { id: 'archive-003', up: queries },
  { id: 'archive-004', up: recycling },
  { id: 'archive-005', up: decisions },
  { id: 'archive-006', up: watching },
  { id: 'archive-007', up: rebuilding },
  { id: 'archive-008', up: receipts },
  { id: 'archive-009', up: fewerIndexes },
];
