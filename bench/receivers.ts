import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createArchive } from '../src/archive/index.ts';
import { principal, silentLog } from '../src/archive/testing.ts';
import { migrations } from '../src/open.ts';
import { createStore } from '../src/store/index.ts';
import { answers, freePort, ORTHANC, ORTHANC_WEB } from '../src/wire/testing/peers.ts';

export interface Receiver {
  readonly name: string;
  readonly dicomPort: number;
  readonly stow?: { readonly url: string; readonly headers: Readonly<Record<string, string>> };
  /** Of the process that was started; it may have started others. */
  readonly pid: number;
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('../negatoscope', import.meta.url));

/** Whatever ends this process: what it started ends with it. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/** Resolves when the port takes connections; rejects when the process ends first. */
async function listening(
  name: string,
  port: number,
  child: ChildProcess,
  heard: () => string,
): Promise<void> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`${name} did not start:\n${heard()}`);
    if (await answers(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${name} did not open its port in a minute`);
}

/** Starts a process that listens; its output is kept for the error alone. */
async function run(
  name: string,
  command: string,
  args: string[],
  ports: readonly number[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ pid: number; stop: () => Promise<void> }> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let heard = '';
  const hear = (chunk: Buffer) => (heard = (heard + chunk.toString()).slice(-4000));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = once(child, 'exit');
  running.add(child);
  child.once('exit', () => running.delete(child));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    }
  };
  try {
    for (const port of ports) await listening(name, port, child, () => heard);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid!, stop };
}

/** Who asks on the DICOM network, by AE title, and the port of each to which a C-MOVE may lead. */
export type Known = Readonly<Record<string, number>>;

/** The program itself, on an empty data folder, with a token for STOW-RS. */
export async function negatoscope(
  dir: string,
  known: Known = {},
): Promise<Receiver & { startSeconds: number }> {
  const data = join(dir, 'negatoscope');
  for (const [title, port] of Object.entries(known))
    execFileSync(program, [
      ...['remote', 'add', title, '--aet', title, '--host', '127.0.0.1', '--port', String(port)],
      ...['--for', 'move', '--data', data],
    ]);
  await letIn(data, Object.keys(known));
  const token = execFileSync(program, ['token', 'add', 'bench', '--roles', 'technologist', '--data', data], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await freePort();
  const dicomPort = await freePort();
  const where = [
    '--data',
    data,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--dicom-port',
    String(dicomPort),
  ];
  const began = performance.now();
  const started = await run('negatoscope', program, ['start', ...where], [dicomPort, port]);
  return {
    name: 'Negatoscope',
    dicomPort,
    stow: {
      url: `http://127.0.0.1:${port}/dicom-web/studies`,
      headers: { Authorization: `Bearer ${token.trim().split(/\s+/).at(-1)}` },
    },
    ...started,
    startSeconds: (performance.now() - began) / 1000,
  };
}

/** To ask and to fetch: sending alone is free on this computer. */
async function letIn(dir: string, titles: readonly string[]): Promise<void> {
  const store = await createStore({ dir, migrations });
  try {
    const { ae } = createArchive({ store, log: silentLog });
    for (const title of titles) await ae.admit(title, principal('admin'));
  } finally {
    await store.close();
  }
}

/** DCMTK reads TCP_NODELAY; without it Nagle stays on and an answer waits for the peer's delayed acknowledgement. */
const nagle = (noDelay: boolean): NodeJS.ProcessEnv => ({
  ...process.env,
  TCP_NODELAY: noDelay ? '1' : undefined,
});
const title = (noDelay: boolean): string => (noDelay ? 'TCP_NODELAY=1' : 'as shipped');

/** Undefined where DCMTK is not installed. Files as received (+B), a process an association (--fork). */
export async function storescp(dir: string, noDelay: boolean): Promise<Receiver | undefined> {
  let version: string;
  try {
    version =
      /v(\d+\.\d+\.\d+)/.exec(execFileSync('storescp', ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
  } catch {
    return undefined;
  }
  const name = `DCMTK storescp ${version} ${title(noDelay)}`;
  const output = join(dir, `storescp-${noDelay}`);
  mkdirSync(output);
  const dicomPort = await freePort();
  const args = ['--fork', '-od', output, '+B', '+xa', String(dicomPort)];
  return { name, dicomPort, ...(await run(name, 'storescp', args, [dicomPort], nagle(noDelay))) };
}

/** Undefined where Orthanc is not installed. Its defaults but for the places, and no password. */
export async function orthanc(
  dir: string,
  noDelay: boolean,
  known: Known = {},
): Promise<Receiver | undefined> {
  if (!ORTHANC) return undefined;
  const version =
    /(\d+\.\d+\.\d+)/.exec(execFileSync(ORTHANC, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
  const name = `Orthanc ${version} ${title(noDelay)}`;
  const home = join(dir, `orthanc-${noDelay}`);
  mkdirSync(home);
  const dicomPort = await freePort();
  const httpPort = await freePort();
  const web = existsSync(ORTHANC_WEB);
  const config = join(home, 'orthanc.json');
  writeFileSync(
    config,
    JSON.stringify({
      StorageDirectory: home,
      IndexDirectory: home,
      DicomPort: dicomPort,
      HttpPort: httpPort,
      DicomCheckCalledAet: false,
      AuthenticationEnabled: false,
      RemoteAccessAllowed: false,
      DicomAlwaysAllowStore: true,
      DicomModalities: Object.fromEntries(
        Object.entries(known).map(([title, port]) => [title, [title, '127.0.0.1', port]]),
      ),
      Plugins: web ? [ORTHANC_WEB] : [],
    }),
  );
  const started = await run(name, ORTHANC, [config], [dicomPort, httpPort], nagle(noDelay));
  const receiver = { name, dicomPort, ...started };
  return web
    ? { ...receiver, stow: { url: `http://127.0.0.1:${httpPort}/dicom-web/studies`, headers: {} } }
    : receiver;
}
