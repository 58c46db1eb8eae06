/**
 * Requests to a DICOMweb service of another system (PS3.18), on streams:
 *
 *     const client = createWebClient({ url: 'https://pacs.example/dicom-web', headers: { authorization: 'Bearer …' }, tls: {} });
 *     const { status, body } = await client.request({ method: 'GET', path: '/studies?limit=1' });
 *     client.close();
 *
 * A body that is sent waits while the peer does not take it; an answer is held up to a limit. Redirections are not followed: what
 * is sent goes to the address that a person has entered and to no other.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { NegatoscopeError } from '../errors.ts';
import { reasonFor } from './connect.ts';
import { tlsConnection } from './tls.ts';
import type { TlsOptions } from './tls.ts';

// An `import` would read every export of the module, and one of them loads a client for WebSockets that nobody here uses.
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');

export interface WebService {
  /** Root of the service, without a slash at its end. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For `https:`. */
  readonly tls?: TlsOptions;
}

export interface WebRequest {
  readonly method: 'GET' | 'POST' | 'OPTIONS';
  /** Behind the root, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Until there is a connection. Default 10 s. */
  readonly connectMs?: number;
  /** Without a byte in either direction. Default 2 min: a receiver may take its time to keep what it was sent. */
  readonly silenceMs?: number;
}

export interface WebAnswer {
  readonly status: number;
  /** Media type without parameters, in lower case. */
  readonly type: string;
  readonly body: Buffer;
}

/**
 * Why there is no answer.
 *
 * | code | |
 * |---|---|
 * | `web-unreachable` | no connection; details `reason` as in connect.ts |
 * | `web-silent` | the peer was silent for too long |
 * | `web-closed` | the connection broke before the answer was whole |
 * | `web-too-long` | the answer is longer than it may be |
 * | `web-cancelled` | we gave it up |
 */
export class WebError extends NegatoscopeError {
  constructor(
    code: string,
    message: string,
    options: { details?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(code, message, { status: 502, ...options });
    this.name = 'WebError';
  }
}

/** An answer of STOW-RS says some hundred bytes of each instance. */
const MAX_ANSWER = 8 * 1024 * 1024;

export interface WebClient {
  /** @throws WebError, or what `body` throws */
  request(request: WebRequest): Promise<WebAnswer>;
  /** Ends connections that are kept open. */
  close(): void;
}

export function createWebClient(service: WebService): WebClient {
  const root = new URL(service.url);
  const secure = root.protocol === 'https:';
  const host = root.hostname.replace(/^\[(.*)\]$/, '$1');
  const tls = secure ? (service.tls ?? {}) : undefined;
  const kept = { keepAlive: true, maxSockets: 4 };
  const agent = tls ? new HttpsAgent({ ...kept, ...tlsConnection(tls, host) }) : new HttpAgent(kept);

  async function request(asked: WebRequest): Promise<WebAnswer> {
    const { method, path, body, signal, connectMs = 10_000, silenceMs = 120_000 } = asked;
    if (signal?.aborted) throw cancelled();
    const open = secure ? httpsRequest : httpRequest;
    const sending: ClientRequest = open(`${service.url}${path}`, {
      method,
      agent,
      headers: { ...service.headers, ...asked.headers },
      ...(signal ? { signal } : {}),
    });
    const link = watch(sending, { tls, connectMs, silenceMs });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sending.once('response', resolve);
      // A failure of the body's own is told below, and not as one of the connection.
      sending.on('error', reject);
      sending.once('close', () => reject(new Error('closed')));
    });
    answer.catch(() => {});
    let ownFault: unknown;
    const sent = body
      ? pipeline(
          Readable.from(
            guarded(body, (thrown) => (ownFault = thrown)),
            { objectMode: false },
          ),
          sending,
        )
      : Promise.resolve(void sending.end());
    // A peer that answers before it has everything (401, 413) reads no more: its answer counts.
    sent.catch(() => {});
    try {
      const response = await answer;
      const whole = await bodyOf(response);
      if (!sending.writableFinished) sending.destroy();
      const type = (response.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
      return { status: response.statusCode ?? 0, type, body: whole };
    } catch (cause) {
      sending.destroy();
      if (ownFault !== undefined) throw ownFault;
      if (signal?.aborted) throw cancelled();
      if (cause instanceof WebError) throw cause;
      throw link.explained(cause);
    }
  }

  return { request, close: () => agent.destroy() };
}

const cancelled = () => new WebError('web-cancelled', 'The request was given up');

async function* guarded(
  body: AsyncIterable<Uint8Array>,
  failed: (thrown: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (thrown) {
    failed(thrown);
    throw thrown;
  }
}

/** How far the connection has come, and the times that it may take. */
function watch(
  sending: ClientRequest,
  { tls, connectMs, silenceMs }: { tls: TlsOptions | undefined; connectMs: number; silenceMs: number },
) {
  let connected = false;
  let ready = false;
  let keysAgreed = false;
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    sending.destroy(new Error('no connection'));
  }, connectMs);
  const open = () => {
    ready = true;
    clearTimeout(timer);
    sending.setTimeout(silenceMs, () => {
      silent = true;
      sending.destroy(new Error('silent'));
    });
  };
  sending.once('socket', (socket) => {
    const secured = tls ? (socket as TLSSocket) : undefined;
    if (sending.reusedSocket) return open();
    socket.once('connect', () => {
      connected = true;
      if (!secured) open();
    });
    secured?.once('keylog', () => (keysAgreed = true));
    secured?.once('secureConnect', open);
  });
  sending.once('close', () => clearTimeout(timer));
  return {
    explained(cause: unknown): WebError {
      if (silent && ready) return new WebError('web-silent', 'The peer was silent for too long', { cause });
      const late = connected ? 'tls-none' : 'silent';
      const reason = silent ? late : reasonFor(cause, { tls, connected, keysAgreed });
      // Once it is open only what TLS says of our certificate is about the connection.
      if (ready && !reason.startsWith('tls-'))
        return new WebError('web-closed', 'The connection broke before the answer', { cause });
      return new WebError('web-unreachable', `No connection (${reason})`, { details: { reason }, cause });
    },
  };
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_ANSWER) throw new WebError('web-too-long', 'The answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
