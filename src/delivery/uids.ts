import { stableUid } from '../dicom/index.ts';

export type DocumentKind = 'pdf' | 'sr';
/** Of a report's document with its first `addenda` addenda. */
export const documentUid = (reportId: string, kind: DocumentKind, addenda: number): string =>
  stableUid(`report ${reportId} ${kind} ${addenda}`);
/** One series for each kind and report. */
export const seriesUid = (reportId: string, kind: DocumentKind): string =>
  stableUid(`report ${reportId} ${kind} series`);
