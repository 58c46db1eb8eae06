/** Where the web listens: from flags first, then from what the practice chose. */
import { createServer } from 'node:net';
import type { NetworkPlan } from './doors/api/contract.ts';
import { NegatoscopeError } from './errors.ts';
import { isLoopback } from './remote/index.ts';
import type { Rooms } from './rooms.ts';
import { givenCertificate, localNames } from './tls.ts';

export interface Listener {
  host: string;
  port: number;
  tls?: { cert: string; key: string };
  trustProxy?: string;
  /** Given to people: host name in the printed address. */
  shown: string;
}

export const isSame = (a: Listener, b: Listener): boolean =>
  a.host === b.host && a.port === b.port && a.tls?.cert === b.tls?.cert && a.trustProxy === b.trustProxy;

/** The first one is for this computer, or the one that flags ask for; others are for the network. */
export async function listenersFor(rooms: Rooms, plan: NetworkPlan): Promise<Listener[]> {
  const { config } = rooms;
  const own = async () => {
    const { ownCertificate } = await import('./authority.ts'); // slow to load, and most do not need it
    const { cert, key } = await ownCertificate(config.dir);
    return { cert, key };
  };
  const given = () =>
    givenCertificate(config.tlsCert ?? plan.certPath ?? '', config.tlsKey ?? plan.keyPath ?? '');
  const name = localNames().find((each) => each.endsWith('.local')) ?? 'localhost';
  if (config.host !== undefined) {
    const listener: Listener = {
      host: config.host,
      port: config.port,
      shown: isLoopback(config.host) ? config.host : name,
    };
    if (config.trustProxy !== undefined) return [{ ...listener, trustProxy: config.trustProxy }];
    if (config.tlsCert) return [{ ...listener, tls: given() }];
    return [isLoopback(config.host) ? listener : { ...listener, tls: await own() }];
  }
  const here: Listener = { host: '127.0.0.1', port: config.port, shown: '127.0.0.1' };
  if (config.trustProxy !== undefined) return [{ ...here, trustProxy: config.trustProxy }];
  if (plan.exposure === 'local') return [config.tlsCert ? { ...here, tls: given() } : here];
  if (plan.tls === 'proxy') return [here];
  const tls = config.tlsCert || plan.tls === 'certificate' ? given() : await own();
  return [here, { host: '0.0.0.0', port: config.networkPort, tls, shown: name }];
}

const PLAN_KEY = 'network.plan';
export async function storedPlan(rooms: Rooms): Promise<NetworkPlan> {
  const text = await rooms.store.setting(PLAN_KEY);
  return text
    ? (JSON.parse(text) as NetworkPlan)
    : { exposure: 'local', tls: null, certPath: null, keyPath: null };
}

export const keepPlan = (rooms: Rooms, plan: NetworkPlan): Promise<void> =>
  rooms.store.setSetting(PLAN_KEY, JSON.stringify(plan));

/** How the second web port is set: no flag names it. */
export const NETWORK_PORT = '"networkPort" in negatoscope.json, or NEGATOSCOPE_NETWORK_PORT';

/** Runs `start`; a port or an address that cannot be had is said in words. @throws `port-in-use`, `address` */
export async function listening(
  start: () => Promise<unknown>,
  port: number,
  flag: string,
  host: string,
): Promise<void> {
  try {
    await start();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new NegatoscopeError(
        'port-in-use',
        `Port ${port} is used by another program. Choose another one with ${flag}.`,
        { status: 500, details: { port }, cause },
      );
    if (code === 'EACCES')
      throw new NegatoscopeError(
        'port-in-use',
        `This account may not open port ${port}. Choose one above 1023 with ${flag}.`,
        { status: 500, details: { port }, cause },
      );
    if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'].includes(code ?? ''))
      throw new NegatoscopeError(
        'address',
        `This computer has no address ${host}. Choose another one with --host.`,
        { status: 500, details: { host }, cause },
      );
    throw cause;
  }
}

/** @throws `port-in-use` */
export async function assertFree(port: number): Promise<void> {
  const probe = createServer();
  await listening(
    () =>
      new Promise<void>((resolve, reject) => {
        probe.once('error', reject);
        probe.listen(port, '0.0.0.0', resolve);
      }),
    port,
    NETWORK_PORT,
    '0.0.0.0',
  );
  await new Promise((resolve) => probe.close(resolve));
}
