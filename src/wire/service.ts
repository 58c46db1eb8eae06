/** What an acceptor performs: services as small named objects, each for some SOP classes and some commands. */
import { COMMAND, STATUS } from './command.ts';
import type { CommandSet } from './command.ts';
import type { ProposedContext, RoleSelection } from './pdu.ts';
import { acceptKnownSyntax, isStorageClass, VERIFICATION } from './policy.ts';
import type { Caller, ContextVerdict } from './policy.ts';

export interface AcceptedContext {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntax: string;
  /** The peer takes the role of provider here: it may be sent requests (PS3.7 D.3.3.4). */
  readonly peerIsProvider: boolean;
}

/** What a service may do on the association besides answering. */
export interface Peer extends Caller {
  readonly contexts: readonly AcceptedContext[];
  /**
   * A request of ours, answered by its response. @throws DimseError when the association ends before, or `dimse-timeout`;
   * also for a data set that breaks off: the association is over then.
   */
  request(
    contextId: number,
    command: CommandSet & { CommandField: number },
    data?: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<CommandSet>;
  /** Aborted when the association is over. */
  readonly ended: AbortSignal;
}

/** One request and the way to answer it. */
export interface Operation {
  readonly peer: Peer;
  readonly context: AcceptedContext;
  readonly command: CommandSet & { CommandField: number };
  /** The data set in views; undefined when the command says that none follows. What is not read is skipped. */
  readonly data: AsyncIterable<Uint8Array> | undefined;
  /** C-CANCEL came, or the association is over. */
  readonly signal: AbortSignal;
  /** Answer to SOP Class Extended Negotiation for this SOP class, if it was negotiated. */
  readonly extended: Uint8Array | undefined;
  /** A pending response; waits while the peer does not take it. */
  respond(answer: Answer): Promise<void>;
  /** A pending response for each data set, with the same status: cheaper for many. Others have their turn afterwards. */
  respondEach(status: number, dataSets: readonly Uint8Array[]): Promise<void>;
}

export interface Answer {
  readonly status: number;
  /** For a person at the peer; cut to 64 characters. Never patient data. */
  readonly comment?: string;
  /** Further elements of the response. */
  readonly fields?: CommandSet;
  readonly data?: Uint8Array;
}

/** Gives the last response. A rejection is answered with 0x0110 and logged. */
export type Handler = (operation: Operation) => Promise<Answer>;

export interface Service {
  readonly name: string;
  /** The transfer syntax for a proposed context, or why not; undefined: not a SOP class of this service. */
  accepts(context: ProposedContext, role: RoleSelection | undefined): ContextVerdict | undefined;
  /** By Command Field. */
  readonly handlers: Readonly<Record<number, Handler>>;
  /** The peer may become provider of this SOP class (C-GET). Default: no. */
  readonly peerMayProvide?: boolean;
  /** Answer to SOP Class Extended Negotiation. */
  extended?(sopClassUid: string, asked: Uint8Array): Uint8Array | undefined;
  /** A piece of the data is valid until the next one is asked for: its memory is used again. Default: no. */
  readonly lends?: boolean;
  /** While it performs, the peer may have to say something: C-CANCEL, or responses. Default: no. */
  readonly listens?: boolean;
}

/** C-ECHO, PS3.7 9.1.5. */
export const verification = (onEcho?: (caller: Caller) => void): Service => ({
  name: 'C-ECHO',
  accepts: (context) => (context.abstractSyntax === VERIFICATION ? acceptKnownSyntax(context) : undefined),
  handlers: {
    [COMMAND.echoRq]: async ({ peer }) => {
      onEcho?.(peer);
      return { status: STATUS.success };
    },
  },
});

/** C-STORE-RQ, PS3.7 9.3.1.1. UIDs as sent: not checked. */
export interface StoreRequest extends Caller {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Of the presentation context that the instance came in. */
  readonly transferSyntax: string;
  /** 0 medium, 1 high, 2 low. */
  readonly priority: number;
  /** C-MOVE that made the sender send, if one did. */
  readonly moveOriginatorAe?: string;
}
export interface StoreAnswer {
  /** PS3.4 table B.2-1. */
  readonly status: number;
  /** For a person at the sender; cut to 64 characters. Never patient data. */
  readonly comment?: string;
}

export interface StorageOptions {
  /**
   * One instance: `body` is its data set without file meta information, in views, each valid until the next one is asked for. The peer is told to wait while `body` is
   * not read. Success may be answered only once the instance is kept. What is left of `body` is skipped. `body` throws
   * DimseError when the peer goes away in the middle.
   */
  readonly onStore: (request: StoreRequest, body: AsyncIterable<Uint8Array>) => Promise<StoreAnswer>;
  /** The standard's storage SOP classes and private ones unless told. */
  readonly isStorage?: (sopClassUid: string) => boolean;
  /** Which transfer syntax to take; the first known one that is proposed unless told. */
  readonly accept?: (context: ProposedContext, role: RoleSelection | undefined) => ContextVerdict;
  readonly peerMayProvide?: boolean;
}

/** C-STORE, PS3.7 9.1.1. */
export function storage(options: StorageOptions): Service {
  const { onStore, isStorage = isStorageClass, accept = acceptKnownSyntax } = options;
  return {
    name: 'C-STORE',
    accepts: (context, role) => (isStorage(context.abstractSyntax) ? accept(context, role) : undefined),
    peerMayProvide: options.peerMayProvide ?? false,
    lends: true,
    handlers: {
      [COMMAND.storeRq]: async ({ peer, command, context, data }) => {
        const { AffectedSOPClassUID: sopClassUid, AffectedSOPInstanceUID: sopInstanceUid } = command;
        if (!sopClassUid || !sopInstanceUid) return { status: STATUS.missingAttribute };
        if (!data) return { status: STATUS.cannotUnderstand, comment: 'No data set' };
        const originator = command.MoveOriginatorApplicationEntityTitle;
        return onStore(
          {
            callingAe: peer.callingAe,
            calledAe: peer.calledAe,
            address: peer.address,
            sopClassUid,
            sopInstanceUid,
            transferSyntax: context.transferSyntax,
            priority: command.Priority ?? 0,
            ...(originator ? { moveOriginatorAe: originator } : {}),
          },
          data,
        );
      },
    },
  };
}
