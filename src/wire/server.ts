/**
 * A DICOM service class provider on streams: PS3.8 (association acceptor), PS3.7 9.1.1 C-STORE, 9.1.5 C-ECHO.
 *
 *     const server = createDimseServer({
 *       acceptCaller: acceptAnyCaller,
 *       onStore: async (request, body) => {
 *         for await (const view of body) await file.write(view);
 *         return { status: 0x0000 };
 *       },
 *     });
 *     const { port } = await server.listen(11112, '127.0.0.1');
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { reasonOf } from '../errors.ts';
import { ServerAssociation } from './association.ts';
import type { AssociationSettings } from './association.ts';
import { DEFAULT_LIMITS } from './channel.ts';
import type { ChannelLimits } from './channel.ts';
import { acceptStorage } from './policy.ts';
import type { ContextPolicy } from './policy.ts';

export interface DimseServerOptions extends Omit<AssociationSettings, 'contexts' | 'limits'> {
  /** Verification and all storage classes unless told. */
  readonly contexts?: ContextPolicy;
  readonly limits?: Partial<ChannelLimits>;
  /** 64 unless told. Beyond it: rejected as transient, local limit exceeded. */
  readonly maxAssociations?: number;
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

/** Connections beside the associations: not yet negotiated, being refused, or waiting for the peer to close. */
const OTHER_CONNECTIONS = 32;

export function createDimseServer(options: DimseServerOptions): DimseServer {
  const maxAssociations = options.maxAssociations ?? 64;
  const settings: AssociationSettings = {
    ...options,
    contexts: options.contexts ?? acceptStorage(),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const open = new Set<ServerAssociation>();
  let closing = false;
  const established = () => [...open].filter((association) => association.established).length;

  const server = createServer({ noDelay: true }, (socket) => {
    const association = new ServerAssociation(
      socket,
      settings,
      () => closing || established() >= maxAssociations,
    );
    open.add(association);
    void association.run();
    socket.once('close', () => open.delete(association));
  });
  // Whoever comes on top of these is closed unheard: a flood costs a bounded number of sockets.
  server.maxConnections = maxAssociations + OTHER_CONNECTIONS;

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
      return established();
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
