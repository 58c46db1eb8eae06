/** The regular files below some paths, found as they are asked for. */
import type { Dirent } from 'node:fs';
import { lstat, opendir, stat } from 'node:fs/promises';
import { sep } from 'node:path';

/** A name on a disk is bytes, and on an old share not always UTF-8: paths stay bytes, `label` is what people read. */
export interface Found {
  path: Buffer;
  label: string;
  /** Bytes. */
  size: number;
  /** Last change, ms UTC, whole. */
  mtime: number;
}

export const labelOf = (path: Buffer): string => {
  const text = path.toString('utf8');
  return text.includes('\ufffd') && !Buffer.from(text).equals(path) ? path.toString('latin1') : text;
};

export const below = (folder: Buffer, name: Buffer): Buffer =>
  Buffer.concat([folder, folder.at(-1) === sep.charCodeAt(0) ? Buffer.alloc(0) : Buffer.from(sep), name]);

/** Entries of one folder. Links are not followed within folders: they may lead in circles. */
async function* entries(folder: Buffer): AsyncGenerator<{ path: Buffer; entry: Dirent<Buffer> }> {
  // The type of `opendir` knows no names as bytes; Node does (https://nodejs.org/api/fs.html#fspromisesopendirpath-options).
  const directory = await opendir(folder, { encoding: 'buffer' as BufferEncoding });
  for await (const entry of directory as unknown as AsyncIterable<Dirent<Buffer>>)
    yield { path: below(folder, entry.name), entry };
}

export interface WalkOptions {
  /** A folder or file that cannot be looked at. */
  failed: (label: string, thrown: unknown) => void;
  /** Names not to go into or take, in lower case. */
  skip?: (name: string) => boolean;
}

export async function* walk(
  paths: readonly (string | Buffer)[],
  { failed, skip = () => false }: WalkOptions,
): AsyncGenerator<Found, undefined> {
  for (const given of paths) {
    const path = Buffer.from(given as Buffer);
    try {
      const found = await stat(path);
      if (found.isDirectory()) yield* walkFolder(path, failed, skip);
      else yield foundOf(path, found);
    } catch (thrown) {
      failed(labelOf(path), thrown);
    }
  }
  return undefined;
}

async function* walkFolder(
  folder: Buffer,
  failed: WalkOptions['failed'],
  skip: NonNullable<WalkOptions['skip']>,
): AsyncGenerator<Found> {
  try {
    for await (const { path, entry } of entries(folder)) {
      if (skip(labelOf(entry.name).toLowerCase())) continue;
      // Not every file system says the kind with the name.
      try {
        const found = await lstat(path);
        if (found.isDirectory()) yield* walkFolder(path, failed, skip);
        else if (found.isFile()) yield foundOf(path, found);
      } catch (thrown) {
        failed(labelOf(path), thrown);
      }
    }
  } catch (thrown) {
    failed(labelOf(folder), thrown);
  }
}

const foundOf = (path: Buffer, { size, mtimeMs }: { size: number; mtimeMs: number }): Found => ({
  path,
  label: labelOf(path),
  size,
  mtime: Math.floor(mtimeMs),
});

/** How many files there are, by names alone: far ahead of the walk that reads them. `so` is told as it goes. */
export async function countFiles(
  paths: readonly (string | Buffer)[],
  so: (count: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let count = 0;
  const inside = async (folder: Buffer): Promise<void> => {
    for await (const { path, entry } of entries(folder)) {
      if (signal.aborted) return;
      if (entry.isDirectory()) await inside(path).catch(() => {});
      else if (entry.isFile()) so(++count);
    }
  };
  for (const given of paths) {
    const path = Buffer.from(given as Buffer);
    if (!(await stat(path)).isDirectory()) so(++count);
    else await inside(path).catch(() => {});
  }
}
