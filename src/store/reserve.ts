import { randomUUID } from 'node:crypto';
import { closeSync, constants, fdatasync, fstatSync, open, unlink, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { storageError } from './storage-error.ts';

const opened = promisify(open);
const removed = promisify(unlink);
const synced = promisify(fdatasync);

/** The write itself returns when the bytes are on stable storage (open(2)): one round trip instead of two. Linux alone is known to flush the device's cache with it. */
const WRITE_THROUGH = process.platform === 'linux' ? constants.O_DSYNC : 0;
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | WRITE_THROUGH;
const LEAST = 4;
const MOST = 64;
/** Without work for so long nothing is kept ready. */
const IDLE_MS = 5_000;

/** An empty file whose name in `objects/` is on stable storage. */
export interface Place {
  readonly fd: number;
  /** Relative to the data folder. */
  readonly ref: string;
  readonly path: string;
}
export interface Reserve {
  /**
   * Puts a whole object on stable storage, name and bytes, and gives its reference. Nothing refers to it yet: what a crash leaves is swept at start, as after a rename.
   */
  place(bytes: Buffer): Promise<string>;
  /** Removes what was kept ready. */
  close(): Promise<void>;
}

/**
 * Names cost a directory sync, which an instance would wait for after its own. Here they are made ahead, some for one sync,
 * while instances come; how many follows the demand.
 *
 * @param makeFolder makes `objects/YYYY/MM/DD/HH` of now, durable, and gives its relative path
 * @param syncFolder puts the names in it on stable storage
 * @param forget the folders known are not there any more
 */
export function createReserve({
  dir,
  makeFolder,
  syncFolder,
  forget,
}: {
  dir: string;
  makeFolder: () => Promise<string>;
  syncFolder: (relative: string) => Promise<void>;
  forget: () => void;
}): Reserve {
  let ready: Place[] = [];
  let wanted = LEAST;
  let filling: Promise<void> | undefined;
  let lastTaken = 0;
  let timer: NodeJS.Timeout | undefined;

  const drop = async (places: readonly Place[]): Promise<void> => {
    for (const { fd, path } of places) {
      closeSync(fd);
      await removed(path).catch(() => undefined); // gone already, or the sweep takes it
    }
  };

  const forsake = (places: readonly Place[]): void => {
    ready = ready.filter((place) => !places.includes(place));
    void drop(places);
  };

  const fill = async (): Promise<void> => {
    const folder = await makeFolder();
    const made: Place[] = [];
    try {
      for (let missing = wanted - ready.length; missing > 0; missing--) {
        const ref = `${folder}/${randomUUID()}.dcm`;
        const path = join(dir, ref);
        made.push({ fd: await opened(path, FLAGS, 0o600), ref, path });
      }
      await syncFolder(folder);
    } catch (thrown) {
      await drop(made);
      // Somebody took the folder away behind our back: the next try makes it again.
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') forget();
      throw storageError(thrown);
    }
    ready.push(...made);
  };
  const refill = (): Promise<void> => (filling ??= fill().finally(() => (filling = undefined)));

  const rest = (): void => {
    timer = undefined;
    if (performance.now() - lastTaken < IDLE_MS) return plan();
    wanted = LEAST;
    forsake(ready);
  };
  const plan = (): void => void (timer ??= setTimeout(rest, IDLE_MS).unref());

  const take = async (): Promise<Place> => {
    lastTaken = performance.now();
    plan();
    for (let failed = false; ;) {
      const folder = await makeFolder();
      // Those of an hour that is over are not used: another process on the same database may sweep there.
      const stale = ready.filter(({ ref }) => !ref.startsWith(folder));
      if (stale.length > 0) forsake(stale);
      const place = ready.shift();
      if (place) {
        if (ready.length <= wanted / 2) refill().catch(() => undefined); // told to whoever needs one
        return place;
      }
      wanted = Math.min(MOST, wanted * 2);
      await refill().catch((thrown) => {
        if (failed) throw thrown;
        failed = true;
      });
    }
  };

  return {
    async place(bytes) {
      for (;;) {
        const place = await take();
        if (await writeTo(place, bytes)) return place.ref;
        forsake(ready); // whoever took it away took its neighbours, too
        forget();
      }
    },
    async close() {
      clearTimeout(timer);
      await filling?.catch(() => undefined);
      const unused = ready;
      ready = [];
      await drop(unused);
    },
  };
}

/**
 * Writes the whole object and closes its file; on stable storage afterwards. False when somebody deleted it meanwhile.
 *
 * @throws NegatoscopeError `disk-full`; the file is gone then
 */
export async function writeTo({ fd, path }: Place, bytes: Buffer): Promise<boolean> {
  try {
    for (let at = 0; at < bytes.length;) at += await written(fd, bytes, at);
    if (!WRITE_THROUGH) await synced(fd);
    return fstatSync(fd).nlink > 0;
  } catch (thrown) {
    await removed(path).catch(() => undefined);
    throw storageError(thrown);
  } finally {
    closeSync(fd);
  }
}

/** A promise of our own: what `promisify` makes of `write` costs an object a call. */
const written = (fd: number, bytes: Buffer, at: number): Promise<number> =>
  new Promise((resolve, reject) =>
    write(fd, bytes, at, bytes.length - at, at, (error, count) => (error ? reject(error) : resolve(count))),
  );
