/** Foreign systems to try against: DCMTK's dcmqrscp and Orthanc, on loopback, with folders and ports of their own. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HOST = '127.0.0.1';
export const ORTHANC = ['/usr/sbin/Orthanc', '/usr/bin/Orthanc', '/usr/local/sbin/Orthanc'].find(existsSync);
/** Its DICOMweb plugin. */
export const ORTHANC_WEB = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
/** With CI=true it must be here: then what needs it runs, and fails by saying so. */
export const orthancMissing = ORTHANC === undefined && process.env.CI !== 'true';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Something listens there. */
export const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: HOST, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

async function run(
  command: string,
  args: string[],
  ports: number[],
): Promise<(signal?: NodeJS.Signals) => Promise<void>> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TCP_NODELAY: '1' },
  });
  running.add(child);
  let heard = '';
  const hear = (chunk: Buffer) => (heard = (heard + chunk.toString()).slice(-4000));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = once(child, 'exit').then(() => running.delete(child));
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  };
  const until = Date.now() + 60_000;
  for (const port of ports)
    while (!(await answers(port))) {
      if (child.exitCode !== null || Date.now() > until) {
        await stop('SIGKILL');
        throw new Error(`${command} did not start:\n${heard}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  return stop;
}

/** Another AE that the peer may send to. */
export interface Known {
  readonly aeTitle: string;
  readonly port: number;
}

export interface Peer {
  readonly aeTitle: string;
  readonly port: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** The same data and ports again. */
  start(): Promise<void>;
  /** Ends it and forgets its data. */
  remove(): Promise<void>;
}

/** DCMTK's archive: `aeTitle` QRSCP. */
export async function startDcmqrscp(known: readonly Known[] = []): Promise<Peer> {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-dcmqrscp-'));
  const port = await freePort();
  mkdirSync(join(dir, 'db'));
  const config = join(dir, 'dcmqrscp.cfg');
  writeFileSync(
    config,
    [
      `NetworkTCPPort = ${port}`,
      'MaxPDUSize = 65536',
      'MaxAssociations = 16',
      'HostTable BEGIN',
      ...known.map(({ aeTitle, port: at }, i) => `host${i} = (${aeTitle}, ${HOST}, ${at})`),
      'HostTable END',
      'VendorTable BEGIN',
      'VendorTable END',
      'AETable BEGIN',
      `QRSCP ${join(dir, 'db')} RW (500, 1024mb) ANY`,
      'AETable END',
      '',
    ].join('\n'),
  );
  const start = () => run('dcmqrscp', ['-c', config], [port]);
  let stop = await start();
  return {
    aeTitle: 'QRSCP',
    port,
    stop: (signal) => stop(signal),
    async start() {
      stop = await start();
    },
    async remove() {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface OrthancPeer extends Peer {
  readonly url: string;
  readonly version: string;
  /** SOP Instance UIDs that it holds. */
  instances(): Promise<string[]>;
}

/** Orthanc, `aeTitle` ORTHANC, without a password; `web`: with its DICOMweb plugin. */
export async function startOrthanc(known: readonly Known[] = []): Promise<OrthancPeer> {
  if (!ORTHANC) throw new Error('Orthanc is not installed: node scripts/peers.mjs');
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-orthanc-'));
  const port = await freePort();
  const httpPort = await freePort();
  const config = join(dir, 'orthanc.json');
  writeFileSync(
    config,
    JSON.stringify({
      StorageDirectory: join(dir, 'db'),
      IndexDirectory: join(dir, 'db'),
      DicomAet: 'ORTHANC',
      DicomPort: port,
      HttpPort: httpPort,
      DicomCheckCalledAet: true,
      AuthenticationEnabled: false,
      RemoteAccessAllowed: false,
      DicomAlwaysAllowStore: true,
      DicomAlwaysAllowFind: true,
      DicomAlwaysAllowGet: true,
      DicomAlwaysAllowMove: true,
      DicomModalities: Object.fromEntries(
        known.map(({ aeTitle, port: at }) => [aeTitle, [aeTitle, HOST, at]]),
      ),
      Plugins: existsSync(ORTHANC_WEB) ? [ORTHANC_WEB] : [],
    }),
  );
  const url = `http://${HOST}:${httpPort}`;
  const start = () => run(ORTHANC, [config], [port, httpPort]);
  let stop = await start();
  return {
    aeTitle: 'ORTHANC',
    port,
    url,
    version: /(\d+\.\d+\.\d+)/.exec(execFileSync(ORTHANC, ['--version'], { encoding: 'utf8' }))?.[1] ?? '',
    async instances() {
      const rows = (await (await fetch(`${url}/instances?expand`)).json()) as {
        MainDicomTags: { SOPInstanceUID: string };
      }[];
      return rows.map((row) => row.MainDicomTags.SOPInstanceUID);
    },
    stop: (signal) => stop(signal),
    async start() {
      stop = await start();
    },
    async remove() {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
