import { close, fstat, open, read, type Stats } from 'node:fs';
import { promisify } from 'node:util';

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat) as (fd: number) => Promise<Stats>;

/** A file that nobody asked for this long is closed, ms: who deletes it gets the space back. */
const IDLE_MS = 10_000;
const KEPT = 64;

interface Handle {
  readonly fd: Promise<number>;
  users: number;
  lastUsed: number;
  /** Closed by its last user. */
  forgotten: boolean;
}

/**
 * Files that are read piece by piece by many requests: the most recently used stay open. Bytes go straight into the caller's
 * memory.
 */
export interface Handles {
  /**
   * Fills `target` from `position` on; gives how many bytes there were. Rejects as `open` does.
   * @param target not touched any more once it has resolved
   */
  read(path: string, target: Uint8Array, position: number): Promise<number>;
  size(path: string): Promise<number>;
  /** Before the file is deleted. */
  forget(path: string): void;
}

export function createHandles(): Handles {
  const known = new Map<string, Handle>(); // the most recently used at the end
  let sweeping: NodeJS.Timeout | undefined;

  const closeUnused = (handle: Handle): void => {
    if (handle.users === 0) void handle.fd.then(closeFile).catch(() => undefined);
  };
  const drop = (path: string, handle: Handle): void => {
    if (known.get(path) === handle) known.delete(path);
    handle.forgotten = true;
    closeUnused(handle);
  };
  const sweep = (): void => {
    sweeping = undefined;
    const before = performance.now() - IDLE_MS;
    for (const [path, handle] of known)
      if (handle.users === 0 && handle.lastUsed < before) drop(path, handle);
    if (known.size > 0) plan();
  };
  const plan = (): void => {
    sweeping ??= setTimeout(sweep, IDLE_MS).unref();
  };

  const use = async <R>(path: string, work: (fd: number) => Promise<R>): Promise<R> => {
    let handle = known.get(path);
    if (handle) known.delete(path);
    else handle = { fd: openFile(path, 'r'), users: 0, lastUsed: 0, forgotten: false };
    known.set(path, handle);
    handle.users++;
    handle.lastUsed = performance.now();
    if (known.size > KEPT) {
      const [oldest, unused] = known.entries().next().value!;
      drop(oldest, unused);
    }
    plan();
    try {
      return await work(await handle.fd);
    } catch (thrown) {
      handle.forgotten = true;
      if (known.get(path) === handle) known.delete(path);
      throw thrown;
    } finally {
      handle.users--;
      if (handle.forgotten) closeUnused(handle);
    }
  };

  return {
    read: (path, target, position) =>
      use(path, async (fd) => {
        let filled = 0;
        while (filled < target.length) {
          const bytes = await readSome(fd, target, filled, position + filled);
          if (bytes === 0) break;
          filled += bytes;
        }
        return filled;
      }),
    size: (path) => use(path, async (fd) => (await statFile(fd)).size),
    forget(path) {
      const handle = known.get(path);
      if (handle) drop(path, handle);
    },
  };
}

const readSome = (fd: number, target: Uint8Array, offset: number, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, target, offset, target.length - offset, position, (error, bytes) =>
      error ? reject(error) : resolve(bytes),
    );
  });
