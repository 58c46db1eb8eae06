/** Cards of published studies: those that come along, and what people make of them. Every version stays. */
import type { Kysely } from 'kysely';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import { uuidv7, type Db, type Store } from '../../store/index.ts';
import type { Migration } from '../../store/types.ts';
import { SHIPPED } from './shipped.ts';
import type { ClaimCard, ClaimForm } from './types.ts';

export type * from './types.ts';

interface Row {
  id: string;
  version: number;
  content: string;
  removed: number;
  person_id: string;
  person_name: string;
  at: number;
}
type Tables = { claim_card: Row };

export const claimMigrations: readonly Migration[] = [
  {
    id: 'evidence-claims-001',
    async up(db: Kysely<any>) {
      await db.schema
        .createTable('claim_card')
        .addColumn('id', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('content', 'text', (c) => c.notNull())
        .addColumn('removed', 'integer', (c) => c.notNull())
        .addColumn('person_id', 'text', (c) => c.notNull())
        .addColumn('person_name', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('claim_card_pk', ['id', 'version'])
        .execute();
    },
  },
];

const cardOf = (row: Row): ClaimCard => ({
  ...(JSON.parse(row.content) as ClaimForm),
  id: row.id,
  version: Number(row.version),
  removed: row.removed === 1,
  personName: row.person_name,
  at: Number(row.at),
});

export const mayEditClaims = (by: Principal): boolean =>
  by.personId !== null && (by.roles.has('admin') || by.roles.has('evidence'));

export function createClaimCards({ store, now = Date.now }: { store: Store; now?: () => number }) {
  const read = store.read as unknown as Db<Tables>;

  /** Newest first; the last one is as shipped, where it came along. */
  async function versions(id: string): Promise<ClaimCard[]> {
    const rows = await read
      .selectFrom('claim_card')
      .selectAll()
      .where('id', '=', id)
      .orderBy('version', 'desc')
      .execute();
    return [...rows.map(cardOf), ...SHIPPED.filter((card) => card.id === id)];
  }

  return {
    versions,
    /** Those in force, in the order in which they came. */
    async list(): Promise<ClaimCard[]> {
      const rows = await read.selectFrom('claim_card').selectAll().orderBy('at').orderBy('version').execute();
      const cards = new Map(SHIPPED.map((card) => [card.id, card]));
      for (const row of rows) cards.set(row.id, cardOf(row));
      return [...cards.values()].filter(({ removed }) => !removed);
    },
    /**
     * A new version of a card, or a new card (`id` null). Nothing is overwritten.
     *
     * @param after the version that the person saw
     * @throws NegatoscopeError `claim-forbidden` (403), `not-found` (404), `claim-changed` (409)
     */
    async record(
      id: string | null,
      after: number | null,
      form: ClaimForm,
      by: Principal,
      { removed = false } = {},
    ): Promise<ClaimCard> {
      if (!mayEditClaims(by))
        throw new NegatoscopeError('claim-forbidden', 'Only who answers for evidence, or an administrator, keeps these cards.', { status: 403 }); // prettier-ignore
      return store.write<Tables, ClaimCard>(async (tx) => {
        const key = id ?? uuidv7(now());
        const newest = await tx
          .selectFrom('claim_card')
          .select('version')
          .where('id', '=', key)
          .orderBy('version', 'desc')
          .executeTakeFirst();
        const present = newest ? Number(newest.version) : SHIPPED.some((card) => card.id === key) ? 0 : null;
        if (id !== null && present === null)
          throw new NegatoscopeError('not-found', 'There is no such card.', { status: 404 });
        if (id !== null && present !== after)
          throw new NegatoscopeError('claim-changed', 'Somebody changed this card meanwhile. Load it again.', { status: 409 }); // prettier-ignore
        const row: Row = {
          id: key,
          version: (present ?? 0) + 1,
          content: JSON.stringify(form),
          removed: Number(removed),
          person_id: by.personId!,
          person_name: by.name,
          at: now(),
        };
        await tx.insertInto('claim_card').values(row).execute();
        await store.events.append(tx, {
          kind: 'evidence.claim.recorded',
          subject: key,
          actor: by.personId!,
          payload: { version: row.version, removed },
        });
        return cardOf(row);
      });
    },
  };
}
export type ClaimCards = ReturnType<typeof createClaimCards>;
