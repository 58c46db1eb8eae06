/** One association as acceptor, from the connection to its end: PS3.8 7 and 9.2, PS3.7 9.3. */
import type { Socket } from 'node:net';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, IMPLICIT_LE } from '../dicom/index.ts';
import { reasonOf } from '../errors.ts';
import { Body } from './body.ts';
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
import type { Caller, CallerPolicy } from './policy.ts';
import { createReceipt } from './receipt.ts';
import type { Receipt } from './receipt.ts';
import type { AcceptedContext, Answer, Operation, Peer, Service } from './service.ts';

export interface AssociationSettings {
  readonly acceptCaller: CallerPolicy;
  /** The first one that takes a SOP class performs it. */
  readonly services: readonly Service[];
  readonly limits: ChannelLimits;
  /** Operations performed at the same time for a peer that negotiates it (PS3.7 D.3.3.3). */
  readonly asyncWindow: number;
  /**
   * Called when the association is over, also for one that was refused; before that, while it is open, whenever there was news
   * for `openReceiptMs`.
   */
  readonly onReceipt?: (receipt: Receipt) => void;
  readonly openReceiptMs: number;
  readonly log?: {
    debug(o: object, m: string): void;
    info(o: object, m: string): void;
    warn(o: object, m: string): void;
    error(o: object, m: string): void;
  };
}

type Request = CommandSet & { CommandField: number };
interface Running {
  readonly cancel: AbortController;
  readonly listens: boolean;
  readonly done: Promise<void>;
}

export class ServerAssociation {
  /** Negotiated and not yet ended: what `maxAssociations` counts. */
  established = false;
  readonly #channel: Channel;
  readonly #settings: AssociationSettings;
  readonly #full: () => boolean;
  readonly #receipt: ReturnType<typeof createReceipt>;
  readonly #ended = new AbortController();
  #caller: Caller;
  #contexts = new Map<number, AcceptedContext & { readonly service: Service }>();
  #extended = new Map<string, Uint8Array>();
  #window = 1;
  #peer: Peer | undefined;
  #running = new Set<Running>();
  #byMessage = new Map<number, Running>();
  #sending: Promise<unknown> = Promise.resolve();
  #ourMessageId = 0;
  #asked = new Map<number, (response: CommandSet | DimseError) => void>();
  #idleSince = 0;
  #leaving = false;
  #reporting: NodeJS.Timeout | undefined;

  constructor(socket: Socket, settings: AssociationSettings, full: () => boolean) {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.#caller = { callingAe: '', calledAe: '', address };
    this.#channel = new Channel(socket, settings.limits);
    this.#settings = settings;
    this.#full = full;
    this.#receipt = createReceipt(address, 'encrypted' in socket);
  }

  /** From the connection to its end; never rejects. */
  async run(): Promise<void> {
    const { log, limits } = this.#settings;
    try {
      if (!(await this.#associate())) return;
      while (!this.#leaving || this.#running.size > 0) {
        this.#idleSince = performance.now();
        // While something is performed, its own limits count; afterwards `#settled` lets the time of silence begin.
        const message = await this.#channel.next(this.#running.size > 0 ? Infinity : limits.idleMs);
        if (message === 'release') {
          await this.#settled();
          this.#receipt.ended('released');
          this.#channel.replyRelease();
          log?.debug({ ...this.#caller, stored: this.#receipt.stored }, 'association released');
          return;
        }
        await this.#take(message);
      }
      this.#receipt.ended('stopped');
      this.#channel.abort();
    } catch (error) {
      const known = error instanceof DimseError ? error : undefined;
      this.#channel.abort(known);
      if (this.#leaving) return this.#receipt.ended('stopped');
      this.#receipt.ended('broken', known?.code ?? 'internal');
      const facts = { ...this.#caller, code: known?.code, reason: reasonOf(error) };
      if (known) log?.info(facts, 'association ended');
      else log?.error(facts, 'association failed');
    } finally {
      this.established = false;
      clearInterval(this.#reporting);
      this.#ended.abort();
      for (const { cancel } of this.#running) cancel.abort();
      const over = new DimseError('dimse-closed', 'The association is over');
      for (const answered of this.#asked.values()) answered(over);
      await this.#settled();
      if (this.#receipt.associated || this.#receipt.refusal) this.#report();
    }
  }

  #report(): void {
    this.#settings.onReceipt?.(this.#receipt.now());
  }

  /** What is told while it is open is what is left of it should this program be killed. */
  #reportWhileOpen(): void {
    let told = -1;
    this.#reporting = setInterval(() => {
      if (this.#receipt.performedCount === told) return;
      told = this.#receipt.performedCount;
      this.#report();
    }, this.#settings.openReceiptMs).unref();
  }

  /** Milliseconds without a message and without anything to perform; 0 while there is something. */
  get idleFor(): number {
    return this.established && this.#running.size === 0 ? performance.now() - this.#idleSince : 0;
  }

  /** Ends at once when nothing is being performed, else after that. */
  endWhenIdle(): void {
    this.#leaving = true;
    for (const { cancel, listens } of this.#running) if (listens) cancel.abort();
    if (this.#running.size === 0) this.#channel.abort();
  }

  /** Gives the place of an idle association to another one. */
  giveWay(): void {
    this.#settings.log?.info({ ...this.#caller }, 'association gave way to another');
    this.established = false;
    this.#receipt.ended('gave-way');
    this.#channel.abort();
  }

  destroy(): void {
    this.#channel.socket.destroy();
  }

  // ── negotiation ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #associate(): Promise<boolean> {
    const { type, body } = await this.#channel.readControl();
    if (type !== PDU.associateRq)
      throw pduError('An A-ASSOCIATE-RQ was expected', ABORT_REASON.unexpectedPdu);
    const request = decodeAssociateRequest(body);
    this.#caller = {
      callingAe: request.callingAe,
      calledAe: request.calledAe,
      address: this.#caller.address,
    };
    this.#receipt.asked(this.#caller, request);
    const refusal = await this.#refusal(request);
    if (refusal) {
      this.#receipt.refused(refusal);
      this.#channel.end(encodeAssociateReject(refusal));
      this.#settings.log?.info({ ...this.#caller, ...refusal }, 'association rejected');
      return false;
    }
    this.#channel.peerMaxPduLength = request.user.maxPduLength;
    const answers = request.contexts.map((context) => this.#answer(context, request));
    this.#receipt.answered(request.contexts, answers);
    this.#reportWhileOpen();
    this.#peer = this.#asPeer();
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
    this.#idleSince = performance.now();
    return undefined;
  }

  #answer(context: ProposedContext, { user }: AssociateRequest): AnsweredContext {
    const { id, abstractSyntax } = context;
    const role = user.roles.find(({ sopClassUid }) => sopClassUid === abstractSyntax);
    for (const service of this.#settings.services) {
      const verdict = service.accepts(context, role);
      if (verdict === undefined || verdict === 'abstract-syntax-not-supported') continue;
      if (verdict === 'transfer-syntaxes-not-supported')
        return { id, result: CONTEXT_RESULT.transferSyntaxesNotSupported, transferSyntax: IMPLICIT_LE };
      const { transferSyntax } = verdict;
      const peerIsProvider = role?.scp === true && service.peerMayProvide === true;
      this.#contexts.set(id, { id, abstractSyntax, transferSyntax, peerIsProvider, service });
      return { id, result: CONTEXT_RESULT.accepted, transferSyntax };
    }
    return { id, result: CONTEXT_RESULT.abstractSyntaxNotSupported, transferSyntax: IMPLICIT_LE };
  }

  #acceptance(request: AssociateRequest, contexts: AnsweredContext[]): Buffer {
    const { user } = request;
    const accepted = new Map(
      [...this.#contexts.values()].map((context) => [context.abstractSyntax, context]),
    );
    for (const { sopClassUid, info } of user.extended ?? []) {
      const answer = accepted.get(sopClassUid)?.service.extended?.(sopClassUid, info);
      if (answer) this.#extended.set(sopClassUid, answer);
    }
    if (user.asyncOperations) {
      const { invoked } = user.asyncOperations; // 0: no limit
      this.#window = Math.min(invoked === 0 ? Infinity : invoked, this.#settings.asyncWindow);
    }
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
        // Both numbers as the requestor sees them; of its sub-operations we have one outstanding. The answer stands only
        // where the question did: PS3.7 D.3.3.3.2.
        ...(user.asyncOperations ? { asyncOperations: { invoked: this.#window, performed: 1 } } : {}),
        roles: user.roles.flatMap(({ sopClassUid, scu, scp }) => {
          const context = accepted.get(sopClassUid);
          return context ? [{ sopClassUid, scu, scp: scp && context.peerIsProvider }] : [];
        }),
        extended: [...this.#extended].map(([sopClassUid, info]) => ({ sopClassUid, info })),
      },
    });
  }

  #asPeer(): Peer {
    return {
      ...this.#caller,
      contexts: [...this.#contexts.values()],
      ended: this.#ended.signal,
      request: (contextId, command, data) => this.#ask(contextId, command, data),
    };
  }

  // ── performing ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #take(message: Message): Promise<void> {
    const { command } = message;
    if (command.CommandField === COMMAND.cancelRq) {
      // PS3.7 9.3.2.3: has no response. What is no longer performed cannot be cancelled.
      this.#byMessage.get(command.MessageIDBeingRespondedTo ?? 0)?.cancel.abort();
    } else if (command.CommandField & RESPONSE_BIT) {
      for await (const _ of message.data ?? []);
      this.#asked.get(command.MessageIDBeingRespondedTo ?? 0)?.(command);
    } else {
      while (this.#running.size >= this.#window) await this.#oneDone();
      const { received, body } = this.#perform(message);
      await received;
      if (body?.failure) throw body.failure;
      // Nothing is read before there is room again: TCP makes the peer wait. One that is listened to may say more.
      while (this.#running.size >= this.#window && ![...this.#running].some(({ listens }) => listens))
        await this.#oneDone();
    }
  }

  #oneDone = (): Promise<void> => Promise.race([...this.#running].map(({ done }) => done));
  async #settled(): Promise<void> {
    await Promise.all([...this.#running].map(({ done }) => done));
  }

  /** `received`: the request has come in whole, so that the next message can be read. */
  #perform(message: Message): { received: Promise<void>; body: Body | undefined } {
    const { command, contextId } = message;
    const context = this.#contexts.get(contextId);
    if (!context) throw pduError('A message came in a presentation context that was not accepted');
    const body = message.data && new Body(message.data, context.service.lends);
    const cancel = new AbortController();
    const messageId = command.MessageID ?? 0;
    const work = async (): Promise<void> => {
      const answer = await this.#handle(command, context, body, cancel.signal);
      // A body that broke off is never success, whatever the handler made of it.
      if (body) await body.skip(); // the answer follows the whole request
      if (body?.failure) return;
      this.#receipt.performed(command, answer);
      await this.#send(contextId, responseTo(command, answer), answer.data);
    };
    const done = work()
      .catch((error: unknown) => {
        // The answer could not be given: the association is over.
        this.#channel.abort(error instanceof DimseError ? error : undefined);
      })
      .finally(() => {
        this.#running.delete(running);
        if (this.#byMessage.get(messageId) === running) this.#byMessage.delete(messageId);
        if (this.#running.size > 0) return;
        this.#idleSince = performance.now();
        this.#channel.allowIdle(this.#settings.limits.idleMs);
        if (this.#leaving) this.#channel.abort();
      });
    const running: Running = { cancel, listens: context.service.listens === true, done };
    this.#running.add(running);
    this.#byMessage.set(messageId, running);
    return { body, received: body ? Promise.race([body.ended, done]) : Promise.resolve() };
  }

  async #handle(
    command: Request,
    context: AcceptedContext & { readonly service: Service },
    data: Body | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { service, abstractSyntax } = context;
    const handler = service.handlers[command.CommandField];
    // A context is for one SOP class (PS3.8 7.1.1.13); an echo that names none means that of its context.
    const named = command.AffectedSOPClassUID || command.RequestedSOPClassUID || abstractSyntax;
    if (!handler || named !== abstractSyntax) {
      const elsewhere = this.#settings.services.some(({ handlers }) => handlers[command.CommandField]);
      return { status: elsewhere ? STATUS.sopClassNotSupported : STATUS.unrecognizedOperation };
    }
    const operation: Operation = {
      peer: this.#peer!,
      context,
      command,
      data,
      signal,
      extended: this.#extended.get(abstractSyntax),
      respond: (answer) => this.#send(context.id, responseTo(command, answer), answer.data),
      respondEach: async (status, dataSets) => {
        const response = { ...responseTo(command, { status }), CommandDataSetType: 0x0000 };
        await this.#inTurn(() => this.#channel.sendEach(context.id, response, dataSets));
        // A C-CANCEL that has come in meanwhile is read, and so are other associations.
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
    try {
      return await handler(operation);
    } catch (error) {
      // Gone in the middle: `run` tells of it, and nobody hears the answer.
      if (!data?.failure && !this.#ended.signal.aborted)
        this.#settings.log?.error({ ...this.#caller, reason: reasonOf(error) }, `${service.name} failed`);
      return { status: STATUS.processingFailure };
    }
  }

  // ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Messages one after the other: their fragments must not mix (PS3.8 E.1). */
  #send(
    contextId: number,
    command: CommandSet,
    data?: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const withData = data ? { ...command, CommandDataSetType: 0x0000 } : command;
    return this.#inTurn(() => this.#channel.send(contextId, withData, data));
  }

  #inTurn(send: () => Promise<void>): Promise<void> {
    const turn = this.#sending.then(send);
    this.#sending = turn.catch((error: unknown) =>
      // Whatever failed in the middle of a message, the association cannot go on.
      this.#channel.abort(error instanceof DimseError ? error : undefined),
    );
    return turn;
  }

  async #ask(
    contextId: number,
    command: Request,
    data?: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<CommandSet> {
    if (this.#ended.signal.aborted) throw new DimseError('dimse-closed', 'The association is over');
    const messageId = (this.#ourMessageId = (this.#ourMessageId % 0xffff) + 1);
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<CommandSet | DimseError>((resolve) => this.#asked.set(messageId, resolve));
    try {
      await this.#send(contextId, { ...command, MessageID: messageId }, data);
      timer = setTimeout(
        () =>
          this.#asked.get(messageId)?.(
            new DimseError('dimse-timeout', 'The peer did not answer a request of ours'),
          ),
        this.#settings.limits.responseMs,
      );
      const answer = await answered;
      if (answer instanceof DimseError) throw answer;
      return answer;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(messageId);
    }
  }
}

function responseTo(command: Request, answer: Answer): CommandSet {
  const { AffectedSOPClassUID, AffectedSOPInstanceUID } = command;
  return {
    ...(AffectedSOPClassUID === undefined ? {} : { AffectedSOPClassUID }),
    CommandField: command.CommandField | RESPONSE_BIT,
    MessageIDBeingRespondedTo: command.MessageID ?? 0,
    CommandDataSetType: NO_DATA_SET,
    Status: answer.status,
    ...(answer.comment ? { ErrorComment: errorComment(answer.comment) } : {}),
    ...(AffectedSOPInstanceUID === undefined ? {} : { AffectedSOPInstanceUID }),
    ...answer.fields,
  };
}
