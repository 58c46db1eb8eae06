/**
 * WADO-RS: PS3.18 10.4. Whole instances as stored, metadata, bulk data. Instances go out as originals: corrections of patient
 * data are in the metadata alone.
 */
import type { FastifyReply } from 'fastify';
import type { InstanceRow, Sight } from '../../archive/index.ts';
import { multipartWriter } from '../../wire/multipart.ts';
import { acceptedOf, covers, type MediaRange, notAcceptable } from './accept.ts';
import { type DicomwebDependencies, type Get, instancesAt, isFresh, storedAt } from './context.ts';
import { type FrameAnswer, isNative } from './frames.ts';
import { cut, lengthOf, type Piece, rangeOf, sendChunks, sendPieces } from './send.ts';

const DICOM = 'application/dicom';
const BULK = 'application/octet-stream';

export function retrieveRoutes({ archive, sightOf }: DicomwebDependencies, frames: FrameAnswer) {
  async function* files(
    rows: readonly InstanceRow[],
    writer: ReturnType<typeof multipartWriter>,
    sight: Sight,
  ): AsyncGenerator<Piece> {
    for (const row of rows) {
      const stored = await archive.stored(row.sopInstanceUid, sight);
      if (!stored) continue; // taken away since
      yield writer.part({ 'Content-Type': `${DICOM}; transfer-syntax=${row.transferSyntax}` });
      yield { from: stored, offset: 0, length: row.size };
    }
    yield writer.end();
  }

  /** One instance, as one part or by itself. */
  async function instance(request: Get, reply: FastifyReply) {
    const sight = sightOf(request.principal);
    const stored = await storedAt(archive, request.params, sight);
    const { row } = stored;
    const range = acceptable(request, [row]);
    const type = `${DICOM}; transfer-syntax=${row.transferSyntax}`;
    const file: Piece = { from: stored, offset: 0, length: row.size };
    const multipart = range.outer === 'multipart/related' || range.outer === '*/*';
    if (isFresh(request, reply, row, multipart ? '-m' : '', 'if unchanged')) return reply;
    if (!multipart) {
      const part = rangeOf(request, reply, row.size);
      return sendPieces(reply.type(type), part ? cut([file], part) : [file]);
    }
    const writer = multipartWriter();
    void reply.type(writer.contentType(DICOM));
    return sendPieces(reply, [writer.part({ 'Content-Type': type }), file, writer.end()]);
  }

  return {
    instance,

    async instances(request: Get, reply: FastifyReply) {
      const sight = sightOf(request.principal);
      const rows = await instancesAt(archive, request.params, sight);
      const range = acceptable(request, rows);
      if (range.outer !== 'multipart/related' && range.outer !== '*/*')
        return instance(
          Object.assign(request, {
            params: { ...request.params, series: rows[0]?.seriesUid, instance: rows[0]?.sopInstanceUid },
          }) as Get,
          reply,
        );
      const writer = multipartWriter();
      // A study or a series may grow, so it is not kept.
      void reply.type(writer.contentType(DICOM)).header('cache-control', 'private, no-store');
      return sendChunks(reply, files(rows, writer, sight));
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

/** The first range of media types in which all of these can be given; throws `not-acceptable` (406). */
function acceptable(request: Get, rows: readonly InstanceRow[]): MediaRange {
  const given = (syntax: string | undefined): boolean =>
    syntax === undefined || syntax === '*' || rows.every(({ transferSyntax }) => transferSyntax === syntax);
  const range = acceptedOf(request).find(
    ({ outer, type, transferSyntax }) =>
      covers(type, DICOM) &&
      given(transferSyntax) &&
      (outer === 'multipart/related' || outer === '*/*' || rows.length === 1),
  );
  if (!range) throw notAcceptable(`multipart/related; type="${DICOM}"; transfer-syntax=*`);
  return range;
}
