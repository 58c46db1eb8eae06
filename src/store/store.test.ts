import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { eachStore } from './testing.ts';
import type { Migration, Store } from './types.ts';

type Things = {
  thing: { id: string; n: number; size: number; label: string | null; bytes: Uint8Array | null };
};
const things: Migration = {
  id: 'things-001',
  async up(db) {
    await db.schema
      .createTable('thing')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('n', 'integer', (c) => c.notNull())
      .addColumn('size', 'bigint', (c) => c.notNull())
      .addColumn('label', 'text')
      .addColumn('bytes', sql`bytea`)
      .execute();
  },
};
const thing = (id: string, over: Partial<Things['thing']> = {}): Things['thing'] => ({
  id,
  n: 1,
  size: 1,
  label: null,
  bytes: null,
  ...over,
});
const add = (store: Store, row: Things['thing']): Promise<void> =>
  store.write<Things, void>(async (tx) => {
    await tx.insertInto('thing').values(row).execute();
  });
const all = (store: Store): Promise<Things['thing'][]> =>
  store.read.withTables<Things>().selectFrom('thing').selectAll().orderBy('id').execute();

eachStore((label, make) => {
  test('what was written is read back by the other connection, numbers as numbers, bytes as bytes', async () => {
    const store = await make({ migrations: [things] });
    const size = 2 ** 52 + 1; // far beyond 32 bits
    await add(store, thing('a', { n: -7, size, label: '2026', bytes: new Uint8Array([0, 255, 7]) }));
    const [row] = await all(store);
    expect({ ...row, bytes: [...row!.bytes!] }).toEqual({
      id: 'a',
      n: -7,
      size,
      label: '2026',
      bytes: [0, 255, 7],
    });
    const { total, count } = await store.read
      .withTables<Things>()
      .selectFrom('thing')
      .select((eb) => [eb.fn.sum<number>('size').as('total'), eb.fn.countAll<number>().as('count')])
      .executeTakeFirstOrThrow();
    expect({ total, count }).toEqual({ total: size, count: 1 });
  });

  test('a write that throws leaves nothing behind', async () => {
    const store = await make({ migrations: [things] });
    const failing = store.write<Things, void>(async (tx) => {
      await tx.insertInto('thing').values(thing('a')).execute();
      await store.jobs.enqueue(tx, { kind: 'k', key: '1' });
      await store.events.append(tx, { kind: 'a.b.c' });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await store.events.settled();
    expect(await all(store)).toEqual([]);
    expect(await store.events.lastSeq()).toBe(0);
    expect(await store.jobs.counts()).toEqual({});
  });

  test('writes are serialised: counting up by reading first loses nothing', async () => {
    const store = await make({ migrations: [things] });
    await add(store, thing('a', { n: 0 }));
    await Promise.all(
      Array.from({ length: 40 }, () =>
        store.write<Things, void>(async (tx) => {
          const { n } = await tx
            .selectFrom('thing')
            .select('n')
            .where('id', '=', 'a')
            .executeTakeFirstOrThrow();
          await new Promise((resolve) => setImmediate(resolve));
          await tx
            .updateTable('thing')
            .set({ n: n + 1 })
            .where('id', '=', 'a')
            .execute();
        }),
      ),
    );
    expect((await all(store))[0]!.n).toBe(40);
  });

  test('a write inside a write is refused, and the next write goes through', async () => {
    const store = await make({ migrations: [things] });
    const nested = store.write<Things, void>(async () => add(store, thing('a')));
    await expect(nested).rejects.toMatchObject({ code: 'write-in-write' });
    const beside = store.write(async () => store.db.selectFrom('job').selectAll().execute());
    await expect(beside).rejects.toMatchObject({ code: 'write-in-write' });
    await add(store, thing('b'));
    expect((await all(store)).map((row) => row.id)).toEqual(['b']);
  });

  test('the reading connection cannot write', async () => {
    const store = await make({ migrations: [things] });
    await expect(
      store.read.withTables<Things>().insertInto('thing').values(thing('a')).execute(),
    ).rejects.toThrow();
  });

  test('stopped and started again everything is there, and no migration runs twice', async () => {
    let store = await make({ migrations: [things] });
    await add(store, thing('a'));
    await store.setSetting('language', 'fr');
    await store.setSetting('language', 'en');
    store = await make.reopen(store, { migrations: [things] });
    expect((await all(store)).map((row) => row.id)).toEqual(['a']);
    expect(await store.setting('language')).toBe('en');
    expect(await store.setting('nothing')).toBeUndefined();
  });

  test('a database of a newer program is refused', async () => {
    const store = await make({ migrations: [things] });
    await expect(make.reopen(store, { migrations: [] })).rejects.toMatchObject({
      code: 'schema-newer',
      details: { migrations: 'things-001' },
    });
    // and the lock was given back
    await make({ dir: store.dir, migrations: [things] });
  });

  test('a migration that fails is undone whole and runs again next time', async () => {
    const store = await make();
    const half: Migration = {
      ...things,
      async up(db) {
        await things.up(db);
        throw new Error('power cut');
      },
    };
    await expect(make.reopen(store, { migrations: [half] })).rejects.toThrow('power cut');
    const again = await make({ dir: store.dir, migrations: [things] });
    await add(again, thing('a'));
  });

  test('a second program on the same folder is told who has it', async () => {
    const store = await make();
    store.announce('http://127.0.0.1:8080');
    await expect(make({ dir: store.dir })).rejects.toMatchObject({
      code: 'data-in-use',
      details: { pid: process.pid, address: 'http://127.0.0.1:8080' },
    });
  });

  test('a boolean is refused on both databases', async () => {
    const store = await make({ migrations: [things] });
    await expect(add(store, thing('a', { n: true as unknown as number }))).rejects.toThrow();
  });

  test.runIf(process.platform !== 'win32')('everything on disk is private', async () => {
    const store = await make({ migrations: [things] });
    const staged = await store.blobs.stage();
    await staged.write(Buffer.from('x'));
    await staged.finish();
    await store.blobs.commit([staged]);
    await add(store, thing('a'));
    await store.write((tx) => store.events.append(tx, { kind: 'a.b.c' }));
    await store.events.settled();
    const again = await make.reopen(store, {
      migrations: [things, { id: 'things-002', up: async () => {} }],
    });
    const open = readdirSync(again.dir, { recursive: true, encoding: 'utf8' })
      .map((name) => ({ name, mode: statSync(join(again.dir, name)).mode }))
      .filter(({ mode }) => (mode & 0o077) !== 0);
    expect(open).toEqual([]);
    expect(existsSync(join(again.dir, 'audit-anchor'))).toBe(true);
  });

  test.runIf(label === 'sqlite')(
    'an SQLite database is copied before its schema changes; the last three copies stay',
    async () => {
      let clock = Date.UTC(2026, 0, 1);
      const migrations = [things];
      let store = await make({ migrations, now: () => clock });
      await add(store, thing('a'));
      for (let i = 2; i < 7; i++) {
        clock += 1000;
        migrations.push({ id: `things-00${i}`, up: async () => {} });
        store = await make.reopen(store, { migrations, now: () => clock });
      }
      const backups = readdirSync(join(store.dir, 'backup')).sort();
      expect(backups).toHaveLength(3);
      // The copy opens as a store of its own with what was there.
      const { DatabaseSync } = await import('node:sqlite');
      const copy = new DatabaseSync(join(store.dir, 'backup', backups[0]!), { readOnly: true });
      expect(
        copy
          .prepare('select id from thing')
          .all()
          .map((row) => row.id),
      ).toEqual(['a']);
      copy.close();
    },
  );

  test.runIf(label === 'sqlite')('a folder whose owner was killed opens at once', async () => {
    const store = await make();
    await store.close();
    const script = `
      const { createStore } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
      await createStore({ dir: ${JSON.stringify(store.dir)}, migrations: [] });
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
    expect(child.signal).toBe('SIGKILL');
    await make({ dir: store.dir });
  });

  test.runIf(label === 'sqlite')('of programs that start at once on a new folder one gets it', async () => {
    const fresh = join((await make()).dir, 'fresh');
    const script = `
      const { createStore } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
      try {
        await createStore({ dir: ${JSON.stringify(fresh)}, migrations: [] });
        console.log('open');
        setTimeout(() => process.exit(), 3000);
      } catch (error) {
        console.log(error.code);
      }`;
    const said = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        const [line] = (await once(child.stdout, 'data')) as [Buffer];
        await once(child, 'exit');
        return line.toString().trim();
      }),
    );
    expect(said.sort()).toEqual(['data-in-use', 'data-in-use', 'data-in-use', 'open']);
  });

  test.runIf(label === 'postgres')(
    'connections that break are replaced: writes, jobs and events go on',
    async () => {
      const warnings: string[] = [];
      const log = { info() {}, warn: (_: object, m: string) => void warnings.push(m), error() {} };
      const store = await make({ migrations: [things], log });
      const jobs: string[] = [];
      store.jobs.work('k', async (job) => void jobs.push(job.key));
      await add(store, thing('a'));
      const failing = store.write<Things, void>(async (tx) => {
        await tx.insertInto('thing').values(thing('lost')).execute();
        await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()`.execute(
          tx,
        );
      });
      await expect(failing).rejects.toThrow();
      await expect
        .poll(() =>
          add(store, thing('b')).then(
            () => true,
            () => false,
          ),
        )
        .toBe(true);
      await store.write(async (tx) => {
        await store.jobs.enqueue(tx, { kind: 'k', key: '1' });
        await store.events.append(tx, { kind: 'a.b.c' });
      });
      await store.events.settled();
      await expect.poll(() => jobs, { timeout: 5_000 }).toEqual(['1']);
      expect((await all(store)).map((row) => row.id)).toEqual(['a', 'b']);
      expect(warnings).toContain('a database connection broke');
    },
  );

  test.runIf(label === 'postgres')(
    'a server that does not answer is named, without the password',
    async () => {
      const url = 'postgres://u:secret@127.0.0.1:1/x';
      const failing = make({ url });
      await expect(failing).rejects.toMatchObject({ code: 'database-unreachable', status: 503 });
      await expect(failing).rejects.not.toThrow(/secret/);
    },
  );
});
