/** Model packages on disk: a folder with `model.json` and the files it names. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { parseManifest } from './manifest.ts';
import type { ModelManifest } from './types.ts';

export interface ModelPackage {
  readonly manifest: ModelManifest;
  readonly dir: string;
}

/** Throws `model-manifest` (500) when the folder holds no manifest or a wrong one. */
export async function loadPackage(dir: string): Promise<ModelPackage> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(dir, 'model.json'), 'utf8'));
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

/**
 * Every package among the given folders: a folder with a `model.json`, or the folders with one right below it, in order of their names; of two packages with the same id the first
 * directory wins. A broken package is passed to `onBroken` and left out: it must not take the others with it.
 */
export async function loadPackages(
  modelDirs: readonly string[],
  onBroken: (dir: string, error: unknown) => void,
): Promise<ModelPackage[]> {
  const found = new Map<string, ModelPackage>();
  for (const root of modelDirs) {
    const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
    const own = entries.some((e) => e.name === 'model.json');
    const below = entries.filter((e) => e.isDirectory() || e.isSymbolicLink()).map((e) => e.name);
    for (const dir of own ? [root] : below.sort().map((name) => join(root, name))) {
      if (!own && !(await stat(join(dir, 'model.json')).catch(() => undefined))) continue;
      try {
        const pack = await loadPackage(dir);
        if (!found.has(pack.manifest.id)) found.set(pack.manifest.id, pack);
      } catch (error) {
        onBroken(dir, error);
      }
    }
  }
  return [...found.values()];
}
