// Writes as ingest does until it is killed: a file, two rows, an event and a job each, then the id on standard output, which is
// the promise that all of it is kept. `node ingest-child.ts DIR URL|- LANES COUNT`.
import { createHash, randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createStore } from '../index.ts';
import { ingestMigration, type IngestTables } from './ingest-tables.ts';

const [dir, url, lanes, count] = process.argv.slice(2);
const store = await createStore({
  dir: dir!,
  ...(url !== '-' && { url: url! }),
  migrations: [ingestMigration],
});

async function ingest(): Promise<void> {
  const id = randomUUID();
  // Bytes that can be checked against the id, of a length that it decides: 0 to 2 MB: small ones are written to
  // their place at once, larger ones beside.
  const seed = createHash('sha256').update(id).digest();
  const bytes = Buffer.alloc(seed.readUInt32LE(0) % 2_000_000, seed);
  const staged = await store.blobs.stage();
  for (let at = 0; at < bytes.length; at += 50_000) await staged.write(bytes.subarray(at, at + 50_000));
  await staged.finish();
  const [ref] = await store.blobs.commit([staged]);
  await store.write<IngestTables, void>(async (tx) => {
    await tx.insertInto('ingested').values({ id, ref: ref!, sha256: staged.sha256 }).execute();
    await tx.insertInto('other_half').values({ id }).execute();
    await store.events.append(tx, { kind: 'test.ingested', subject: id });
    await store.jobs.enqueue(tx, { kind: 'test', key: id });
  });
  writeSync(1, `${id}\n`);
}

await Promise.all(
  Array.from({ length: Number(lanes) }, async () => {
    for (let i = 0; i < Number(count); i++) await ingest();
  }),
);
await store.close();
