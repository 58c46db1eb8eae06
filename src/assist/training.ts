/** Whether images belong to a tool's training data: what accuracy must not be measured on. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { NegatoscopeError } from '../errors.ts';
import { parseCsv, textOf } from './csv.ts';
import type { ModelPackage } from './package.ts';
import { packageFile } from './packageFiles.ts';

/** Names of parts of a split, as makers write them. The locked test part is neither. */
const TRAINING = new Set(['train', 'training']);
const TUNING = new Set(['val', 'valid', 'validation', 'dev', 'tune', 'tuning', 'calibration']);

/**
 * SHA-256 of the files that the maker trained on, and of those on which thresholds, calibration or the model itself were chosen;
 * undefined when the package names none. Throws `model-training` for a list that cannot be read, or lacks the columns `split` and
 * `sha256`: an image that was missed would be counted in accuracy.
 */
export async function knownImages({
  manifest,
  dir,
}: ModelPackage): Promise<ReadonlyMap<string, 'training' | 'tuning'> | undefined> {
  if (!manifest.training) return undefined;
  const { hashes } = manifest.training;
  const wrong = (what: string): NegatoscopeError =>
    new NegatoscopeError('model-training', `${hashes} ${what}`, {
      status: 500,
      details: { model: manifest.id },
    });
  const unreadable = (line: number, what: string): NegatoscopeError =>
    wrong(`cannot be read, line ${line}: ${what}`);
  const { head, rows } = parseCsv(textOf(await readFile(await packageFile(dir, hashes))), unreadable);
  const [part, hash] = [head.indexOf('split'), head.indexOf('sha256')];
  if (hash < 0 || part < 0) throw wrong('lacks the column split or sha256');
  const known = new Map<string, 'training' | 'tuning'>();
  for (const { line, fields } of rows) {
    const [name, sha256] = [fields[part]?.toLowerCase(), fields[hash]?.toLowerCase()];
    if (name === undefined || sha256 === undefined) throw unreadable(line, 'it is cut');
    if (TRAINING.has(name)) known.set(sha256, 'training');
    else if (TUNING.has(name) && !known.has(sha256)) known.set(sha256, 'tuning');
  }
  return known;
}

/**
 * Hashes under which one image may stand in such a list: the file itself, and the stream inside an encapsulated frame, with
 * and without the byte that pads it to even length (PS3.5 A.4).
 */
export function hashesOf(fileSha256: string, stream: Uint8Array | null): string[] {
  if (!stream) return [fileSha256];
  const of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const padded = stream.at(-1) === 0;
  return [fileSha256, of(stream), ...(padded ? [of(stream.subarray(0, -1))] : [])];
}
