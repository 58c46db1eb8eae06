import { stableUid } from '../dicom/index.ts';
import type { DocumentKind } from '../reading/types.ts';

/** Of a report's document with its first `addenda` addenda. */
export const documentUid = (reportId: string, kind: DocumentKind, addenda: number): string =>
  stableUid(`report ${reportId} ${kind} ${addenda}`);
/** One series for each kind and report; presentation states share one. */
export const seriesUid = (reportId: string, kind: DocumentKind): string =>
  stableUid(`report ${reportId} ${kind.startsWith('presentation-') ? 'presentation' : kind} series`);
