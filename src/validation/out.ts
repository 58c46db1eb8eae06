/** The folder of the results: one study at a time, and files that are whole or not there. */
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NegatoscopeError, reasonOf } from '../errors.ts';

const LOCK = '.lock';

/** What went wrong with the folder, as a person can mend it. */
export function outError(dir: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new NegatoscopeError(
      'disk-full',
      `There is no space left for the results in ${dir}. Make room and run it again: what was analysed is kept.`,
      { status: 507, cause: error },
    );
  if (['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST', 'ENOENT', 'EISDIR', 'EIO'].includes(code))
    return new NegatoscopeError('out-unusable', `The results cannot be written to ${dir} (${code}).`, {
      cause: error,
    });
  return error;
}

/**
 * Makes the folder and holds it.
 * @returns gives it free again
 * @throws NegatoscopeError `out-in-use`, `out-unusable`, `disk-full`
 */
export async function holdFolder(dir: string): Promise<() => Promise<void>> {
  const lock = join(dir, LOCK);
  try {
    await mkdir(dir, { recursive: true });
    for (let attempt = 1; ; attempt += 1) {
      try {
        const file = await open(lock, 'wx');
        await file.writeFile(String(process.pid));
        await file.close();
        return () => rm(lock, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 2) throw error;
        const pid = Number(await readFile(lock, 'utf8').catch(() => ''));
        if (isAlive(pid))
          throw new NegatoscopeError(
            'out-in-use',
            `Another study (process ${pid}) writes to ${dir}. Choose another folder with --out, or wait for it.`,
            { status: 409 },
          );
        await rm(lock, { force: true }); // left by one that was killed
      }
    }
  } catch (error) {
    throw outError(dir, error);
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @throws NegatoscopeError `disk-full`, `out-unusable`; then the file is as it was */
export async function writeWhole(dir: string, name: string, content: string | Uint8Array): Promise<void> {
  const path = join(dir, name);
  const beside = `${path}.part`;
  try {
    await writeFile(beside, content);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch((left: unknown) => reasonOf(left));
    throw outError(dir, error);
  }
}
