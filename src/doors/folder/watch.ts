/**
 * Folders that are looked into again and again: what is new in them is taken in. By polling, since network shares tell nobody
 * of changes.
 */
import { mkdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Archive, SEES_ALL } from '../../archive/index.ts';
import { reasonOf } from '../../errors.ts';
import type { Log } from '../../store/types.ts';
import type { FolderView } from '../api/contract.ts';
import { missingFiles, type Named } from './dicomdir.ts';
import { type FileResult, takeFile } from './take.ts';
import { type Found, labelOf, walk } from './walk.ts';

/** A folder, and how it is watched. */
export interface WatchFolder {
  path: string;
  after: FolderView['after'];
  settleSeconds: number;
  everySeconds: number;
}

/** Files under way at once. */
const AT_ONCE = 4;
/** Files asked of the ledger together. */
const BATCH = 256;
/** Files whose end is waited for; more are looked at once these are through. */
const MAX_WAITING = 50_000;
/** What cannot be read is tried again after this, doubled each time, up to the second, ms. */
const RETRY_MS = [5_000, 600_000] as const;
/** Looks for what a DICOMDIR names before it counts as missing: a disc may be copied for five minutes after its DICOMDIR. */
const MISSING_ATTEMPTS = 6;
const SHOWN = 50;
/** Names under which programs write before they rename, and what the program itself puts there. */
const TEMPORARY = /^[.~]|\.(tmp|temp|part|partial|filepart|crdownload|lock)$/;

export interface WatcherDependencies {
  archive: Archive;
  /** Where an archive in an archive is unpacked to be read. */
  spoolDir: string;
  log: Log;
  now?: () => number;
}

interface Waiting {
  size: number;
  mtime: number;
  /** Since when it has been so, or when it is to be tried again. */
  at: number;
  attempts: number;
  reason: string;
}

export class Watcher {
  readonly #folder: WatchFolder;
  readonly #deps: WatcherDependencies;
  readonly #ending = new AbortController();
  readonly #signal = this.#ending.signal;
  readonly #now: () => number;
  readonly #source: string;
  #waiting = new Map<string, Waiting>();
  #state: FolderView['state'] = 'starting';
  #since: number;
  #lookedAt: number | null = null;
  #taken = 0;
  /** What the last look took, without the files that it took in. */
  #searchedMs = 0;

  #running: Promise<void> = Promise.resolve();

  constructor(folder: WatchFolder, deps: WatcherDependencies) {
    this.#folder = folder;
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    this.#since = this.#now();
    this.#source = `folder:${folder.path}`;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Gives up what is under way; it is taken up again when the folder is watched again. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async view(): Promise<Omit<FolderView, 'id'>> {
    const { path, after } = this.#folder;
    const kept = await this.#deps.archive.ledger.page(this.#source, ['failed'], SHOWN);
    const passing = [...this.#waiting]
      .filter(([, { attempts }]) => attempts > 0)
      .map(([name, { reason, at }]) => ({ path: name, outcome: 'unreadable', detail: reason, at }));
    return {
      path,
      after,
      state: this.#state,
      since: this.#since,
      lookedAt: this.#lookedAt,
      waiting: this.#waiting.size - passing.length,
      taken: this.#taken,
      failures: [...passing, ...kept]
        .slice(0, SHOWN)
        .map(({ path: name, outcome, detail, at }) => ({ name: relative(path, name), outcome, detail, at })),
    };
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      this.#searchedMs = 0;
      try {
        await this.#look();
      } catch (error) {
        if (!this.#signal.aborted)
          this.#deps.log.error({ err: error }, 'a watched folder could not be looked through');
      }
      // A folder of a million files is not gone through all the time; what was taken in meanwhile makes nothing wait.
      const pause = Math.max(this.#folder.everySeconds * 1000, this.#searchedMs * 4);
      await sleep(pause, undefined, { signal: this.#signal }).catch(() => {});
    }
  }

  #become(state: FolderView['state']): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = this.#now();
    // The path is the administrator's own; files in it are not named in logs.
    if (state !== 'starting') this.#deps.log.info({ folder: this.#folder.path, state }, 'watched folder');
  }

  /** One look through the folder. */
  async #look(): Promise<void> {
    const there = await stat(this.#folder.path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!there) return this.#become('absent');
    if (this.#state !== 'full') this.#become('watching');
    const before = this.#waiting;
    this.#waiting = new Map();
    const ready = this.#ready(before);
    const round = new AbortController();
    const signal = AbortSignal.any([this.#signal, round.signal]);
    const worker = async (): Promise<void> => {
      while (!signal.aborted) {
        const { value: file, done } = await ready.next();
        if (done) return;
        if (await this.#take(file, signal)) continue;
        this.#become('full');
        round.abort();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (!signal.aborted) this.#become('watching');
    this.#lookedAt = this.#now();
  }

  /** Files that are new, or have changed, and have been as they are for the settle time. */
  async *#ready(before: ReadonlyMap<string, Waiting>): AsyncGenerator<Found, undefined> {
    let batch: Found[] = [];
    let begun = performance.now();
    const settled = async (): Promise<Found[]> => {
      const found = await this.#settled(batch, before);
      this.#searchedMs += performance.now() - begun;
      return found;
    };
    const files = walk([this.#folder.path], { failed: () => {}, skip: (name) => this.#skips(name) });
    for await (const file of files) {
      batch.push(file);
      if (batch.length < BATCH) continue;
      yield* await settled();
      batch = [];
      begun = performance.now();
    }
    yield* await settled();
    return undefined;
  }

  #skips(name: string): boolean {
    return TEMPORARY.test(name) || (this.#folder.after === 'move' && (name === 'done' || name === 'failed'));
  }

  async #settled(files: readonly Found[], before: ReadonlyMap<string, Waiting>): Promise<Found[]> {
    const known = await this.#deps.archive.ledger.known(
      this.#source,
      files.map(({ label, size, mtime }) => ({ path: label, size, mtime })),
    );
    const settled: Found[] = [];
    for (const file of files) {
      const outcome = known.get(file.label);
      if (outcome !== undefined) {
        // A crash came between its end here and its move.
        if (this.#folder.after !== 'leave') await this.#putAway(file, outcome, '');
        continue;
      }
      const earlier = before.get(file.label);
      const same = earlier?.size === file.size && earlier.mtime === file.mtime;
      const waiting = same
        ? earlier
        : {
            size: file.size,
            mtime: file.mtime,
            at: this.#now() + this.#folder.settleSeconds * 1000,
            attempts: 0,
            reason: '',
          };
      if (this.#waiting.size < MAX_WAITING) this.#waiting.set(file.label, waiting);
      if (waiting.at <= this.#now()) settled.push(file);
    }
    return settled;
  }

  /** Resolves with false when the disk is full: everything is to be tried again later. */
  async #take(file: Found, signal: AbortSignal): Promise<boolean> {
    const { archive, spoolDir } = this.#deps;
    const results: FileResult[] = [];
    const counts: Partial<Record<FileResult['status'], number>> = {};
    let missing = '';
    const whole = await takeFile(file.path, file.label, {
      archive,
      origin: { door: 'folder', from: this.#folder.path },
      spoolDir,
      signal,
      notMissing: (named) => this.#wasTaken(file, named),
      report(label, result) {
        counts[result.status] = (counts[result.status] ?? 0) + 1;
        if (result.status === 'missing') missing ||= relative(dirname(file.label), label);
        if (result.status !== 'stored' && result.status !== 'duplicate' && results.length < 20)
          results.push(result);
      },
    });
    if (!whole) return true;
    if (results.some((result) => result.status === 'refused' && result.reason === 'disk-full')) return false;
    // Locked, or gone in the meantime: what the system says of the file itself passes.
    const passing = results.find(
      (result) => result.status === 'unreadable' && /^E[A-Z]+$/.test(result.reason),
    );
    if (passing && 'reason' in passing) {
      this.#later(file, passing.reason);
      return true;
    }
    if (missing && (this.#waiting.get(file.label)?.attempts ?? 0) < MISSING_ATTEMPTS) {
      this.#later(file, `dicomdir: files that are not there yet: ${counts.missing}; ${missing}`);
      return true;
    }
    this.#waiting.delete(file.label);
    const bad = results.filter(({ status }) => status !== 'ignored');
    const taken = (counts.stored ?? 0) + (counts.duplicate ?? 0);
    const outcome = bad.length > 0 ? 'failed' : taken > 0 && !counts.ignored ? 'stored' : 'ignored';
    const detail = bad
      .map((result) => ('reason' in result ? `${result.reason}: ${result.detail ?? ''}` : ''))
      .join('\n');
    const { label: path, size, mtime } = file;
    // Remembered before it is moved: a crash in between leaves a file that is only put away.
    await archive.ledger.remember(this.#source, [{ path, size, mtime, outcome, detail }]);
    this.#taken++;
    if (this.#folder.after !== 'leave') await this.#putAway(file, outcome, detail);
    return true;
  }

  /** What lay beside a DICOMDIR is in the archive, or has been put away as failed with a reason of its own. */
  async #wasTaken(dicomdir: Found, named: Named): Promise<boolean> {
    const { archive } = this.#deps;
    if (named.sopInstanceUid && (await archive.instance(named.sopInstanceUid, SEES_ALL))) return true;
    if (this.#folder.after !== 'move') return false;
    const beside = join(this.#folder.path, 'failed', relative(this.#folder.path, dirname(dicomdir.label)));
    return (await missingFiles(Buffer.from(beside), [named])).length === 0;
  }

  #later(file: Found, reason: string): void {
    const { size, mtime, label } = file;
    const attempts = (this.#waiting.get(label)?.attempts ?? 0) + 1;
    const at = this.#now() + Math.min(RETRY_MS[1], RETRY_MS[0] * 2 ** (attempts - 1));
    this.#waiting.set(label, { size, mtime, at, attempts, reason });
  }

  /** To `done/` or `failed/`, in the folders it came in; or deleted, where every byte of it is in the archive. */
  async #putAway(file: Found, outcome: string, detail: string): Promise<void> {
    const { path: root, after } = this.#folder;
    const label = labelOf(file.path);
    try {
      const now = await stat(file.path);
      // Written again since: what is there now has not been taken in.
      if (now.size !== file.size || Math.floor(now.mtimeMs) !== file.mtime) return;
      if (after === 'delete') {
        // What is no image, or was not taken in, is not ours to delete.
        if (outcome !== 'stored') return;
        await unlink(file.path);
      } else {
        const place = join(root, outcome === 'failed' ? 'failed' : 'done', relative(root, label));
        await mkdir(dirname(place), { recursive: true });
        const free = await freeName(place);
        await rename(file.path, free);
        if (outcome === 'failed') await writeFile(`${free}.reason.txt`, `${detail}\n`);
      }
      // What failed stays in the list, for the page.
      if (outcome !== 'failed') await this.#deps.archive.ledger.forget(this.#source, [label]);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#deps.log.warn(
        { folder: root, reason: reasonOf(thrown).replaceAll(label, '…') },
        'a file could not be put away',
      );
    }
  }
}

/** `IM1.dcm`, `IM1-2.dcm`, … whichever is not there. */
async function freeName(path: string): Promise<string> {
  const extension = extname(path);
  const stem = join(dirname(path), basename(path, extension));
  for (let n = 1; ; n++) {
    const name = n === 1 ? path : `${stem}-${n}${extension}`;
    const there = await stat(name).then(
      () => true,
      () => false,
    );
    if (!there) return name;
  }
}
