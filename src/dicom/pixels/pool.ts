import { Worker } from 'node:worker_threads';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { createFairQueue } from './fairQueue.ts';
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

/** The bytes of a frame, or how to get them when its turn has come: what waits should hold no pixels. */
export type Encoded = Uint8Array | (() => Promise<Uint8Array>);

/**
 * Each job may say on whose behalf it is (`owner`): owners take turns. Rejects with `busy` (503) where more than `maxWaiting`
 * jobs wait.
 */
export interface DecoderPool {
  /** As `decodeFrame`, off the main thread. */
  decode(
    encoded: Encoded,
    transferSyntax: string,
    attributes: PixelAttributes,
    owner?: string,
  ): Promise<DecodedFrame>;
  /** As `transcodeFrame`, off the main thread. */
  transcode(
    encoded: Encoded,
    from: string,
    to: string,
    attributes: PixelAttributes,
    owner?: string,
  ): Promise<Buffer>;
  /** As `renderFile`, off the main thread. */
  render(file: Uint8Array, options: RenderOptions): Promise<Buffer>;
  /** As `renderStored`; the worker reads what it needs. Throws `blob-missing` too. */
  renderStored(
    place: FilePlace,
    frame: Omit<StoredFrame, 'read'>,
    options: RenderOptions,
    owner?: string,
  ): Promise<Buffer>;
  /** Ends the workers; what waits is rejected. */
  close(): Promise<void>;
}

interface Task {
  id: number;
  job(): PixelJob | Promise<PixelJob>;
  resolve(result: DecodedFrame | Uint8Array): void;
  reject(error: Error): void;
}

/**
 * Worker threads for pixels: decoding is synchronous CPU work of up to a second an image, and must not hold up the server.
 * Workers start when first needed. A job that takes longer than `timeoutMs` is given up and its worker replaced, so a stream
 * made to keep a codec busy cannot stop the others.
 */
export function createDecoderPool({ size = 2, timeoutMs = 30_000, maxWaiting = 2000 } = {}): DecoderPool {
  const waiting = createFairQueue<Task>();
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
      free(worker);
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

  const free = (worker: Worker): void => {
    if (!closed) idle.push(worker);
    next();
  };

  const next = (): void => {
    while (!closed && waiting.size > 0 && (idle.length > 0 || busy.size < size))
      void run(idle.pop() ?? start(), waiting.shift()!);
  };

  const run = async (worker: Worker, task: Task): Promise<void> => {
    const timer = setTimeout(() => {
      release(worker)?.reject(new PixelsUndecodable('decoding took too long'));
      void worker.terminate();
      next();
    }, timeoutMs);
    busy.set(worker, { task, timer });
    worker.ref();
    try {
      const made = task.job();
      const job = made instanceof Promise ? await made : made;
      if (busy.get(worker)?.task === task) worker.postMessage({ id: task.id, job });
    } catch (thrown) {
      if (busy.get(worker)?.task !== task) return; // given up
      release(worker)?.reject(thrown instanceof Error ? thrown : new Error(reasonOf(thrown)));
      free(worker);
    }
  };

  const submit = (job: Task['job'], owner = ''): Promise<DecodedFrame | Uint8Array> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(closedError());
      if (waiting.size >= maxWaiting) return reject(busyError());
      waiting.push(owner, { id: ++ids, job, resolve, reject });
      next();
    });

  /** Bytes at hand are taken at once, for their owner may use the memory again. */
  const later = (encoded: Encoded, job: (bytes: Uint8Array) => PixelJob): Task['job'] => {
    if (typeof encoded === 'function') return async () => job(compact(await encoded()));
    const made = job(compact(encoded));
    return () => made;
  };
  const picture = async (job: Task['job'], owner?: string): Promise<Buffer> => {
    const bytes = (await submit(job, owner)) as Uint8Array;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };

  return {
    decode: async (encoded, transferSyntax, attributes, owner) =>
      (await submit(
        later(encoded, (bytes) => ({ kind: 'decode', encoded: bytes, transferSyntax, attributes })),
        owner,
      )) as DecodedFrame,
    transcode: (encoded, from, to, attributes, owner) =>
      picture(
        later(encoded, (bytes) => ({ kind: 'transcode', encoded: bytes, from, to, attributes })),
        owner,
      ),
    render: (file, options) => picture(later(file, (bytes) => ({ kind: 'render', file: bytes, options }))),
    renderStored: (place, { header, runs }, options, owner) => {
      const at = 'bytes' in place ? { bytes: compact(place.bytes) } : place;
      return picture(() => ({ kind: 'renderStored', place: at, header, runs, options }), owner);
    },
    close: async () => {
      closed = true;
      for (let task = waiting.shift(); task; task = waiting.shift()) task.reject(closedError());
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

const busyError = (): NegatoscopeError =>
  new NegatoscopeError('busy', 'Too many pictures are being made. Try again in a moment.', { status: 503 });

function revive(error: Extract<PixelAnswer, { error: unknown }>['error']): Error {
  if (error.code === 'pixels-undecodable' && error.details.reason !== undefined)
    return new PixelsUndecodable(error.details.reason);
  const { code, message, status, details } = error;
  return new NegatoscopeError(code, message, { status, details });
}
