import { createHash, hash } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reserve } from './reserve.ts';
import { storageError } from './storage-error.ts';
import type { StagedBlob } from './types.ts';

/** Most instances are one write: each is a round trip through the thread pool, between other work of the event loop. */
const BUFFER = 1024 * 1024;
const KEPT = 16;
/** Buffers for the next files: ingest makes and drops them all the time. */
const spare: Buffer[] = [];
const NOTHING = Buffer.alloc(0);

interface Objects {
  readonly dir: string;
  readonly reserve: Pick<Reserve, 'place'>;
}

/**
 * Gathers small chunks in one buffer, so that fragments of 16 KB do not become as many system calls. What fits in it goes
 * straight to its place in `objects/`. Of more, one buffer is gathered while another is hashed and written beside: a file holds
 * at most two buffers of memory.
 */
export class StagedFile implements StagedBlob {
  readonly #staged: string;
  readonly #objects: Objects;
  #file: Promise<FileHandle> | undefined;
  readonly #hash = createHash('sha256');
  #size = 0;
  #sha256 = '';
  #ref: string | undefined;
  #buffer: Buffer | undefined;
  #filled = 0;
  /** The write under way; a failure is kept for the next call. */
  #writing: Promise<void> = Promise.resolve();
  #failed: unknown;
  #closed = false;

  /** @param staged path of the file, made when more than a buffer comes */
  constructor(staged: string, objects: Objects) {
    this.#staged = staged;
    this.#objects = objects;
  }

  get path(): string {
    return this.#ref === undefined ? this.#staged : join(this.#objects.dir, this.#ref);
  }
  get ref(): string | undefined {
    return this.#ref;
  }
  get size(): number {
    return this.#size;
  }
  get sha256(): string {
    if (!this.#sha256) throw new Error('the digest is known after finish()');
    return this.#sha256;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    let rest = chunk;
    while (rest.length > 0) {
      this.#buffer ??= spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER);
      const part = rest.subarray(0, BUFFER - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === BUFFER) await this.#flush();
    }
  }

  async finish(): Promise<void> {
    try {
      if (this.#file) {
        if (this.#filled > 0) await this.#flush();
        await this.#writing;
        if (this.#failed) throw this.#failed;
        await (await this.#file).datasync();
        this.#sha256 = this.#hash.digest('hex');
      } else {
        const bytes = (this.#buffer ?? NOTHING).subarray(0, this.#filled);
        const placed = this.#objects.reserve.place(bytes);
        this.#sha256 = hash('sha256', bytes); // while it is being written
        this.#ref = await placed;
      }
    } catch (thrown) {
      throw storageError(thrown);
    } finally {
      await this.#close();
    }
  }

  async discard(): Promise<void> {
    await this.#writing;
    await this.#close();
    await unlink(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error; // already committed
    });
  }

  /** Waits for the write before, then starts this one. */
  async #flush(): Promise<void> {
    const buffer = this.#buffer!;
    const length = this.#filled;
    this.#buffer = undefined;
    this.#filled = 0;
    await this.#writing;
    if (this.#failed) throw this.#failed;
    this.#file ??= open(this.#staged, 'wx', 0o600);
    const written = this.#file.then((file) => writeAll(file, buffer, length));
    this.#writing = written.then(() => {
      if (spare.length < KEPT) spare.push(buffer);
    }, this.#fail);
    this.#hash.update(buffer.subarray(0, length));
  }

  readonly #fail = (thrown: unknown): void => {
    this.#failed = storageError(thrown);
  };

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#buffer && spare.length < KEPT) spare.push(this.#buffer);
    this.#buffer = undefined;
    const closed = this.#file?.then((file) => file.close()).catch(() => undefined);
    // Elsewhere nobody needs to wait: what was to be kept is synced. Windows renames and deletes no open file.
    if (process.platform === 'win32') await closed;
  }
}

async function writeAll(file: FileHandle, buffer: Buffer, length: number): Promise<void> {
  for (let at = 0; at < length;) at += (await file.write(buffer, at, length - at)).bytesWritten;
}
