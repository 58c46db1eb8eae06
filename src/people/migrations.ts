import { sql, type Kysely } from 'kysely';
import type { Migration } from '../store/types.ts';

/** Tables of this room. Times are ms UTC. */
export interface PeopleTables {
  person: {
    id: string;
    login: string; // folded to lower case; unique
    name: string;
    password: string; // scrypt, see secrets.ts
    pin: string | null;
    pin_failures: number;
    /** 0 while the password is one that somebody else chose. */
    own_password: number;
    language: string;
    theme: string;
    disabled: number;
    created_at: number;
  };
  /** The key that a signature refers to: a row is switched off, never deleted, so that old signatures keep their proof. */
  person_role: { person_id: string; role: string; active: number };
  session: {
    id: string; // sha256 of the cookie's secret
    public_id: string;
    person_id: string;
    created_at: number;
    last_seen_at: number;
    expires_at: number;
    locked: number;
    /** The PIN does not sign until the password has been given again. */
    password_needed: number;
    user_agent: string;
    address: string;
  };
  token: {
    id: string;
    name: string;
    hash: string;
    roles: string; // comma separated
    created_at: number;
    created_by: string | null;
    last_used_at: number | null;
    revoked_at: number | null;
  };
  /** Failed attempts by login and by address. */
  throttle: { key: string; failures: number; last_at: number };
}

export const peopleMigrations: readonly Migration[] = [
  {
    id: 'people-001',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('person')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('login', 'text', (c) => c.notNull().unique())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('password', 'text', (c) => c.notNull())
        .addColumn('pin', 'text')
        .addColumn('pin_failures', 'integer', (c) => c.notNull().defaultTo(0))
        .addColumn('language', 'text', (c) => c.notNull())
        .addColumn('theme', 'text', (c) => c.notNull().defaultTo('dark'))
        .addColumn('disabled', 'integer', (c) => c.notNull().defaultTo(0))
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema
        .createTable('person_role')
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('role', 'text', (c) => c.notNull())
        .addColumn('active', 'integer', (c) => c.notNull().defaultTo(1))
        .addPrimaryKeyConstraint('person_role_pk', ['person_id', 'role'])
        .addCheckConstraint(
          'person_role_known',
          sql`role in ('admin','reader','technologist','evidence','viewer')`,
        )
        .execute();
      await db.schema
        .createTable('session')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('public_id', 'text', (c) => c.notNull().unique())
        .addColumn('person_id', 'text', (c) => c.notNull().references('person.id'))
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('last_seen_at', 'bigint', (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .addColumn('locked', 'integer', (c) => c.notNull().defaultTo(0))
        .addColumn('password_needed', 'integer', (c) => c.notNull().defaultTo(0))
        .addColumn('user_agent', 'text', (c) => c.notNull())
        .addColumn('address', 'text', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('session_person').on('session').column('person_id').execute();
      await db.schema
        .createTable('token')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('hash', 'text', (c) => c.notNull().unique())
        .addColumn('roles', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('created_by', 'text')
        .addColumn('last_used_at', 'bigint')
        .addColumn('revoked_at', 'bigint')
        .execute();
      await db.schema
        .createTable('throttle')
        .addColumn('key', 'text', (c) => c.primaryKey())
        .addColumn('failures', 'integer', (c) => c.notNull())
        .addColumn('last_at', 'bigint', (c) => c.notNull())
        .execute();
    },
  },
  {
    id: 'people-002',
    async up(db: Kysely<any>) {
      await db.schema
        .alterTable('person')
        .addColumn('own_password', 'integer', (c) => c.notNull().defaultTo(1))
        .execute();
    },
  },
];
