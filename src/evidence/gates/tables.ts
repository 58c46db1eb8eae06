import { sql, type Kysely } from 'kysely';
import type { Migration } from '../../store/types.ts';
import type { ProtocolStage } from './types.ts';

/** Times are ms UTC; flags are 0 or 1. */
export interface GateTables {
  /** One row for each version of a tool and stage that has a protocol. `begun` becomes 1 with the first case, and stays. */
  protocol_slot: { model_id: string; model_version: string; stage: ProtocolStage; begun: number };
  /**
   * Never changed. `open` is 0 when it is written, which the foreign key on the slot allows only before the first case: from then
   * on the slot says 1, in the rows that are there as well, and no row with 0 can be added.
   */
  protocol: {
    id: string;
    model_id: string;
    model_version: string;
    stage: ProtocolStage;
    open: number;
    number: number;
    /** Canonical JSON of a `ProtocolBody`. */
    body: string;
    sha256: string;
    person_id: string;
    person_admin: 'admin';
    person_reader: 'reader';
    person_name: string;
    at: number;
  };
  /** The protocol that the first case of a stage came under. Its foreign key holds the protocol's id, stage and digest. */
  protocol_begun: {
    model_id: string;
    model_version: string;
    stage: ProtocolStage;
    protocol_id: string;
    sha256: string;
    at: number;
  };
  protocol_deviation: {
    id: string;
    protocol_id: string;
    sha256: string;
    number: number;
    text: string;
    person_id: string;
    person_admin: 'admin';
    person_reader: 'reader';
    person_name: string;
    at: number;
  };
}

const STAGES = sql.raw(`('evaluation','shadow','pilot','routine','suspended','retired')`);
const OF_PROTOCOLS = sql.raw(`('evaluation','shadow','pilot','routine')`);

/** Acts gain the stage `suspended`, what the gate said, and a suspension without a person. */
async function acts(db: Kysely<any>): Promise<void> {
  // A few rows; a check and a NOT NULL are not taken away on SQLite, so both tables are made anew.
  const rows = await db.selectFrom('stage_act').selectAll().execute();
  const readers = await db.selectFrom('stage_reader').selectAll().execute();
  await db.schema.dropTable('stage_reader').execute();
  await db.schema.dropTable('stage_act').execute();
  await db.schema
    .createTable('stage_act')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('model_id', 'text', (c) => c.notNull())
    .addColumn('number', 'integer', (c) => c.notNull())
    .addColumn('model_version', 'text', (c) => c.notNull())
    .addColumn('from_stage', 'text', (c) => c.notNull().check(sql`from_stage in ${STAGES}`))
    .addColumn('to_stage', 'text', (c) => c.notNull().check(sql`to_stage in ${STAGES}`))
    .addColumn('blind_first', 'integer', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull().check(sql`length(trim(reason)) > 0`))
    .addColumn('person_id', 'text')
    .addColumn('person_admin', 'text')
    .addColumn('person_reader', 'text')
    .addColumn('person_name', 'text')
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('gate', 'text')
    .addColumn('breach', 'text')
    .addUniqueConstraint('stage_act_number', ['model_id', 'number'])
    // Signed by a person with both roles; without one, nothing but a suspension, for a limit that was crossed.
    .addCheckConstraint(
      'stage_act_signed',
      sql`(person_id is not null and person_admin is not null and person_reader is not null and person_name is not null
           and person_admin = 'admin' and person_reader = 'reader' and breach is null)
       or (person_id is null and person_admin is null and person_reader is null and person_name is null
           and to_stage = 'suspended' and breach is not null)`,
    )
    .addForeignKeyConstraint('stage_act_admin', ['person_id', 'person_admin'], 'person_role', [
      'person_id',
      'role',
    ])
    .addForeignKeyConstraint('stage_act_reader', ['person_id', 'person_reader'], 'person_role', [
      'person_id',
      'role',
    ])
    .execute();
  await db.schema
    .createTable('stage_reader')
    .addColumn('act_id', 'text', (c) => c.notNull().references('stage_act.id'))
    .addColumn('person_id', 'text', (c) => c.notNull())
    .addColumn('person_role', 'text', (c) => c.notNull().check(sql`person_role = 'reader'`))
    .addPrimaryKeyConstraint('stage_reader_pk', ['act_id', 'person_id'])
    .addForeignKeyConstraint('stage_reader_role', ['person_id', 'person_role'], 'person_role', [
      'person_id',
      'role',
    ])
    .execute();
  for (const row of rows) await db.insertInto('stage_act').values(row).execute();
  for (const row of readers) await db.insertInto('stage_reader').values(row).execute();
}

/** Facts gain the stage `suspended`, and when and where their blind conclusion was given. */
async function facts(db: Kysely<any>): Promise<void> {
  const table = () => db.schema.alterTable('reading_fact');
  const columns = [
    ['stage_now', 'text'],
    ['blind_stage', 'text'],
    ['blind_signed_at', 'bigint'],
  ] as const;
  for (const [name, type] of columns)
    await table()
      .addColumn(name, type, (c) =>
        type === 'bigint'
          ? c.notNull().defaultTo(0)
          : c
              .notNull()
              .defaultTo('evaluation')
              .check(sql`${sql.ref(name)} in ${STAGES}`),
      )
      .execute();
  await db
    .updateTable('reading_fact')
    .set((eb: any) => ({
      stage_now: eb.ref('stage'),
      blind_stage: eb.ref('stage'),
      blind_signed_at: eb.ref('signed_at'),
    }))
    .execute();
  // A check cannot be widened on SQLite: the column is replaced.
  await table().dropColumn('stage').execute();
  await table().renameColumn('stage_now', 'stage').execute();
  await db.schema
    .createIndex('reading_fact_blind')
    .on('reading_fact')
    .columns(['model_id', 'model_version', 'blind_conclusion', 'blind_signed_at'])
    .execute();
}

const signedBy = <T extends { addColumn: any; addForeignKeyConstraint: any }>(table: T, name: string): T => {
  let made: any = table;
  made = made
    .addColumn('person_id', 'text', (c: any) => c.notNull())
    .addColumn('person_admin', 'text', (c: any) => c.notNull().check(sql`person_admin = 'admin'`))
    .addColumn('person_reader', 'text', (c: any) => c.notNull().check(sql`person_reader = 'reader'`))
    .addColumn('person_name', 'text', (c: any) => c.notNull())
    .addColumn('at', 'bigint', (c: any) => c.notNull());
  for (const role of ['admin', 'reader'])
    made = made.addForeignKeyConstraint(`${name}_${role}`, ['person_id', `person_${role}`], 'person_role', [
      'person_id',
      'role',
    ]);
  return made;
};

export const gateMigrations: readonly Migration[] = [
  {
    id: 'evidence-gates-001',
    async up(db: Kysely<any>) {
      await acts(db);
      await facts(db);
      await db.schema
        .createTable('protocol_slot')
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('stage', 'text', (c) => c.notNull().check(sql`stage in ${OF_PROTOCOLS}`))
        .addColumn('begun', 'integer', (c) => c.notNull().check(sql`begun in (0, 1)`))
        .addPrimaryKeyConstraint('protocol_slot_pk', ['model_id', 'model_version', 'stage'])
        .addUniqueConstraint('protocol_slot_begun', ['model_id', 'model_version', 'stage', 'begun'])
        .execute();
      await signedBy(
        db.schema
          .createTable('protocol')
          .addColumn('id', 'text', (c) => c.primaryKey())
          .addColumn('model_id', 'text', (c) => c.notNull())
          .addColumn('model_version', 'text', (c) => c.notNull())
          .addColumn('stage', 'text', (c) => c.notNull())
          .addColumn('open', 'integer', (c) => c.notNull())
          .addColumn('number', 'integer', (c) => c.notNull())
          .addColumn('body', 'text', (c) => c.notNull())
          .addColumn('sha256', 'text', (c) => c.notNull()),
        'protocol',
      )
        .addUniqueConstraint('protocol_number', ['model_id', 'model_version', 'stage', 'number'])
        .addUniqueConstraint('protocol_whole', ['id', 'sha256', 'model_id', 'model_version', 'stage'])
        .addUniqueConstraint('protocol_digest', ['id', 'sha256'])
        .addForeignKeyConstraint(
          'protocol_before_first_case',
          ['model_id', 'model_version', 'stage', 'open'],
          'protocol_slot',
          ['model_id', 'model_version', 'stage', 'begun'],
          (c) => c.onUpdate('cascade'),
        )
        .execute();
      await db.schema
        .createTable('protocol_begun')
        .addColumn('model_id', 'text', (c) => c.notNull())
        .addColumn('model_version', 'text', (c) => c.notNull())
        .addColumn('stage', 'text', (c) => c.notNull())
        .addColumn('protocol_id', 'text', (c) => c.notNull())
        .addColumn('sha256', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('protocol_begun_pk', ['model_id', 'model_version', 'stage'])
        .addForeignKeyConstraint(
          'protocol_begun_whole',
          ['protocol_id', 'sha256', 'model_id', 'model_version', 'stage'],
          'protocol',
          ['id', 'sha256', 'model_id', 'model_version', 'stage'],
        )
        .execute();
      await signedBy(
        db.schema
          .createTable('protocol_deviation')
          .addColumn('id', 'text', (c) => c.primaryKey())
          .addColumn('protocol_id', 'text', (c) => c.notNull())
          .addColumn('sha256', 'text', (c) => c.notNull())
          .addColumn('number', 'integer', (c) => c.notNull())
          .addColumn('text', 'text', (c) => c.notNull().check(sql`length(trim(text)) > 0`)),
        'protocol_deviation',
      )
        .addUniqueConstraint('protocol_deviation_number', ['protocol_id', 'number'])
        .addForeignKeyConstraint('protocol_deviation_of', ['protocol_id', 'sha256'], 'protocol', [
          'id',
          'sha256',
        ])
        .execute();
    },
  },
];
