/** Which files a drop or a choice of files brings: folders are walked, every file named by its path within the drop. */
import type { Wrappable } from '../../doors/api/contract.ts';

export interface Picked {
  file: File;
  /** Path within the drop: `CD/DICOM/IM0001`. */
  path: string;
}

/** Walks dropped files and folders; yields as it goes, so that the first file is on its way at once. */
export async function* walk(entries: readonly (FileSystemEntry | File)[]): AsyncGenerator<Picked> {
  for (const entry of entries) {
    if (entry instanceof File) {
      if (!isLitter(entry.name)) yield { file: entry, path: entry.name };
    } else if (isFile(entry)) {
      const file = await new Promise<File | null>((resolve) => entry.file(resolve, () => resolve(null)));
      // What the system itself leaves in folders is nobody's image.
      if (file && !isLitter(entry.name)) yield { file, path: entry.fullPath.replace(/^\//, '') };
    } else if (isFolder(entry)) {
      yield* walk(await children(entry));
    }
  }
}
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

/** `readEntries` gives at most a hundred at a time and an empty list at the end. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve) =>
      reader.readEntries(resolve, () => resolve([])),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

export const isLitter = (name: string): boolean =>
  name === '.DS_Store' || name === 'Thumbs.db' || name === 'desktop.ini' || name.startsWith('._');

/** Entries must be taken while the event is being handled; the walk may come later. */
export function entriesOf(transfer: DataTransfer): (FileSystemEntry | File)[] {
  return [...transfer.items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => item.webkitGetAsEntry() ?? item.getAsFile())
    .filter((entry) => entry !== null);
}

/** Transport packets of 188 bytes, each with its sync byte: ISO/IEC 13818-1 2.4.3.2. */
const isTransport = (head: Uint8Array): boolean =>
  head.length >= 565 && [0, 188, 376, 564].every((at) => head[at] === 0x47);

/** What needs a form, by the first bytes: a name may lie. The server looks again. */
export function wrappableType(head: Uint8Array): Wrappable | null {
  const text = String.fromCharCode(...head.subarray(0, 12));
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'; // ISO/IEC 10918-1 B.1.1.3
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (text.startsWith('%PDF-')) return 'application/pdf';
  if (/^(ftyp|moov|mdat|wide)$/.test(text.slice(4, 8))) return 'video/mp4'; // ISO/IEC 14496-12 4.3
  if (text.startsWith('\0\0\x01\xba') || text.startsWith('\0\0\x01\xb3')) return 'video/mpeg'; // ISO/IEC 13818
  if (isTransport(head)) return 'video/mp2t';
  return null;
}

export const isDicomdirPath = (path: string): boolean => /(^|\/)dicomdir(\.?;\d+)?$/i.test(path);

/** Those of `files`, as the DICOMDIR at `path` names them, that are not among `paths`. */
export function missingOf(path: string, files: readonly string[], paths: readonly string[]): string[] {
  // Discs show their names in either case, some with a version behind (ISO 9660).
  const plain = (name: string) => name.toUpperCase().replace(/(\.?;\d+|\.)$/, '');
  const there = new Set(paths.map(plain));
  const folder = path.replace(/[^/]*$/, '');
  return files.map((file) => `${folder}${file}`).filter((file) => !there.has(plain(file)));
}
