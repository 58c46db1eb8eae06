/** The transport connection of a requestor: TCP, or TLS after BCP 195 (PS3.15 B.9), and why there is none. */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { DimseError } from './errors.ts';
import { tlsConnection, tlsFailure } from './tls.ts';
import type { TlsFailure, TlsOptions } from './tls.ts';

/**
 * Why a peer cannot be reached: details `reason` of `dimse-unreachable`.
 *
 * | reason | |
 * |---|---|
 * | `name` | nobody knows the name |
 * | `refused` | the computer answers, nothing listens at the port |
 * | `silent` | no answer at all: firewall, switched off, wrong address |
 * | `no-route` | this computer finds no way there |
 * | `tls-…` | see tls.ts; details `certificate` says why one is not trusted, in OpenSSL's words |
 * | `broken` | anything else; details `system` is the code of the operating system |
 */
export type Unreachable = 'name' | 'refused' | 'silent' | 'no-route' | 'broken' | TlsFailure;

const BY_SYSTEM: Readonly<Record<string, Unreachable>> = {
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  EAI_NONAME: 'name',
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'silent',
  EHOSTUNREACH: 'no-route',
  ENETUNREACH: 'no-route',
  EHOSTDOWN: 'no-route',
};

/** How far an attempt had come before it failed. */
export interface Progress {
  readonly tls: TlsOptions | undefined;
  /** The port had answered. */
  readonly connected: boolean;
  /** TLS had a version and a cipher. */
  readonly keysAgreed: boolean;
}

/** What a failed attempt means. */
export function reasonFor(cause: unknown, { tls, connected, keysAgreed }: Progress): Unreachable {
  // One failure for each address that was tried: the first is of the address that the system prefers.
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  const known = BY_SYSTEM[code] ?? tlsFailure(code, { identity: tls?.identity !== undefined, keysAgreed });
  if (known) return known;
  // Our greeting was no PDU for it, and it hung up or kept silent.
  if (tls && connected && !keysAgreed) return 'tls-none';
  return 'broken';
}

/** @throws nothing: makes the error that says why */
export function unreachable(host: string, port: number, reason: Unreachable, cause?: unknown): DimseError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return new DimseError('dimse-unreachable', `No connection to ${host}:${port} (${reason})`, {
    details: {
      reason,
      ...(reason === 'tls-certificate' && code ? { certificate: code } : {}),
      ...(reason === 'broken' && code ? { system: code } : {}),
    },
    cause,
  });
}

/** Resolves once bytes of the upper layer can be sent. @throws DimseError `dimse-unreachable`, details `reason` */
export function openConnection(options: {
  host: string;
  port: number;
  tls?: TlsOptions;
  timeoutMs: number;
  signal?: AbortSignal;
}): Promise<Socket> {
  const { host, port, tls, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    let connected = false;
    let keysAgreed = false;
    const socket: Socket = tls
      ? connectTls({ host, port, ...tlsConnection(tls, host) }).on('keylog', () => (keysAgreed = true))
      : connectTcp({ host, port, noDelay: true });
    const settle = (error?: DimseError) => {
      clearTimeout(timer);
      socket.off('error', fail).off('close', fail);
      signal?.removeEventListener('abort', onAbort);
      if (!error) return resolve(socket);
      socket.on('error', () => {}); // what a dead connection still says
      socket.destroy();
      reject(error);
    };
    const give = (reason: Unreachable, cause?: unknown) => settle(unreachable(host, port, reason, cause));
    const fail = (cause?: unknown) => give(reasonFor(cause, { tls, connected, keysAgreed }), cause);
    const onAbort = () => settle(new DimseError('dimse-cancelled', 'The connection was given up'));
    const timer = setTimeout(() => give(connected ? 'tls-none' : 'silent'), timeoutMs);
    socket.on('error', fail).on('close', fail);
    socket.once('connect', () => {
      connected = true;
      if (!tls) settle();
    });
    if (tls) socket.once('secureConnect', () => settle());
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
