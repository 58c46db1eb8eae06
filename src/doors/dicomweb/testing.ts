/** A DICOMweb door on a port of its own, over an archive in a scratch folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { type Archive, archiveMigrations, createArchive, SEES_ALL } from '../../archive/index.ts';
import { chunks, principal, silentLog } from '../../archive/testing.ts';
import type { DicomJson } from '../../dicom/index.ts';
import type { NegatoscopeError } from '../../errors.ts';
import { createStore } from '../../store/index.ts';
import { readMultipart } from '../../wire/multipart.ts';
import { dicomwebDoor } from './index.ts';

export interface Part {
  type: string;
  bytes: Buffer;
}

export interface OpenDoor {
  readonly archive: Archive;
  /** `http://127.0.0.1:…/dicom-web` */
  readonly url: string;
  get(path: string, accept?: string, headers?: Record<string, string>): Promise<Response>;
  /** Takes a file in; `path` is its address below `url`. */
  put(bytes: Buffer): Promise<{ studyUid: string; seriesUid: string; sopInstanceUid: string; path: string }>;
  close(): Promise<void>;
}

/** @param from what the requests seem to come from, where it matters */
export async function openDoor({
  corsOrigins = [],
  from,
}: { corsOrigins?: string[]; from?: string } = {}): Promise<OpenDoor> {
  const dir = await mkdtemp(join(tmpdir(), 'negatoscope-dicomweb-'));
  const store = await createStore({ dir, migrations: archiveMigrations });
  const archive = createArchive({ store, log: silentLog });
  const app = Fastify({ trustProxy: true });
  if (from !== undefined)
    app.addHook('onRequest', async (request) => void Object.defineProperty(request, 'ip', { value: from }));
  app.setErrorHandler((error: NegatoscopeError, _request, reply) =>
    reply.code(error.status ?? 500).send({ error: { code: error.code, message: error.message } }),
  );
  app.decorateRequest('principal', { getter: () => principal('reader') });
  const door = dicomwebDoor({ archive, sightOf: () => SEES_ALL, log: silentLog, corsOrigins });
  await app.register(door, { prefix: '/dicom-web' });
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/dicom-web`;
  return {
    archive,
    url,
    get: (path, accept, headers = {}) =>
      fetch(url + path, { headers: { ...headers, ...(accept === undefined ? {} : { accept }) } }),
    async put(bytes) {
      const outcome = await archive.ingest(chunks(bytes), { door: 'import', from: 'test' });
      if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
      const { studyUid, seriesUid, sopInstanceUid } = outcome;
      return { ...outcome, path: `/studies/${studyUid}/series/${seriesUid}/instances/${sopInstanceUid}` };
    },
    async close() {
      await app.close();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

export async function partsOf(response: Response): Promise<Part[]> {
  const boundary = /boundary="?([^";]+)/.exec(response.headers.get('content-type') ?? '')?.[1] ?? '';
  const list: Part[] = [];
  for await (const part of readMultipart(response.body as AsyncIterable<Uint8Array>, boundary)) {
    const pieces: Uint8Array[] = [];
    for await (const piece of part.body) pieces.push(Uint8Array.from(piece));
    list.push({ type: part.headers.get('content-type') ?? '', bytes: Buffer.concat(pieces) });
  }
  return list;
}

export const jsonOf = async (response: Response): Promise<DicomJson[]> =>
  (await response.json()) as DicomJson[];

/** A `multipart/related` body with a boundary that occurs in none of the parts. */
export function multipart(
  parts: readonly { headers: Record<string, string>; bytes: Uint8Array | string }[],
  type = 'application/dicom',
): { body: Buffer; headers: Record<string, string> } {
  const boundary = 'ab-cd';
  const body = Buffer.concat([
    ...parts.flatMap(({ headers, bytes }) => [
      Buffer.from(
        `--${boundary}\r\n${Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('')}\r\n`,
      ),
      Buffer.from(bytes as Uint8Array),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return { body, headers: { 'content-type': `multipart/related; type="${type}"; boundary=${boundary}` } };
}
