// Writes rows of 60 KB in four lanes and tells each id once it is durable: enough to reach checkpoints within a second or two.
// `node checkpoint-child.ts DIR COUNT`; runs until it is killed when COUNT is missing.
import { writeSync } from 'node:fs';
import { createStore } from '../index.ts';
import { lineMigration, type LineTables } from './line-tables.ts';

const [dir, count = 'Infinity'] = process.argv.slice(2);
const store = await createStore({ dir: dir!, migrations: [lineMigration] });
let next = 0;
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (let id = next++; id < Number(count); id = next++) {
      const bytes = Buffer.alloc(60_000, id % 251);
      await store.write<LineTables, unknown>((tx) => tx.insertInto('line').values({ id, bytes }).execute());
      writeSync(1, `${id}\n`);
    }
  }),
);
await store.close();
