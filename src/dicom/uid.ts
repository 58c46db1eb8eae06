import { randomUUID } from 'node:crypto';

/** A new UID from a random UUID: PS3.5 B.2. */
export const newUid = (): string => uidOfUuid(randomUUID());

/** `2.25.` and the UUID as one decimal number without leading zeros: PS3.5 B.2. */
export const uidOfUuid = (uuid: string): string => `2.25.${BigInt('0x' + uuid.replaceAll('-', ''))}`;

/** PS3.5 9.1: digits and dots, no leading zero in a component, at most 64 characters. */
export const isUid = (text: string): boolean =>
  text.length <= 64 && /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+$/.test(text);
