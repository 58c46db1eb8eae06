/**
 * WADO-RS: PS3.18 10.4. Whole instances as stored, metadata, bulk data. Instances go out as originals: corrections of patient
 * data are in the metadata alone.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { InstanceRow, Sight } from '../../archive/index.ts';
import { jsonString, TAG } from '../../dicom/index.ts';
import { multipartWriter } from '../../wire/multipart.ts';
import { acceptedOf, covers, JSON_TYPES, negotiate, notAcceptable } from './accept.ts';
import {
  baseOf,
  type DicomwebDependencies,
  type Get,
  instanceAt,
  instancesAt,
  instanceUrl,
  isFresh,
  withBulkUrls,
} from './context.ts';
import { type FrameAnswer, isNative } from './frames.ts';

const DICOM = 'application/dicom';
const BULK = 'application/octet-stream';

export function retrieveRoutes({ archive, sightOf }: DicomwebDependencies, frames: FrameAnswer) {
  async function* files(
    rows: readonly InstanceRow[],
    writer: ReturnType<typeof multipartWriter>,
    sight: Sight,
  ) {
    for (const row of rows) {
      yield writer.part({ 'Content-Type': `${DICOM}; transfer-syntax=${row.transferSyntax}` });
      yield* await archive.file(row.sopInstanceUid, sight);
    }
    yield writer.end();
  }

  return {
    async instances(request: Get, reply: FastifyReply) {
      const sight = sightOf(request.principal);
      const rows = await instancesAt(archive, request.params, sight);
      const given = (syntax: string | undefined): boolean =>
        syntax === undefined ||
        syntax === '*' ||
        rows.every(({ transferSyntax }) => transferSyntax === syntax);
      const range = acceptedOf(request).find(
        ({ outer, type, transferSyntax }) =>
          covers(type, DICOM) &&
          given(transferSyntax) &&
          (outer === 'multipart/related' || outer === '*/*' || rows.length === 1),
      );
      if (!range) throw notAcceptable(`multipart/related; type="${DICOM}"; transfer-syntax=*`);
      // A study or a series may grow, so it is not kept.
      if (request.params.instance === undefined) reply.header('cache-control', 'private, no-store');
      else if (isFresh(request, reply, rows, '')) return reply;
      const [first] = rows;
      if (range.outer !== 'multipart/related' && range.outer !== '*/*' && first) {
        return reply
          .type(`${DICOM}; transfer-syntax=${first.transferSyntax}`)
          .header('content-length', first.size)
          .send(await archive.file(first.sopInstanceUid, sight));
      }
      const writer = multipartWriter();
      return reply
        .type(writer.contentType(DICOM))
        .send(Readable.from(files(rows, writer, sight), { objectMode: false }));
    },

    async metadata(request: Get, reply: FastifyReply) {
      const type = negotiate(request, JSON_TYPES);
      const sight = sightOf(request.principal);
      const rows = await instancesAt(archive, request.params, sight);
      const base = baseOf(request);
      const byUid = new Map(rows.map((row) => [row.sopInstanceUid, row]));
      const lines = async function* () {
        let separator = '[';
        for await (const json of archive.metadata(rows, sight)) {
          const row = byUid.get(jsonString(json, TAG.SOPInstanceUID) ?? '');
          yield separator + JSON.stringify(row ? withBulkUrls(json, instanceUrl(base, row)) : json);
          separator = ',';
        }
        yield separator === '[' ? '[]' : ']';
      };
      // Not kept by the browser: a correction has to show.
      return reply
        .type(type)
        .header('cache-control', 'private, no-store')
        .send(Readable.from(lines(), { objectMode: false }));
    },

    async bulk(request: Get, reply: FastifyReply) {
      const sight = sightOf(request.principal);
      const row = await instanceAt(archive, request.params, sight);
      const path = request.params['*'] ?? '';
      // Encapsulated pixel data is frames (PS3.18 8.7.3.3); big endian is no form of bulk data (F.2.7), frames are decoded.
      if (path === '7FE00010' && row.rows !== null && !isNative(row.transferSyntax)) {
        return frames(
          request,
          reply,
          row,
          Array.from({ length: row.frames }, (_, i) => i + 1),
        );
      }
      const range = acceptedOf(request).find(({ type }) => covers(type, BULK));
      if (!range) throw notAcceptable(`multipart/related; type="${BULK}"`);
      const value = await archive.bulk(row.sopInstanceUid, path, sight);
      if (isFresh(request, reply, [row], `-${path}`)) {
        value.destroy();
        return reply;
      }
      if (range.outer !== 'multipart/related' && range.outer !== '*/*') return reply.type(BULK).send(value);
      const writer = multipartWriter();
      const parts = async function* () {
        yield writer.part({ 'Content-Type': BULK });
        yield* value;
        yield writer.end();
      };
      return reply.type(writer.contentType(BULK)).send(Readable.from(parts(), { objectMode: false }));
    },
  };
}
