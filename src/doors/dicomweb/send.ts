/** Bytes of stored instances on their way out: read into buffers that are used again, no stream in between. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { StoredInstance } from '../../archive/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { BUFFER_BYTES, buffers } from '../buffers.ts';
import { codingOfText, compressed } from './compress.ts';

/** Bytes at hand, or a part of a stored file. */
export type Piece =
  Uint8Array | { readonly from: StoredInstance; readonly offset: number; readonly length: number };

/** A reply up to this size is gathered and written at once. */
const WHOLE = BUFFER_BYTES;

export const lengthOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0);

/** Pieces of a known length, with `Content-Length`. Type and status are set before. */
export async function sendPieces(reply: FastifyReply, pieces: readonly Piece[]): Promise<FastifyReply> {
  const length = lengthOf(pieces);
  if (reply.request.method === 'HEAD') return sendHead(reply.header('content-length', length));
  if (length > WHOLE) return sendChunks(reply.header('content-length', length), pieces);
  const buffer = buffers.take(length);
  let at = 0;
  // Not given back where a piece fails: another may still be read into it.
  await Promise.all(
    pieces.map((piece) => {
      const target = buffer.subarray(at, (at += piece.length));
      if (piece instanceof Uint8Array) return void target.set(piece);
      return piece.from.read(target, piece.offset);
    }),
  );
  // A connection that broke off may still hold the buffer: then it is left to the garbage collector.
  reply.raw.once('finish', () => buffers.giveBack(buffer));
  return reply.send(buffer.subarray(0, length));
}

/**
 * Pieces as they come, of any length in all: at most two chunks are in memory. What goes wrong before the first byte is thrown;
 * later the connection is broken off, so that nobody takes the answer for whole.
 */
export async function sendChunks(
  reply: FastifyReply,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
): Promise<FastifyReply> {
  const chunks = filled(pieces);
  if (reply.request.method === 'HEAD') {
    await chunks.return(undefined);
    return sendHead(reply);
  }
  const coding = codingOfText(reply.request, reply);
  let next = await chunks.next();
  if (coding) {
    const { value: first } = next;
    const rest = async function* () {
      if (first) yield first.bytes;
      for await (const { bytes } of chunks) yield bytes;
    };
    return reply.header('content-encoding', coding).send(compressed(rest(), coding));
  }
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>);
  let written: Promise<void> = Promise.resolve();
  try {
    while (!next.done) {
      const { bytes, pooled } = next.value;
      await written;
      written = write(raw, bytes).then(() => void (pooled && buffers.giveBack(pooled)));
      written.catch(() => undefined); // awaited above or below
      next = await chunks.next();
    }
    await written;
    raw.end();
  } catch (thrown) {
    raw.destroy();
    if (thrown !== GONE) reply.log.error({ code: (thrown as NegatoscopeError).code }, 'answer broken off');
  } finally {
    await chunks.return(undefined);
  }
  return reply;
}

function sendHead(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>).end();
  return reply;
}

interface Chunk {
  bytes: Uint8Array;
  pooled?: Buffer;
}

/** Small pieces are gathered with what follows, so that a multipart header is no packet of its own. */
async function* filled(
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
): AsyncGenerator<Chunk, void, undefined> {
  let buffer: Buffer | undefined;
  let length = 0;
  for await (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      buffer ??= buffers.take();
      const part = Math.min(BUFFER_BYTES - length, piece.length - at);
      const target = buffer.subarray(length, length + part);
      if (piece instanceof Uint8Array) target.set(piece.subarray(at, at + part));
      else await piece.from.read(target, piece.offset + at);
      at += part;
      length += part;
      if (length < BUFFER_BYTES) continue;
      yield { bytes: buffer, pooled: buffer };
      buffer = undefined;
      length = 0;
    }
  }
  if (buffer && length > 0) yield { bytes: buffer.subarray(0, length), pooled: buffer };
}

/** The same for a stream, which holds on to what it was given. */
export async function* chunksOf(pieces: AsyncIterable<Piece>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of filled(pieces)) yield bytes;
}

const GONE = new Error('the client went away');

const write = (raw: ServerResponse, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const gone = (): void => reject(GONE);
    if (raw.destroyed || raw.socket?.destroyed) return gone();
    raw.once('close', gone);
    raw.write(bytes, (error) => {
      raw.off('close', gone);
      if (error) gone();
      else resolve();
    });
  });

/**
 * The part that a `Range` header asks for (RFC 9110 14.2), of a representation of `length` bytes: `undefined` for the whole. Several
 * ranges are answered with the whole, as a server may.
 * @throws NegatoscopeError `range-not-satisfiable` (416)
 */
export function rangeOf(
  request: FastifyRequest,
  reply: FastifyReply,
  length: number,
): { offset: number; length: number } | undefined {
  void reply.header('accept-ranges', 'bytes');
  const { range, 'if-range': condition } = request.headers;
  if (range === undefined) return undefined;
  // A date is no validator here: nothing says when an instance was modified.
  if (condition !== undefined && condition !== reply.getHeader('etag')) return undefined;
  const match = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/.exec(range.trim());
  if (!match) return undefined;
  const [, first, last, suffix] = match;
  const offset = first === undefined ? Math.max(0, length - Number(suffix)) : Number(first);
  const end = last === undefined || last === '' ? length : Math.min(length, Number(last) + 1);
  if (first !== undefined && last !== undefined && last !== '' && Number(last) < Number(first))
    return undefined;
  if (offset >= length || end <= offset) {
    void reply.header('content-range', `bytes */${length}`);
    throw new NegatoscopeError('range-not-satisfiable', `There are ${length} bytes.`, {
      status: 416,
      details: { length },
    });
  }
  void reply.code(206).header('content-range', `bytes ${offset}-${end - 1}/${length}`);
  return { offset, length: end - offset };
}

/** The part of these pieces from `offset` on. */
export function cut(
  pieces: readonly Piece[],
  { offset, length }: { offset: number; length: number },
): Piece[] {
  let position = 0;
  return pieces.flatMap((piece): Piece[] => {
    const from = Math.max(0, offset - position);
    const to = Math.min(piece.length, offset + length - position);
    position += piece.length;
    if (to <= from) return [];
    if (piece instanceof Uint8Array) return [piece.subarray(from, to)];
    return [{ from: piece.from, offset: piece.offset + from, length: to - from }];
  });
}
