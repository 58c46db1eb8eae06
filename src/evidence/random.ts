/** Draws that can be repeated: everything here follows from a seed alone. */
import { createHmac, randomBytes } from 'node:crypto';

/** 128 bits of true chance as hex: what a draw records, and can be repeated from. */
export const newSeed = (): string => randomBytes(16).toString('hex');

/**
 * A permanent random number of `key` under `seed`: uniform in [0, 1), 53 bits, the first of HMAC-SHA-256. The n keys with the
 * smallest numbers are a simple random sample without replacement, and a larger n takes the smaller sample in. Ohlsson E.,
 * Coordination of samples using permanent random numbers, in Business Survey Methods, Wiley 1995, ch. 9.
 */
export function numberOf(seed: string, key: string): number {
  const digest = createHmac('sha256', seed).update(key).digest();
  return Number(digest.readBigUInt64BE(0) >> 11n) / 2 ** 53;
}

/** Keys in the order of their numbers; equal numbers in the order of the keys. */
export function shuffled(keys: readonly string[], seed: string): string[] {
  return keys
    .map((key) => ({ key, number: numberOf(seed, key) }))
    .sort((a, b) => a.number - b.number || (a.key < b.key ? -1 : 1))
    .map(({ key }) => key);
}
