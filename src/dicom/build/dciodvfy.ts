/** For tests: the errors that dicom3tools' `dciodvfy` finds in an object. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DCIODVFY = '/usr/bin/dciodvfy';
export const hasDciodvfy = existsSync(DCIODVFY);
if (!hasDciodvfy) {
  if (process.env.CI === 'true')
    throw new Error('dciodvfy is missing: install the Debian package dicom3tools');
  console.warn('dciodvfy is not installed (Debian: dicom3tools): validation of objects is left out.');
}

/** Lines that begin with `Error`; empty for a valid object. */
export function dciodvfyErrors(file: Uint8Array): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'dciodvfy-'));
  try {
    const path = join(folder, 'object.dcm');
    writeFileSync(path, file);
    const { stderr, stdout } = spawnSync(DCIODVFY, [path], { encoding: 'utf8' });
    return `${stdout}\n${stderr}`.split('\n').filter((line) => /^(Error|\(.*Error)/.test(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
