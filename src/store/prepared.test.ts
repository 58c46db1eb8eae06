import { expect, test } from 'vitest';
import { prepared } from './prepared.ts';
import { eachStore } from './testing.ts';
import type { Migration, Tx } from './types.ts';

type Tables = { line: { id: string; n: number; note: string | null } };
const migration: Migration = {
  id: 'test-001',
  async up(db) {
    await db.schema
      .createTable('line')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('n', 'bigint', (c) => c.notNull())
      .addColumn('note', 'text')
      .execute();
  },
};
let built = 0;
const add = prepared((tx: Tx<Tables>, lines: readonly Tables['line'][]) => {
  built += 1;
  return tx
    .insertInto('line')
    .values([...lines])
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((eb) => ({ n: eb('line.n', '+', lines[0]!.n), note: 'again' })),
    )
    .returning('id');
});

eachStore((_label, make) => {
  test('runs with the values of each call, and is built once for a number of arguments', async () => {
    const store = await make({ migrations: [migration] });
    const before = built;
    const line = (id: string, n: number, note: string | null) => ({ id, n, note });
    const ids = await store.write<Tables, unknown>(async (tx) => [
      (await add(tx, [line('a', 1, null)])).rows,
      (await add(tx, [line('b', 2, 'two')])).rows,
      (await add(tx, [line('c', 3, 'it’s'), line('d', 2 ** 40, null)])).rows,
      (await add(tx, [line('a', 5, null)])).rows,
    ]);
    expect(ids).toEqual([[{ id: 'a' }], [{ id: 'b' }], [{ id: 'c' }, { id: 'd' }], [{ id: 'a' }]]);
    expect(built - before).toBe(2);
    const rows = await store.read.withTables<Tables>().selectFrom('line').selectAll().orderBy('id').execute();
    expect(rows).toEqual([
      line('a', 6, 'again'),
      line('b', 2, 'two'),
      line('c', 3, 'it’s'),
      line('d', 2 ** 40, null),
    ]);
  });
});
