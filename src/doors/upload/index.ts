/** Files from a person's hands: dropped DICOM files and folders, photos of films. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Archive, type IngestOutcome, type Origin, SEES_ALL } from '../../archive/index.ts';
import { photoToSecondaryCapture } from '../../dicom/build/photo.ts';
import { isUid } from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Role } from '../../people/types.ts';
import type { PhotoForm, UploadResult } from '../api/contract.ts';
import '../principal.ts';
import { takeStreams } from '../streams.ts';
import { MAX_DICOMDIR, tryReferencedFiles } from '../folder/dicomdir.ts';
import { type FileResult, spooled, takeZip } from '../folder/take.ts';
import { peek, sniff, SNIFF_BYTES, type Sniffed } from './sniff.ts';

const SEND: readonly Role[] = ['admin', 'reader', 'technologist'];
/** A photo is decoded in memory. */
const MAX_PHOTO = 64 * 1024 * 1024;
/** Problems of an archive that are named one by one. */
const MAX_TOLD = 1000;

const date = z
  .string()
  .regex(/^\d{8}$/)
  .refine((text) => {
    const [, year = '', month = '', day = ''] = /^(\d{4})(\d\d)(\d\d)$/.exec(text) ?? [];
    const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    return at.getUTCMonth() === Number(month) - 1 && at.getUTCDate() === Number(day);
  }, 'not a date');
/** What a value of VR LO or PN holds: no control characters, no backslash. */
const text = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[^\p{Cc}\\]*$/u);
const name = text(64).regex(/^[^=^]*$/);

const Form = z.object({
  patientId: text(64).trim().min(1),
  familyName: name.trim().min(1),
  givenName: name.trim(),
  birthDate: date.or(z.literal('')),
  sex: z.enum(['', 'F', 'M', 'O']),
  studyDate: date,
  bodyPart: z.string().regex(/^[A-Z0-9_ ]{0,16}$/),
  laterality: z.enum(['', 'L', 'R', 'B']),
  description: text(64).trim(),
  studyUid: z.string().refine(isUid).optional(),
}) satisfies z.ZodType<PhotoForm, PhotoForm>;

export interface UploadDependencies {
  archive: Archive;
  /** IANA zone of the site. */
  timeZone: string;
  /** Where archives and films wait while they are being read; what a crash leaves there is swept at start. */
  spoolDir: string;
  now?: () => number;
}

/**
 * `POST /api/upload` (one file a request) and `POST /api/photos`. Each answers with an UploadResult: 200 when the file is kept
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

    app.post('/api/photos', { config: { access: SEND } }, async (request, reply) => {
      const form = formOf(request);
      const photo = await bounded(bodyOf(request));
      const place = await placeOf(archive, form);
      const made = await photoToSecondaryCapture(photo, { ...form, ...place, at: new Date(now()), timeZone });
      const origin = { door: 'photo', from: request.principal.name, address: request.ip } as const;
      return answer(reply, await archive.ingest(parts(made.bytes), origin, { photo: true }));
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
    return { status: 'ignored', reason: what, ...('files' in read ? { files: read.files } : {}) };
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

async function bounded(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  let size = 0;
  const counted = async function* () {
    for await (const chunk of body) {
      size += chunk.length;
      yield chunk;
    }
  };
  const bytes = await upTo(MAX_PHOTO, counted());
  if (size > MAX_PHOTO) {
    throw new NegatoscopeError('photo-too-large', `A photo may have ${MAX_PHOTO >> 20} MiB.`, {
      status: 413,
    });
  }
  return bytes;
}

function decoded(request: FastifyRequest, header: string): string | undefined {
  const value = [request.headers[header] ?? []].flat()[0];
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    throw new NegatoscopeError('bad-request', `The header ${header} is not URI encoded.`);
  }
}

function formOf(request: FastifyRequest): z.output<typeof Form> {
  let given: unknown;
  try {
    given = JSON.parse(decoded(request, 'x-photo') ?? '');
  } catch (cause) {
    throw new NegatoscopeError('bad-request', 'The header x-photo holds no form.', { cause });
  }
  const form = Form.safeParse(given);
  if (form.success) return form.data;
  const field = form.error.issues[0]?.path.join('.') ?? '';
  throw new NegatoscopeError('bad-request', `The photo’s form: ${field} cannot be used.`, {
    details: { field },
  });
}

/** Further photos join the series of the first. Never another patient's study: the form would lie about one of them. */
async function placeOf(
  archive: Archive,
  { studyUid, patientId }: PhotoForm,
): Promise<{ studyInstanceUid?: string; seriesInstanceUid?: string; instanceNumber?: number }> {
  if (studyUid === undefined) return {};
  const study = await archive.study(studyUid);
  if (!study) throw new NegatoscopeError('study-not-found', 'There is no such study here.', { status: 404 });
  if (study.patientId !== patientId) {
    throw new NegatoscopeError('other-patient', 'The study belongs to another patient ID.', { status: 409 });
  }
  const photos = (await archive.findInstances({ match: {}, studyUid }, SEES_ALL)).filter(
    ({ photo }) => photo,
  );
  const [first] = photos;
  return {
    studyInstanceUid: studyUid,
    ...(first ? { seriesInstanceUid: first.seriesUid, instanceNumber: photos.length + 1 } : {}),
  };
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
