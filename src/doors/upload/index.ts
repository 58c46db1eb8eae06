/** Files from a person's hands: DICOM files, zip archives; photos, documents and films with a form. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { type Archive, type IngestOutcome, type Origin, SEES_NO_AI } from '../../archive/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Role } from '../../people/types.ts';
import type { UploadResult } from '../api/contract.ts';
import '../principal.ts';
import { takeStreams } from '../streams.ts';
import { MAX_DICOMDIR, tryReferencedFiles } from '../folder/dicomdir.ts';
import { type FileResult, spooled, takeZip } from '../folder/take.ts';
import { attach, type Attachment, attachmentForm } from './attachments.ts';
import { peek, sniff, SNIFF_BYTES, type Sniffed } from './sniff.ts';

const SEND: readonly Role[] = ['admin', 'reader', 'technologist'];
/** Problems of an archive that are named one by one. */
const MAX_TOLD = 1000;

export interface UploadDependencies {
  archive: Archive;
  /** IANA zone of the site. */
  timeZone: string;
  /** Where archives and films wait while they are being read; what a crash leaves there is swept at start. */
  spoolDir: string;
  now?: () => number;
}

/**
 * `POST /api/upload` (one file a request) and `POST /api/attachments`. Each answers with an UploadResult: 200 when the file is kept
 * or there is nothing to keep, 202 when it was set aside or refused, 413 and 507 when the server could not take it.
 */
export function uploadDoor({
  archive,
  timeZone,
  spoolDir,
  now = Date.now,
}: UploadDependencies): FastifyPluginAsync {
  return async (app) => {
    takeStreams(app);
    app.post('/api/upload', { config: { access: SEND } }, async (request, reply) => {
      const fileName = decoded(request, 'x-file-name') ?? '';
      const { head, body } = await peek(bodyOf(request), SNIFF_BYTES);
      const what = sniff(head, fileName);
      const origin = { door: 'upload', from: request.principal.name, address: request.ip } as const;
      if (what === 'zip') return unpack(reply, body, fileName || 'archive.zip', origin);
      if (what === 'dicom') {
        const outcome = await archive.ingest(body, origin, fileName === '' ? {} : { fileName });
        return answer(reply, outcome);
      }
      const result = await besides(what, body);
      await drain(body);
      return reply.send(result);
    });

    /** Whether an image that a browser has sent before is still here: a folder dropped again is not sent again. */
    app.get<{ Params: { sop: string } }>(
      '/api/upload/here/:sop',
      { config: { access: SEND } },
      async (request) => ({
        here: (await archive.instance(request.params.sop, SEES_NO_AI)) !== undefined,
      }),
    );

    /** A zip archive by one request, as scripts send it; the web page unpacks before it sends. */
    async function unpack(
      reply: FastifyReply,
      body: AsyncIterable<Uint8Array>,
      fileName: string,
      origin: Origin,
    ): Promise<FastifyReply> {
      const counts = {
        stored: 0,
        duplicate: 0,
        quarantined: 0,
        refused: 0,
        ignored: 0,
        unreadable: 0,
        missing: 0,
      };
      const problems: Extract<UploadResult, { status: 'unpacked' }>['problems'] = [];
      const report = (name: string, result: FileResult): void => {
        counts[result.status]++;
        if (!('reason' in result) || result.status === 'ignored' || problems.length >= MAX_TOLD) return;
        const { status, reason, detail } = result;
        problems.push({ name, status, reason, detail });
      };
      try {
        await spooled(body, spoolDir, (source) =>
          takeZip(source, fileName, { archive, origin, report, spoolDir }),
        );
      } catch (thrown) {
        if (!(thrown instanceof NegatoscopeError)) throw thrown;
        // What was read before it broke is kept, and told.
        report(fileName, { status: 'unreadable', reason: thrown.code, detail: thrown.message });
      }
      const { stored, duplicate, ignored, ...bad } = counts;
      const result: UploadResult = { status: 'unpacked', counts, problems };
      return reply.code(Object.values(bad).some((count) => count > 0) ? 202 : 200).send(result);
    }

    app.post('/api/attachments', { config: { access: SEND } }, async (request, reply) => {
      const form = formOf(request);
      const origin = { door: 'photo', from: request.principal.name, address: request.ip } as const;
      return answer(reply, await attach({ archive, timeZone, spoolDir, now }, bodyOf(request), form, origin));
    });
  };
}

/** What is no image: a DICOMDIR tells what belongs to it, a picture, document or film waits for its form. */
async function besides(
  what: Exclude<Sniffed, 'dicom' | 'zip'>,
  body: AsyncIterable<Uint8Array>,
): Promise<UploadResult> {
  if (what === 'dicomdir') {
    const read = tryReferencedFiles(await upTo(MAX_DICOMDIR, body));
    return {
      status: 'ignored',
      reason: what,
      ...('files' in read ? { files: read.files.map(({ file }) => file) } : {}),
    };
  }
  return what === 'not-an-image' || what === 'video/other' || what === 'other-archive'
    ? { status: 'ignored', reason: what }
    : { status: 'needs-form', mediaType: what };
}

/** The bytes; none of them when there are more than `limit`. Reads to the end. */
async function upTo(limit: number, body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return Buffer.concat(chunks);
}

const bodyOf = (request: FastifyRequest): AsyncIterable<Uint8Array> =>
  (request.body as AsyncIterable<Uint8Array> | undefined) ?? parts();

async function* parts(...buffers: Buffer[]): AsyncGenerator<Buffer> {
  yield* buffers;
}

/** A browser that is not listened to reports a broken connection instead of the answer. */
async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body);
}

function decoded(request: FastifyRequest, header: string): string | undefined {
  const value = [request.headers[header] ?? []].flat()[0];
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    throw new NegatoscopeError('bad-request', `The header ${header} is not URI encoded.`);
  }
}

function formOf(request: FastifyRequest): Attachment {
  let given: unknown;
  try {
    given = JSON.parse(decoded(request, 'x-form') ?? '');
  } catch (cause) {
    throw new NegatoscopeError('bad-request', 'The header x-form holds no form.', { cause });
  }
  return attachmentForm(given);
}

const STATUS: Record<string, number> = { 'disk-full': 507, 'too-large': 413 };

function answer(reply: FastifyReply, outcome: IngestOutcome): FastifyReply {
  let result: UploadResult;
  if (outcome.status === 'quarantined') {
    const { status, id, reason, detail } = outcome;
    result = { status, id, reason, detail };
  } else if (outcome.status === 'refused') {
    result = { status: outcome.status, reason: outcome.reason, detail: outcome.detail };
  } else {
    const { status, studyUid, sopInstanceUid } = outcome;
    result = { status, studyUid, sopInstanceUid };
  }
  const taken = outcome.status === 'stored' || outcome.status === 'duplicate';
  return reply.code(taken ? 200 : 'reason' in outcome ? (STATUS[outcome.reason] ?? 202) : 202).send(result);
}
