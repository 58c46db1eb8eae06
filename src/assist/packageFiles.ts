/** Files of a package: read only where they really lie in it, and only up to a size. */
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { NegatoscopeError } from '../errors.ts';

/** ONNX models are one protobuf message, which holds less than 2 GiB (protobuf.dev, encoding, size limits). */
export const MOST_WEIGHTS = 2 ** 31 - 1;
/** Of the other files: manifest, golden cases, card, hashes. */
export const MOST_BESIDE = 64 * 1024 * 1024;

/**
 * The path of a file of the package, followed through links. Throws `model-file` (500) when it is missing, no file, larger than
 * `most` bytes, or when a link leads out of the folder: a package must not make the program read other files of the machine.
 */
export async function packageFile(dir: string, name: string, most = MOST_BESIDE): Promise<string> {
  const wrong = (why: string): NegatoscopeError =>
    new NegatoscopeError('model-file', `${name} of the model package ${dir} ${why}`, {
      status: 500,
      details: { where: dir, file: name },
    });
  let folder: string;
  let path: string;
  try {
    folder = await realpath(dir);
    path = await realpath(join(folder, name));
  } catch {
    throw wrong('is missing');
  }
  if (!path.startsWith(folder + sep)) throw wrong('leads out of its folder');
  const found = await stat(path);
  if (!found.isFile()) throw wrong('is no file');
  if (found.size > most) throw wrong(`has ${found.size} bytes, more than ${most}`);
  return path;
}
