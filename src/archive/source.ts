/** The bytes of an instance wherever they are: in memory, staged, or stored. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { DicomError, type DicomFile, NeedMoreBytes, parseHeader, transferSyntax } from '../dicom/index.ts';
import type { Blobs, StagedBlob } from '../store/types.ts';

/** A header that is longer than this is none: it would have to be held in memory. */
export const MAX_HEADER = 64 * 1024 * 1024;

/** A longer value is left in the file: an encapsulated document, a waveform. */
export const MAX_VALUE = 1024 * 1024;

export interface Source {
  readonly size: number;
  stream(offset: number, length?: number): Promise<AsyncIterable<Uint8Array>>;
}

export function sourceOf(
  {
    size,
    body,
    ref,
  }: { size: number; body: { bytes: Buffer } | { staged: StagedBlob }; ref?: string | undefined },
  blobs: Blobs,
): Source {
  return {
    size,
    async stream(offset, length = size - offset) {
      if ('bytes' in body) return parts(body.bytes.subarray(offset, offset + length));
      if (length <= 0) return parts();
      if (ref !== undefined) return blobs.stream(ref, { offset, length });
      return createReadStream(body.staged.path, { start: offset, end: offset + length - 1 });
    },
  };
}

async function* parts(...buffers: Buffer[]): AsyncGenerator<Buffer> {
  yield* buffers;
}

/** Reads as much of the file as its header needs. `stopAtLength` undefined: long values are read as well. */
export async function readHeader(
  source: Source,
  stopAtLength: number | undefined = MAX_VALUE,
): Promise<DicomFile> {
  let wanted = 64 * 1024;
  for (;;) {
    const length = Math.min(source.size, wanted);
    const complete = length === source.size;
    const chunks: Uint8Array[] = [];
    for await (const chunk of await source.stream(0, length)) chunks.push(chunk);
    try {
      return parseHeader(Buffer.concat(chunks), {
        complete,
        ...(stopAtLength === undefined ? {} : { stopAtLength }),
      });
    } catch (thrown) {
      if (!(thrown instanceof NeedMoreBytes) || complete) throw thrown;
      if (thrown.atLeast > MAX_HEADER) throw new DicomError('malformed', 'The header is too long to be read');
      wanted = Math.min(MAX_HEADER, Math.max(thrown.atLeast, wanted * 4));
    }
  }
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream) parts.push(chunk);
  return Buffer.concat(parts);
}

/** SHA-256, lower-case hex. */
export async function digest(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

/** PS3.5 A.5: of a deflated file offsets count as if it held the inflated data set. Others are given as they are. */
export function parsedSource(source: Source, syntax: string, datasetOffset: number): Source {
  if (!transferSyntax(syntax)?.deflated) return source;
  return {
    size: source.size,
    async stream(offset, length = Number.MAX_SAFE_INTEGER) {
      const file = Readable.from(await source.stream(0), { objectMode: false });
      return slice(inflated(file, datasetOffset), offset, length);
    },
  };
}

/** The file with its data set inflated. */
async function* inflated(source: Readable, datasetOffset: number): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw();
  let position = 0;
  const head: Buffer[] = [];
  const rest = async function* () {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const cut = Math.max(0, Math.min(chunk.length, datasetOffset - position));
      if (cut > 0) head.push(chunk.subarray(0, cut));
      position += chunk.length;
      if (cut < chunk.length) yield chunk.subarray(cut);
    }
  };
  const stream = Readable.from(rest(), { objectMode: false }).on('error', (error) => inflate.destroy(error));
  try {
    let first = true;
    for await (const chunk of stream.pipe(inflate) as AsyncIterable<Buffer>) {
      if (first) yield Buffer.concat(head);
      first = false;
      yield chunk;
    }
    if (first) yield Buffer.concat(head);
  } finally {
    stream.destroy();
    source.destroy();
  }
}

async function* slice(source: AsyncIterable<Buffer>, offset: number, length: number): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const chunk of source) {
    const from = Math.max(0, offset - position);
    const to = Math.min(chunk.length, offset + length - position);
    if (to > from) yield chunk.subarray(from, to);
    position += chunk.length;
    if (position >= offset + length) return;
  }
}
