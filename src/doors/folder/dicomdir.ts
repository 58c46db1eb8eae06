/** What a DICOMDIR names (PS3.10 8, PS3.3 F), and what of it is not there. The images themselves are found by looking. */
import { lstat, readdir } from 'node:fs/promises';
import { type DataSet, parseDicom, TAG } from '../../dicom/index.ts';
import { reasonOf } from '../../errors.ts';
import { below, labelOf } from './walk.ts';

/** A directory is read whole: a disc of 100,000 images has one of about 40 MB. */
export const MAX_DICOMDIR = 256 * 1024 ** 2;

/** A file that a DICOMDIR names. */
export interface Named {
  /** Referenced File ID, its components joined by `/`: relative to the folder of the DICOMDIR. */
  file: string;
  /** '' where the record does not say it. */
  sopInstanceUid: string;
}

/** Throws DicomError. */
export function referencedFiles(dicomdir: Uint8Array): Named[] {
  const records: readonly DataSet[] = parseDicom(dicomdir).dataset.items(TAG.DirectoryRecordSequence);
  return records.flatMap((record) => {
    const components = record.strings(TAG.ReferencedFileID).map((part) => part.trim());
    // PS3.10 8.2: components of A-Z, 0-9 and _. A path that would leave the disc names nothing on it.
    const plain = components.every((part) => part !== '' && !/^\.+$|[/\\\0]/.test(part));
    if (components.length === 0 || !plain) return [];
    const sopInstanceUid = record.string(TAG.ReferencedSOPInstanceUIDInFile) ?? '';
    return [{ file: components.join('/'), sopInstanceUid }];
  });
}

/** As written on a disc: upper case; as some systems show it: lower case, with a version (`;1`) or a dot behind (ISO 9660). */
export const plainName = (name: string): string => name.toUpperCase().replace(/(\.?;\d+|\.)$/, '');

/** Those of `files` that do not lie below `folder`, whatever the case in which the disc shows its names. */
export async function missingFiles(folder: Buffer, files: readonly Named[]): Promise<Named[]> {
  const listed = new Map<string, Map<string, Buffer>>();
  const names = async (path: Buffer): Promise<Map<string, Buffer>> => {
    const key = path.toString('latin1');
    let found = listed.get(key);
    if (!found) {
      if (listed.size > 64) listed.clear();
      const all = await readdir(path, { encoding: 'buffer' }).catch(() => []);
      found = new Map(all.map((name) => [plainName(labelOf(name)), name]));
      listed.set(key, found);
    }
    return found;
  };
  const isThere = async (file: string): Promise<boolean> => {
    let path = folder;
    for (const part of file.split('/')) {
      const name = (await names(path)).get(plainName(part));
      if (!name) return false;
      path = below(path, name);
    }
    return lstat(path).then(
      (found) => found.isFile(),
      () => false,
    );
  };
  const missing: Named[] = [];
  for (const each of files) if (!(await isThere(each.file))) missing.push(each);
  return missing;
}

/** The names in a DICOMDIR, or why they cannot be read. */
export function tryReferencedFiles(dicomdir: Uint8Array): { files: Named[] } | { error: string } {
  try {
    return { files: referencedFiles(dicomdir) };
  } catch (thrown) {
    return { error: reasonOf(thrown) };
  }
}
