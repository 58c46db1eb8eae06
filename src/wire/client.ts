/**
 * A DICOM service class user: PS3.8 (association requestor), C-ECHO and C-STORE.
 *
 *     const association = await associate({ host, port, callingAe: 'NEGATOSCOPE', calledAe: 'PACS',
 *       contexts: [{ abstractSyntax: sopClassUid, transferSyntaxes: [transferSyntax] }] });
 *     const { status } = await association.store({ sopClassUid, sopInstanceUid, transferSyntax, data });
 *     await association.release();
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../dicom/index.ts';
import { Channel, DEFAULT_LIMITS } from './channel.ts';
import type { ChannelLimits } from './channel.ts';
import { COMMAND, NO_DATA_SET, PRIORITY, RESPONSE_BIT } from './command.ts';
import type { CommandSet } from './command.ts';
import { ABORT_REASON, DimseError, pduError } from './errors.ts';
import {
  APPLICATION_CONTEXT,
  CONTEXT_RESULT,
  decodeAssociateAccept,
  decodeAssociateReject,
  encodeAssociateRequest,
  PDU,
} from './pdu.ts';
import { VERIFICATION } from './policy.ts';

export interface AssociateOptions {
  readonly host: string;
  readonly port: number;
  readonly callingAe: string;
  readonly calledAe: string;
  /** At most 128: PS3.8 9.3.2.2 has odd identifiers up to 255. */
  readonly contexts: readonly {
    readonly abstractSyntax: string;
    readonly transferSyntaxes: readonly string[];
  }[];
  readonly connectTimeoutMs?: number;
  /** For the answer to a request: a receiver may take its time to keep an instance. */
  readonly responseTimeoutMs?: number;
  readonly limits?: Partial<ChannelLimits>;
}

export interface StoreInput {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** How `data` is encoded; the accepted context has to have it. */
  readonly transferSyntax: string;
  /** The data set without preamble and file meta information. Bytes must not change until the answer came. */
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
  readonly priority?: (typeof PRIORITY)[keyof typeof PRIORITY];
}
export interface Response {
  readonly status: number;
  readonly comment?: string;
}

export interface Association {
  /** The accepted context for a SOP class in a transfer syntax (any, if not named). */
  context(sopClassUid: string, transferSyntax?: string): { id: number; transferSyntax: string } | undefined;
  echo(): Promise<Response>;
  /** One at a time. @throws DimseError `dimse-no-context`, or when the association ends before the answer */
  store(input: StoreInput): Promise<Response>;
  release(): Promise<void>;
  abort(): void;
}

/** Opens an association. @throws DimseError `dimse-unreachable`, `dimse-rejected`, `dimse-timeout`, … */
export async function associate(options: AssociateOptions): Promise<Association> {
  if (options.contexts.length === 0 || options.contexts.length > 128) {
    throw pduError('An association proposes 1 to 128 presentation contexts');
  }
  const socket = await open(options);
  const channel = new Channel(socket, { ...DEFAULT_LIMITS, ...options.limits });
  try {
    return new ClientAssociation(channel, options, await negotiate(channel, options));
  } catch (error) {
    if (error instanceof DimseError && error.code === 'dimse-rejected') socket.destroy();
    else channel.abort(error instanceof DimseError ? error : undefined);
    throw error;
  }
}

function open({ host, port, connectTimeoutMs = 10_000 }: AssociateOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown) => {
      socket.destroy();
      reject(new DimseError('dimse-unreachable', `No connection to ${host}:${port}`, { cause }));
    };
    const socket = connect({ host, port, noDelay: true, timeout: connectTimeoutMs }, () => {
      socket.setTimeout(0);
      socket.off('error', fail).off('timeout', fail);
      resolve(socket);
    });
    socket.on('error', fail).on('timeout', fail);
  });
}

type Contexts = ReadonlyMap<number, { readonly abstractSyntax: string; readonly transferSyntax: string }>;

async function negotiate(channel: Channel, options: AssociateOptions): Promise<Contexts> {
  const proposed = options.contexts.map((context, i) => ({ id: 2 * i + 1, ...context }));
  await channel.write(
    encodeAssociateRequest({
      protocolVersion: 1,
      calledAe: options.calledAe,
      callingAe: options.callingAe,
      applicationContext: APPLICATION_CONTEXT,
      contexts: proposed,
      user: {
        maxPduLength: channel.limits.maxPduLength,
        implementationClassUid: IMPLEMENTATION_CLASS_UID,
        implementationVersion: IMPLEMENTATION_VERSION_NAME,
        roles: [],
      },
    }),
  );
  const { type, body } = await channel.readControl();
  if (type === PDU.associateRj) {
    const { result, source, reason } = decodeAssociateReject(body);
    throw new DimseError(
      'dimse-rejected',
      `The peer refused the association (${result}/${source}/${reason})`,
      {
        details: { result, source, reason },
      },
    );
  }
  if (type !== PDU.associateAc) throw pduError('An A-ASSOCIATE-AC was expected', ABORT_REASON.unexpectedPdu);
  const accept = decodeAssociateAccept(body);
  channel.peerMaxPduLength = accept.user.maxPduLength;
  const contexts = new Map<number, { abstractSyntax: string; transferSyntax: string }>();
  for (const { id, result, transferSyntax } of accept.contexts) {
    const abstractSyntax = proposed.find((context) => context.id === id)?.abstractSyntax;
    if (result === CONTEXT_RESULT.accepted && abstractSyntax)
      contexts.set(id, { abstractSyntax, transferSyntax });
  }
  return contexts;
}

class ClientAssociation implements Association {
  readonly #channel: Channel;
  readonly #contexts: Contexts;
  readonly #responseTimeoutMs: number;
  #messageId = 0;

  constructor(channel: Channel, { responseTimeoutMs = 60_000 }: AssociateOptions, contexts: Contexts) {
    this.#channel = channel;
    this.#contexts = contexts;
    this.#responseTimeoutMs = responseTimeoutMs;
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

  #contextFor(sopClassUid: string, transferSyntax?: string): number {
    const context = this.context(sopClassUid, transferSyntax);
    if (context) return context.id;
    throw new DimseError('dimse-no-context', `The peer does not take ${sopClassUid} in this transfer syntax`);
  }

  echo(): Promise<Response> {
    return this.#request(this.#contextFor(VERIFICATION), {
      AffectedSOPClassUID: VERIFICATION,
      CommandField: COMMAND.echoRq,
      CommandDataSetType: NO_DATA_SET,
    });
  }

  store({ sopClassUid, sopInstanceUid, transferSyntax, data, priority }: StoreInput): Promise<Response> {
    const command = {
      AffectedSOPClassUID: sopClassUid,
      CommandField: COMMAND.storeRq,
      Priority: priority ?? PRIORITY.medium,
      CommandDataSetType: 0x0000,
      AffectedSOPInstanceUID: sopInstanceUid,
    };
    return this.#request(this.#contextFor(sopClassUid, transferSyntax), command, data);
  }

  async #request(
    contextId: number,
    command: CommandSet & { CommandField: number },
    data?: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<Response> {
    const messageId = (this.#messageId = (this.#messageId % 0xffff) + 1);
    try {
      await this.#channel.send(contextId, { ...command, MessageID: messageId }, data);
      const message = await this.#channel.next(this.#responseTimeoutMs);
      if (message === 'release') throw pduError('A-RELEASE-RQ before the answer', ABORT_REASON.unexpectedPdu);
      for await (const _ of message.data ?? []);
      const { CommandField, MessageIDBeingRespondedTo, Status, ErrorComment } = message.command;
      if (CommandField !== (command.CommandField | RESPONSE_BIT) || MessageIDBeingRespondedTo !== messageId) {
        throw pduError('The answer belongs to another request');
      }
      if (Status === undefined) throw pduError('The answer has no status');
      return ErrorComment ? { status: Status, comment: ErrorComment } : { status: Status };
    } catch (error) {
      // Whatever failed in the middle of a message, also the caller's own stream: the association cannot go on.
      this.#channel.abort(error instanceof DimseError ? error : undefined);
      throw error;
    }
  }

  release(): Promise<void> {
    return this.#channel.release();
  }

  abort(): void {
    this.#channel.abort();
  }
}
