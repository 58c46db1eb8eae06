/** A folder of images, asked by file name, path within it, or SOP Instance UID. Nothing outside the folder is ever opened. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { parseHeader, TAG } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import { type Form, formOf, mustBeReadable } from './picture.ts';
import type { ImageSource } from './types.ts';

const HEAD = 132;
/** The header of a radiograph fits in; of those where it does not the whole file is read. */
const PREFIX = 256 * 1024;

/**
 * @throws NegatoscopeError `images-missing` when there is no such folder or no image in it
 */
export async function openFolder(dir: string): Promise<ImageSource> {
  const forms = new Map<string, Form>();
  for (const path of await filesIn(dir)) {
    const form = await headForm(path);
    if (form) forms.set(relative(dir, path).split(sep).join('/'), form);
  }
  if (forms.size === 0)
    throw new NegatoscopeError(
      'images-missing',
      `There is no DICOM, JPEG or PNG file in ${dir}. Name the folder of the images with --images.`,
    );
  const byName = Map.groupBy(forms.keys(), (path) => basename(path));
  let byUid: Promise<Map<string, string[]>> | undefined;
  const uids = (): Promise<Map<string, string[]>> => (byUid ??= readUids());
  async function readUids(): Promise<Map<string, string[]>> {
    const found = new Map<string, string>();
    for (const [path, form] of forms)
      if (form === 'dicom') {
        const uid = await sopInstanceUid(join(dir, path)).catch(() => undefined);
        if (uid) found.set(path, uid);
      }
    return Map.groupBy(found.keys(), (path) => found.get(path)!);
  }

  return {
    names: [...forms.keys()],
    async find(image) {
      const wanted = image.split('\\').join('/');
      const paths = forms.has(wanted)
        ? [wanted]
        : (byName.get(wanted) ?? (/^[\d.]+$/.test(wanted) ? (await uids()).get(wanted) : undefined) ?? []);
      return paths.map((path) => ({ name: path, read: () => read(join(dir, path)) }));
    },
  };
}

async function read(path: string): Promise<Uint8Array> {
  mustBeReadable((await stat(path)).size);
  return readFile(path);
}

/** Every file below, in a fixed order; folders behind links are not entered, so there is no circle. */
async function filesIn(dir: string): Promise<string[]> {
  let entries;
  try {
    entries = await readdir(dir, { withFileTypes: true });
  } catch (cause) {
    throw new NegatoscopeError(
      'images-missing',
      `The folder of the images ${dir} cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
      { cause },
    );
  }
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) found.push(...(await filesIn(path)));
    else if (entry.isFile()) found.push(path);
    else if (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile()) found.push(path);
  }
  return found;
}

async function prefix(path: string, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
const headForm = (path: string): Promise<Form | undefined> =>
  prefix(path, HEAD).then(formOf, () => undefined);

async function sopInstanceUid(path: string): Promise<string | undefined> {
  const head = await prefix(path, PREFIX);
  const parsed = head.length < PREFIX ? undefined : tolerant(() => parseHeader(head, { complete: false }));
  const file = parsed ?? parseHeader(await read(path), { complete: true });
  return file.dataset.string(TAG.SOPInstanceUID)?.trim();
}
function tolerant<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
