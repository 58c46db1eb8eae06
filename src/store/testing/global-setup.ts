import { postgresBinaries, startPostgres } from './postgres-server.ts';

/** Where the workers find the server; `none` when there is none to be had. */
export const TEST_POSTGRES = 'NEGATOSCOPE_TEST_POSTGRES';

/** Vitest's `globalSetup`: one PostgreSQL for all workers, gone afterwards. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[TEST_POSTGRES]) return undefined; // brought along by whoever started us
  const bin = postgresBinaries();
  if (!bin) {
    if (process.env.CI === 'true')
      throw new Error('CI=true, and PostgreSQL is not installed: node scripts/peers.mjs');
    console.warn(
      'PostgreSQL is not installed: its half of the store tests is left out (node scripts/peers.mjs).',
    );
    process.env[TEST_POSTGRES] = 'none';
    return undefined;
  }
  const server = await startPostgres(bin);
  process.env[TEST_POSTGRES] = server.url;
  return async () => {
    delete process.env[TEST_POSTGRES];
    await server.stop();
  };
}
