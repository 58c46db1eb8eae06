import type { Migration } from '../types.ts';

export type IngestTables = {
  ingested: { id: string; ref: string; sha256: string };
  other_half: { id: string };
};

export const ingestMigration: Migration = {
  id: 'ingest-001',
  async up(db) {
    await db.schema
      .createTable('ingested')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('ref', 'text', (c) => c.notNull())
      .addColumn('sha256', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('other_half')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .execute();
  },
};
