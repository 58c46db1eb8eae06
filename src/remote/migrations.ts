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

export const remoteMigrations: readonly Migration[] = [{ id: 'remote-001', up: first }];
