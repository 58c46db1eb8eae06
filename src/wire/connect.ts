/** The transport connection of a requestor: TCP, or TLS after BCP 195 (PS3.15 B.9), and why there is none. */
import { X509Certificate } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import { DimseError } from './errors.ts';

export interface TlsOptions {
  /**
   * Certificates that are trusted, PEM, instead of those that the computer trusts. One that is the peer's own is trusted
   * whatever name stands in it: machines are shipped with certificates for other names.
   */
  readonly ca?: string;
}

/**
 * Why a peer cannot be reached: details `reason` of `dimse-unreachable`.
 *
 * | reason | |
 * |---|---|
 * | `name` | nobody knows the name |
 * | `refused` | the computer answers, nothing listens at the port |
 * | `silent` | no answer at all: firewall, switched off, wrong address |
 * | `no-route` | this computer finds no way there |
 * | `tls-none` | something listens, but it does not speak TLS |
 * | `tls-certificate` | its certificate is not trusted; details `certificate` says why in OpenSSL's words |
 * | `tls-name` | its certificate is for another name |
 * | `tls-client` | it wants a certificate of ours |
 * | `tls-version` | no common version or cipher |
 * | `broken` | anything else; details `system` is the code of the operating system |
 */
export type Unreachable =
  | 'name'
  | 'refused'
  | 'silent'
  | 'no-route'
  | 'tls-none'
  | 'tls-certificate'
  | 'tls-name'
  | 'tls-client'
  | 'tls-version'
  | 'broken';

/** RFC 9325 4.2: forward secrecy and authenticated encryption alone; those of TLS 1.3 come by themselves. */
const CIPHERS =
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM';

const BY_SYSTEM: Readonly<Record<string, Unreachable>> = {
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  EAI_NONAME: 'name',
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'silent',
  EHOSTUNREACH: 'no-route',
  ENETUNREACH: 'no-route',
  EHOSTDOWN: 'no-route',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls-name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls-none',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'tls-none',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'tls-version',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'tls-version',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls-version',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'tls-version',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'tls-client',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'tls-client',
};
/** Of OpenSSL's verification, as Node gives them in `code`: x509 error names without a prefix. */
const isCertificateCode = (code: string): boolean =>
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE|HOSTNAME_MISMATCH)/.test(
    code,
  );

/** What a failed attempt means. `connected`: the port had answered before it failed. */
export function reasonFor(
  cause: unknown,
  { tls, connected }: { tls: boolean; connected: boolean },
): Unreachable {
  // One failure for each address that was tried: the first is of the address that the system prefers.
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  const known = BY_SYSTEM[code];
  if (known) return known;
  if (isCertificateCode(code)) return 'tls-certificate';
  // Our greeting was no PDU for it, and it hung up or kept silent.
  if (tls && connected) return 'tls-none';
  return 'broken';
}

/** Whether one of the trusted certificates is the peer's own. */
function isPinned(ca: string | undefined, raw: Buffer): boolean {
  const blocks = ca?.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.some((block) => new X509Certificate(block).raw.equals(raw));
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
    const socket: Socket = tls
      ? connectTls({
          host,
          port,
          servername: /^[\d.]+$|:/.test(host) ? '' : host,
          minVersion: 'TLSv1.2',
          ciphers: CIPHERS,
          allowPartialTrustChain: true, // a certificate that was chosen is trusted although its issuer was not
          ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          checkServerIdentity: (name, certificate) =>
            isPinned(tls.ca, certificate.raw) ? undefined : checkServerIdentity(name || host, certificate),
        })
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
    const unreachable = (reason: Unreachable, cause?: unknown) => {
      const code = (cause as NodeJS.ErrnoException | undefined)?.code;
      settle(
        new DimseError('dimse-unreachable', `No connection to ${host}:${port} (${reason})`, {
          details: {
            reason,
            ...(reason === 'tls-certificate' && code ? { certificate: code } : {}),
            ...(reason === 'broken' && code ? { system: code } : {}),
          },
          cause,
        }),
      );
    };
    const fail = (cause?: unknown) =>
      unreachable(reasonFor(cause, { tls: tls !== undefined, connected }), cause);
    const onAbort = () => settle(new DimseError('dimse-cancelled', 'The connection was given up'));
    const timer = setTimeout(() => unreachable(connected ? 'tls-none' : 'silent'), timeoutMs);
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
