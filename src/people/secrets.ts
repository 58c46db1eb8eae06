import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * Passwords and PINs by scrypt (RFC 7914) with N = 2^15, r = 8, p = 1 (32 MiB, about 60 ms), kept as
 * `scrypt$N$r$p$salt$hash` in base64 so that the cost can rise later without locking anyone out.
 */
const N = 2 ** 15;
const R = 8;
const P = 1;
const derive = promisify(scrypt) as (
  secret: string,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

/** Secret → text for the database. NFKC first: the same password typed on another keyboard stays the same. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(secret.normalize('NFKC'), salt, 32, { N, r: R, p: P, maxmem: 128 * N * R * 2 });
  return kept(salt, hash);
}

const kept = (salt: Buffer, hash: Buffer): string =>
  ['scrypt', N, R, P, salt.toString('base64'), hash.toString('base64')].join('$');

/** What no secret is right for. To verify against it takes as long as against one that somebody has; to make it takes no time. */
export const hashOfNothing = (): string => kept(randomBytes(16), randomBytes(32));

/** True when `secret` is the one that was hashed. A text of another form is false, never an error. */
export async function verifySecret(secret: string, stored: string): Promise<boolean> {
  const [scheme, n, r, p, salt, hash] = stored.split('$');
  if (scheme !== 'scrypt' || !salt || !hash) return false;
  const expected = Buffer.from(hash, 'base64');
  const options = { N: Number(n), r: Number(r), p: Number(p) };
  const given = await derive(secret.normalize('NFKC'), Buffer.from(salt, 'base64'), expected.length, {
    ...options,
    maxmem: 128 * options.N * options.r * 2,
  });
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** 256 random bits for cookies, tokens and links; the database keeps only `digest` of it. */
export const newSecret = (): string => randomBytes(32).toString('base64url');
export const digest = (secret: string): string => createHash('sha256').update(secret).digest('hex');
