/** Which files a drop or a choice of files brings: folders are walked, every file named by its path within the drop. */

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

/** JPEG (ISO/IEC 10918-1 B.1.1.3: SOI and a marker) or PNG (its signature) by the first bytes: a name may lie. */
export function pictureType(head: Uint8Array): 'image/jpeg' | 'image/png' | null {
  const starts = (...bytes: number[]) => bytes.every((byte, index) => head[index] === byte);
  if (starts(0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png';
  return null;
}
