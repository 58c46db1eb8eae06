/**
 * How soon the pages about evidence have what they show, with a million studies and 200,000 signed reports of studies that a tool
 * has read. No peer offers this: the goal stands beside ours.
 *
 * Which requests a page makes is heard from the page itself in Chromium, so a figure that is added is measured, too. They are then
 * asked as the page asks them, all at once, cold (the first questions after a start, a report having been signed since anybody
 * looked) and warm. `--data DIR` keeps what was filled in, and is used again. With `--postgres` the database is PostgreSQL (the server of the tests, which does not sync).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Client,
  firstAccount,
  openBrowser,
  openPage,
  PASSWORD,
  signIn,
  startServer,
  type Server,
} from '../e2e/harness.ts';
import { postgresBinaries, startPostgres } from '../src/store/testing/postgres-server.ts';
import { fill, signOneMore } from './evidenceData.ts';
import { median } from './median.ts';
import type { Line, SuiteOptions } from './types.ts';

const STUDIES = 1_000_000;
/** Of five studies one was read with the tool. */
const READ = 5;
interface Place {
  name: string;
  path: string;
  goalMs: number;
  /** Which of the page's requests: without it, all. */
  asks?: RegExp;
}
/** Both stand on one page: the table of all tools above, the tool below. */
const PAGES: readonly Place[] = [
  {
    name: 'overview, all tools',
    path: '/evidence',
    goalMs: 100,
    asks: /^\/api\/(status|me|models|evidence)(\?|$)/,
  },
  { name: 'page of a tool', path: '/evidence', goalMs: 300 },
];

export async function* evidence(options: SuiteOptions): AsyncGenerator<Line> {
  const { count = STUDIES, rounds, only, say } = options;
  const bin = options.postgres ? postgresBinaries() : undefined;
  if (options.postgres && !bin) return say('PostgreSQL is not installed: node scripts/peers.mjs');
  const database = bin ? await startPostgres(bin) : undefined;
  const dir = options.data ?? mkdtempSync(join(tmpdir(), 'negatoscope-bench-'));
  const label = database ? 'PostgreSQL' : 'SQLite';
  const flags = database ? ['--database', database.url] : [];
  let server: Server | undefined;
  try {
    const size = { studies: count, reports: Math.floor(count / READ) };
    if (database || !existsSync(join(dir, 'negatoscope.db')))
      await fill({ dir, url: database?.url }, size, say);
    server = await startServer(dir, flags);
    if (server.setup) await giveRoles(server);
    const requests = new Map<Place, string[]>();
    for (const page of PAGES) {
      const all = await requestsOf(server, page.path);
      requests.set(page, page.asks ? all.filter((path) => page.asks!.test(path)) : all);
      say(`${page.name}: ${requests.get(page)!.join(' ')}`);
    }
    for (const page of PAGES.filter(({ name }) => name.includes(only))) {
      const times = { cold: [] as number[], warm: [] as number[] };
      const paths = requests.get(page)!;
      for (let round = 0; round < rounds; round += 1) {
        await server.stop();
        await signOneMore({ dir, url: database?.url }, size);
        server = await startServer(dir, flags);
        const client = await new Client(server.url).login('anne', PASSWORD);
        for (const when of ['cold', 'warm'] as const) {
          const { ms, each } = await ask(client, paths);
          times[when].push(ms);
          say(`${page.name}, ${when}: ${ms.toFixed(0)} ms`);
          for (const one of each) say(`  ${one.ms.toFixed(0)} ms, ${one.bytes} bytes, ${one.path}`);
        }
      }
      for (const when of ['cold', 'warm'] as const)
        yield lineOf(`${page.name}, ${when}, ${label}`, median(times[when]), page.goalMs);
    }
  } finally {
    await server?.stop();
    await database?.stop();
    if (!options.data) rmSync(dir, { recursive: true, force: true });
  }
}

/** The first account, and on it every role that the pages ask for. */
async function giveRoles(server: Server): Promise<void> {
  const anne = await firstAccount(server);
  const { person } = await anne.json<{ person: { id: string } }>('GET', '/api/me');
  await anne.json('PATCH', `/api/users/${person.id}`, { roles: ['admin', 'reader', 'evidence'] });
}

/** Paths that the page at `path` asks of the API before it is at rest. */
async function requestsOf(server: Server, path: string): Promise<string[]> {
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser);
    await signIn(page, server);
    const paths: string[] = [];
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      // The live stream never ends.
      if (pathname.startsWith('/api/') && request.method() === 'GET' && pathname !== '/api/live')
        paths.push(pathname + search);
    });
    await page.goto(server.url + path);
    await page.waitForLoadState('domcontentloaded');
    // No request for two seconds; the live stream keeps the network from ever being idle.
    for (let last = -1; last !== paths.length;) {
      last = paths.length;
      await page.waitForTimeout(2000);
    }
    if (!paths.some((each) => each.startsWith('/api/evidence')))
      throw new Error(`the page ${path} asked nothing about evidence: ${paths.join(' ')}`);
    return [...new Set(paths)];
  } finally {
    await browser.close();
  }
}

/** All at once, as the page asks them: the time until the last answer is whole. */
async function ask(client: Client, paths: readonly string[]) {
  const began = performance.now();
  const each = await Promise.all(
    paths.map(async (path) => {
      const response = await client.call('GET', path);
      const { length: bytes } = Buffer.from(await response.arrayBuffer());
      if (!response.ok) throw new Error(`${path}: ${response.status}`);
      return { path, ms: performance.now() - began, bytes };
    }),
  );
  return { ms: performance.now() - began, each };
}

const lineOf = (work: string, ours: number, goalMs: number): Line => ({
  suite: 'evidence',
  work,
  ours,
  peer: goalMs,
  peerName: 'the goal',
  unit: 'ms',
  ratio: goalMs / ours,
  goal: 1,
  met: ours <= goalMs,
});
