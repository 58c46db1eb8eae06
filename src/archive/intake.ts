/** Takes in the bytes of one instance: keeps small ones in memory, writes larger ones beside, reads the header as it comes. */
import { hash } from 'node:crypto';
import { DicomError, type DicomFile, NeedMoreBytes, parseHeader } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Blobs, StagedBlob } from '../store/types.ts';
import { FragmentScanner } from './frames.ts';
import { MAX_HEADER, MAX_VALUE } from './source.ts';

export interface Intaken {
  readonly size: number;
  readonly sha256: string;
  readonly body: { bytes: Buffer } | { staged: StagedBlob };
  readonly header: DicomFile | undefined;
  /** Why there is no header. */
  readonly error: DicomError | undefined;
  /** Of encapsulated pixel data. */
  readonly scanner: FragmentScanner | undefined;
}

export class Intake {
  readonly #blobs: Blobs;
  readonly #inboxLimit: number;
  readonly #maxBytes: number;
  #size = 0;
  /** Bytes from the start: the whole file while it is small, the header while it is being read. */
  #head: Buffer[] = [];
  #headLength = 0;
  #needed = 0;
  #staged: StagedBlob | undefined;
  #header: DicomFile | undefined;
  #error: DicomError | undefined;
  #scanner: FragmentScanner | undefined;

  constructor(blobs: Blobs, { inboxLimit, maxBytes }: { inboxLimit: number; maxBytes: number }) {
    this.#blobs = blobs;
    this.#inboxLimit = inboxLimit;
    this.#maxBytes = maxBytes;
  }

  /** @throws NegatoscopeError `too-large`, `disk-full` */
  async push(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) {
      throw new NegatoscopeError('too-large', `An instance may have ${this.#maxBytes} bytes.`, {
        status: 413,
      });
    }
    if (this.#staged) {
      await this.#staged.write(chunk);
    } else if (this.#size > this.#inboxLimit) {
      this.#staged = await this.#blobs.stage();
      for (const part of this.#head) await this.#staged.write(part);
      await this.#staged.write(chunk);
    }
    if (this.#scanner) this.#scanner.push(chunk);
    else if (!this.#header && !this.#error) {
      // The source may use its buffer again.
      this.#head.push(Buffer.from(chunk));
      this.#headLength += chunk.length;
      if (this.#staged && this.#headLength >= this.#needed) this.#read(false);
    }
  }

  /** No more bytes come. What is staged is on stable storage afterwards. */
  async finish(): Promise<Intaken> {
    const whole = this.#staged ? undefined : Buffer.concat(this.#head, this.#headLength);
    if (!this.#header && !this.#error) this.#read(true);
    await this.#staged?.finish();
    const bytes = whole ?? Buffer.alloc(0);
    return {
      size: this.#size,
      sha256: this.#staged?.sha256 ?? hash('sha256', bytes),
      body: this.#staged ? { staged: this.#staged } : { bytes },
      header: this.#header,
      error: this.#error,
      scanner: this.#scanner,
    };
  }

  async discard(): Promise<void> {
    await this.#staged?.discard();
  }

  #read(complete: boolean): void {
    const bytes = Buffer.concat(this.#head, this.#headLength);
    this.#head = [bytes];
    try {
      const header = parseHeader(bytes, { complete, stopAtLength: MAX_VALUE });
      this.#header = header;
      const pixels = header.pixelData;
      if (pixels?.encapsulated) {
        this.#scanner = new FragmentScanner(pixels.offset);
        this.#scanner.push(bytes.subarray(pixels.offset));
      }
    } catch (thrown) {
      if (!(thrown instanceof DicomError)) throw thrown;
      if (!(thrown instanceof NeedMoreBytes) || complete) this.#error = thrown;
      else if (thrown.atLeast > MAX_HEADER) {
        this.#error = new DicomError('malformed', 'The header is too long to be read');
      } else this.#needed = Math.min(MAX_HEADER, Math.max(thrown.atLeast, this.#headLength * 2));
    }
    // Views of the header keep what they need of the bytes.
    if (this.#header || this.#error) this.#head = [];
  }
}
