import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eachStore } from './testing.ts';
import { ingestMigration, type IngestTables } from './testing/ingest-tables.ts';

const KILLS = 10;
const child = fileURLToPath(new URL('./testing/ingest-child.ts', import.meta.url));

/** Lets a process write until it has acknowledged some, kills it in the middle, and returns what it acknowledged. */
async function writeAndKill(dir: string, url: string | undefined, wanted: number): Promise<string[]> {
  const args = ['--disable-warning=ExperimentalWarning', child, dir, url ?? '-', '4', '1000000'];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > wanted) writer.kill('SIGKILL');
  });
  const [, signal] = (await once(writer, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return text.split('\n').slice(0, -1); // a line that is not whole is no promise
}

eachStore((_label, make) => {
  test('kill -9, ten times: all that was acknowledged is there, whole, and nothing by half', async () => {
    let store = await make({ migrations: [ingestMigration] });
    const acknowledged: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const url = make.url(store);
      await store.close();
      acknowledged.push(...(await writeAndKill(store.dir, url, 1 + kill * 7)));
      store = await make.reopen(store, { migrations: [ingestMigration] });
      expect(readdirSync(join(store.dir, 'staging'))).toEqual([]);
    }
    expect(acknowledged.length).toBeGreaterThan(10 * KILLS);
    await store.events.settled();
    const db = store.read.withTables<IngestTables>();
    const rows = await db.selectFrom('ingested').selectAll().execute();
    const ids = new Set(rows.map((row) => row.id));
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    for (const row of rows) {
      const bytes = await store.blobs.read(row.ref);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(row.sha256);
      const seed = createHash('sha256').update(row.id).digest();
      expect(bytes.length).toBe(seed.readUInt32LE(0) % 2_000_000);
    }
    const of = async (query: Promise<{ id: string | null }[]>): Promise<Set<string | null>> =>
      new Set((await query).map((row) => row.id));
    expect(await of(db.selectFrom('other_half').select('id').execute())).toEqual(ids);
    expect(await of(db.selectFrom('event').select('subject as id').execute())).toEqual(ids);
    expect(await of(db.selectFrom('job').select('key as id').execute())).toEqual(ids);
    expect(await store.events.verify()).toEqual({ ok: true, events: ids.size });
  });
});
