import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, describe } from 'vitest';
import { createStore } from './index.ts';
import setup, { TEST_POSTGRES } from './testing/global-setup.ts';
import { postgresBinaries } from './testing/postgres-server.ts';
import type { Store, StoreOptions } from './types.ts';

export interface MakeStore {
  /** A new, empty store; closed and deleted after the test. Options may name the `dir` and `url` of an earlier one. */
  (options?: Partial<StoreOptions>): Promise<Store>;
  /** Closes it and opens the same data again. */
  reopen(store: Store, options?: Partial<StoreOptions>): Promise<Store>;
  /** The address of a store's database: undefined on SQLite. */
  url(store: Store): string | undefined;
}

/**
 * Runs the same tests on SQLite and on PostgreSQL, each in a `describe` of its own.
 *
 * @example
 * eachStore((label, make) => {
 *   test('keeps a study', async () => {
 *     const store = await make({ migrations });
 *     …
 *   });
 * });
 */
export function eachStore(body: (label: 'sqlite' | 'postgres', make: MakeStore) => void): void {
  describe('sqlite', () => body('sqlite', maker('sqlite')));
  describe.skipIf(!postgresToBeHad())('postgres', () => body('postgres', maker('postgres')));
}

/** With CI=true it must be: then the tests run, and fail by saying what is missing. */
function postgresToBeHad(): boolean {
  const given = process.env[TEST_POSTGRES];
  return given ? given !== 'none' : process.env.CI === 'true' || postgresBinaries() !== undefined;
}

/** Without Vitest's globalSetup: one server for the process, started by the first test that asks. */
let own: ReturnType<typeof setup> | undefined;
async function serverUrl(): Promise<string> {
  if (!process.env[TEST_POSTGRES]) await (own ??= setup());
  const url = process.env[TEST_POSTGRES];
  if (!url || url === 'none') throw new Error('PostgreSQL is not installed: node scripts/peers.mjs');
  return url;
}

async function command(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function maker(dialect: 'sqlite' | 'postgres'): MakeStore {
  const stores = new Set<Store>();
  const urls = new Map<string, string>(); // dir → database
  const dirs = new Set<string>();

  const newUrl = async (): Promise<string> => {
    const server = await serverUrl();
    const name = `test_${randomBytes(8).toString('hex')}`;
    await command(server, `create database ${name}`);
    return server.replace(/\/[^/]*$/, `/${name}`);
  };
  const make = async (options: Partial<StoreOptions> = {}): Promise<Store> => {
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'negatoscope-test-')));
    dirs.add(dir);
    const url = dialect === 'postgres' ? (options.url ?? urls.get(dir) ?? (await newUrl())) : undefined;
    if (url) urls.set(dir, url);
    const store = await createStore({ migrations: [], ...options, dir, ...(url && { url }) });
    stores.add(store);
    return store;
  };

  afterEach(async () => {
    for (const store of stores) await store.close();
    stores.clear();
    for (const dir of dirs) await rm(dir, { recursive: true, force: true });
    dirs.clear();
    for (const url of urls.values()) {
      await command(
        await serverUrl(),
        `drop database if exists ${url.slice(url.lastIndexOf('/') + 1)} with (force)`,
      );
    }
    urls.clear();
  });
  if (dialect === 'postgres') {
    afterAll(async () => {
      const stop = await own;
      own = undefined;
      await stop?.();
    });
  }

  return Object.assign(make, {
    async reopen(store: Store, options: Partial<StoreOptions> = {}) {
      await store.close();
      stores.delete(store);
      return make({ ...options, dir: store.dir });
    },
    url: (store: Store) => urls.get(store.dir),
  });
}
