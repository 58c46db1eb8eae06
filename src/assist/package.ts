/** Model packages on disk: a folder with `model.json` and the files it names. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { parseManifest } from './manifest.ts';
import { packageFile } from './packageFiles.ts';
import type { ModelManifest } from './types.ts';

export interface ModelPackage {
  readonly manifest: ModelManifest;
  readonly dir: string;
}

/** Throws `model-manifest` (500) when the folder holds no manifest or a wrong one. */
export async function loadPackage(dir: string): Promise<ModelPackage> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(await packageFile(dir, 'model.json'), 'utf8'));
  } catch (error) {
    throw new NegatoscopeError(
      'model-manifest',
      `The model package ${dir} cannot be read: ${reasonOf(error)}`,
      {
        status: 500,
        details: { where: dir, field: 'model.json' },
        cause: error,
      },
    );
  }
  return { manifest: parseManifest(json, dir), dir };
}

/** The folders with a `model.json`: the given one itself, or those right below it, in order of their names. None of a folder that is not there. */
export async function findPackages(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  if (entries.some((e) => e.name === 'model.json')) return [root];
  const below = entries
    .filter((e) => (e.isDirectory() || e.isSymbolicLink()) && !e.name.startsWith('.'))
    .map((e) => join(root, e.name))
    .sort();
  const found: string[] = [];
  for (const dir of below) if (await stat(join(dir, 'model.json')).catch(() => undefined)) found.push(dir);
  return found;
}
