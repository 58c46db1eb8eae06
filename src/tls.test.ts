import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownCertificate } from './authority.ts';
import { givenCertificate } from './tls.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'negatoscope-tls-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const file = (name: string) => join(dir, 'tls', name);

test('the certificate is kept while it is good, and always belongs to its key and its authority', async () => {
  const names = ['localhost', 'reading-room.local', '192.0.2.7'];
  const first = await ownCertificate(dir, names);
  const certificate = new X509Certificate(first.cert);
  expect(certificate.verify(new X509Certificate(first.ca).publicKey)).toBe(true);
  expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7');
  expect((await ownCertificate(dir, names)).cert).toBe(first.cert);
  expect((await ownCertificate(dir, [...names, 'another.local'])).cert).not.toBe(first.cert);

  // The power went between the two files.
  const other = await ownCertificate(join(dir, 'other'), names);
  writeFileSync(file('server.key'), other.key);
  const renewed = await ownCertificate(dir, names);
  expect(() => givenCertificate(file('server.crt'), file('server.key'))).not.toThrow();
  expect(renewed.ca).toBe(first.ca);
  writeFileSync(file('server.crt'), '-----BEGIN');
  expect((await ownCertificate(dir, names)).ca).toBe(first.ca);

  // A lost authority is made anew, and the certificate with it.
  rmSync(file('ca.key'));
  const anew = await ownCertificate(dir, names);
  expect(anew.ca).not.toBe(first.ca);
  expect(new X509Certificate(anew.cert).verify(new X509Certificate(anew.ca).publicKey)).toBe(true);

  // A damaged one is somebody's decision: every phone trusts it.
  writeFileSync(file('ca.crt'), 'damaged');
  await expect(ownCertificate(dir, names)).rejects.toMatchObject({ code: 'tls-file' });
});
