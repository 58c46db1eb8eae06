import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, statfs, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { blobMissing, NegatoscopeError } from '../errors.ts';
import { grouped } from './grouped.ts';
import { createReserve } from './reserve.ts';
import { createHandles, type Handles } from './handles.ts';
import { StagedFile } from './staged.ts';
import { storageError } from './storage-error.ts';
import type { Blobs, StagedBlob } from './types.ts';

const CHUNK = 256 * 1024;
const ORPHANED_MS = 30 * 86_400_000;
const REF = /^objects\/\d{4}\/\d{2}\/\d{2}\/\d{2}\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.dcm$/;

export interface BlobsInside extends Blobs {
  close(): Promise<void>;
}

/** Files in `dir/objects/YYYY/MM/DD/HH/` (UTC), written in `dir/staging/` first. References are paths relative to `dir`. */
export function createBlobs({ dir, now }: { dir: string; now: () => number }): BlobsInside {
  const staging = join(dir, 'staging');
  const orphans = join(dir, 'orphans');
  const known = new Map<string, () => Promise<void>>(); // directory → its shared sync
  const handles = createHandles();

  const syncOf = (directory: string): (() => Promise<void>) => {
    let sync = known.get(directory);
    if (!sync) {
      sync = grouped(() => syncDirectory(directory));
      if (known.size > 1000) known.clear();
      known.set(directory, sync);
    }
    return sync;
  };

  /** Makes `objects/YYYY/MM/DD/HH`; when it resolves, the names of the folders it made are on stable storage. */
  const makeFolder = async (relative: string): Promise<void> => {
    let path = dir;
    for (const part of relative.split('/')) {
      const parent = path;
      path = join(path, part);
      if (known.has(path)) continue;
      await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw storageError(error);
      });
      // Also when it was there: who made it may not have come to syncing it.
      await syncOf(parent)();
      syncOf(path);
    }
  };

  const folderNow = (): string =>
    `objects/${new Date(now()).toISOString().slice(0, 13).replace(/[-T]/g, '/')}`;
  const makeFolderNow = async (): Promise<string> => {
    const folder = folderNow();
    if (!known.has(join(dir, folder))) await makeFolder(folder);
    return folder;
  };
  const reserve = createReserve({
    dir,
    makeFolder: makeFolderNow,
    syncFolder: (folder) => syncOf(join(dir, folder))(),
    forget: () => known.clear(),
  });

  /** Renames finished files to where they stay, with one directory sync. */
  const name = async (staged: readonly StagedBlob[]): Promise<string[]> => {
    const folder = await makeFolderNow();
    const refs = staged.map(() => `${folder}/${randomUUID()}.dcm`);
    const place = async (from: string, to: string): Promise<void> => {
      await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw storageError(error);
        known.clear(); // somebody took the folder away behind our back
        await makeFolder(folder);
        await rename(from, to);
      });
    };
    const placed = await Promise.allSettled(staged.map((blob, i) => place(blob.path, join(dir, refs[i]!))));
    const failed = placed.find((result) => result.status === 'rejected');
    if (failed) {
      await Promise.allSettled(refs.map((ref) => unlink(join(dir, ref))));
      throw failed.reason;
    }
    await syncOf(join(dir, folder))();
    return refs;
  };

  const resolve = (ref: string): string => {
    if (!REF.test(ref))
      throw new NegatoscopeError('bad-ref', 'Not a reference to a stored object.', { status: 400 });
    return join(dir, ref);
  };

  return {
    async stage() {
      return new StagedFile(join(staging, randomUUID()), { dir, reserve });
    },

    async commit(staged: readonly StagedBlob[]): Promise<string[]> {
      if (staged.length === 0) return [];
      const unnamed = staged.filter((blob) => blob.ref === undefined);
      const named = new Map<StagedBlob, string>();
      if (unnamed.length > 0) (await name(unnamed)).forEach((ref, i) => named.set(unnamed[i]!, ref));
      return staged.map((blob) => blob.ref ?? named.get(blob)!);
    },
    async read(ref, range) {
      const path = resolve(ref);
      const { offset = 0, length = Infinity } = range ?? {};
      const size = await handles.size(path).catch(missing);
      const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - offset)));
      return buffer.subarray(0, await handles.read(path, buffer, offset).catch(missing));
    },

    readInto: async (ref, target, position) => handles.read(resolve(ref), target, position).catch(missing),

    stream(ref, range) {
      const path = resolve(ref);
      // A generator, so that a missing file is reported like everywhere else.
      return Readable.from(chunksOf(handles, path, range), { objectMode: false, highWaterMark: CHUNK });
    },

    path: resolve,

    async size(ref) {
      return (await stat(resolve(ref)).catch(missing)).size;
    },

    async remove(ref) {
      handles.forget(resolve(ref));
      await unlink(resolve(ref)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    },

    async setAside(ref) {
      const path = resolve(ref);
      handles.forget(path);
      await mkdir(orphans, { recursive: true, mode: 0o700 });
      await rename(path, join(orphans, basename(path))).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw storageError(error);
      });
    },

    orphans: async () => (await namesIn(orphans)).length,

    async free() {
      const { bavail, bsize } = await statfs(dir);
      return bavail * bsize;
    },

    async *list(since = 0) {
      const first = `objects/${new Date(since).toISOString().slice(0, 13).replace(/[-T]/g, '/')}`;
      const walk = async function* (relative: string, depth: number): AsyncGenerator<string> {
        const names = await readdir(join(dir, relative)).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
          throw error;
        });
        for (const name of names.sort()) {
          const path = `${relative}/${name}`;
          if (depth === 5) {
            if (REF.test(path)) yield path;
          } else if (path >= first.slice(0, path.length)) yield* walk(path, depth + 1);
        }
      };
      yield* walk('objects', 1);
    },

    async sweepStaging() {
      for (const name of await namesIn(orphans)) {
        const path = join(orphans, name);
        const { ctimeMs } = await stat(path); // when it came here
        if (now() - ctimeMs > ORPHANED_MS) await unlink(path);
      }
      const names = await readdir(staging);
      for (const name of names) await rm(join(staging, name), { force: true, recursive: true });
      return names.length;
    },

    close: () => reserve.close(),
  };
}

const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

async function* chunksOf(
  handles: Handles,
  path: string,
  range?: { offset: number; length: number },
): AsyncGenerator<Buffer> {
  let at = range?.offset ?? 0;
  const end = range ? at + range.length : Infinity;
  while (at < end) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, end - at));
    const bytesRead = await handles.read(path, buffer, at).catch(missing);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function missing(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOENT') throw error;
  throw blobMissing('gone', error);
}

/** Puts the names in a directory on stable storage. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return; // directories cannot be opened there
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    // Nobody needs to wait for it: one round trip less before an answer.
    handle.close().catch(() => undefined);
  }
}

/** Makes a private directory; its name is on stable storage afterwards. */
export async function makeDirectory(path: string): Promise<void> {
  if (await mkdir(path, { recursive: true, mode: 0o700 })) await syncDirectory(dirname(path));
}
