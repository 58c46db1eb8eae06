/** `negatoscope import PATH…`: files, folders, discs and zip archives into the archive. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Archive, LedgerFile } from '../archive/index.ts';
import { type FileResult, takeFile, unreadable } from '../doors/folder/take.ts';
import { countFiles, type Found, walk } from '../doors/folder/walk.ts';
import { EXIT, type Io } from './io.ts';
import { Problems } from './problems.ts';
import { nothingYet, progressLine, resultLine, type Tally } from './tally.ts';

/** Files read at once: enough to share commits, few enough for a spinning disk. */
const AT_ONCE = 8;
/** Files asked of the ledger, and remembered in it, together. */
const BATCH = 256;
/** What is remembered at the latest: a crash repeats no more work than this, ms. */
const REMEMBER_MS = 1000;

export interface ImportOptions {
  archive: Archive;
  /** Data folder: what was refused is listed in `imports/`. */
  dir: string;
  paths: readonly string[];
  /** One JSON object a file on `out`, and a summary at the end, instead of text. */
  json: boolean;
  io: Io;
}

/**
 * Resolves with the exit code: `ok` all in, `notRight` some were set aside, refused, unreadable or missing, `data` when a path
 * does not exist or nothing was found, `interrupted` after Ctrl+C. Ends early on a full disk: what follows would be refused as
 * well. Files that a run of the same paths had dealt with before it was interrupted are not read again; a run that came to its
 * end forgets that, so that the next one looks at everything.
 */
export async function importPaths({ archive, dir, paths: given, json, io }: ImportOptions): Promise<number> {
  // Whoever names the directory of a disc means the disc.
  const paths = given.map((path) => (/^dicomdir$/i.test(basename(path)) ? dirname(path) : path));
  for (const path of given) {
    if (!(await stat(path).catch(() => undefined))) {
      io.err(`${path}: there is no such file or folder`);
      return EXIT.data;
    }
  }
  const startedAt = performance.now();
  const tally: Tally = nothingYet();
  const problems = new Problems(dir);
  const stopping = new AbortController();
  const signal = AbortSignal.any([io.signal, stopping.signal]);
  let full = false;
  let shownAt = 0;

  const report = async (label: string, result: FileResult): Promise<void> => {
    tally.counts[result.status]++;
    if (result.status === 'refused' && result.reason === 'disk-full') {
      full = true;
      stopping.abort();
    }
    if (json) io.out(JSON.stringify({ path: label, ...result }));
    await problems.note(label, result);
    show();
    await io.drained();
  };
  const show = (): void => {
    if (json || performance.now() - shownAt < 200) return;
    shownAt = performance.now();
    io.progress(progressLine(tally, (shownAt - startedAt) / 1000));
  };

  const source = `import:${createHash('sha256').update(JSON.stringify(paths)).digest('hex')}`;
  const ledger = remembering(archive, source);
  const counting = countFiles(paths, (count) => (tally.found = count), signal).then(
    () => (tally.counted = true),
  );
  const found = unknown(
    archive,
    source,
    walk(paths, { failed: (label, thrown) => void report(label, unreadable(thrown)) }),
    (n) => {
      tally.before += n;
      tally.files += n;
      show();
    },
  );
  const taking = {
    archive,
    origin: { door: 'import', from: 'cli' } as const,
    spoolDir: join(dir, 'staging'),
    signal,
  };
  const worker = async (): Promise<void> => {
    while (!signal.aborted) {
      const { value: file, done } = await found.next();
      if (done) return;
      let last: FileResult | undefined;
      let lasting = true;
      const whole = await takeFile(file.path, file.label, {
        ...taking,
        report(label, result) {
          last = result;
          lasting &&=
            result.status !== 'unreadable' && !(result.status === 'refused' && result.reason === 'disk-full');
          return report(label, result);
        },
      });
      tally.files++;
      tally.bytes += file.size;
      // What failed for a passing reason is tried again.
      if (whole && lasting && last) await ledger.add(file, last.status);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    stopping.abort();
    await ledger.flush();
    await problems.close();
    await counting;
  }
  if (!io.signal.aborted && !full) await archive.ledger.forget(source);
  return conclude();

  function conclude(): number {
    const { counts } = tally;
    const total = Object.values(counts).reduce((a, b) => a + b, 0);
    const list = problems.path;
    if (json) {
      const more = { ...(tally.before ? { before: tally.before } : {}), ...(list ? { problems: list } : {}) };
      io.out(
        JSON.stringify({
          summary: counts,
          total,
          ...more,
          ...(io.signal.aborted ? { interrupted: true } : {}),
        }),
      );
    } else {
      io.progress('');
      io.out(resultLine(tally, (performance.now() - startedAt) / 1000));
      if (list) io.out(`What was not taken in, and why: ${list}`);
      if (counts.quarantined > 0)
        io.out('What was set aside lies in quarantine, with its reason: look at it in the web app.');
      if (full) io.err('The disk is full. Free space, then import again: it goes on where it stopped.');
      if (io.signal.aborted) io.err('Stopped. Import the same again, and it goes on where it stopped.');
    }
    if (io.signal.aborted) return EXIT.interrupted;
    if (counts.quarantined + counts.refused + counts.unreadable + counts.missing > 0) return EXIT.notRight;
    return counts.stored + counts.duplicate + tally.before === 0 ? EXIT.data : EXIT.ok;
  }
}

/** The files that are not remembered; `skipped` is told how many were. */
async function* unknown(
  archive: Archive,
  source: string,
  files: AsyncIterable<Found>,
  skipped: (count: number) => void,
): AsyncGenerator<Found, undefined> {
  // After a run that came to its end nothing is remembered, and nothing has to be asked.
  const asks = Object.keys(await archive.ledger.counts(source)).length > 0;
  if (!asks) {
    yield* files;
    return undefined;
  }
  let batch: Found[] = [];
  const fresh = async (): Promise<Found[]> => {
    const known = await archive.ledger.known(
      source,
      batch.map(({ label, size, mtime }) => ({ path: label, size, mtime })),
    );
    const rest = batch.filter(({ label }) => !known.has(label));
    skipped(batch.length - rest.length);
    batch = [];
    return rest;
  };
  for await (const file of files) {
    batch.push(file);
    if (batch.length >= BATCH) yield* await fresh();
  }
  yield* await fresh();
  return undefined;
}

/** Writes the ledger in groups. */
function remembering(archive: Archive, source: string) {
  let waiting: LedgerFile[] = [];
  let writtenAt = performance.now();
  const flush = async (): Promise<void> => {
    const files = waiting;
    waiting = [];
    writtenAt = performance.now();
    if (files.length > 0) await archive.ledger.remember(source, files);
  };
  return {
    flush,
    async add({ label, size, mtime }: Found, outcome: string): Promise<void> {
      waiting.push({ path: label, size, mtime, outcome, detail: '' });
      if (waiting.length >= BATCH || performance.now() - writtenAt > REMEMBER_MS) await flush();
    },
  };
}
