/** WADO-RS metadata: PS3.18 10.4.1.1.2. What is stored goes out as it is; corrections and addresses of bulk data are put in. */
import type { FastifyReply } from 'fastify';
import { NegatoscopeError } from '../../errors.ts';
import { codingOfText, encodedText } from './compress.ts';
import {
  baseOf,
  type DicomwebDependencies,
  type Get,
  instancesAt,
  instanceUrl,
  withBulkUrls,
} from './context.ts';
import { negotiateDataSets, sendXml, XML_TYPE } from './datasets.ts';
import { createKeptTexts } from './keptTexts.ts';
import { sendChunks } from './send.ts';

export function metadataRoute({ archive, sightOf }: DicomwebDependencies) {
  const kept = createKeptTexts();

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
    const revisionNow = async (): Promise<string | undefined> =>
      series === undefined || instance !== undefined ? undefined : archive.metadataRevision(study, series);
    const revision = await revisionNow();
    const key = `${base} ${study} ${series}`;
    const known = revision === undefined ? undefined : kept.get(key, revision);
    if (known) {
      void reply.type(type);
      const coding = codingOfText(request, reply);
      if (!coding) return reply.send(known.plain);
      return reply
        .header('content-encoding', coding)
        .send(await known.encoded(coding, () => encodedText(known.plain, coding)));
    }

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
    if (second.done && revision === undefined) return reply.send(`[${first.value}]`);
    const collected = revision === undefined ? undefined : kept.collect();
    return sendChunks(
      reply,
      (async function* () {
        const give = (text: string): Buffer => {
          const bytes = Buffer.from(text);
          collected?.add(bytes);
          return bytes;
        };
        yield give(`[${first.value}`);
        for (let next = second; !next.done; next = await texts.next()) yield give(`,${next.value}`);
        yield give(']');
        // Only what did not change meanwhile is what the revision says.
        if (collected && revision !== undefined && (await revisionNow()) === revision)
          collected.keep(key, revision);
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
