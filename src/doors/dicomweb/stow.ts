/** STOW-RS: PS3.18 10.5. Each instance is taken in by itself and answered by itself. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Archive, IngestOutcome } from '../../archive/index.ts';
import { type DicomJson, hexTag, TAG } from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { isWorker } from '../../people/index.ts';
import { lent } from '../../wire/lent.ts';
import { boundaryOf, type MultipartPart, parseContentType, readMultipart } from '../../wire/multipart.ts';
import { FAILURE } from '../failure.ts';
import { JSON_TYPES, negotiate } from './accept.ts';
import { assembled, isMetadata, type Unbuilt } from './assemble.ts';
import { baseOf, type DicomwebDependencies, instanceUrl, type Place, studyUrl } from './context.ts';

/** Instances whose bytes were read and whose commit is awaited while the next is read; and how many bytes they may have. */
const IN_FLIGHT = 64;
const BYTES_IN_FLIGHT = 8 * 1024 * 1024;

type Store = FastifyRequest<{ Params: Place; Querystring: { workitem?: string | string[] } }>;
type Outcome =
  IngestOutcome | { status: 'unsupported' } | ({ status: 'unbuilt'; reason: Unbuilt['failed'] } & Unbuilt);

export function storeRoute({ archive, log, ups }: DicomwebDependencies) {
  return async (request: Store, reply: FastifyReply) => {
    const answerType = negotiate(request, JSON_TYPES);
    const { study } = request.params;
    const origin = { door: 'stow', from: request.principal.name, address: request.ip } as const;
    // What a worker sends is a result of its run: hidden as long as its tool's stage hides it, from this moment on.
    const run = isWorker(request.principal) ? await runOf(request) : undefined;
    const ingest = (body: AsyncIterable<Uint8Array>): Promise<IngestOutcome> =>
      archive.ingest(body, origin, {
        ...(study === undefined ? {} : { studyUid: study }),
        ...(run === undefined ? {} : { kind: 'ai', aiRunId: run.runId }),
      });

    const { type, parameters } = parseContentType(request.headers['content-type'] ?? '');
    const body = request.body as AsyncIterable<Uint8Array> | undefined;
    if (!body) throw new NegatoscopeError('body-missing', 'The request has no body.');
    let outcomes: Outcome[];
    if (type === 'application/dicom') outcomes = [await ingest(lent(body))];
    else if (type === 'multipart/related') {
      const inner = (parameters.get('type') ?? 'application/dicom').toLowerCase();
      const boundary = boundaryOf(request.headers['content-type']);
      if (isMetadata(inner)) outcomes = await ingestAssembled(readMultipart(body, boundary), archive, ingest);
      else if (inner === 'application/dicom') outcomes = await ingestParts(body, boundary, ingest);
      else throw unsupported(inner);
    } else if (isMetadata(type)) {
      const alone = { headers: new Map([['content-type', type]]), body };
      outcomes = await ingestAssembled(only(alone), archive, ingest);
    } else throw unsupported(type);
    if (outcomes.length === 0) throw new NegatoscopeError('body-missing', 'The request has no parts.');

    const failed = outcomes.filter(({ status }) => status !== 'stored' && status !== 'duplicate');
    if (failed.length > 0) {
      const reasons = failed.map((outcome) => ('reason' in outcome ? outcome.reason : outcome.status));
      log.warn(
        { door: 'stow', from: origin.from, failed: failed.length, reasons: [...new Set(reasons)] },
        'not stored',
      );
    }
    const full =
      failed.length === outcomes.length && failed.every((o) => 'reason' in o && o.reason === 'disk-full');
    const status = full ? 507 : failed.length === 0 ? 200 : failed.length < outcomes.length ? 202 : 409;
    return reply
      .code(status)
      .type(answerType)
      .send(JSON.stringify(responseOf(baseOf(request), outcomes)));
  };

  async function runOf({ params, query, principal }: Store) {
    const { study } = params;
    const workitem = [query.workitem].flat()[0];
    if (!ups || study === undefined)
      throw new NegatoscopeError('forbidden', 'A worker sends its results to their study.', { status: 403 });
    return ups.runOfSent({ studyUid: study, workitem }, principal);
  }
}

const unsupported = (type: string): NegatoscopeError =>
  new NegatoscopeError(
    'unsupported-media-type',
    'Send multipart/related with type="application/dicom", "application/dicom+json" or "application/dicom+xml", or one of these alone.',
    { status: 415, details: { type: type.slice(0, 100) } },
  );

/** Reads on while commits are under way, so that the parts of one request share them. */
async function ingestParts(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  ingest: (body: AsyncIterable<Uint8Array>) => Promise<IngestOutcome>,
): Promise<Outcome[]> {
  const outcomes: Promise<Outcome>[] = [];
  const inFlight = new Set<Promise<unknown>>();
  let bytesInFlight = 0;
  try {
    for await (const part of readMultipart(body, boundary)) {
      const type = parseContentType(part.headers.get('content-type') ?? 'application/dicom').type;
      if (type !== 'application/dicom' && type !== 'application/octet-stream') {
        outcomes.push(Promise.resolve({ status: 'unsupported' }));
        continue;
      }
      const consumed = Promise.withResolvers<void>();
      let size = 0;
      const count = (bytes: number): void => {
        size += bytes;
        bytesInFlight += bytes;
      };
      const outcome = ingest(tell(part.body, count, consumed.resolve));
      outcome.catch(() => undefined); // awaited below
      outcomes.push(outcome);
      const settled = outcome.then(
        () => undefined,
        () => undefined,
      );
      const flight = settled.then(() => {
        inFlight.delete(flight);
        bytesInFlight -= size;
      });
      inFlight.add(flight);
      await Promise.race([consumed.promise, settled]);
      while (inFlight.size >= IN_FLIGHT || (bytesInFlight > BYTES_IN_FLIGHT && inFlight.size > 0))
        await Promise.race(inFlight);
    }
  } finally {
    await Promise.all(inFlight);
  }
  return Promise.all(outcomes);
}

async function* only<T>(part: T): AsyncGenerator<T> {
  yield part;
}

/** Metadata with bulk data: one instance after the other, for each is read from where its parts wait. */
async function ingestAssembled(
  parts: AsyncIterable<MultipartPart>,
  archive: Archive,
  ingest: (body: AsyncIterable<Uint8Array>) => Promise<IngestOutcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const made of assembled(parts, archive.spool))
    outcomes.push(
      made.failed === undefined
        ? await ingest(made.body)
        : { status: 'unbuilt', reason: made.failed, ...made },
    );
  return outcomes;
}

/** Counts what comes and says when it ends; what was read of the socket is given back at once, for `ingest` copies. */
async function* tell(
  body: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
  consumed: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of lent(body)) {
      count(chunk.length);
      yield chunk;
    }
  } finally {
    consumed();
  }
}

/** Store Instances Response Module: PS3.18 table I.2-1. */
function responseOf(base: string, outcomes: readonly Outcome[]): DicomJson {
  const stored: DicomJson[] = [];
  const failed: DicomJson[] = [];
  const other: DicomJson[] = [];
  const studies = new Set<string>();
  const uid = (tag: number, value: string): DicomJson => ({ [hexTag(tag)]: { vr: 'UI', Value: [value] } });
  for (const outcome of outcomes) {
    if (outcome.status === 'stored' || outcome.status === 'duplicate') {
      studies.add(outcome.studyUid);
      stored.push({
        ...uid(TAG.ReferencedSOPClassUID, outcome.sopClassUid),
        ...uid(TAG.ReferencedSOPInstanceUID, outcome.sopInstanceUid),
        [hexTag(TAG.RetrieveURL)]: { vr: 'UR', Value: [instanceUrl(base, outcome)] },
      });
      continue;
    }
    const code = FAILURE['reason' in outcome ? outcome.reason : 'part of another type'];
    const reason: DicomJson = { [hexTag(TAG.FailureReason)]: { vr: 'US', Value: [code] } };
    const named = outcome.status === 'quarantined' || outcome.status === 'unbuilt' ? outcome : undefined;
    if (named?.sopInstanceUid === undefined) other.push(reason);
    else {
      failed.push({
        ...(named.sopClassUid === undefined ? {} : uid(TAG.ReferencedSOPClassUID, named.sopClassUid)),
        ...uid(TAG.ReferencedSOPInstanceUID, named.sopInstanceUid),
        ...reason,
      });
    }
  }
  const [study] = studies;
  const sequence = (tag: number, items: DicomJson[]): DicomJson =>
    items.length === 0 ? {} : { [hexTag(tag)]: { vr: 'SQ', Value: items } };
  return {
    ...(study !== undefined && studies.size === 1
      ? { [hexTag(TAG.RetrieveURL)]: { vr: 'UR', Value: [studyUrl(base, study)] } }
      : {}),
    ...sequence(TAG.FailedSOPSequence, failed),
    ...sequence(TAG.ReferencedSOPSequence, stored),
    ...sequence(TAG.OtherFailuresSequence, other),
  };
}
