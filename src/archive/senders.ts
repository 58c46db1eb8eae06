/** Who sent images, and when last: so that a machine that fell silent is noticed. Kept by reading the event log. */
import type { Store, Tx } from '../store/types.ts';
import type { ArchiveTables } from './tables.ts';
import type { Archive, Origin } from './types.ts';

const CONSUMER = 'archive.senders';
const DAY_MS = 86_400_000;
/** Somebody who sent on so many days has a habit. */
const HABIT_DAYS = 4;
/** Longer than a long weekend. */
const LEAST_SILENCE_DAYS = 4;
const OUTSIDE: readonly string[] = ['dimse', 'stow', 'folder'] satisfies Origin['door'][];

const dayOf = (at: number): number => Math.floor(at / DAY_MS);

export function createSenders(store: Store, now: () => number): Archive['senders'] & { start(): void } {
  const db = store.read.withTables<ArchiveTables>();
  return {
    start() {
      store.events.consume(
        CONSUMER,
        async (given, event) => {
          const tx = given as unknown as Tx<ArchiveTables>;
          const [door = '', ...rest] = (event.actor ?? '').split(':');
          const images = Number(event.payload?.images ?? 0);
          if (!OUTSIDE.includes(door) || images === 0) return;
          const at = Number(event.at);
          const name = rest.join(':');
          const before = await tx
            .selectFrom('sender')
            .selectAll()
            .where('door', '=', door)
            .where('name', '=', name)
            .executeTakeFirst();
          const values = {
            last_at: at,
            images: Number(before?.images ?? 0) + images,
            days: Number(before?.days ?? 0) + (before && dayOf(Number(before.last_at)) === dayOf(at) ? 0 : 1),
          };
          await tx
            .insertInto('sender')
            .values({ door, name, first_at: at, ...values })
            .onConflict((conflict) => conflict.columns(['door', 'name']).doUpdateSet(values))
            .execute();
        },
        { kinds: ['archive.study.changed'] },
      );
    },
    async list() {
      const rows = await db.selectFrom('sender').selectAll().orderBy('last_at', 'desc').limit(200).execute();
      return rows.map((row) => {
        const [first, last, days] = [Number(row.first_at), Number(row.last_at), Number(row.days)];
        // Days from one on which it sent to the next, on average.
        const usual = days < 2 ? Infinity : (last - first) / DAY_MS / (days - 1);
        const silence = (now() - last) / DAY_MS;
        return {
          door: row.door as Origin['door'],
          name: row.name,
          firstAt: first,
          lastAt: last,
          images: Number(row.images),
          silent: days >= HABIT_DAYS && silence > Math.max(LEAST_SILENCE_DAYS, 3 * usual),
        };
      });
    },
  };
}
