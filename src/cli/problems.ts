import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import type { FileResult } from '../doors/folder/take.ts';

/**
 * The list of what was not taken in: CSV, `path,outcome,reason,detail`, made when there is something to say. It lies in the
 * data folder, since paths may hold the names of patients.
 */
export class Problems {
  readonly #dir: string;
  #stream: WriteStream | undefined;
  #path: string | undefined;

  constructor(dir: string) {
    this.#dir = join(dir, 'imports');
  }

  /** Where the list is; undefined when there was nothing to say. */
  get path(): string | undefined {
    return this.#path;
  }

  async note(path: string, result: FileResult): Promise<void> {
    if (!('reason' in result)) return;
    const row = [path, result.status, result.reason, result.detail ?? ''].map(quoted).join(',');
    if (!this.#open().write(`${row}\r\n`)) await once(this.#open(), 'drain');
  }

  async close(): Promise<void> {
    if (!this.#stream) return;
    this.#stream.end();
    await once(this.#stream, 'close');
  }

  #open(): WriteStream {
    if (this.#stream) return this.#stream;
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const stamp = new Date().toISOString().replace(/[:.]/g, '-');
    this.#path = join(this.#dir, `${stamp}.csv`);
    this.#stream = createWriteStream(this.#path, { mode: 0o600, flags: 'wx' });
    this.#stream.write('path,outcome,reason,detail\r\n');
    return this.#stream;
  }
}

/** RFC 4180; a leading sign would make a formula of a file's name in spreadsheets. */
const quoted = (text: string): string => `"${text.replace(/^[=+\-@]/, "'$&").replaceAll('"', '""')}"`;
