/**
 * A DICOM service class provider on streams: PS3.8 (association acceptor), PS3.7.
 *
 *     const server = createDimseServer({
 *       acceptCaller: acceptAnyCaller,
 *       services: [
 *         verification(),
 *         storage({
 *           onStore: async (request, body) => {
 *             for await (const view of body) await file.write(view);
 *             return { status: 0x0000 };
 *           },
 *         }),
 *       ],
 *     });
 *     const { port } = await server.listen(11112, '127.0.0.1');
 */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { reasonOf } from '../errors.ts';
import { ServerAssociation } from './association.ts';
import type { AssociationSettings } from './association.ts';
import { DEFAULT_LIMITS } from './channel.ts';
import type { ChannelLimits } from './channel.ts';
import { CIPHERS } from './tls.ts';

export interface DimseServerOptions extends Omit<
  AssociationSettings,
  'limits' | 'asyncWindow' | 'openReceiptMs'
> {
  readonly limits?: Partial<ChannelLimits>;
  /** 64 unless told. Beyond it: the longest idle one gives way, or the new one is rejected as transient, local limit exceeded. */
  readonly maxAssociations?: number;
  /** 8 unless told. */
  readonly asyncWindow?: number;
  /** 2 s unless told. */
  readonly openReceiptMs?: number;
  /** An association that has been silent for so long gives its place to a new one when there is none left. 10 s unless told. */
  readonly giveWayMs?: number;
  /** The secure transport connection of PS3.15 B.9 (BCP 195): PEM. */
  readonly tls?: ServerTls;
}

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Peers have to show a certificate that one of these has signed. */
  readonly clientCa?: string;
}

export interface DimseServer {
  /** Port 0 picks a free one. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  /** Negotiated and not yet ended. */
  readonly associations: number;
  /** All sockets, whatever their state. */
  readonly connections: number;
  /** Takes no more, ends what is idle, lets what is being received finish for `graceMs`, then aborts. */
  close(graceMs?: number): Promise<void>;
}

export const DEFAULT_MAX_ASSOCIATIONS = 64;
export const DEFAULT_ASYNC_WINDOW = 8;
export const DEFAULT_GIVE_WAY_MS = 10_000;
export const DEFAULT_OPEN_RECEIPT_MS = 2_000;
/** Connections beside the associations: not yet negotiated, being refused, or waiting for the peer to close. */
export const OTHER_CONNECTIONS = 32;

export function createDimseServer(options: DimseServerOptions): DimseServer {
  const { maxAssociations = DEFAULT_MAX_ASSOCIATIONS, giveWayMs = DEFAULT_GIVE_WAY_MS, tls } = options;
  const settings: AssociationSettings = {
    ...options,
    asyncWindow: options.asyncWindow ?? DEFAULT_ASYNC_WINDOW,
    openReceiptMs: options.openReceiptMs ?? DEFAULT_OPEN_RECEIPT_MS,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const open = new Set<ServerAssociation>();
  let closing = false;
  const established = () => [...open].filter((association) => association.established);

  /** Whether there is no place left, after the one that has been idle for longest was asked to go. */
  const full = (): boolean => {
    if (closing) return true;
    const present = established();
    if (present.length < maxAssociations) return false;
    const idlest = present.reduce((one, other) => (other.idleFor > one.idleFor ? other : one));
    if (idlest.idleFor < giveWayMs) return true;
    idlest.giveWay();
    return false;
  };

  const welcome = (socket: Socket): void => {
    const association = new ServerAssociation(socket, settings, full);
    open.add(association);
    void association.run();
    socket.once('close', () => open.delete(association));
    // Whoever connects and says nothing does not keep others out: the oldest such connection goes first.
    const waiting = [...open].filter((each) => !each.established);
    if (waiting.length > OTHER_CONNECTIONS) waiting[0]!.destroy();
  };
  const server = tls
    ? createTlsServer(
        {
          cert: tls.cert,
          key: tls.key,
          minVersion: 'TLSv1.2',
          ciphers: CIPHERS,
          handshakeTimeout: settings.limits.artimMs,
          ...(tls.clientCa ? { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true } : {}),
        },
        welcome,
      )
    : createServer({ noDelay: true }, welcome);
  if (tls) limitHandshakes(server);
  server.on('tlsClientError', (error: Error) =>
    options.log?.info({ reason: reasonOf(error) }, 'TLS handshake failed'),
  );

  return {
    listen: (port, host = '127.0.0.1') =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          server.on('error', (error) => options.log?.error({ reason: reasonOf(error) }, 'DICOM port failed'));
          resolve(server.address() as AddressInfo);
        });
      }),
    get associations() {
      return established().length;
    },
    get connections() {
      return open.size;
    },
    async close(graceMs = 5_000) {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const association of open) association.endWhenIdle();
      const timer = setTimeout(() => {
        for (const association of open) association.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Connections that are still shaking hands: the oldest goes when there are too many. */
function limitHandshakes(server: ReturnType<typeof createServer>): void {
  const shaking = new Map<string, Socket>();
  const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    shaking.set(key, socket);
    socket.once('close', () => shaking.delete(key));
    if (shaking.size > OTHER_CONNECTIONS) shaking.values().next().value?.destroy();
  });
  server.on('secureConnection', (socket: Socket) => shaking.delete(keyOf(socket)));
}
