/** Whether images belong to a tool's training data: what accuracy must not be measured on. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { NegatoscopeError } from '../errors.ts';
import type { ModelPackage } from './package.ts';
import { packageFile } from './packageFiles.ts';

/** Names of parts of a split, as makers write them. The locked test part is neither. */
const TRAINING = new Set(['train', 'training']);
const TUNING = new Set(['val', 'valid', 'validation', 'dev', 'tune', 'tuning', 'calibration']);

/**
 * SHA-256 of the files that the maker trained on, and of those on which thresholds, calibration or the model itself were chosen;
 * undefined when the package names none. Throws `model-training` for a list without the columns `split` and `sha256`.
 */
export async function knownImages({
  manifest,
  dir,
}: ModelPackage): Promise<ReadonlyMap<string, 'training' | 'tuning'> | undefined> {
  if (!manifest.training) return undefined;
  const [head = '', ...lines] = (await readFile(await packageFile(dir, manifest.training.hashes), 'utf8'))
    .trim()
    .split(/\r?\n/);
  const names = head.split(',');
  const part = names.indexOf('split');
  const hash = names.indexOf('sha256');
  if (hash < 0 || part < 0)
    throw new NegatoscopeError(
      'model-training',
      `${manifest.training.hashes} lacks the column split or sha256`,
      {
        status: 500,
        details: { model: manifest.id },
      },
    );
  const known = new Map<string, 'training' | 'tuning'>();
  for (const row of lines.map((line) => line.split(','))) {
    const name = row[part]!.toLowerCase();
    if (TRAINING.has(name)) known.set(row[hash]!.toLowerCase(), 'training');
    else if (TUNING.has(name) && !known.has(row[hash]!.toLowerCase()))
      known.set(row[hash]!.toLowerCase(), 'tuning');
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
