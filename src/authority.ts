import 'reflect-metadata';
import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { NegatoscopeError, reasonOf } from './errors.ts';
import { localNames } from './tls.ts';

/**
 * A certificate authority of the practice's own, so that phones and tablets reach the server by HTTPS without anyone buying
 * a certificate: `DIR/tls/ca.crt` (10 years, may sign for this purpose only, path length 0) signs `server.crt` for this
 * machine's names and addresses (397 days: browsers refuse longer; renewed 30 days before). Keys: ECDSA P-256, 0600.
 */
x509.cryptoProvider.set(webcrypto as unknown as Crypto);
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 86_400_000;

export interface OwnCertificate {
  cert: string;
  key: string;
  /** PEM of the authority, to be trusted on phones. */
  ca: string;
  /** SHA-256 fingerprint of the authority, to compare on the phone. */
  caFingerprint: string;
  names: string[];
  expiresAt: number;
}

const isAddress = (name: string): boolean => /^[\d.]+$/.test(name) || name.includes(':');
const pemKey = async (key: CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key as never), 'PRIVATE KEY');
const loadKey = (pem: string) =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, true, ['sign']);
const serial = (): string => Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex');

async function authority(folder: string, now: number) {
  const certFile = join(folder, 'ca.crt');
  const keyFile = join(folder, 'ca.key');
  if (existsSync(certFile) && existsSync(keyFile)) {
    try {
      const pem = readFileSync(certFile, 'utf8');
      return {
        pem,
        certificate: new x509.X509Certificate(pem),
        key: await loadKey(readFileSync(keyFile, 'utf8')),
      };
    } catch (cause) {
      // Not made anew: every phone that trusts it would have to trust another one.
      throw new NegatoscopeError(
        'tls-file',
        `The certificate authority in ${folder} cannot be read (${reasonOf(cause)}). Restore the folder from a backup, or move it away to make a new authority, which every phone has to trust anew.`,
        { status: 500, details: { path: folder }, cause },
      );
    }
  }
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=Negatoscope ${hostname().replace(/[^\w.-]/g, '')}`,
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + 3650 * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pem = certificate.toString('pem');
  writeFileSync(keyFile, await pemKey(keys.privateKey), { mode: 0o600 });
  writeFileSync(certFile, pem, { mode: 0o644 });
  return { pem, certificate, key: keys.privateKey };
}

/** What a certificate is for: its files are `STEM.crt` and `STEM.key`. */
const PURPOSES = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
} as const;

/** When a certificate for these names ends, ms; 0 when it is another authority's, another key's, for other names, or damaged. */
function goodUntil(cert: string, key: string, ca: string, names: readonly string[]): number {
  try {
    const present = new NodeCertificate(cert);
    const covers = names.every((name) => (isAddress(name) ? present.checkIP(name) : present.checkHost(name)));
    const ours = present.verify(new NodeCertificate(ca).publicKey);
    return covers && ours && present.checkPrivateKey(createPrivateKey(key)) ? Date.parse(present.validTo) : 0;
  } catch {
    return 0; // half written when the power went
  }
}

/** Makes or renews what is needed and returns it. Pure but for the files in `dir/tls`. */
export const ownCertificate = (
  dir: string,
  names: string[] = localNames(),
  now: number = Date.now(),
): Promise<OwnCertificate> => signed(dir, 'server', names, now);

/**
 * The same for showing to other systems, as `client.crt`. It names the computer alone: addresses change, and nobody compares
 * them with those of a client.
 */
export const ownClientCertificate = (dir: string, now: number = Date.now()): Promise<OwnCertificate> =>
  signed(dir, 'client', [hostname().replace(/[^\w.-]/g, '') || 'localhost'], now);

async function signed(
  dir: string,
  purpose: keyof typeof PURPOSES,
  names: string[],
  now: number,
): Promise<OwnCertificate> {
  const folder = join(dir, 'tls');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ca = await authority(folder, now);
  const certFile = join(folder, `${purpose}.crt`);
  const keyFile = join(folder, `${purpose}.key`);
  const caFingerprint = new NodeCertificate(ca.pem).fingerprint256;
  if (existsSync(certFile) && existsSync(keyFile)) {
    const cert = readFileSync(certFile, 'utf8');
    const key = readFileSync(keyFile, 'utf8');
    const expiresAt = goodUntil(cert, key, ca.pem, names);
    if (expiresAt - now > 30 * DAY) return { cert, key, ca: ca.pem, caFingerprint, names, expiresAt };
  }
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  const expiresAt = now + 397 * DAY;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${names.find((name) => !isAddress(name) && name !== 'localhost') ?? 'localhost'}`,
    issuer: ca.certificate.subject,
    notBefore: new Date(now - DAY),
    notAfter: new Date(expiresAt),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: ca.key as CryptoKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([PURPOSES[purpose]]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isAddress(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey as never),
    ],
  });
  const key = await pemKey(keys.privateKey);
  const cert = certificate.toString('pem');
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(certFile, cert, { mode: 0o644 });
  return { cert, key, ca: ca.pem, caFingerprint, names, expiresAt };
}
