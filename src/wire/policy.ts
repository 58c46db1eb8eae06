/**
 * Who may associate, and for what: small named policies instead of flags.
 */
import { STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES } from '../dicom/index.ts';
import type { ProposedContext } from './pdu.ts';

export const VERIFICATION = '1.2.840.10008.1.1';

export interface Caller {
  readonly callingAe: string;
  readonly calledAe: string;
  /** IP address of the peer. */
  readonly address: string;
}
export type CallerVerdict = 'accept' | 'calling-ae-not-recognized' | 'called-ae-not-recognized';
export type CallerPolicy = (caller: Caller) => CallerVerdict | Promise<CallerVerdict>;

export const acceptAnyCaller: CallerPolicy = () => 'accept';

/** The transfer syntax to accept a proposed context with, or why not. */
export type ContextVerdict =
  { readonly transferSyntax: string } | 'abstract-syntax-not-supported' | 'transfer-syntaxes-not-supported';

const DICOM_ROOT = '1.2.840.10008.';
/** All of PS3.4 B.5, also what is newer than our table. */
const STORAGE_ROOT = '1.2.840.10008.5.1.4.1.1.';

/** A storage SOP class of the standard, or a private one: it can only be used for C-STORE here. */
export const isStorageClass = (uid: string): boolean =>
  uid in STORAGE_SOP_CLASSES ||
  uid.startsWith(STORAGE_ROOT) ||
  (/^[0-9.]{3,64}$/.test(uid) && !uid.startsWith(DICOM_ROOT));

/** The first proposed transfer syntax that is known (PS3.6 table A-1): the first is what the peer has at hand and would rather not convert. */
export function acceptKnownSyntax({ transferSyntaxes }: ProposedContext): ContextVerdict {
  const transferSyntax = transferSyntaxes.find((uid) => TRANSFER_SYNTAXES.has(uid));
  return transferSyntax ? { transferSyntax } : 'transfer-syntaxes-not-supported';
}
