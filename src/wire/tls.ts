/** TLS as requestor after BCP 195 (PS3.15 B.9, RFC 9325): what is offered, what is trusted, and what a failure means. */
import { X509Certificate } from 'node:crypto';
import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

export interface TlsOptions {
  /**
   * Certificates that are trusted, PEM, instead of those that the computer trusts. One that is the peer's own is trusted
   * whatever name stands in it: machines are shipped with certificates for other names.
   */
  readonly ca?: string;
  /** What we show to a peer that asks who we are: a certificate, with those between it and its authority, and its key. */
  readonly identity?: { readonly cert: string; readonly key: string };
}

/** RFC 9325 4.2: forward secrecy and authenticated encryption alone; those of TLS 1.3 come by themselves. */
export const CIPHERS =
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM';

/** Options of `tls.connect` and of `https.request`. */
export const tlsConnection = (tls: TlsOptions, host: string): ConnectionOptions => ({
  // RFC 6066 3: an address is no server name.
  servername: /^[\d.]+$|:/.test(host) ? '' : host,
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS,
  allowPartialTrustChain: true, // a certificate that was chosen is trusted although its issuer was not
  ...(tls.ca === undefined ? {} : { ca: tls.ca }),
  ...tls.identity,
  checkServerIdentity: (name, certificate) =>
    isPinned(tls.ca, certificate.raw) ? undefined : checkServerIdentity(name || host, certificate),
});

/** Whether one of the trusted certificates is the peer's own. */
function isPinned(ca: string | undefined, raw: Buffer): boolean {
  const blocks = ca?.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.some((block) => new X509Certificate(block).raw.equals(raw));
}

/**
 * Why TLS failed.
 *
 * | reason | |
 * |---|---|
 * | `tls-none` | something listens, but it does not speak TLS |
 * | `tls-certificate` | its certificate is not trusted |
 * | `tls-expired`, `tls-not-yet` | the time of its certificate is over, or has not begun by our clock |
 * | `tls-name` | its certificate is for another name |
 * | `tls-client` | it wants a certificate of ours |
 * | `tls-client-refused` | it does not take the certificate that we show |
 * | `tls-version` | no common version or cipher |
 */
export type TlsFailure =
  | 'tls-none'
  | 'tls-certificate'
  | 'tls-expired'
  | 'tls-not-yet'
  | 'tls-name'
  | 'tls-client'
  | 'tls-client-refused'
  | 'tls-version';

const BY_CODE: Readonly<Record<string, TlsFailure>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls-name',
  HOSTNAME_MISMATCH: 'tls-name',
  CERT_HAS_EXPIRED: 'tls-expired',
  CERT_NOT_YET_VALID: 'tls-not-yet',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls-none',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'tls-none',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls-version',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'tls-version',
};
/** Of OpenSSL's verification, as Node gives them in `code`: x509 error names without a prefix. */
const UNTRUSTED =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE|ERROR_IN_CERT)/;
/** Alerts about a certificate, RFC 8446 6.2, by OpenSSL's names: what the peer thinks of ours. */
const ABOUT_OURS =
  /_ALERT_(CERTIFICATE_REQUIRED|NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)$/;

/** `keysAgreed`: the peer had chosen version and cipher before it failed. Undefined where the code is none of TLS. */
export function tlsFailure(
  code: string,
  { identity, keysAgreed }: { identity: boolean; keysAgreed: boolean },
): TlsFailure | undefined {
  const known = BY_CODE[code];
  if (known) return known;
  if (UNTRUSTED.test(code)) return 'tls-certificate';
  const ours = identity ? 'tls-client-refused' : 'tls-client';
  if (ABOUT_OURS.test(code)) return ours;
  // TLS 1.2 knows no alert of its own for a certificate that was not shown (RFC 5246 7.4.6).
  if (code.endsWith('_ALERT_HANDSHAKE_FAILURE')) return keysAgreed ? ours : 'tls-version';
  if (/_ALERT_(PROTOCOL_VERSION|INSUFFICIENT_SECURITY)$/.test(code)) return 'tls-version';
  return undefined;
}
