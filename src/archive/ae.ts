/** AE titles: who may send, and who knocked. */
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import type { Store } from '../store/types.ts';
import { demand, nameOf } from './acting.ts';
import type { ArchiveTables } from './tables.ts';
import type { AeRow, Archive } from './types.ts';

/** Whoever invents titles must not fill the disk: beyond this the oldest knocks are forgotten. */
const MAX_KNOCKS = 500;

const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address);

/**
 * A title that was let in may send from any address: portable machines change theirs. From this computer every title may
 * send, unless it was refused.
 */
export function createAeTitles({
  store,
  now,
}: {
  store: Pick<Store, 'read' | 'write' | 'events'>;
  now: () => number;
}): Archive['ae'] {
  const db = store.read.withTables<ArchiveTables>();

  const settle = async (aeTitle: string, state: 'admitted' | 'refused', by: Principal): Promise<void> => {
    demand(by, ['admin']);
    await store.write<ArchiveTables, void>(async (tx) => {
      const at = now();
      await tx
        .insertInto('ae_title')
        .values({ ae_title: aeTitle, address: '', state, first_at: at, last_at: at, knocks: 0 })
        .onConflict((conflict) => conflict.column('ae_title').doUpdateSet({ state }))
        .execute();
      await store.events.append(tx, {
        kind: state === 'admitted' ? 'archive.ae.admitted' : 'archive.ae.refused',
        subject: aeTitle,
        actor: nameOf(by),
      });
    });
  };

  return {
    async isKnown(aeTitle, address) {
      const row = await db
        .selectFrom('ae_title')
        .select('state')
        .where('ae_title', '=', aeTitle)
        .executeTakeFirst();
      return row?.state === 'admitted' || (isLoopback(address) && row?.state !== 'refused');
    },

    async mayQuery(aeTitle) {
      const row = await db
        .selectFrom('ae_title')
        .select('state')
        .where('ae_title', '=', aeTitle)
        .executeTakeFirst();
      return row?.state === 'admitted';
    },

    async knock(aeTitle, address) {
      if (!/^[\x20-\x7e]{1,16}$/.test(aeTitle)) {
        throw new NegatoscopeError('bad-ae-title', 'An AE title has 1 to 16 printable characters.');
      }
      await store.write<ArchiveTables, void>(async (tx) => {
        const at = now();
        const { knocks } = await tx
          .insertInto('ae_title')
          .values({ ae_title: aeTitle, address, state: 'knocked', first_at: at, last_at: at, knocks: 1 })
          .onConflict((conflict) =>
            conflict.column('ae_title').doUpdateSet((eb) => ({
              address,
              last_at: at,
              knocks: eb('ae_title.knocks', '+', 1),
            })),
          )
          .returning('knocks')
          .executeTakeFirstOrThrow();
        // Once: a machine that tries every second is not news every second.
        if (Number(knocks) !== 1) return;
        await store.events.append(tx, { kind: 'archive.ae.knocked', subject: aeTitle, actor: 'system' });
        const { count } = await tx
          .selectFrom('ae_title')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('state', '=', 'knocked')
          .executeTakeFirstOrThrow();
        if (Number(count) > MAX_KNOCKS) {
          await tx
            .deleteFrom('ae_title')
            .where('ae_title', 'in', (eb) =>
              eb
                .selectFrom('ae_title')
                .select('ae_title')
                .where('state', '=', 'knocked')
                .orderBy('last_at')
                .limit(Number(count) - MAX_KNOCKS),
            )
            .execute();
        }
      });
    },

    async list() {
      const rows = await db.selectFrom('ae_title').selectAll().orderBy('last_at', 'desc').execute();
      return rows.map((row): AeRow => ({
        aeTitle: row.ae_title,
        address: row.address,
        state: row.state,
        firstAt: Number(row.first_at),
        lastAt: Number(row.last_at),
        knocks: Number(row.knocks),
      }));
    },

    admit: (aeTitle, by) => settle(aeTitle, 'admitted', by),
    refuse: (aeTitle, by) => settle(aeTitle, 'refused', by),
  };
}
