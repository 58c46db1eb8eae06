import { createHash } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { storageError } from './storage-error.ts';
import type { StagedBlob } from './types.ts';

const BUFFER = 256 * 1024;
const KEPT = 32;
/** Buffers for the next files: ingest makes and drops them all the time. */
const spare: Buffer[] = [];

/**
 * Gathers small chunks in one buffer while another is being written, so that fragments of 16 KB do not become as many system
 * calls, and a file holds at most two buffers of memory.
 */
export class StagedFile implements StagedBlob {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #size = 0;
  #sha256 = '';
  #buffer: Buffer | undefined;
  #filled = 0;
  /** The write under way; a failure is kept for the next call. */
  #writing: Promise<void> = Promise.resolve();
  #failed: unknown;
  #closed = false;

  /** @param flags `wx`: the file must be new */
  static async open(path: string, flags: 'wx' | 'w' = 'wx'): Promise<StagedFile> {
    try {
      return new StagedFile(path, await open(path, flags, 0o600));
    } catch (thrown) {
      throw storageError(thrown);
    }
  }
  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  get size(): number {
    return this.#size;
  }
  get sha256(): string {
    if (!this.#sha256) throw new Error('the digest is known after finish()');
    return this.#sha256;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
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
      if (this.#filled > 0) await this.#flush();
      await this.#writing;
      if (this.#failed) throw this.#failed;
      await this.#file.datasync();
      this.#sha256 = this.#hash.digest('hex');
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
    this.#writing = writeAll(this.#file, buffer, length).then(
      () => {
        if (spare.length < KEPT) spare.push(buffer);
      },
      (thrown) => {
        this.#failed = storageError(thrown);
      },
    );
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#buffer && spare.length < KEPT) spare.push(this.#buffer);
    this.#buffer = undefined;
    await this.#file.close();
  }
}

async function writeAll(file: FileHandle, buffer: Buffer, length: number): Promise<void> {
  for (let at = 0; at < length;) at += (await file.write(buffer, at, length - at)).bytesWritten;
}
