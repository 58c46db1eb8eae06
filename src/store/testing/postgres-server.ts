import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

export interface TestServer {
  /** `postgres://…/postgres`; make databases of your own in it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The folder of the newest PostgreSQL on this machine, as Debian and others lay it out. */
export function postgresBinaries(): string | undefined {
  const roots = ['/usr/lib/postgresql', '/usr/local/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'];
  const found = roots.flatMap((root) =>
    existsSync(root)
      ? readdirSync(root)
          .map((name) => ({ version: Number(name.replace(/\D/g, '')), bin: join(root, name, 'bin') }))
          .filter(({ bin }) => existsSync(join(bin, 'initdb')))
      : [],
  );
  const onPath = (process.env.PATH ?? '').split(':').find((folder) => existsSync(join(folder, 'initdb')));
  return found.sort((a, b) => b.version - a.version)[0]?.bin ?? onPath;
}

/** PostgreSQL refuses root: then it runs as `postgres` or `nobody`. */
function ordinaryUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // no such account
    }
  }
  throw new Error('PostgreSQL cannot run as root, and there is neither an account postgres nor nobody');
}

/** An own server on a free loopback port with its data in a folder that goes with it. For tests: it never syncs. */
export async function startPostgres(bin: string): Promise<TestServer> {
  const user = ordinaryUser();
  const folder = mkdtempSync(join(tmpdir(), 'negatoscope-pg-'));
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { cwd: folder, env: { ...process.env, LC_ALL: 'C' }, ...user };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...options, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    fsync: 'off',
    full_page_writes: 'off',
    max_connections: 200,
    shared_buffers: '64MB',
    autovacuum: 'off',
    log_min_messages: 'fatal',
  };
  const server: ChildProcess = spawn(
    join(bin, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    { ...options, stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const kill = (): void => void server.kill('SIGQUIT'); // at once: nothing of it is kept
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    if (server.exitCode === null) kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };

  const url = `postgres://test@127.0.0.1:${port}/postgres`;
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return { url, stop };
    } catch (thrown) {
      if (tries > 200 || server.exitCode !== null) {
        await stop();
        throw new Error('the PostgreSQL of the tests does not start', { cause: thrown });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
