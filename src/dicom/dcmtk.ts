/** For tests: DCMTK's tools, an independent implementation. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasDcmtk = existsSync('/usr/bin/dcmdump') && existsSync('/usr/bin/dcm2json');
if (!hasDcmtk) {
  if (process.env.CI === 'true') throw new Error('DCMTK is missing: install the Debian package dcmtk');
  console.warn('DCMTK is not installed (Debian: dcmtk): comparisons with it are left out.');
}

/** What a tool prints about a file: output, then errors and warnings. */
export function dcmtk(
  tool: 'dcmdump' | 'dcm2json' | 'dcm2xml' | 'dsrdump',
  file: Uint8Array | URL,
  ...options: string[]
): string {
  const folder = mkdtempSync(join(tmpdir(), 'dcmtk-'));
  try {
    let path = join(folder, 'object.dcm');
    if (file instanceof URL) path = file.pathname;
    else writeFileSync(path, file);
    const { stdout, stderr } = spawnSync(`/usr/bin/${tool}`, [...options, path], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
