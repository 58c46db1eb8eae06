/** Whether images belong to a tool's training data: what accuracy must not be measured on. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NegatoscopeError } from '../errors.ts';
import type { ModelPackage } from './package.ts';

/** SHA-256 of the files that the maker trained on; empty when the package names none. */
export async function trainingHashes({ manifest, dir }: ModelPackage): Promise<ReadonlySet<string>> {
  if (!manifest.training) return new Set();
  const [head = '', ...lines] = (await readFile(join(dir, manifest.training.hashes), 'utf8'))
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
  const rows = lines.map((line) => line.split(','));
  return new Set(rows.filter((row) => row[part] === 'train').map((row) => row[hash]!.toLowerCase()));
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
