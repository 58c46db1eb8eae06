import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { NegatoscopeError } from './errors.ts';

/** Names and addresses under which this machine is reached. */
export function localNames(): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal && !entry.address.startsWith('fe80'))
    .map((entry) => entry.address);
  const host = hostname();
  return [
    ...new Set([
      'localhost',
      host,
      host.includes('.') ? host : `${host}.local`,
      '127.0.0.1',
      '::1',
      ...addresses,
    ]),
  ];
}

/**
 * A certificate (chain) and key that somebody else made, PEM.
 *
 * @throws NegatoscopeError `tls-file` naming the file: not there, not readable, not PEM, key of another certificate
 */
export function givenCertificate(certFile: string, keyFile: string): { cert: string; key: string } {
  const failed = (path: string, why: string, cause?: unknown) =>
    new NegatoscopeError(
      'tls-file',
      `${why}: ${path}. Put it there, or name another file (--tls-cert and --tls-key).`,
      {
        details: { path },
        cause,
      },
    );
  const read = (path: string, what: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (cause) {
      throw failed(path, `The file of the ${what} cannot be read`, cause);
    }
  };
  const cert = read(certFile, 'certificate');
  const key = read(keyFile, "certificate's key");
  const usable = <T>(make: () => T, path: string, why: string): T => {
    try {
      return make();
    } catch (cause) {
      throw failed(path, why, cause);
    }
  };
  const certificate = usable(
    () => new X509Certificate(cert),
    certFile,
    'This file holds no certificate in PEM',
  );
  const own = usable(
    () => createPrivateKey(key),
    keyFile,
    'This file holds no key in PEM without a password',
  );
  if (!certificate.checkPrivateKey(own)) throw failed(keyFile, 'This key does not belong to the certificate');
  return { cert, key };
}

/**
 * Certificates that others are measured by, PEM.
 *
 * @throws NegatoscopeError `tls-file` naming the file
 */
export function givenAuthority(file: string): string {
  try {
    const pem = readFileSync(file, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new NegatoscopeError(
      'tls-file',
      `This file holds no certificates in PEM, or cannot be read: ${file}. Name another one (--dicom-tls-client-ca).`,
      { details: { path: file }, cause },
    );
  }
}
