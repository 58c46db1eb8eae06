/** WADO-RS metadata: PS3.18 10.4.1.1.2. What is stored goes out as it is; corrections and addresses of bulk data are put in. */
import type { FastifyReply } from 'fastify';
import { NegatoscopeError } from '../../errors.ts';
import {
  baseOf,
  type DicomwebDependencies,
  type Get,
  instancesAt,
  instanceUrl,
  withBulkUrls,
} from './context.ts';
import { negotiateDataSets, sendXml, XML_TYPE } from './datasets.ts';
import { sendChunks } from './send.ts';

export function metadataRoute({ archive, sightOf }: DicomwebDependencies) {
  return async (request: Get, reply: FastifyReply) => {
    const type = negotiateDataSets(request);
    const sight = sightOf(request.principal);
    const base = baseOf(request);
    // Not kept by the browser: a correction has to show.
    void reply.header('cache-control', 'private, no-store');
    if (type === XML_TYPE) {
      const rows = await instancesAt(archive, request.params, sight);
      return sendXml(reply, addressed(rows));
    }
    const { study = '', series, instance } = request.params;
    const texts = archive
      .metadataText(
        {
          studyUid: study,
          ...(series === undefined ? {} : { seriesUid: series }),
          ...(instance === undefined ? {} : { sopInstanceUid: instance }),
        },
        sight,
        (uids) => instanceUrl(base, uids),
      )
      [Symbol.asyncIterator]();
    const first = await texts.next();
    if (first.done) {
      const what = instance !== undefined ? 'instance' : series !== undefined ? 'series' : 'study';
      throw new NegatoscopeError(`${what}-not-found`, `There is no such ${what} here.`, { status: 404 });
    }
    const second = await texts.next();
    void reply.type(type);
    if (second.done) return reply.send(`[${first.value}]`);
    return sendChunks(
      reply,
      (async function* () {
        yield Buffer.from(`[${first.value},${second.value}`);
        for (let next = await texts.next(); !next.done; next = await texts.next())
          yield Buffer.from(`,${next.value}`);
        yield Buffer.from(']');
      })(),
    );

    async function* addressed(rows: Awaited<ReturnType<typeof instancesAt>>) {
      for (const row of rows) {
        for await (const json of archive.metadata([row], sight))
          yield withBulkUrls(json, instanceUrl(base, row));
      }
    }
  };
}
