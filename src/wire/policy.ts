/**
 * Who may associate, and for what: small named policies instead of flags.
 */
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
export const acceptCalledAeTitle =
  (aeTitle: string): CallerPolicy =>
  ({ calledAe }) =>
    calledAe === aeTitle ? 'accept' : 'called-ae-not-recognized';

/** The transfer syntax to accept a proposed context with, or why not. */
export type ContextVerdict =
  { readonly transferSyntax: string } | 'abstract-syntax-not-supported' | 'transfer-syntaxes-not-supported';
export type ContextPolicy = (context: ProposedContext) => ContextVerdict;

const DICOM_ROOT = '1.2.840.10008.';
/** Where PS3.4 B.5 and GG.3 have the storage classes: images and the rest; RT; hanging protocols, palettes, implants. */
const STORAGE = /^1\.2\.840\.10008\.5\.1\.4\.(1\.1\.|34\.(7|10)$|38\.1$|39\.1$|43\.1$|44\.1$|45\.1$)/;

/** A storage SOP class of the standard, or a private one: it can only be used for C-STORE here. */
export const isStorageClass = (uid: string): boolean =>
  STORAGE.test(uid) || (/^[0-9.]{3,64}$/.test(uid) && !uid.startsWith(DICOM_ROOT));

const NATIVE = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'];
const ENCAPSULATED = /^1\.2\.840\.10008\.1\.2\.(4\.\d{2,3}|5|7\.[123]|8\.1)$/;
const isKnownTransferSyntax = (uid: string): boolean => NATIVE.includes(uid) || ENCAPSULATED.test(uid);

/**
 * Takes everything that can be stored, as sent: the first proposed transfer syntax whose data set encoding is known
 * (PS3.5 A, PS3.6 A), since the first is what the sender has at hand and would rather not convert.
 */
export const acceptStorage =
  (isStorage: (sopClassUid: string) => boolean = isStorageClass): ContextPolicy =>
  ({ abstractSyntax, transferSyntaxes }) => {
    if (abstractSyntax !== VERIFICATION && !isStorage(abstractSyntax)) return 'abstract-syntax-not-supported';
    const transferSyntax = transferSyntaxes.find(isKnownTransferSyntax);
    return transferSyntax ? { transferSyntax } : 'transfer-syntaxes-not-supported';
  };
