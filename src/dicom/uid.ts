import { createHash, randomUUID } from 'node:crypto';

/** A new UID from a random UUID: PS3.5 B.2. */
export const newUid = (): string => uidOfUuid(randomUUID());

/** `2.25.` and the UUID as one decimal number without leading zeros: PS3.5 B.2. */
export const uidOfUuid = (uuid: string): string => `2.25.${BigInt('0x' + uuid.replaceAll('-', ''))}`;

/**
 * A UID that follows from a text, so that what is made again after a crash gets the same one: a UUID of version 8 made of the
 * SHA-256 of its UTF-8 (RFC 9562 5.8), as PS3.5 B.2 writes it.
 */
export function stableUid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return uidOfUuid(bytes.toString('hex'));
}

/**
 * PS3.5 9.1: digits and dots, no leading zero in a component, at most 64 characters. For what people and other programs ask
 * of us; what machines send in is held to less (`isTolerableUid` in the archive).
 */
export const isUid = (text: string): boolean =>
  text.length <= 64 && /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+$/.test(text);
