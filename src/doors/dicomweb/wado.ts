/**
 * WADO-RS: PS3.18 10.4. Whole instances, metadata, bulk data. Instances go out as they came where nothing was corrected and no
 * other transfer syntax is asked for. What came without file meta information gets it: application/dicom is a file of PS3.10 (8.7.3).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { InstanceRow, Sight, StoredInstance } from '../../archive/index.ts';
import { multipartWriter } from '../../wire/multipart.ts';
import { acceptedOf, covers, notAcceptable } from './accept.ts';
import { type DicomwebDependencies, type Get, instancesAt, isFresh, storedAt } from './context.ts';
import { type FrameAnswer, isNative } from './frames.ts';
import { cut, lengthOf, type Piece, rangeOf, sendChunks, sendPieces } from './send.ts';
import { DICOM, type Given, givenAs } from './syntax.ts';

const BULK = 'application/octet-stream';

export function retrieveRoutes({ archive, sightOf }: DicomwebDependencies, frames: FrameAnswer) {
  /** The file as it leaves: the stored bytes, or corrected or in another transfer syntax. */
  const leaving = async (
    stored: StoredInstance,
    accepted: readonly string[] | undefined,
    sight: Sight,
  ): Promise<{
    transferSyntax: string;
    pieces?: Piece[];
    made?: () => Promise<AsyncIterable<Uint8Array>>;
  }> => {
    const { row } = stored;
    if (!stored.corrected && accepted === undefined) {
      const meta = await stored.lackingMeta();
      const offset = meta ? stored.datasetOffset : 0;
      const rest = { from: stored, offset, length: row.size - offset };
      return { transferSyntax: row.transferSyntax, pieces: meta ? [meta, rest] : [rest] };
    }
    const { transferSyntax, file } = await archive.outgoing(row.sopInstanceUid, sight, accepted);
    return { transferSyntax, made: file };
  };

  async function* parts(
    rows: readonly InstanceRow[],
    given: Given,
    writer: ReturnType<typeof multipartWriter>,
    sight: Sight,
  ): AsyncGenerator<Piece> {
    for (const row of rows) {
      const stored = await archive.stored(row.sopInstanceUid, sight);
      if (!stored) continue; // taken away since
      const { transferSyntax, pieces, made } = await leaving(stored, given.accepted(row), sight);
      yield writer.part({ 'Content-Type': `${DICOM}; transfer-syntax=${transferSyntax}` });
      if (pieces) yield* pieces;
      else if (made) yield* await made();
    }
    yield writer.end();
  }

  /** One instance, as one part or by itself. */
  async function single(
    request: FastifyRequest,
    reply: FastifyReply,
    stored: StoredInstance,
    given: Given,
  ): Promise<FastifyReply> {
    const { row } = stored;
    const sight = sightOf(request.principal);
    const accepted = given.accepted(row);
    // A corrected file is another one with each correction.
    if (stored.corrected) void reply.header('cache-control', 'private, no-store');
    else {
      const variant = `-${accepted?.join() ?? ''}${given.multipart ? '-m' : ''}`;
      if (isFresh(request, reply, row, variant, 'if unchanged')) return reply;
    }
    const { transferSyntax, pieces, made } = await leaving(stored, accepted, sight);
    const type = `${DICOM}; transfer-syntax=${transferSyntax}`;
    const writer = multipartWriter();
    void reply.type(given.multipart ? writer.contentType(DICOM) : type);
    const head = writer.part({ 'Content-Type': type });
    if (pieces && given.multipart) return sendPieces(reply, [head, ...pieces, writer.end()]);
    if (pieces) {
      const part = rangeOf(request, reply, lengthOf(pieces));
      return sendPieces(reply, part ? cut(pieces, part) : pieces);
    }
    const chunks = async function* (): AsyncGenerator<Piece> {
      if (given.multipart) yield head;
      if (made) yield* await made();
      if (given.multipart) yield writer.end();
    };
    return sendChunks(reply, chunks());
  }

  return {
    single,

    async instance(request: Get, reply: FastifyReply) {
      const stored = await storedAt(archive, request.params, sightOf(request.principal));
      return single(request, reply, stored, givenAs(acceptedOf(request), [stored.row]));
    },

    async instances(request: Get, reply: FastifyReply) {
      const sight = sightOf(request.principal);
      const rows = await instancesAt(archive, request.params, sight);
      const given = givenAs(acceptedOf(request), rows);
      if (!given.multipart) {
        const stored = await archive.stored(rows[0]?.sopInstanceUid ?? '', sight);
        if (stored) return single(request, reply, stored, given);
      }
      const writer = multipartWriter();
      // A study or a series may grow, so it is not kept.
      void reply.type(writer.contentType(DICOM)).header('cache-control', 'private, no-store');
      return sendChunks(reply, parts(rows, given, writer, sight));
    },

    async bulk(request: Get, reply: FastifyReply) {
      const sight = sightOf(request.principal);
      const stored = await storedAt(archive, request.params, sight);
      const { row } = stored;
      const path = request.params['*'] ?? '';
      // Encapsulated pixel data is frames (PS3.18 8.7.3.3); big endian is no form of bulk data (F.2.7), frames are decoded.
      if (path === '7FE00010' && row.rows !== null && !isNative(row.transferSyntax)) {
        return frames(
          request,
          reply,
          stored,
          Array.from({ length: row.frames }, (_, i) => i + 1),
        );
      }
      const range = acceptedOf(request).find(({ type }) => covers(type, BULK));
      if (!range) throw notAcceptable(`multipart/related; type="${BULK}"`);
      const value = await archive.bulk(row.sopInstanceUid, path, sight);
      const multipart = range.outer === 'multipart/related' || range.outer === '*/*';
      if (isFresh(request, reply, row, `-${path}${multipart ? '-m' : ''}`)) return reply;
      const writer = multipartWriter();
      void reply.type(multipart ? writer.contentType(BULK) : BULK);
      const framed = (pieces: readonly Piece[]): Piece[] =>
        multipart ? [writer.part({ 'Content-Type': BULK }), ...pieces, writer.end()] : [...pieces];
      if ('stream' in value) {
        const parts = async function* (): AsyncGenerator<Piece> {
          if (multipart) yield writer.part({ 'Content-Type': BULK });
          yield* value.stream;
          if (multipart) yield writer.end();
        };
        return sendChunks(reply, parts());
      }
      const pieces: Piece[] = 'bytes' in value ? [value.bytes] : [{ from: stored, ...value }];
      const part = multipart ? undefined : rangeOf(request, reply, lengthOf(pieces));
      return sendPieces(reply, framed(part ? cut(pieces, part) : pieces));
    },
  };
}
