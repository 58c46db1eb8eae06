/**
 * A DICOM service class user: PS3.8 (association requestor), C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET and the request for
 * storage commitment.
 *
 *     const association = await associate({ host, port, callingAe: 'NEGATOSCOPE', calledAe: 'PACS',
 *       contexts: [{ abstractSyntax: sopClassUid, transferSyntaxes: [transferSyntax] }] });
 *     const { status } = await association.store({ sopClassUid, sopInstanceUid, transferSyntax, data });
 *     await association.release();
 */
import type { Socket } from 'node:net';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../dicom/index.ts';
import { Channel, DEFAULT_LIMITS } from './channel.ts';
import type { ChannelLimits } from './channel.ts';
import { openConnection, unreachable } from './connect.ts';
import { tlsFailure } from './tls.ts';
import type { TlsOptions } from './tls.ts';
import { ABORT_REASON, DimseError, pduError } from './errors.ts';
import {
  APPLICATION_CONTEXT,
  CONTEXT_RESULT,
  decodeAssociateAccept,
  decodeAssociateReject,
  encodeAssociateRequest,
  PDU,
} from './pdu.ts';
import { UserAssociation } from './user.ts';
import type { Association, Negotiated } from './requests.ts';

export interface ProposedService {
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
  /** `scp`: instances of this class come to us (C-GET, PS3.7 D.3.3.4). Default `scu`. */
  readonly role?: 'scu' | 'scp';
}

export interface AssociateOptions {
  readonly host: string;
  readonly port: number;
  readonly callingAe: string;
  readonly calledAe: string;
  /** At most 128: PS3.8 9.3.2.2 has odd identifiers up to 255. */
  readonly contexts: readonly ProposedService[];
  readonly tls?: TlsOptions;
  /** Requests under way at once that we would like: PS3.7 D.3.3.3. The peer decides; most take one. Default 1. */
  readonly window?: number;
  readonly connectTimeoutMs?: number;
  /** For the answer to a request: a receiver may take its time to keep an instance. */
  readonly responseTimeoutMs?: number;
  readonly limits?: Partial<ChannelLimits>;
  /** Gives up while connecting and ends the association at once later. */
  readonly signal?: AbortSignal;
}

/** First byte of a TLS record that carries an alert (RFC 8446 5.1): the peer waits for a TLS greeting. */
const TLS_ALERT = 0x15;

/**
 * Opens an association.
 * @throws DimseError `dimse-unreachable` (details `reason`, see connect.ts), `dimse-tls-wanted`, `dimse-rejected`,
 * `dimse-timeout`, `dimse-cancelled`, …
 */
export async function associate(options: AssociateOptions): Promise<Association> {
  if (options.contexts.length === 0 || options.contexts.length > 128) {
    throw pduError('An association proposes 1 to 128 presentation contexts');
  }
  const { host, port, tls, signal, connectTimeoutMs: timeoutMs = 10_000 } = options;
  const socket = await openConnection({
    host,
    port,
    timeoutMs,
    ...(tls ? { tls } : {}),
    ...(signal ? { signal } : {}),
  });
  const channel = new Channel(socket, { ...DEFAULT_LIMITS, ...options.limits });
  const cancelled = () => new DimseError('dimse-cancelled', 'The association was given up');
  const onAbort = () => channel.abort(cancelled());
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.once('close', () => signal?.removeEventListener('abort', onAbort));
  const heard = firstByte(socket);
  try {
    const negotiated = await negotiate(channel, options);
    return new UserAssociation(channel, negotiated, options.responseTimeoutMs ?? 60_000, signal);
  } catch (thrown) {
    const error = signal?.aborted ? cancelled() : explained(thrown, heard(), options);
    if (error instanceof DimseError && error.code === 'dimse-rejected') socket.destroy();
    else channel.abort(error instanceof DimseError ? error : undefined);
    throw error;
  }
}

/** TLS 1.3 is open for us before the peer has looked at our certificate: what it thinks of it comes as the first answer. */
function explained(
  thrown: unknown,
  first: number | undefined,
  { host, port, tls }: AssociateOptions,
): unknown {
  if (first === TLS_ALERT && !tls) return tlsWanted(thrown);
  if (!tls || !(thrown instanceof DimseError) || thrown.code !== 'dimse-closed') return thrown;
  const { cause } = thrown;
  const identity = tls.identity !== undefined;
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
  const failure = tlsFailure(code, { identity, keysAgreed: true });
  if (failure) return unreachable(host, port, failure, cause);
  // Not every peer says why (Node.js does not): it hung up on our certificate, before a word of DICOM.
  return identity && first === undefined ? unreachable(host, port, 'tls-client-refused', cause) : thrown;
}

const tlsWanted = (cause: unknown): DimseError =>
  new DimseError('dimse-tls-wanted', 'The peer speaks TLS alone at this port', { cause });

function firstByte(socket: Socket): () => number | undefined {
  let first: number | undefined;
  socket.once('data', (chunk: Buffer) => (first = chunk[0]));
  return () => first;
}

async function negotiate(channel: Channel, options: AssociateOptions): Promise<Negotiated> {
  const { window = 1 } = options;
  const proposed = options.contexts.map((context, i) => ({ id: 2 * i + 1, ...context }));
  const provided = new Set(
    proposed.filter(({ role }) => role === 'scp').map(({ abstractSyntax }) => abstractSyntax),
  );
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
        ...(window > 1 ? { asyncOperations: { invoked: window, performed: 1 } } : {}),
        roles: [...provided].map((sopClassUid) => ({ sopClassUid, scu: false, scp: true })),
      },
    }),
  );
  const { type, body } = await channel.readControl();
  if (type === PDU.associateRj) {
    const { result, source, reason } = decodeAssociateReject(body);
    throw new DimseError(
      'dimse-rejected',
      `The peer refused the association (${result}/${source}/${reason})`,
      { details: { result, source, reason } },
    );
  }
  if (type !== PDU.associateAc) throw pduError('An A-ASSOCIATE-AC was expected', ABORT_REASON.unexpectedPdu);
  const accept = decodeAssociateAccept(body);
  channel.peerMaxPduLength = accept.user.maxPduLength;
  const contexts = new Map<number, { abstractSyntax: string; transferSyntax: string }>();
  for (const { id, result, transferSyntax } of accept.contexts) {
    const context = proposed.find((each) => each.id === id);
    if (result !== CONTEXT_RESULT.accepted || !context) continue;
    if (!context.transferSyntaxes.includes(transferSyntax))
      throw pduError('The peer accepted a transfer syntax that was not proposed');
    contexts.set(id, { abstractSyntax: context.abstractSyntax, transferSyntax });
  }
  // Without the item in the answer one at a time; 0 is no limit (PS3.7 D.3.3.3.1).
  const granted = accept.user.asyncOperations?.invoked ?? 1;
  return { contexts, window: Math.max(1, granted === 0 ? window : Math.min(window, granted)) };
}
