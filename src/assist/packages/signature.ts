/**
 * Who answers for a package: `signature.json` lists the hash of every other file and signs the list with Ed25519 (RFC 8032).
 * A signature says that the package is as its maker left it; whether the maker is trusted, the practice says by its list of keys.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { Signer } from '../types.ts';

export const SIGNATURE_FILE = 'signature.json';
/** So that a signature made for something else can never pass for one of a package. */
const CONTEXT = 'negatoscope model package 1\n';

const shape = z.strictObject({
  format: z.literal(1),
  /** Who signed, in the signer's own words; the key alone is proof. */
  signer: z.string().min(1).max(200),
  /** Ed25519, DER (SPKI), base64. */
  publicKey: z.string().max(200),
  /** Path in the package → sha256 in hex. */
  files: z.record(z.string().max(1024), z.string().regex(/^[0-9a-f]{64}$/)),
  /** Of the context line and the list, base64. */
  signature: z.string().max(200),
});
type Signature = z.infer<typeof shape>;

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Hash of every file but the signature, by path. A map: a file may be called `__proto__`. */
async function filesOf(dir: string): Promise<Map<string, string>> {
  const names = (await readdir(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .filter((name) => name !== SIGNATURE_FILE);
  const files = new Map<string, string>();
  for (const name of names) files.set(name, await sha256OfFile(join(dir, name)));
  return files;
}

const signed = (signer: string, files: ReadonlyMap<string, string>): Buffer =>
  Buffer.from(
    `${CONTEXT}${JSON.stringify(signer)}\n${[...files.keys()]
      .sort()
      .map((name) => `${files.get(name)} ${JSON.stringify(name)}\n`)
      .join('')}`,
  );
const fingerprint = (der: Buffer): string => createHash('sha256').update(der).digest('hex').slice(0, 32);

const keyFault = (cause: unknown): NegatoscopeError =>
  new NegatoscopeError(
    'model-key',
    'This is no Ed25519 key in PEM. Make one with: openssl genpkey -algorithm ed25519',
    { cause },
  );

/** Writes `signature.json`. @param pem private key, PKCS #8. Gives the key's fingerprint. Throws `model-key`. */
export async function signPackage(dir: string, pem: string, signer: string): Promise<string> {
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`a key of ${key.asymmetricKeyType}`);
  } catch (cause) {
    throw keyFault(cause);
  }
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const files = await filesOf(dir);
  const content: Signature = {
    format: 1,
    signer,
    publicKey: der.toString('base64'),
    files: Object.fromEntries(files),
    signature: sign(null, signed(signer, files), key).toString('base64'),
  };
  await writeFile(join(dir, SIGNATURE_FILE), `${JSON.stringify(content, null, 2)}\n`);
  return fingerprint(der);
}

/** Fingerprint of a public key in PEM. Throws `model-key`. */
export function fingerprintOf(pem: string): string {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`a key of ${key.asymmetricKeyType}`);
    return fingerprint(key.export({ type: 'spki', format: 'der' }));
  } catch (cause) {
    throw keyFault(cause);
  }
}

/**
 * Who signed the package; null when nobody did.
 *
 * @param trusted fingerprints of the keys that the practice trusts
 * @throws NegatoscopeError `model-signature`: a file was changed, added or taken away since it was signed, or the signature is wrong
 */
export async function signerOf(dir: string, trusted: ReadonlySet<string>): Promise<Signer | null> {
  const text = await readFile(join(dir, SIGNATURE_FILE), 'utf8').catch(
    (thrown: NodeJS.ErrnoException): string | null => {
      if (thrown.code === 'ENOENT') return null;
      throw thrown;
    },
  );
  if (text === null) return null;
  const wrong = (why: string): NegatoscopeError =>
    new NegatoscopeError('model-signature', `The signature of this package is not right: ${why}.`, {
      details: { why },
    });
  let content: Signature;
  let listed: Map<string, string>;
  let der: Buffer;
  let good: boolean;
  try {
    content = shape.parse(JSON.parse(text));
    listed = new Map(Object.entries(content.files));
    der = Buffer.from(content.publicKey, 'base64');
    const key = createPublicKey({ key: der, type: 'spki', format: 'der' });
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('the key is not of Ed25519');
    good = verify(null, signed(content.signer, listed), key, Buffer.from(content.signature, 'base64'));
  } catch (thrown) {
    throw wrong(thrown instanceof z.ZodError ? `${SIGNATURE_FILE} cannot be read` : reasonOf(thrown));
  }
  if (!good) throw wrong('it was not made with this key for these files');
  const files = await filesOf(dir);
  for (const name of [...new Set([...files.keys(), ...listed.keys()])].sort()) {
    if (files.get(name) === listed.get(name)) continue;
    const how = !files.has(name) ? 'is not there' : listed.has(name) ? 'was changed' : 'was added';
    throw wrong(`${name} ${how}`);
  }
  const key = fingerprint(der);
  return { name: content.signer, key, trusted: trusted.has(key) };
}
