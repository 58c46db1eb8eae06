import { NegatoscopeError, reasonOf } from '../errors.ts';

const SQLITE_FULL = 13;

/** Names what the operating system or the database says about a full volume; passes everything else on. */
export function storageError(thrown: unknown): unknown {
  const { code, errcode } = (thrown ?? {}) as { code?: string; errcode?: number };
  // 53100: disk_full of PostgreSQL.
  const full =
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    code === '53100' ||
    (errcode !== undefined && (errcode & 0xff) === SQLITE_FULL);
  if (!full) return thrown;
  return new NegatoscopeError(
    'disk-full',
    'The volume is full. Free space or give the data folder a larger one.',
    {
      status: 507,
      cause: thrown,
    },
  );
}

/** After a failed sync nobody knows what is on the disk: the store refuses to go on. */
export function storageFailed(cause: unknown): NegatoscopeError {
  return new NegatoscopeError(
    'storage-failed',
    `The disk did not confirm a write (${reasonOf(cause)}). Check it, then start the program again.`,
    { status: 500, cause },
  );
}
