import { Worker } from 'node:worker_threads';
import { NegatoscopeError } from '../../errors.ts';
import type { StoredFrame } from './file.ts';
import type { RenderOptions } from './render.ts';
import { PixelsUndecodable } from './types.ts';
import type { DecodedFrame, PixelAttributes } from './types.ts';

/** What a worker does; the arguments of `decodeFrame`, `transcodeFrame`, `renderFile` and `renderStored`. */
export type PixelJob =
  | { kind: 'decode'; encoded: Uint8Array; transferSyntax: string; attributes: PixelAttributes }
  | { kind: 'transcode'; encoded: Uint8Array; from: string; to: string; attributes: PixelAttributes }
  | { kind: 'render'; file: Uint8Array; options: RenderOptions }
  | ({ kind: 'renderStored'; place: FilePlace; options: RenderOptions } & Omit<StoredFrame, 'read'>);

/** A file on the disk or in memory. */
export type FilePlace = { readonly path: string } | { readonly bytes: Uint8Array };

export type PixelAnswer =
  | { id: number; result: DecodedFrame | Uint8Array }
  | { id: number; error: { code: string; message: string; status: number; details: Record<string, string> } };

export interface DecoderPool {
  /** As `decodeFrame`, off the main thread. */
  decode(encoded: Uint8Array, transferSyntax: string, attributes: PixelAttributes): Promise<DecodedFrame>;
  /** As `transcodeFrame`, off the main thread. */
  transcode(encoded: Uint8Array, from: string, to: string, attributes: PixelAttributes): Promise<Buffer>;
  /** As `renderFile`, off the main thread. */
  render(file: Uint8Array, options: RenderOptions): Promise<Buffer>;
  /** As `renderStored`; the worker reads what it needs. Throws `blob-missing` too. */
  renderStored(place: FilePlace, frame: Omit<StoredFrame, 'read'>, options: RenderOptions): Promise<Buffer>;
  /** Ends the workers; what waits is rejected. */
  close(): Promise<void>;
}

interface Task {
  id: number;
  job: PixelJob;
  resolve(result: DecodedFrame | Uint8Array): void;
  reject(error: Error): void;
}

/**
 * Worker threads for pixels: decoding is synchronous CPU work of up to a second an image, and must not hold up the server.
 * Workers start when first needed. A job that takes longer than `timeoutMs` is given up and its worker replaced, so a stream
 * made to keep a codec busy cannot stop the others.
 */
export function createDecoderPool({ size = 2, timeoutMs = 30_000 } = {}): DecoderPool {
  const waiting: Task[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, { task: Task; timer: NodeJS.Timeout }>();
  let ids = 0;
  let closed = false;

  const start = (): Worker => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    worker.unref(); // an idle pool keeps no process alive
    worker.on('message', (answer: PixelAnswer) => {
      const task = release(worker);
      if (task && 'result' in answer) task.resolve(answer.result);
      else if (task && 'error' in answer) task.reject(revive(answer.error));
      if (!closed) idle.push(worker);
      next();
    });
    worker.on('error', (thrown) => {
      release(worker)?.reject(new PixelsUndecodable('the decoder broke off', thrown));
      next();
    });
    return worker;
  };

  const release = (worker: Worker): Task | undefined => {
    const entry = busy.get(worker);
    if (entry) clearTimeout(entry.timer);
    busy.delete(worker);
    worker.unref();
    return entry?.task;
  };

  const next = (): void => {
    while (!closed && waiting.length > 0 && (idle.length > 0 || busy.size < size)) {
      const task = waiting.shift()!;
      const worker = idle.pop() ?? start();
      const timer = setTimeout(() => {
        release(worker)?.reject(new PixelsUndecodable('decoding took too long'));
        void worker.terminate();
        next();
      }, timeoutMs);
      busy.set(worker, { task, timer });
      worker.ref();
      worker.postMessage({ id: task.id, job: task.job });
    }
  };

  const submit = (job: PixelJob): Promise<DecodedFrame | Uint8Array> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(closedError());
      waiting.push({ id: ++ids, job, resolve, reject });
      next();
    });

  return {
    decode: async (encoded, transferSyntax, attributes) =>
      (await submit({
        kind: 'decode',
        encoded: compact(encoded),
        transferSyntax,
        attributes,
      })) as DecodedFrame,
    transcode: async (encoded, from, to, attributes) => {
      const job = { kind: 'transcode', encoded: compact(encoded), from, to, attributes } as const;
      const bytes = (await submit(job)) as Uint8Array;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    render: async (file, options) => {
      const bytes = (await submit({ kind: 'render', file: compact(file), options })) as Uint8Array;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    renderStored: async (place, { header, runs }, options) => {
      const at = 'bytes' in place ? { bytes: compact(place.bytes) } : place;
      const bytes = (await submit({ kind: 'renderStored', place: at, header, runs, options })) as Uint8Array;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    close: async () => {
      closed = true;
      for (const task of waiting.splice(0)) task.reject(closedError());
      const workers = [...idle.splice(0), ...busy.keys()];
      for (const worker of workers) release(worker)?.reject(closedError());
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** A message takes the whole buffer under a view: a frame of a large file is cut out first. */
const compact = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);

const closedError = (): NegatoscopeError =>
  new NegatoscopeError('shutting-down', 'The server is stopping.', { status: 503 });

function revive(error: Extract<PixelAnswer, { error: unknown }>['error']): Error {
  if (error.code === 'pixels-undecodable' && error.details.reason !== undefined)
    return new PixelsUndecodable(error.details.reason);
  const { code, message, status, details } = error;
  return new NegatoscopeError(code, message, { status, details });
}
