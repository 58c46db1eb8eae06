import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseTrace, type Call } from './testing/strace.ts';

// Killing a process does not prove that what it wrote outlives the power; the order of its syncs does.
const strace = spawnSync('strace', ['-V']).status === 0;
const child = fileURLToPath(new URL('./testing/ingest-child.ts', import.meta.url));

test.skipIf(!strace && process.env.CI !== 'true')(
  'bytes and name synced, and the folders above, then the rows logged and the log synced, then acknowledged',
  () => {
    const dir = mkdtempSync(join(tmpdir(), 'negatoscope-strace-'));
    try {
      const out = join(dir, 'trace.txt');
      const calls = 'trace=openat,fsync,fdatasync,rename,renameat,renameat2,write,pwrite64,mkdir';
      const traced = ['-f', '-y', '-s', '5000', '-o', out, '-e', calls, process.execPath];
      const run = spawnSync('strace', [...traced, child, join(dir, 'data'), '-', '1', '8'], {
        encoding: 'utf8',
      });
      expect(run.status, run.stderr).toBe(0);
      const ids = run.stdout.trim().split('\n');
      expect(ids).toHaveLength(8);
      const trace = parseTrace(readFileSync(out, 'utf8'));
      for (const [i, id] of ids.entries()) expectOrder(trace, id, i === 0);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
);

/**
 * How the bytes came to be on stable storage: a small object is written, by writes that return when they are, to a name that was
 * made before; a larger one is written beside, synced, and renamed then. `stored`: the last of it; `placed`: it has its name.
 */
function expectData(
  trace: readonly Call[],
  name: string,
  one: (what: string, is: (call: Call) => boolean) => Call,
): { stored: Call; placed: Call } {
  const rename = trace.find((c) => c.name.startsWith('rename') && c.text.includes(`/data/${name}"`));
  if (rename) {
    expect(rename.text).toMatch(/= 0$/);
    const staged = /"([^"]*\/staging\/[^"]*)"/.exec(rename.text)![1]!;
    const data = one('sync of the file', (c) => c.name === 'fdatasync' && c.text.includes(`<${staged}>`));
    expect(data.ended).toBeLessThan(rename.began);
    return { stored: data, placed: rename };
  }
  const placed = one('new name', (c) => c.name === 'openat' && c.text.includes(`/data/${name}"`));
  expect(placed.text).toMatch(/O_CREAT/);
  expect(placed.text).toMatch(/O_DSYNC/);
  const writes = trace.filter((c) => c.name === 'pwrite64' && c.text.includes(`/data/${name}>`));
  for (const { text } of writes) expect(text).toMatch(/= \d+$/);
  return { stored: writes.at(-1) ?? placed, placed };
}

function expectOrder(trace: readonly Call[], id: string, first: boolean): void {
  const one = (what: string, is: (call: Call) => boolean): Call => {
    const found = trace.find(is);
    if (!found) throw new Error(`the trace shows no ${what}`);
    expect(found.text, what).toMatch(/= \d+(<.*>)?$/); // it succeeded
    return found;
  };
  const named =
    (...names: string[]) =>
    (call: Call) =>
      names.includes(call.name);
  const answer = one('answer', (c) => c.name === 'write' && c.text.startsWith('1<') && c.text.includes(id));
  // The row in a page of the write-ahead log: SQLite stores the columns of a record one after the other.
  const record = new RegExp(`${id}(objects/[0-9/]{13}/[0-9a-f-]{36}\\.dcm)`);
  const row = one(
    'row in the log',
    (c) => c.name === 'pwrite64' && c.text.includes('.db-wal>') && record.test(c.text),
  );
  const name = record.exec(row.text)![1]!;
  const { stored, placed } = expectData(trace, name, one);
  expect(stored.ended).toBeLessThan(row.began);

  const synced = (folder: string): Call =>
    one(
      `sync of ${folder}`,
      (c) => c.name === 'fsync' && c.text.includes(`/data/${folder}>`) && c.began > placed.ended,
    );
  const parts = name.split('/');
  expect(synced(parts.slice(0, 5).join('/')).ended).toBeLessThan(row.began);
  if (first) {
    for (let depth = 1; depth < 5; depth++) {
      const parent = parts.slice(0, depth).join('/');
      const made = one(
        `new folder in ${parent}`,
        (c) => c.name === 'mkdir' && c.text.includes(`/data/${parent}/${parts[depth]}"`),
      );
      const kept = one(
        `sync of ${parent}`,
        (c) => c.name === 'fsync' && c.text.includes(`/data/${parent}>`) && c.began > made.ended,
      );
      expect(kept.ended).toBeLessThan(row.began);
    }
  }
  const log = one(
    'sync of the log',
    (c) => named('fdatasync', 'fsync')(c) && c.text.includes('.db-wal>') && c.began > row.ended,
  );
  expect(log.ended).toBeLessThan(answer.began);
}
