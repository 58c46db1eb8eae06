/** `negatoscope import PATH…`: files and folders into the archive. */
import { createReadStream } from 'node:fs';
import { lstat, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive, IngestOutcome } from '../archive/index.ts';
import { peek, sniff, SNIFF_BYTES, type Sniffed } from '../doors/upload/sniff.ts';
import { reasonOf } from '../errors.ts';
import { EXIT, type Io } from './io.ts';

/** Files read at once: enough to share commits, few enough for a spinning disk. */
const AT_ONCE = 8;

export interface ImportOptions extends Io {
  archive: Archive;
  paths: readonly string[];
  /** One JSON object a file on `out`, and a summary at the end, instead of text. */
  json: boolean;
}

type Result =
  | IngestOutcome
  | { status: 'ignored'; reason: Exclude<Sniffed, 'dicom'> }
  | { status: 'unreadable'; reason: string; detail: string };

/**
 * Resolves with the exit code: `ok` all in, `notRight` some were set aside, refused or unreadable, `data` when a path does not
 * exist or nothing was found in them. Ends early on a full disk: what follows would be refused as well.
 */
export async function importPaths({
  archive,
  paths,
  json,
  out,
  err,
  progress,
}: ImportOptions): Promise<number> {
  for (const path of paths) {
    if (
      await stat(path).then(
        () => false,
        () => true,
      )
    ) {
      err(`${path}: there is no such file or folder`);
      return EXIT.data;
    }
  }
  const counts: Record<Result['status'], number> = {
    stored: 0,
    duplicate: 0,
    quarantined: 0,
    refused: 0,
    ignored: 0,
    unreadable: 0,
  };
  let full = false;
  let shownAt = 0;
  const files = walk(paths, (path, error) =>
    report(path, { status: 'unreadable', reason: 'folder', detail: error }),
  );

  const report = (path: string, result: Result): void => {
    counts[result.status] += 1;
    full ||= result.status === 'refused' && result.reason === 'disk-full';
    if (json) out(JSON.stringify({ path, ...result }));
    else if ('detail' in result) err(`${path}: ${result.reason}: ${result.detail}`);
    if (!json && performance.now() - shownAt > 100) {
      shownAt = performance.now();
      progress(line(counts));
    }
  };
  const worker = async (): Promise<void> => {
    for (;;) {
      const { value: path, done } = await files.next();
      if (done || full) return;
      report(path, await importFile(archive, path));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  const total = Object.values(counts).reduce((a, b) => a + b, 0);
  if (json) out(JSON.stringify({ summary: counts, total }));
  else {
    progress('');
    out(line(counts));
    if (counts.quarantined > 0)
      out('What was set aside lies in quarantine, with its reason: look at it in the web app.');
    if (full) err('The disk is full. Free space, then import again: what is in already is recognised.');
  }
  if (counts.quarantined + counts.refused + counts.unreadable > 0) return EXIT.notRight;
  return counts.stored + counts.duplicate === 0 ? EXIT.data : EXIT.ok;
}

const line = ({
  stored,
  duplicate,
  quarantined,
  refused,
  ignored,
  unreadable,
}: Record<Result['status'], number>): string =>
  [
    `${stored} stored`,
    ...(duplicate ? [`${duplicate} here already`] : []),
    ...(quarantined ? [`${quarantined} set aside`] : []),
    ...(refused + unreadable ? [`${refused + unreadable} refused or unreadable`] : []),
    ...(ignored ? [`${ignored} no images`] : []),
  ].join(', ');

async function importFile(archive: Archive, path: string): Promise<Result> {
  try {
    const { head, body } = await peek(createReadStream(path), SNIFF_BYTES);
    const what = sniff(head, path);
    if (what !== 'dicom') {
      await body.return(undefined);
      return { status: 'ignored', reason: what };
    }
    return await archive.ingest(body, { door: 'import', from: 'cli' }, { fileName: path });
  } catch (thrown) {
    return { status: 'unreadable', reason: 'error', detail: reasonOf(thrown) };
  }
}

/** Regular files below the paths. Links are not followed within folders: they may lead in circles. */
async function* walk(
  paths: readonly string[],
  failed: (path: string, error: string) => void,
): AsyncGenerator<string, undefined> {
  for (const path of paths) {
    if (!(await stat(path)).isDirectory()) {
      yield path;
      continue;
    }
    try {
      for await (const entry of await opendir(path)) {
        const below = join(path, entry.name);
        if ((await lstat(below)).isDirectory()) yield* walk([below], failed);
        else if (entry.isFile()) yield below;
      }
    } catch (thrown) {
      failed(path, reasonOf(thrown));
    }
  }
  return undefined;
}
