/** What a requestor does on its association: requests, their answers, and the sub-operations that come in between. */
import { encodeDataSet, parseDataSet, toJson } from '../dicom/index.ts';
import type { DataSet, DicomJson } from '../dicom/types.ts';
import { Body } from './body.ts';
import type { Channel, Message } from './channel.ts';
import { COMMAND, errorComment, NO_DATA_SET, PRIORITY, RESPONSE_BIT, STATUS } from './command.ts';
import type { CommandSet } from './command.ts';
import { ABORT_REASON, DimseError, pduError } from './errors.ts';
import { Handover } from './handover.ts';
import { VERIFICATION } from './policy.ts';
import {
  type Association,
  type CommitmentReference,
  type CommitmentResult,
  commitmentResult,
  type Negotiated,
  type OnStore,
  type Query,
  type QueryOptions,
  type Response,
  STORAGE_COMMITMENT,
  STORAGE_COMMITMENT_INSTANCE,
  type StoreInput,
  type SubOperations,
  subOperations,
} from './requests.ts';

/** An identifier is small: what is longer is an attack or a mistake. */
const MAX_IDENTIFIER_BYTES = 4 * 1024 * 1024;
/** Answers that wait for whoever asked; beyond it the peer waits. */
const ANSWERS_AHEAD = 100;
/** How long a peer may go on after C-CANCEL before the association is ended. */
const CANCEL_MS = 10_000;

const isPending = (status: number): boolean => status === 0xff00 || status === 0xff01;

interface Pending {
  readonly command: number;
  readonly timeoutMs: number;
  /** Wholly sent: from now on the peer owes an answer. */
  sent: boolean;
  /** Uses an answer; true when it was the last one. */
  take(status: number, message: Message): Promise<boolean>;
  fail(error: unknown): void;
}

export class UserAssociation implements Association {
  readonly window: number;
  readonly #channel: Channel;
  readonly #contexts: Negotiated['contexts'];
  readonly #responseTimeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #pending = new Map<number, Pending>();
  #messageId = 0;
  #free: number;
  #waiting: (() => void)[] = [];
  /** One message at a time goes out. */
  #sending: Promise<unknown> = Promise.resolve();
  #reading: Promise<void> | undefined;
  /** Reads although nothing is owed. */
  #stranded = false;
  #broken: unknown;
  #onStore: OnStore | undefined;
  #onEvent: ((data: DataSet) => void) | undefined;

  constructor(
    channel: Channel,
    { contexts, window }: Negotiated,
    responseTimeoutMs: number,
    signal?: AbortSignal,
  ) {
    this.#channel = channel;
    this.#contexts = contexts;
    this.window = window;
    this.#free = window;
    this.#responseTimeoutMs = responseTimeoutMs;
    this.#signal = signal;
  }

  context(sopClassUid: string, transferSyntax?: string) {
    for (const [id, context] of this.#contexts) {
      if (context.abstractSyntax !== sopClassUid) continue;
      if (transferSyntax === undefined || context.transferSyntax === transferSyntax) {
        return { id, transferSyntax: context.transferSyntax };
      }
    }
    return undefined;
  }

  #contextFor(sopClassUid: string, transferSyntax?: string) {
    const context = this.context(sopClassUid, transferSyntax);
    if (context) return context;
    throw new DimseError('dimse-no-context', `The peer does not take ${sopClassUid} in this transfer syntax`);
  }

  async echo(): Promise<Response> {
    return this.#ask(this.#contextFor(VERIFICATION).id, {
      AffectedSOPClassUID: VERIFICATION,
      CommandField: COMMAND.echoRq,
      CommandDataSetType: NO_DATA_SET,
    });
  }

  async store({
    sopClassUid,
    sopInstanceUid,
    transferSyntax,
    data,
    priority,
    moveOriginator,
  }: StoreInput): Promise<Response> {
    const command = {
      AffectedSOPClassUID: sopClassUid,
      CommandField: COMMAND.storeRq,
      Priority: priority ?? PRIORITY.medium,
      CommandDataSetType: 0x0000,
      AffectedSOPInstanceUID: sopInstanceUid,
      ...(moveOriginator
        ? {
            MoveOriginatorApplicationEntityTitle: moveOriginator.aeTitle,
            MoveOriginatorMessageID: moveOriginator.messageId,
          }
        : {}),
    };
    return this.#ask(this.#contextFor(sopClassUid, transferSyntax).id, command, data);
  }

  async *find(query: Query, options: QueryOptions = {}): AsyncGenerator<DicomJson, void, undefined> {
    const { transferSyntax } = this.#contextFor(query.sopClassUid);
    yield* this.#many<DicomJson>(query, COMMAND.findRq, {}, options, async (status, message, give) => {
      const identifier = await this.#identifier(message, transferSyntax);
      if (isPending(status)) {
        if (!identifier) throw pduError('A match without an identifier');
        await give(toJson(identifier));
        return false;
      }
      if (status !== STATUS.success) throw refused('C-FIND', status, message.command.ErrorComment);
      return true;
    });
  }

  async *move(
    { destination, ...query }: Query & { readonly destination: string },
    options: QueryOptions = {},
  ): AsyncGenerator<SubOperations, void, undefined> {
    yield* this.#retrieve(query, COMMAND.moveRq, { MoveDestination: destination }, options);
  }

  async *get(
    query: Query,
    onStore: OnStore,
    options: QueryOptions = {},
  ): AsyncGenerator<SubOperations, void, undefined> {
    // Sub-operations do not say which request they belong to.
    if (this.#onStore) throw new DimseError('dimse-busy', 'A C-GET is under way on this association');
    this.#onStore = onStore;
    try {
      yield* this.#retrieve(query, COMMAND.getRq, {}, options);
    } finally {
      this.#onStore = undefined;
    }
  }

  async *#retrieve(query: Query, field: number, more: CommandSet, options: QueryOptions) {
    const { transferSyntax } = this.#contextFor(query.sopClassUid);
    yield* this.#many<SubOperations>(query, field, more, options, async (status, message, give) => {
      const identifier = await this.#identifier(message, transferSyntax);
      const done = !isPending(status);
      await give(subOperations(message.command, status, done, identifier));
      return done;
    });
  }

  async commit(
    transactionUid: string,
    references: readonly CommitmentReference[],
    waitMs = 0,
  ): Promise<Response & { result?: CommitmentResult }> {
    const { id, transferSyntax } = this.#contextFor(STORAGE_COMMITMENT);
    const data = encodeDataSet(
      {
        '00081195': { vr: 'UI', Value: [transactionUid] },
        '00081199': {
          vr: 'SQ',
          Value: references.map(({ sopClassUid, sopInstanceUid }) => ({
            '00081150': { vr: 'UI', Value: [sopClassUid] },
            '00081155': { vr: 'UI', Value: [sopInstanceUid] },
          })),
        },
      },
      { transferSyntax },
    );
    const command = {
      RequestedSOPClassUID: STORAGE_COMMITMENT,
      CommandField: COMMAND.actionRq,
      CommandDataSetType: 0x0000,
      RequestedSOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
      ActionTypeID: 1,
    };
    let result: CommitmentResult | undefined;
    let heard = () => {};
    this.#onEvent = (event) => {
      const told = commitmentResult(event);
      if (told.transactionUid !== transactionUid) return;
      result = told;
      heard();
    };
    try {
      const response = await this.#ask(id, command, data);
      if (response.status === STATUS.success && waitMs > 0 && !result)
        await this.#listen(waitMs, (wake) => (heard = wake));
      return result ? { ...response, result } : response;
    } finally {
      this.#onEvent = undefined;
    }
  }

  async eventReport({
    sopClassUid,
    sopInstanceUid,
    eventTypeId,
    data,
  }: Parameters<Association['eventReport']>[0]): Promise<Response> {
    const { id, transferSyntax } = this.#contextFor(sopClassUid);
    const command = {
      AffectedSOPClassUID: sopClassUid,
      CommandField: COMMAND.eventReportRq,
      CommandDataSetType: 0x0000,
      AffectedSOPInstanceUID: sopInstanceUid,
      EventTypeID: eventTypeId,
    };
    return this.#ask(id, command, encodeDataSet(data, { transferSyntax }));
  }

  /** Reads what comes unasked, until `wake` is called or the time is over. */
  async #listen(waitMs: number, register: (wake: () => void) => void): Promise<void> {
    const id = this.#nextId();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#stranded = true; // the reader waits for a message that may never come
        resolve();
      }, waitMs);
      register(() => {
        clearTimeout(timer);
        this.#pending.delete(id);
        resolve();
      });
      // As if an answer were owed: it keeps the reader reading.
      this.#pending.set(id, {
        command: 0,
        timeoutMs: waitMs * 2,
        sent: true,
        take: async () => true,
        fail: () => resolve(),
      });
      this.#read();
    });
  }

  async release(): Promise<void> {
    // A reader that waits would take the answer to the release for a message.
    if (this.#stranded || this.#pending.size > 0) return this.abort();
    await this.#reading;
    return this.#channel.release();
  }

  abort(): void {
    this.#channel.abort();
  }

  // ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #nextId(): number {
    do this.#messageId = (this.#messageId % 0xffff) + 1;
    while (this.#pending.has(this.#messageId));
    return this.#messageId;
  }

  /** One question, one answer. */
  async #ask(
    contextId: number,
    command: CommandSet & { CommandField: number },
    data?: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<Response> {
    const release = await this.#place();
    try {
      return await new Promise<Response>((resolve, reject) => {
        void this.#begin(contextId, command, data, {
          command: command.CommandField,
          timeoutMs: this.#responseTimeoutMs,
          sent: false,
          async take(status, message) {
            for await (const _ of message.data ?? []);
            const { ErrorComment } = message.command;
            resolve(ErrorComment ? { status, comment: ErrorComment } : { status });
            return true;
          },
          fail: reject,
        });
      });
    } finally {
      release();
    }
  }

  /** One question, many answers: the last one ends it. */
  async *#many<T>(
    query: Query,
    field: number,
    more: CommandSet,
    { signal, timeoutMs = this.#responseTimeoutMs }: QueryOptions,
    answer: (status: number, message: Message, give: (thing: T) => Promise<void>) => Promise<boolean>,
  ): AsyncGenerator<T, void, undefined> {
    const { id: contextId, transferSyntax } = this.#contextFor(query.sopClassUid);
    const data = encodeDataSet(query.identifier, { transferSyntax });
    const release = await this.#place();
    const answers = new Handover<T>(ANSWERS_AHEAD);
    let cancelled = false;
    let patience: NodeJS.Timeout | undefined;
    let messageId = 0;
    const cancel = () => {
      if (cancelled || answers.ended || messageId === 0) return;
      cancelled = true;
      answers.discard();
      patience = setTimeout(() => this.#fail(cancelledError()), CANCEL_MS);
      void this.#send(contextId, {
        CommandField: COMMAND.cancelRq,
        MessageIDBeingRespondedTo: messageId,
        CommandDataSetType: NO_DATA_SET,
      }).catch((error) => this.#fail(error));
    };
    try {
      if (signal?.aborted) throw cancelledError();
      signal?.addEventListener('abort', cancel, { once: true });
      const command = {
        AffectedSOPClassUID: query.sopClassUid,
        CommandField: field,
        Priority: PRIORITY.medium,
        CommandDataSetType: 0x0000,
        ...more,
      };
      messageId = await this.#begin(contextId, command, data, {
        command: field,
        timeoutMs,
        sent: false,
        take: async (status, message) => {
          // 0xFE00: ended because we asked for it; whatever else it says then is of no use to anybody.
          if (cancelled) {
            for await (const _ of message.data ?? []);
            if (!isPending(status)) answers.end();
            return !isPending(status);
          }
          try {
            const last = await answer(status, message, (thing) => answers.give(thing));
            if (last) answers.end();
            return last;
          } catch (error) {
            if (!(error instanceof DimseError && error.code === 'dimse-status')) throw error;
            answers.end(error);
            return true;
          }
        },
        fail: (error) => answers.end(error),
      });
      if (signal?.aborted) cancel();
      for await (const thing of answers) yield thing;
      if (signal?.aborted && cancelled) throw cancelledError();
    } finally {
      if (!answers.ended && messageId !== 0) {
        cancel();
        await answers.whole();
      }
      clearTimeout(patience);
      signal?.removeEventListener('abort', cancel);
      release();
    }
  }

  /** A place among the requests under way. */
  async #place(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return () => {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
  }

  /** Sends a request and sees to it that its answers are read. Never rejects: `pending.fail` is told. */
  async #begin(
    contextId: number,
    command: CommandSet & { CommandField: number },
    data: Uint8Array | AsyncIterable<Uint8Array> | undefined,
    pending: Pending,
  ): Promise<number> {
    if (this.#broken) {
      pending.fail(this.#broken);
      return 0;
    }
    const id = this.#nextId();
    this.#pending.set(id, pending);
    try {
      await this.#send(contextId, { ...command, MessageID: id }, data);
      pending.sent = true;
      this.#read();
    } catch (error) {
      // Whatever failed in the middle of a message, also the caller's own stream: the association cannot go on.
      this.#fail(error);
    }
    return id;
  }

  #send(
    contextId: number,
    command: CommandSet,
    data?: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const sent = this.#sending.then(() => this.#channel.send(contextId, command, data));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  #fail(error: unknown): void {
    const given = this.#signal?.aborted ? cancelledError() : error;
    this.#broken ??= given;
    this.#channel.abort(error instanceof DimseError ? error : undefined);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const each of pending) each.fail(given);
  }

  // ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #owed(): Pending[] {
    return [...this.#pending.values()].filter(({ sent }) => sent);
  }

  /** Reads as long as an answer is owed. */
  #read(): void {
    this.#reading ??= this.#readAll()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#reading = undefined;
        if (this.#owed().length > 0) this.#read(); // asked for while the last reader was leaving
      });
  }

  async #readAll(): Promise<void> {
    for (;;) {
      const owed = this.#owed();
      if (owed.length === 0) return;
      const message = await this.#channel.next(Math.max(...owed.map(({ timeoutMs }) => timeoutMs)));
      if (message === 'release') throw pduError('A-RELEASE-RQ before the answer', ABORT_REASON.unexpectedPdu);
      await this.#dispatch(message);
    }
  }

  async #dispatch(message: Message): Promise<void> {
    const { CommandField: field, MessageIDBeingRespondedTo: id, Status: status } = message.command;
    if (field === COMMAND.storeRq) return this.#subOperation(message);
    if (field === COMMAND.eventReportRq) return this.#event(message);
    if (!(field & RESPONSE_BIT))
      throw pduError('A request that was not agreed on', ABORT_REASON.unexpectedPdu);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (!pending || field !== (pending.command | RESPONSE_BIT))
      throw pduError('The answer belongs to another request');
    if (status === undefined) throw pduError('The answer has no status');
    if (await pending.take(status, message)) this.#pending.delete(id!);
  }

  /** C-STORE within C-GET: PS3.4 C.4.3.3. */
  async #subOperation({ command, contextId, data }: Message): Promise<void> {
    const context = this.#contexts.get(contextId);
    const { AffectedSOPClassUID: sopClassUid, AffectedSOPInstanceUID: sopInstanceUid } = command;
    const onStore = this.#onStore;
    if (!context || !onStore)
      throw pduError('An instance that was not asked for', ABORT_REASON.unexpectedPdu);
    let answer: Response = { status: STATUS.missingAttribute };
    if (sopClassUid && sopClassUid !== context.abstractSyntax)
      answer = { status: STATUS.sopClassNotSupported };
    else if (sopClassUid && sopInstanceUid && data) {
      const body = new Body(data);
      try {
        answer = await onStore({ sopClassUid, sopInstanceUid, transferSyntax: context.transferSyntax }, body);
      } catch {
        answer = { status: STATUS.processingFailure };
      }
      // A body that broke off is never success, whatever the handler made of it.
      if (body.failure) throw body.failure;
    }
    for await (const _ of data ?? []);
    await this.#send(contextId, {
      ...(sopClassUid ? { AffectedSOPClassUID: sopClassUid } : {}),
      CommandField: COMMAND.storeRsp,
      MessageIDBeingRespondedTo: command.MessageID ?? 0,
      CommandDataSetType: NO_DATA_SET,
      Status: answer.status,
      ...(answer.comment ? { ErrorComment: errorComment(answer.comment) } : {}),
      ...(sopInstanceUid ? { AffectedSOPInstanceUID: sopInstanceUid } : {}),
    });
  }

  /** N-EVENT-REPORT of storage commitment, PS3.4 J.3.3. */
  async #event(message: Message): Promise<void> {
    const { command, contextId } = message;
    const context = this.#contexts.get(contextId);
    const onEvent = context?.abstractSyntax === STORAGE_COMMITMENT ? this.#onEvent : undefined;
    const data = context && (await this.#identifier(message, context.transferSyntax));
    await this.#send(contextId, {
      AffectedSOPClassUID: command.AffectedSOPClassUID ?? STORAGE_COMMITMENT,
      CommandField: COMMAND.eventReportRsp,
      MessageIDBeingRespondedTo: command.MessageID ?? 0,
      CommandDataSetType: NO_DATA_SET,
      Status: onEvent ? STATUS.success : STATUS.unrecognizedOperation,
      AffectedSOPInstanceUID: command.AffectedSOPInstanceUID ?? STORAGE_COMMITMENT_INSTANCE,
      ...(command.EventTypeID === undefined ? {} : { EventTypeID: command.EventTypeID }),
    });
    if (data) onEvent?.(data);
  }

  /** The data set of a message, read to its end. @throws DimseError `dimse-pdu` when it is too long or cannot be read */
  async #identifier({ data }: Message, transferSyntax: string): Promise<DataSet | undefined> {
    if (!data) return undefined;
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of data) {
      size += piece.length;
      if (size > MAX_IDENTIFIER_BYTES) throw pduError('An identifier is too long');
      pieces.push(piece);
    }
    try {
      return parseDataSet(Buffer.concat(pieces), transferSyntax);
    } catch (cause) {
      throw new DimseError('dimse-pdu', 'An identifier cannot be read', { cause });
    }
  }
}

const cancelledError = () => new DimseError('dimse-cancelled', 'It was cancelled');

const refused = (what: string, status: number, comment?: string) =>
  new DimseError('dimse-status', `The peer answered ${what} with 0x${status.toString(16).padStart(4, '0')}`, {
    details: { status, ...(comment ? { comment } : {}) },
  });
