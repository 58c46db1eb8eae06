/** Which files of a folder were dealt with already: what lets an import go on, and a watched folder keep its files. */
import type { Store } from '../store/types.ts';
import type { ArchiveTables } from './tables.ts';
import type { Archive, LedgerFile } from './types.ts';

/** Rows of one statement: PostgreSQL takes 65,535 parameters, SQLite 32,766. */
const CHUNK = 256;

export function createLedger(store: Store, now: () => number): Archive['ledger'] {
  const db = store.read.withTables<ArchiveTables>();
  const chunked = <T>(items: readonly T[]): T[][] =>
    Array.from({ length: Math.ceil(items.length / CHUNK) }, (_, i) =>
      items.slice(i * CHUNK, (i + 1) * CHUNK),
    );
  return {
    async known(source, files) {
      const known = new Map<string, string>();
      for (const some of chunked(files)) {
        const byPath = new Map(some.map((file) => [file.path, file]));
        const rows = await db
          .selectFrom('ledger')
          .select(['path', 'size', 'mtime', 'outcome'])
          .where('source', '=', source)
          .where('path', 'in', [...byPath.keys()])
          .execute();
        for (const { path, size, mtime, outcome } of rows) {
          const file = byPath.get(path);
          if (file && file.size === Number(size) && file.mtime === Number(mtime)) known.set(path, outcome);
        }
      }
      return known;
    },

    async remember(source, files) {
      const last = new Map(files.map((file) => [file.path, file]));
      for (const some of chunked([...last.values()])) {
        const rows = some.map((file) => ({ source, ...row(file), at: now() }));
        await store.write<ArchiveTables, void>(async (tx) => {
          await tx
            .insertInto('ledger')
            .values(rows)
            .onConflict((conflict) =>
              conflict.columns(['source', 'path']).doUpdateSet((set) => ({
                size: set.ref('excluded.size'),
                mtime: set.ref('excluded.mtime'),
                outcome: set.ref('excluded.outcome'),
                detail: set.ref('excluded.detail'),
                at: set.ref('excluded.at'),
              })),
            )
            .execute();
        });
      }
    },

    async page(source, outcomes, limit) {
      const rows = await db
        .selectFrom('ledger')
        .selectAll()
        .where('source', '=', source)
        .where('outcome', 'in', [...outcomes])
        .orderBy('at', 'desc')
        .limit(limit)
        .execute();
      return rows.map(({ path, size, mtime, outcome, detail, at }) => ({
        path,
        size: Number(size),
        mtime: Number(mtime),
        outcome,
        detail,
        at: Number(at),
      }));
    },

    async counts(source) {
      const rows = await db
        .selectFrom('ledger')
        .select(({ fn }) => ['outcome', fn.countAll<number>().as('count')])
        .where('source', '=', source)
        .groupBy('outcome')
        .execute();
      return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, Number(count)]));
    },

    async forget(source, paths) {
      await store.write<ArchiveTables, void>(async (tx) => {
        const all = tx.deleteFrom('ledger').where('source', '=', source);
        if (!paths) await all.execute();
        else for (const some of chunked(paths)) await all.where('path', 'in', some).execute();
      });
    },
  };
}

const row = ({ path, size, mtime, outcome, detail }: LedgerFile) => ({
  path,
  size,
  mtime,
  outcome,
  detail: detail.replaceAll('\0', '').slice(0, 1000),
});
