/** A model package as it comes, a folder or a zip archive, into a folder of our own: plain files only, within limits. */
import { copyFile, lstat, mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NegatoscopeError } from '../../errors.ts';
import { ZipBudget, zipContent, type ZipEntry, zipEntries, type ZipSource } from '../../wire/zip/index.ts';

/** Files of a package: weights, papers, the list of training images. */
const MAX_FILES = 2000;
/** ONNX is one protobuf message: at most 2 GiB (https://protobuf.dev/programming-guides/proto-limits/). Twice that for all. */
const MAX_BYTES = 4 * 1024 ** 3;
const MAX_DEPTH = 8;
/** A folder or file: no hidden ones, nothing that a shell or another system reads as something else. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9 ._+-]{0,127}$/;
/** What file managers leave behind. */
const LITTER = /^(__MACOSX|\.DS_Store|Thumbs\.db|desktop\.ini)$/;

const refused = (why: string, file: string): NegatoscopeError =>
  new NegatoscopeError('model-package', `This is no model package: ${why} (${file.slice(0, 200)}).`, {
    details: { why, file: file.slice(0, 200) },
  });
const tooLarge = (): NegatoscopeError =>
  new NegatoscopeError(
    'model-too-large',
    `A model package holds at most ${MAX_FILES} files and ${MAX_BYTES / 1024 ** 3} GiB.`,
    { status: 413 },
  );

/** The parts of a path within the package. Throws `model-package` for one that leads out of it or is no plain name. */
function partsOf(path: string): string[] {
  const parts = path.split('/');
  if (parts.length > MAX_DEPTH || parts.some((part) => !NAME.test(part)))
    throw refused('a file has a name that is not allowed', path);
  return parts;
}
const isLitter = (path: string): boolean => path.split('/').some((part) => LITTER.test(part));

/**
 * Copies the regular files of a folder. A link is refused, not followed: it could lead anywhere.
 *
 * @param to a folder that exists and is empty
 * @throws NegatoscopeError `model-package`, `model-too-large` (413)
 */
export async function copyPackage(from: string, to: string): Promise<void> {
  let files = 0;
  let bytes = 0;
  const inside = async (path: string): Promise<void> => {
    for (const entry of await readdir(join(from, path), { withFileTypes: true })) {
      const name = path === '' ? entry.name : `${path}/${entry.name}`;
      if (isLitter(entry.name)) continue;
      partsOf(name);
      if (entry.isDirectory()) {
        await mkdir(join(to, name));
        await inside(name);
        continue;
      }
      if (!entry.isFile()) throw refused('a link, or something that is no file', name);
      bytes += (await lstat(join(from, name))).size;
      if (++files > MAX_FILES || bytes > MAX_BYTES) throw tooLarge();
      await copyFile(join(from, name), join(to, name));
    }
  };
  if (!(await stat(from).catch(() => undefined))?.isDirectory())
    throw refused('there is no such folder', from);
  if (!(await stat(join(from, 'model.json')).catch(() => undefined)))
    throw refused('there is no model.json in it', from);
  await inside('');
}

/**
 * Unpacks a zip archive; where all of it lies in one folder, that folder is the package.
 *
 * @param to a folder that exists and is empty
 * @throws NegatoscopeError `model-package`, `model-too-large` (413), and what `zipEntries` and `zipContent` throw
 */
export async function unpackPackage(source: ZipSource, to: string): Promise<void> {
  const entries: ZipEntry[] = [];
  let bytes = 0;
  for await (const entry of zipEntries(source)) {
    // `folder/`: an entry without content.
    if (entry.name.endsWith('/') || isLitter(entry.name)) continue;
    bytes += entry.size;
    if (entries.length === MAX_FILES || bytes > MAX_BYTES) throw tooLarge();
    entries.push(entry);
  }
  const top = commonFolder(entries.map(({ name }) => name));
  if (!entries.some(({ name }) => name === `${top}model.json`))
    throw refused('there is no model.json in it', top || '.');
  const budget = new ZipBudget();
  const written = new Set<string>();
  for (const entry of entries) {
    const name = partsOf(entry.name.slice(top.length)).join('/');
    if (written.has(name.toLowerCase())) throw refused('two files have the same name', name);
    written.add(name.toLowerCase());
    await mkdir(dirname(join(to, name)), { recursive: true });
    const file = await open(join(to, name), 'wx', 0o600);
    try {
      for await (const chunk of zipContent(source, entry, budget)) await file.write(chunk);
    } finally {
      await file.close();
    }
  }
}

/** `fracture/` when every name begins with it. */
function commonFolder(names: readonly string[]): string {
  const first = /^[^/]+\//.exec(names[0] ?? '')?.[0] ?? '';
  return names.every((name) => name.startsWith(first)) ? first : '';
}
