import { createHash } from 'node:crypto';
import { uidOfUuid } from '../dicom/index.ts';

/** A UID that follows from a text: a UUID of version 8 from its SHA-256 (RFC 9562 5.8), written as PS3.5 B.2 says. */
export function stableUid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return uidOfUuid(bytes.toString('hex'));
}

export type DocumentKind = 'pdf' | 'sr';
/** Of a report's document with its first `addenda` addenda. */
export const documentUid = (reportId: string, kind: DocumentKind, addenda: number): string =>
  stableUid(`report ${reportId} ${kind} ${addenda}`);
/** One series for each kind and report. */
export const seriesUid = (reportId: string, kind: DocumentKind): string =>
  stableUid(`report ${reportId} ${kind} series`);
