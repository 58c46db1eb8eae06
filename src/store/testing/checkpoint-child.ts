// Writes rows of 60 KB in four lanes and tells each id once it is durable: enough to reach checkpoints within a second or two.
// `node checkpoint-child.ts DIR COUNT`: writes on after COUNT until the log began anew, since the thread that copies it takes its
// time to start; runs until it is killed when COUNT is missing.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createStore } from '../index.ts';
import { lineMigration, type LineTables } from './line-tables.ts';

const MOST = 20_000;
const [dir, count = 'Infinity'] = process.argv.slice(2);
const store = await createStore({ dir: dir!, migrations: [lineMigration] });

/** Of the log's header: changes when it begins anew (https://www.sqlite.org/fileformat2.html#walformat). */
function salts(): string {
  const file = openSync(join(dir!, 'negatoscope.db-wal'), 'r');
  const bytes = Buffer.alloc(8);
  readSync(file, bytes, 0, 8, 16);
  closeSync(file);
  return bytes.toString('hex');
}
const first = salts();
const goesOn = (id: number): boolean => id < Number(count) || (id < MOST && salts() === first);

let next = 0;
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (let id = next++; goesOn(id); id = next++) {
      const bytes = Buffer.alloc(60_000, id % 251);
      await store.write<LineTables, unknown>((tx) => tx.insertInto('line').values({ id, bytes }).execute());
      writeSync(1, `${id}\n`);
    }
  }),
);
await store.close();
