import { sql } from 'kysely';
import type { Migration } from '../types.ts';

export type LineTables = { line: { id: number; bytes: Uint8Array } };
export const lineMigration: Migration = {
  id: 'test-001',
  async up(db) {
    await db.schema
      .createTable('line')
      .addColumn('id', 'bigint', (c) => c.primaryKey())
      .addColumn('bytes', sql`bytea`, (c) => c.notNull())
      .execute();
  },
};
