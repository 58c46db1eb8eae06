import type { Kysely } from 'kysely';
import type { Migration } from '../store/types.ts';

async function first(db: Kysely<any>): Promise<void> {
  await db.schema
    .createTable('remote_system')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('f_name', 'text', (c) => c.notNull().unique())
    .addColumn('ae_title', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('tls', 'integer', (c) => c.notNull())
    .addColumn('ca', 'text')
    .addColumn('calling_ae', 'text')
    .addColumn('send_to', 'integer', (c) => c.notNull())
    .addColumn('query_from', 'integer', (c) => c.notNull())
    .addColumn('move_to', 'integer', (c) => c.notNull())
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('remote_system_title').on('remote_system').column('ae_title').execute();
}

async function second(db: Kysely<any>): Promise<void> {
  await db.schema
    .createTable('remote_pull')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('remote_id', 'text', (c) => c.notNull())
    .addColumn('remote_name', 'text', (c) => c.notNull())
    .addColumn('study_uid', 'text', (c) => c.notNull())
    .addColumn('patient_name', 'text', (c) => c.notNull())
    .addColumn('patient_id', 'text', (c) => c.notNull())
    .addColumn('study_date', 'text', (c) => c.notNull())
    .addColumn('description', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('via', 'text')
    .addColumn('total', 'integer')
    .addColumn('received', 'integer', (c) => c.notNull())
    .addColumn('failed', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('by_name', 'text', (c) => c.notNull())
    .addColumn('next_at', 'bigint')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('remote_pull_created').on('remote_pull').column('created_at').execute();
  await db.schema
    .createIndex('remote_pull_study')
    .on('remote_pull')
    .columns(['remote_id', 'study_uid'])
    .execute();
}

/** Web services; who we are towards a system that asks; whether it is asked to confirm what it keeps. */
async function third(db: Kysely<any>): Promise<void> {
  for (const [column, value] of Object.entries({
    kind: 'dimse',
    url: '',
    auth: 'none',
    user_name: '',
    identity: 'none',
  }))
    await db.schema
      .alterTable('remote_system')
      .addColumn(column, 'text', (c) => c.notNull().defaultTo(value))
      .execute();
  await db.schema
    .alterTable('remote_system')
    .addColumn('commitment', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  for (const column of ['certificate', 'key_pem', 'secret'])
    await db.schema.alterTable('remote_system').addColumn(column, 'text').execute();
}

export const remoteMigrations: readonly Migration[] = [
  { id: 'remote-001', up: first },
  { id: 'remote-002', up: second },
  { id: 'remote-003', up: third },
];
