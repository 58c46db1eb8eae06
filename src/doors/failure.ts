import type { IngestOutcome } from '../archive/types.ts';
import { STATUS } from '../wire/index.ts';

/**
 * Why an instance was not kept. Of a STOW-RS request: `part of another type`, not looked into; `bulk-missing`, metadata without the
 * part that it names.
 */
export type Failure =
  | Extract<IngestOutcome, { status: 'quarantined' | 'refused' }>['reason']
  | 'part of another type'
  | 'bulk-missing';

/**
 * The code that says best what is wrong, the same by C-STORE (status, PS3.4 table B.2-1, PS3.7 C) and STOW-RS (Failure Reason,
 * PS3.18 table I.2-2): A9xx where the data set can be read but is not what it should be, Cxxx where it cannot be read.
 */
export const FAILURE: Readonly<Record<Failure, number>> = {
  'disk-full': STATUS.outOfResources,
  'too-large': STATUS.outOfResources,
  'missing-uid': STATUS.dataSetDoesNotMatchSopClass,
  'bad-uid': STATUS.dataSetDoesNotMatchSopClass,
  'pixel-length': STATUS.dataSetDoesNotMatchSopClass,
  // The UID is taken by other content: the sender has two instances of one name.
  conflict: STATUS.duplicateSopInstance,
  'unknown-transfer-syntax': STATUS.transferSyntaxNotSupported,
  'not-dicom': STATUS.cannotUnderstand,
  truncated: STATUS.cannotUnderstand,
  malformed: STATUS.cannotUnderstand,
  'too-deep': STATUS.cannotUnderstand,
  empty: STATUS.cannotUnderstand,
  'part of another type': STATUS.cannotUnderstand,
  'bulk-missing': STATUS.cannotUnderstand,
};
