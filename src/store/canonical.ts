import { createHash } from 'node:crypto';

/** JSON with keys in code unit order and no white space: the same value gives the same bytes, whatever made it. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
export const sha256Of = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** Text from people without control characters but line breaks and tabs: PostgreSQL keeps no NUL, and DICOM no others. */
export const withoutControls = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
export const plainText = (text: string): string => withoutControls(text).trim();
