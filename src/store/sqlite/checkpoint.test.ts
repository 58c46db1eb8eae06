import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStore } from '../index.ts';
import { lineMigration, type LineTables } from '../testing/line-tables.ts';
import { parseTrace } from '../testing/strace.ts';

const child = fileURLToPath(new URL('../testing/checkpoint-child.ts', import.meta.url));
let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'negatoscope-checkpoint-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('kill -9 between checkpoints: what was told is there, and the log stayed short', async () => {
  const args = ['--disable-warning=ExperimentalWarning', child, dir];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  let longest = 0;
  writer.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    longest = Math.max(longest, statSync(join(dir, 'negatoscope.db-wal')).size);
    if (told.length > 4 * 1200) writer.kill('SIGKILL'); // some 75 MB, four checkpoints
  });
  await once(writer, 'close');
  expect(longest).toBeGreaterThan(10e6);
  expect(longest).toBeLessThan(50e6);

  const store = await createStore({ dir, migrations: [lineMigration] });
  try {
    const rows = await store.read.withTables<LineTables>().selectFrom('line').selectAll().execute();
    const found = new Map(rows.map(({ id, bytes }) => [Number(id), bytes]));
    for (const id of told.split('\n').slice(0, -1).map(Number))
      expect(found.get(id)?.[59_999]).toBe(id % 251);
    const { rows: checks } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(
      store.read,
    );
    expect(checks).toEqual([{ integrity_check: 'ok' }]);
  } finally {
    await store.close();
  }
});

const strace = spawnSync('strace', ['-V']).status === 0;
test.skipIf(!strace && process.env.CI !== 'true')(
  'the log is synced before its pages go into the database, and those before the log begins anew',
  () => {
    const out = join(dir, 'trace.txt');
    const traced = [
      '-f',
      '-y',
      '-s',
      '0',
      '-o',
      out,
      '-e',
      'trace=fsync,fdatasync,pwrite64',
      process.execPath,
    ];
    const run = spawnSync('strace', [...traced, child, join(dir, 'data'), '500'], { encoding: 'utf8' });
    expect(run.status, run.stderr).toBe(0);
    const trace = parseTrace(readFileSync(out, 'utf8'));
    const of = (file: string) => (c: { text: string }) => c.text.includes(`/negatoscope.db${file}>`);
    const log = trace.filter(of('-wal'));
    // `pwrite64(fd, …, 24, 0)` and 32 bytes at 0: the header, with which the log begins anew.
    const anew = log.filter((c) => c.name === 'pwrite64' && /, 32, 0\)/.test(c.text)).slice(1);
    expect(anew.length).toBeGreaterThan(0);
    for (const { began } of anew) {
      const before = trace.filter((c) => c.ended < began);
      const copied = before.findLast((c) => c.name === 'pwrite64' && of('')(c))!;
      const stored = before.find((c) => c.name.endsWith('sync') && of('')(c) && c.began > copied.ended);
      expect(stored, 'sync of the database').toBeDefined();
      const logged = before.findLast((c) => c.name === 'pwrite64' && of('-wal')(c))!;
      const safe = before.some((c) => c.name.endsWith('sync') && of('-wal')(c) && c.began > logged.ended);
      expect(safe, 'sync of the log').toBe(true);
    }
  },
);
