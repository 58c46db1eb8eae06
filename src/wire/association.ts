/** One association as acceptor, from the connection to its end: PS3.8 7 and 9.2, PS3.7 9.3. */
import type { Socket } from 'node:net';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, IMPLICIT_LE } from '../dicom/index.ts';
import { reasonOf } from '../errors.ts';
import { Channel } from './channel.ts';
import type { ChannelLimits, Message } from './channel.ts';
import { COMMAND, errorComment, NO_DATA_SET, RESPONSE_BIT, STATUS } from './command.ts';
import type { CommandSet } from './command.ts';
import { ABORT_REASON, DimseError, pduError } from './errors.ts';
import {
  APPLICATION_CONTEXT,
  CONTEXT_RESULT,
  decodeAssociateRequest,
  encodeAssociateAccept,
  encodeAssociateReject,
  PDU,
  REJECT,
} from './pdu.ts';
import type { AnsweredContext, AssociateReject, AssociateRequest, ProposedContext } from './pdu.ts';
import { VERIFICATION } from './policy.ts';
import type { Caller, CallerPolicy, ContextPolicy } from './policy.ts';

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

export interface AssociationSettings {
  readonly acceptCaller: CallerPolicy;
  readonly contexts: ContextPolicy;
  /**
   * One instance: `body` is its data set without file meta information, in views. The peer is told to wait while `body` is
   * not read. Success may be answered only once the instance is kept. What is left of `body` is skipped; a rejection is
   * answered with 0x0110 and logged. `body` throws DimseError when the peer goes away in the middle.
   */
  readonly onStore: (request: StoreRequest, body: AsyncIterable<Uint8Array>) => Promise<StoreAnswer>;
  readonly onEcho?: (caller: Caller) => void;
  readonly limits: ChannelLimits;
  readonly log?: {
    debug(o: object, m: string): void;
    info(o: object, m: string): void;
    warn(o: object, m: string): void;
    error(o: object, m: string): void;
  };
}

export class ServerAssociation {
  /** Negotiated and not yet ended: what `maxAssociations` counts. */
  established = false;
  readonly #channel: Channel;
  readonly #settings: AssociationSettings;
  readonly #full: () => boolean;
  readonly #address: string;
  #caller: Caller = { callingAe: '', calledAe: '', address: '' };
  #accepted = new Map<number, { abstractSyntax: string; transferSyntax: string }>();
  #busy = false;
  #leaving = false;
  #stored = 0;

  constructor(socket: Socket, settings: AssociationSettings, full: () => boolean) {
    this.#address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.#channel = new Channel(socket, settings.limits);
    this.#settings = settings;
    this.#full = full;
  }

  /** From the connection to its end; never rejects. */
  async run(): Promise<void> {
    const { log } = this.#settings;
    try {
      if (!(await this.#associate())) return;
      while (!this.#leaving) {
        const message = await this.#channel.next();
        if (message === 'release') {
          this.#channel.replyRelease();
          log?.debug({ ...this.#caller, stored: this.#stored }, 'association released');
          return;
        }
        this.#busy = true;
        await this.#perform(message);
        this.#busy = false;
      }
      this.#channel.abort();
    } catch (error) {
      const known = error instanceof DimseError ? error : undefined;
      this.#channel.abort(known);
      if (this.#leaving) return;
      const facts = { ...this.#caller, address: this.#address, code: known?.code, reason: reasonOf(error) };
      if (known) log?.info(facts, 'association ended');
      else log?.error(facts, 'association failed');
    } finally {
      this.established = false;
    }
  }

  /** Ends at once when nothing is being received, else after the present message. */
  endWhenIdle(): void {
    this.#leaving = true;
    if (!this.#busy) this.#channel.abort();
  }

  destroy(): void {
    this.#channel.socket.destroy();
  }

  async #associate(): Promise<boolean> {
    const { type, body } = await this.#channel.readControl();
    if (type !== PDU.associateRq)
      throw pduError('An A-ASSOCIATE-RQ was expected', ABORT_REASON.unexpectedPdu);
    const request = decodeAssociateRequest(body);
    this.#caller = { callingAe: request.callingAe, calledAe: request.calledAe, address: this.#address };
    const refusal = await this.#refusal(request);
    if (refusal) {
      this.#channel.end(encodeAssociateReject(refusal));
      this.#settings.log?.info({ ...this.#caller, ...refusal }, 'association rejected');
      return false;
    }
    this.#channel.peerMaxPduLength = request.user.maxPduLength;
    const answers = request.contexts.map((context) => this.#answer(context));
    await this.#channel.write(this.#acceptance(request, answers));
    return true;
  }

  async #refusal(request: AssociateRequest): Promise<AssociateReject | undefined> {
    if ((request.protocolVersion & 1) === 0) return REJECT.protocolVersion;
    if (request.applicationContext !== APPLICATION_CONTEXT) return REJECT.applicationContext;
    const verdict = await this.#settings.acceptCaller(this.#caller);
    if (verdict === 'calling-ae-not-recognized') return REJECT.callingAeNotRecognized;
    if (verdict === 'called-ae-not-recognized') return REJECT.calledAeNotRecognized;
    // Last, and nothing is awaited from here to the answer: two cannot take the same place.
    if (this.#full()) return REJECT.localLimitExceeded;
    this.established = true;
    return undefined;
  }

  #answer(context: ProposedContext): AnsweredContext {
    const { id, abstractSyntax } = context;
    const verdict = this.#settings.contexts(context);
    if (typeof verdict === 'object') {
      this.#accepted.set(id, { abstractSyntax, transferSyntax: verdict.transferSyntax });
      return { id, result: CONTEXT_RESULT.accepted, transferSyntax: verdict.transferSyntax };
    }
    const result =
      verdict === 'abstract-syntax-not-supported'
        ? CONTEXT_RESULT.abstractSyntaxNotSupported
        : CONTEXT_RESULT.transferSyntaxesNotSupported;
    return { id, result, transferSyntax: IMPLICIT_LE };
  }

  #acceptance(request: AssociateRequest, contexts: AnsweredContext[]): Buffer {
    const { user } = request;
    const accepted = new Set([...this.#accepted.values()].map((context) => context.abstractSyntax));
    return encodeAssociateAccept({
      protocolVersion: 1,
      calledAe: request.calledAe,
      callingAe: request.callingAe,
      applicationContext: APPLICATION_CONTEXT,
      contexts,
      user: {
        maxPduLength: this.#settings.limits.maxPduLength,
        implementationClassUid: IMPLEMENTATION_CLASS_UID,
        implementationVersion: IMPLEMENTATION_VERSION_NAME,
        // We answer in order, one at a time. The answer stands only where the question did: PS3.7 D.3.3.3.2.
        ...(user.asyncOperations ? { asyncOperations: { invoked: 1, performed: 1 } } : {}),
        // We are the provider of everything here: the requestor's SCP role is not taken up.
        roles: user.roles
          .filter((role) => accepted.has(role.sopClassUid))
          .map(({ sopClassUid, scu }) => ({ sopClassUid, scu, scp: false })),
      },
    });
  }

  async #perform(message: Message): Promise<void> {
    const { command, contextId } = message;
    const context = this.#accepted.get(contextId);
    if (!context) throw pduError('A message came in a presentation context that was not accepted');
    let answer: StoreAnswer = { status: STATUS.unrecognizedOperation };
    // A context is for one SOP class (PS3.8 7.1.1.13); an echo that names none means that of its context.
    const { abstractSyntax } = context;
    const named = command.AffectedSOPClassUID || abstractSyntax;
    if (command.CommandField === COMMAND.echoRq) {
      const supported = abstractSyntax === VERIFICATION && named === VERIFICATION;
      if (supported) this.#settings.onEcho?.(this.#caller);
      answer = { status: supported ? STATUS.success : STATUS.sopClassNotSupported };
    } else if (command.CommandField === COMMAND.storeRq) {
      answer =
        named === abstractSyntax && abstractSyntax !== VERIFICATION
          ? await this.#store(message, context.transferSyntax)
          : { status: STATUS.sopClassNotSupported };
    } else if (command.CommandField === COMMAND.cancelRq || command.CommandField & RESPONSE_BIT) {
      return; // nothing of ours to cancel or to be answered (PS3.7 9.3.2.3: C-CANCEL has no response)
    }
    for await (const _ of message.data ?? []); // the answer follows the whole request
    await this.#channel.send(contextId, responseTo(command, answer));
  }

  async #store({ command, data }: Message, transferSyntax: string): Promise<StoreAnswer> {
    const { AffectedSOPClassUID: sopClassUid, AffectedSOPInstanceUID: sopInstanceUid } = command;
    if (!sopClassUid || !sopInstanceUid) return { status: STATUS.missingAttribute };
    if (!data) return { status: STATUS.cannotUnderstand, comment: 'No data set' };
    const originator = command.MoveOriginatorApplicationEntityTitle;
    const request: StoreRequest = {
      ...this.#caller,
      sopClassUid,
      sopInstanceUid,
      transferSyntax,
      priority: command.Priority ?? 0,
      ...(originator ? { moveOriginatorAe: originator } : {}),
    };
    const body = new Body(data);
    try {
      const answer = await this.#settings.onStore(request, body);
      // A body that broke off is never success, whatever the handler made of it.
      if (body.failure) throw body.failure;
      if (answer.status === STATUS.success) this.#stored++;
      return answer;
    } catch (error) {
      if (body.failure) throw body.failure;
      this.#settings.log?.error({ ...this.#caller, reason: reasonOf(error) }, 'C-STORE failed');
      return { status: STATUS.processingFailure };
    }
  }
}

/** What a handler reads. One that stops early does not end the message: the rest has still to be read over. */
class Body implements AsyncIterable<Uint8Array> {
  failure: unknown;
  readonly #data: AsyncGenerator<Uint8Array, void, undefined>;

  constructor(data: AsyncGenerator<Uint8Array, void, undefined>) {
    this.#data = data;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, undefined> {
    return {
      next: () =>
        this.#data.next().catch((error: unknown) => {
          this.failure ??= error;
          throw error;
        }),
    };
  }
}

function responseTo(command: CommandSet & { CommandField: number }, answer: StoreAnswer): CommandSet {
  const { AffectedSOPClassUID, AffectedSOPInstanceUID } = command;
  return {
    ...(AffectedSOPClassUID === undefined ? {} : { AffectedSOPClassUID }),
    CommandField: command.CommandField | RESPONSE_BIT,
    MessageIDBeingRespondedTo: command.MessageID ?? 0,
    CommandDataSetType: NO_DATA_SET,
    Status: answer.status,
    ...(answer.comment ? { ErrorComment: errorComment(answer.comment) } : {}),
    ...(AffectedSOPInstanceUID === undefined ? {} : { AffectedSOPInstanceUID }),
  };
}
