import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { NegatoscopeError } from '../errors.ts';

export interface DirLock {
  /** Where the owner can be reached: told to a second process that wants the same folder. */
  announce(address: string): void;
  release(): void;
}

/**
 * Makes this process the only one on the data folder. The guard is the operating system's file lock that SQLite takes on
 * `lock.db`: it goes with the process however it ends, so it is never stale. `lock.json` only says who holds it.
 *
 * @throws NegatoscopeError `data-in-use` with `pid`, `host` and `address` of the owner
 */
export function lockDir(dir: string, now: () => number): DirLock {
  const guardFile = join(dir, 'lock.db');
  const infoFile = join(dir, 'lock.json');
  closeSync(openSync(guardFile, 'a', 0o600));
  const guard = new DatabaseSync(guardFile, { timeout: 0 });
  try {
    guard.exec('begin exclusive');
  } catch (thrown) {
    guard.close();
    if ((thrown as { errcode?: number }).errcode !== 5) throw thrown; // SQLITE_BUSY
    throw inUse(dir, infoFile, thrown);
  }
  const info = { pid: process.pid, host: hostname(), since: now(), address: '' };
  const tell = (): void => writeFileSync(infoFile, JSON.stringify(info), { mode: 0o600 });
  tell();
  return {
    announce(address) {
      info.address = address;
      tell();
    },
    release() {
      if (!guard.isOpen) return;
      guard.exec('rollback');
      guard.close();
    },
  };
}

function inUse(dir: string, infoFile: string, cause: unknown): NegatoscopeError {
  let owner: { pid?: number; host?: string; address?: string } = {};
  try {
    owner = JSON.parse(readFileSync(infoFile, 'utf8'));
  } catch {
    // Being written at this moment, or gone: the message does without.
  }
  const who = owner.pid ? ` by process ${owner.pid} on ${owner.host}` : '';
  const where = owner.address ? `, which answers at ${owner.address}` : '';
  return new NegatoscopeError(
    'data-in-use',
    `The data folder ${dir} is in use${who}${where}. Stop that one first, or start with another --data.`,
    {
      status: 409,
      details: { dir, pid: owner.pid ?? 0, host: owner.host ?? '', address: owner.address ?? '' },
      cause,
    },
  );
}
