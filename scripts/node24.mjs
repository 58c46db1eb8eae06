// Finds the Node.js the project runs on (24 or newer), whatever started us. Plain JavaScript: it runs on the system's Node.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The program, and what Node.js is told when it runs it: as ./negatoscope, which is a shell script and cannot ask here. */
export const PROGRAM = join(root, 'src/main.ts');
export const PROGRAM_FLAGS = ['--max-semi-space-size=8', '--disable-warning=ExperimentalWarning'];

/** Path of a Node.js ≥ 24: the running one if it is new enough, else the one that the lockfile pins for this platform. */
export function node24() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const pinned = join(
    root,
    'node_modules',
    `node-${platform}-${process.arch}`,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return undefined;
}
