/**
 * One file from a disk into the archive: an image, a zip archive of images, a DICOMDIR with what it names. Whatever is in it is
 * told, also what is no image.
 */
import { createWriteStream } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Archive, IngestOutcome, Origin } from '../../archive/index.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import {
  storedRange,
  ZipBudget,
  zipContent,
  type ZipEntry,
  zipEntries,
  type ZipSource,
} from '../../wire/zip/index.ts';
import type { Beside, Wrappable } from '../api/contract.ts';
import { peek, sniff, SNIFF_BYTES, type Sniffed } from '../upload/sniff.ts';
import { MAX_DICOMDIR, missingFiles, type Named, plainName, tryReferencedFiles } from './dicomdir.ts';
import { labelOf } from './walk.ts';

export type FileResult =
  | IngestOutcome
  | { status: 'ignored'; reason: Beside | Wrappable; detail?: string }
  /** The file, or the archive it lies in, could not be read. */
  | { status: 'unreadable'; reason: string; detail: string }
  /** A DICOMDIR names it, and it is not there. */
  | { status: 'missing'; reason: 'dicomdir'; detail: string };

export interface Taking {
  archive: Archive;
  origin: Origin;
  /** What became of a file; for one in an archive `label` is `archive.zip/name`. Awaited before the next is read. */
  report: (label: string, result: FileResult) => void | Promise<void>;
  /** Where an archive in an archive is unpacked to be read. */
  spoolDir: string;
  /** Of a file that a DICOMDIR names and that is not there: whether it was, and has been dealt with. */
  notMissing?: (named: Named) => Promise<boolean>;
  /** Once it is aborted nothing more is begun, and what is under way is given up unreported. */
  signal?: AbortSignal;
}

/** What is read of a file at first: the whole of a small one. */
const FIRST_BYTES = 64 * 1024;
/** Entries of an archive under way at once: they share commits. */
const AT_ONCE = 4;

/** Never rejects for what is in the file. Resolves with whether all of it was dealt with: false when it was given up. */
export async function takeFile(path: string | Buffer, label: string, taking: Taking): Promise<boolean> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const handle = file;
    const { size } = await file.stat();
    const first = Buffer.allocUnsafe(Math.min(size, FIRST_BYTES));
    const { bytesRead } = await file.read(first, 0, first.length, 0);
    const what = sniff(first.subarray(0, Math.min(bytesRead, SNIFF_BYTES)), label);
    if (what === 'dicom') {
      // A stream for each of a million small files costs more than reading them.
      const body =
        size <= FIRST_BYTES && bytesRead === size
          ? once(first)
          : handle.createReadStream({
              start: 0,
              autoClose: false,
              highWaterMark: Math.min(size, 256 * 1024),
            });
      const outcome = await taking.archive.ingest(watched(body, taking.signal), taking.origin, {
        fileName: label,
      });
      await taking.report(label, outcome);
    } else if (what === 'zip') {
      await takeZip(sourceOf(handle, size), label, taking);
    } else if (what === 'dicomdir') {
      const bytes = size > MAX_DICOMDIR ? new Uint8Array(0) : await handle.readFile();
      const folder = Buffer.isBuffer(path)
        ? path.subarray(0, path.lastIndexOf('/') + 1 || undefined)
        : Buffer.from(dirname(path));
      await tellDicomdir(
        label,
        bytes,
        (files) => missingFiles(folder.length ? folder : Buffer.from('.'), files),
        taking,
      );
    } else {
      await taking.report(label, { status: 'ignored', reason: what });
    }
  } catch (thrown) {
    if (taking.signal?.aborted) return false;
    await taking.report(label, unreadable(thrown));
  } finally {
    await file?.close().catch(() => {});
  }
  return !taking.signal?.aborted;
}

export const unreadable = (thrown: unknown): FileResult => ({
  status: 'unreadable',
  reason: thrown instanceof NegatoscopeError ? thrown.code : ((thrown as { code?: string }).code ?? 'error'),
  detail: reasonOf(thrown),
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

async function* watched(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

const sourceOf = (handle: FileHandle, size: number): ZipSource => ({
  size,
  async read(offset, length) {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  },
});

/** Takes in what a zip archive holds. Throws what `zipEntries` throws, after the entries before it are dealt with. */
export async function takeZip(source: ZipSource, label: string, taking: Taking): Promise<void> {
  await takeEntries(source, label, taking, new ZipBudget(), 0);
}

async function takeEntries(
  source: ZipSource,
  label: string,
  taking: Taking,
  budget: ZipBudget,
  depth: number,
): Promise<void> {
  const dicomdirs: { folder: string; label: string; bytes: Uint8Array }[] = [];
  const entries = zipEntries(source);
  let found = 0;
  let broken: unknown;
  const worker = async (): Promise<void> => {
    while (broken === undefined && !taking.signal?.aborted) {
      const { value: entry, done } = await entries.next();
      if (done) return;
      found++;
      try {
        await takeEntry(entry);
      } catch (thrown) {
        if (taking.signal?.aborted) return;
        // A bomb ends the whole archive; anything else is this entry's.
        if (thrown instanceof NegatoscopeError && thrown.code === 'zip-bomb') broken = thrown;
        else await taking.report(`${label}/${entry.name}`, unreadable(thrown));
      }
    }
  };
  const takeEntry = async (entry: ZipEntry): Promise<void> => {
    const name = `${label}/${entry.name}`;
    const { head, body } = await peek(watched(zipContent(source, entry, budget), taking.signal), SNIFF_BYTES);
    const what: Sniffed = sniff(head, entry.name);
    if (what === 'dicom') {
      await taking.report(name, await taking.archive.ingest(body, taking.origin, { fileName: name }));
      return;
    }
    if (what === 'dicomdir' && entry.size <= MAX_DICOMDIR) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      dicomdirs.push({ folder: entry.name.replace(/[^/]*$/, ''), label: name, bytes });
      return;
    }
    await body.return(undefined);
    if (what !== 'zip') await taking.report(name, { status: 'ignored', reason: what });
    else if (depth > 0)
      throw new NegatoscopeError(
        'zip-nested',
        'A zip archive in a zip archive in a zip archive. Unpack it yourself and send what is in it.',
      );
    else await takeInner(source, entry, name, taking, budget);
  };
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed && !taking.signal?.aborted) throw failed.reason;
  if (broken !== undefined) throw broken;
  if (taking.signal?.aborted) return;
  if (found === 0)
    await taking.report(label, {
      status: 'ignored',
      reason: 'not-an-image',
      detail: 'The zip archive is empty.',
    });
  for (const { folder, label: name, bytes } of dicomdirs)
    await tellDicomdir(name, bytes, (files) => missingEntries(source, folder, files), taking);
}

/** An archive in an archive: read in place where it is stored, else unpacked beside. */
async function takeInner(
  outer: ZipSource,
  entry: ZipEntry,
  label: string,
  taking: Taking,
  budget: ZipBudget,
): Promise<void> {
  const stored = await storedRange(outer, entry);
  if (stored) {
    const inner: ZipSource = {
      size: stored.length,
      read: (offset, length) =>
        outer.read(stored.offset + offset, Math.max(0, Math.min(length, stored.length - offset))),
    };
    return takeEntries(inner, label, taking, budget, 1);
  }
  await spooled(watched(zipContent(outer, entry, budget), taking.signal), taking.spoolDir, (inner) =>
    takeEntries(inner, label, taking, budget, 1),
  );
}

/** Writes a stream to a file of its own for as long as `work` needs it. */
export async function spooled<T>(
  body: AsyncIterable<Uint8Array>,
  dir: string,
  work: (source: ZipSource, path: string) => Promise<T>,
): Promise<T> {
  const path = join(dir, `spool-${randomUUID()}`);
  let handle: FileHandle | undefined;
  try {
    await pipeline(Readable.from(body, { objectMode: false }), createWriteStream(path, { mode: 0o600 }));
    handle = await open(path, 'r');
    return await work(sourceOf(handle, (await handle.stat()).size), path);
  } finally {
    await handle?.close();
    await rm(path, { force: true });
  }
}

async function missingEntries(source: ZipSource, folder: string, files: readonly Named[]): Promise<Named[]> {
  const missing = new Map(files.map((each) => [plainName(`${folder}${each.file}`), each]));
  for await (const entry of zipEntries(source)) missing.delete(plainName(entry.name));
  return [...missing.values()];
}

async function tellDicomdir(
  label: string,
  bytes: Uint8Array,
  missing: (files: readonly Named[]) => Promise<Named[]>,
  { report, notMissing }: Taking,
): Promise<void> {
  const read = tryReferencedFiles(bytes);
  const detail =
    'error' in read ? `It cannot be read: ${read.error}` : `It names ${read.files.length} files.`;
  await report(label, { status: 'ignored', reason: 'dicomdir', detail });
  if ('error' in read) return;
  const folder = labelOf(Buffer.from(label)).replace(/[^/]*$/, '');
  for (const each of await missing(read.files)) {
    if (await notMissing?.(each)) continue;
    await report(`${folder}${each.file}`, {
      status: 'missing',
      reason: 'dicomdir',
      detail: 'The DICOMDIR names this file, and it is not there.',
    });
  }
}
