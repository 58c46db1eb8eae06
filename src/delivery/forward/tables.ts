import type { Kysely } from 'kysely';
import type { Migration } from '../../store/types.ts';
import type { TransferColumns } from '../../remote/transfers.ts';
import type { Occasion } from './types.ts';

export type RuleTable = {
  id: string;
  name: string;
  remote_id: string;
  occasion: Occasion;
  /** Joined by commas. */
  parts: string;
  modality: string;
  body_part: string;
  source_ae: string;
  enabled: number;
  created_at: number;
};
export type ForwardTable = TransferColumns & {
  remote_id: string;
  remote_name: string;
  parts: string;
  rule_id: string | null;
  rule_name: string | null;
  by_name: string;
  total: number | null;
  sent: number;
  /** Of these, confirmed by the receiver; null where it is not asked. */
  committed: number | null;
  /** How often it was asked whether it keeps them. */
  rounds: number;
  created_at: number;
};
/** What a receiver has taken. */
export type TakenTable = {
  remote_id: string;
  sop_instance_uid: string;
  at: number;
  /** When the receiver said that it keeps it (PS3.4 J). */
  committed_at: number | null;
};
/** Requests for storage commitment. */
export type CommitmentTable = {
  transaction_uid: string;
  forward_id: string;
  remote_id: string;
  asked_at: number;
  /** Null while an answer is waited for. */
  answered_at: number | null;
};

export type ForwardTables = {
  forward_rule: RuleTable;
  forward: ForwardTable;
  forward_taken: TakenTable;
  forward_commitment: CommitmentTable;
};

async function first(db: Kysely<any>): Promise<void> {
  const rule = db.schema.createTable('forward_rule').addColumn('id', 'text', (c) => c.primaryKey());
  await ['name', 'remote_id', 'occasion', 'parts', 'modality', 'body_part', 'source_ae']
    .reduce((table, column) => table.addColumn(column, 'text', (c) => c.notNull()), rule)
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  const forward = db.schema.createTable('forward').addColumn('id', 'text', (c) => c.primaryKey());
  await ['remote_id', 'remote_name', 'study_uid', 'parts', 'by_name', 'state', 'failed']
    .reduce((table, column) => table.addColumn(column, 'text', (c) => c.notNull()), forward)
    .addColumn('rule_id', 'text')
    .addColumn('rule_name', 'text')
    .addColumn('reason', 'text')
    .addColumn('total', 'integer')
    .addColumn('sent', 'integer', (c) => c.notNull())
    .addColumn('next_at', 'bigint')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('forward_created').on('forward').column('created_at').execute();
  await db.schema.createIndex('forward_study').on('forward').columns(['study_uid', 'remote_id']).execute();
  await db.schema
    .createTable('forward_taken')
    .addColumn('remote_id', 'text', (c) => c.notNull())
    .addColumn('sop_instance_uid', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('forward_taken_pk', ['remote_id', 'sop_instance_uid'])
    .execute();
}

/** Storage commitment. */
async function second(db: Kysely<any>): Promise<void> {
  await db.schema.alterTable('forward').addColumn('committed', 'integer').execute();
  await db.schema
    .alterTable('forward')
    .addColumn('rounds', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable('forward_taken').addColumn('committed_at', 'bigint').execute();
  await db.schema
    .createTable('forward_commitment')
    .addColumn('transaction_uid', 'text', (c) => c.primaryKey())
    .addColumn('forward_id', 'text', (c) => c.notNull())
    .addColumn('remote_id', 'text', (c) => c.notNull())
    .addColumn('asked_at', 'bigint', (c) => c.notNull())
    .addColumn('answered_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('forward_commitment_forward')
    .on('forward_commitment')
    .column('forward_id')
    .execute();
}

export const deliveryMigrations: readonly Migration[] = [
  { id: 'delivery-001', up: first },
  { id: 'delivery-002', up: second },
];
