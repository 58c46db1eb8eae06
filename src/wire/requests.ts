/** What a requestor asks for and is given: the contract of an association as user, and how answers are read. */
import type { DataSet, DicomJson } from '../dicom/types.ts';
import type { CommandSet } from './command.ts';
import { PRIORITY, STATUS } from './command.ts';

export interface Negotiated {
  readonly contexts: ReadonlyMap<
    number,
    { readonly abstractSyntax: string; readonly transferSyntax: string }
  >;
  readonly window: number;
}

export interface StoreInput {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** How `data` is encoded; the accepted context has to have it. */
  readonly transferSyntax: string;
  /** The data set without preamble and file meta information. Bytes must not change until the answer came. */
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
  readonly priority?: (typeof PRIORITY)[keyof typeof PRIORITY];
  /** The C-MOVE that this is a sub-operation of: PS3.7 9.3.1.1. */
  readonly moveOriginator?: { readonly aeTitle: string; readonly messageId: number };
}
export interface Response {
  readonly status: number;
  readonly comment?: string;
}

/** A query: its SOP class says model and operation, its identifier the level and the keys (PS3.4 C.4). */
export interface Query {
  readonly sopClassUid: string;
  readonly identifier: DicomJson;
}
export interface QueryOptions {
  /** Sends C-CANCEL (PS3.7 9.3.2.3); the iteration throws `dimse-cancelled`. */
  readonly signal?: AbortSignal;
  /** Between two answers. Default: that of the association. */
  readonly timeoutMs?: number;
}

/** How far a C-MOVE or C-GET is: PS3.4 C.4.2.1.5. A peer may leave counts out. */
export interface SubOperations {
  /** The last one: `status` is the end of the whole. */
  readonly done: boolean;
  readonly status: number;
  readonly comment?: string;
  readonly remaining?: number;
  readonly completed?: number;
  readonly failed?: number;
  readonly warning?: number;
  /** Failed SOP Instance UID List (0008,0058), in the last one. */
  readonly failedUids?: readonly string[];
}

/** An instance that the peer sends within C-GET. */
export interface IncomingStore {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntax: string;
}
/** `body` is the data set in views; the peer waits while it is not read. What is left of it is skipped. */
export type OnStore = (request: IncomingStore, body: AsyncIterable<Uint8Array>) => Promise<Response>;

export interface CommitmentReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}
/** N-EVENT-REPORT of storage commitment, PS3.4 J.3.3. */
export interface CommitmentResult {
  readonly transactionUid: string;
  readonly committed: readonly string[];
  /** `reason`: Failure Reason (0008,1197), PS3.3 C.14-1a. */
  readonly failed: readonly { readonly sopInstanceUid: string; readonly reason: number }[];
}

export interface Association {
  /** Requests that may be under way at once, as the peer granted. */
  readonly window: number;
  /** The accepted context for a SOP class in a transfer syntax (any, if not named). */
  context(sopClassUid: string, transferSyntax?: string): { id: number; transferSyntax: string } | undefined;
  echo(): Promise<Response>;
  /** As many at once as `window` says; further ones wait. @throws DimseError `dimse-no-context`, or when the association ends before the answer */
  store(input: StoreInput): Promise<Response>;
  /**
   * C-FIND: the identifiers of what matches, as they come. Leaving the loop early sends C-CANCEL and waits for the end.
   * @throws DimseError `dimse-status` with `status` when the peer could not do it
   */
  find(query: Query, options?: QueryOptions): AsyncGenerator<DicomJson, void, undefined>;
  /** C-MOVE: how far it is; the last one has `done`. Never throws for a status: partial success is one. */
  move(
    query: Query & { readonly destination: string },
    options?: QueryOptions,
  ): AsyncGenerator<SubOperations, void, undefined>;
  /** C-GET: instances come to `onStore`, one at a time; its contexts need the role `scp`. */
  get(query: Query, onStore: OnStore, options?: QueryOptions): AsyncGenerator<SubOperations, void, undefined>;
  /**
   * Asks the peer to commit itself to keep instances (PS3.4 J). The answer says whether it takes the request; its result
   * comes on this association within `waitMs`, or later to our own port.
   */
  commit(
    transactionUid: string,
    references: readonly CommitmentReference[],
    waitMs?: number,
  ): Promise<Response & { readonly result?: CommitmentResult }>;
  /** N-EVENT-REPORT, PS3.7 10.1.1: as provider of this SOP class, so its context needs the role `scp`. */
  eventReport(event: {
    readonly sopClassUid: string;
    readonly sopInstanceUid: string;
    readonly eventTypeId: number;
    readonly data: DicomJson;
  }): Promise<Response>;
  release(): Promise<void>;
  abort(): void;
}

export const STORAGE_COMMITMENT = '1.2.840.10008.1.20.1';
export const STORAGE_COMMITMENT_INSTANCE = '1.2.840.10008.1.20.1.1';

/** The counts of a C-MOVE or C-GET answer, PS3.4 C.4.2.1.5. */
export function subOperations(
  command: CommandSet,
  status: number,
  done: boolean,
  identifier: DataSet | undefined,
): SubOperations {
  const { ErrorComment: comment } = command;
  const counts = {
    remaining: command.NumberOfRemainingSuboperations,
    completed: command.NumberOfCompletedSuboperations,
    failed: command.NumberOfFailedSuboperations,
    warning: command.NumberOfWarningSuboperations,
  };
  const failedUids = identifier?.strings(0x00080058).filter(Boolean);
  return {
    done,
    status,
    ...(comment ? { comment } : {}),
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined)),
    ...(failedUids?.length ? { failedUids } : {}),
  };
}

/** An N-EVENT-REPORT of storage commitment, PS3.4 J.3.3. */
export function commitmentResult(event: DataSet): CommitmentResult {
  const uids = (tag: number) => event.items(tag).map((item) => item.string(0x00081155) ?? '');
  return {
    transactionUid: event.string(0x00081195) ?? '',
    committed: uids(0x00081199).filter(Boolean),
    failed: event.items(0x00081198).map((item) => ({
      sopInstanceUid: item.string(0x00081155) ?? '',
      reason: item.number(0x00081197) ?? STATUS.processingFailure,
    })),
  };
}
