/**
 * Runs one model in a process of its own: kept warm while there is work, ended after idleness, killed by its id when it
 * takes too long or too much memory. Ending a worker thread in the middle of an inference would abort the whole server.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { NegatoscopeError } from '../../errors.ts';
import type { ModelPackage } from '../package.ts';
import type { FromModel, ImageResult, ImageWork, SliceWork, ToModel, VolumeResult } from './messages.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
const MEMORY_LOOK_MS = 100;
const OPEN_SECONDS = 120; // the first load on a busy machine
const STDERR_KEPT = 2000;
/**
 * A model has the lowest priority, and its limit is of its own time: what it waits for the processor while images come in does not
 * count. A process that neither works nor waits is ended by the clock, and any other after so many times its limit.
 */
const MOST_BUSY = 20;

export interface Runner {
  /**
   * One image at a time, in the order of the calls. Throws NegatoscopeError: `pixels-undecodable` (this image, for good);
   * `model-weights`, `model-output`, `model-error`; `model-time`, `model-memory`, `model-process` (the process was ended or
   * ended itself; the next call starts another); `aborted`.
   */
  analyse(work: ImageWork, signal?: AbortSignal): Promise<ImageResult>;
  /**
   * One volume of these images, read one after the other so that only the model's process holds them all. Throws the same, and
   * `volume-geometry` when they make no volume; an image that cannot be decoded ends it (`pixels-undecodable`).
   */
  analyseVolume(
    slices: readonly (() => SliceWork | Promise<SliceWork>)[],
    signal?: AbortSignal,
  ): Promise<VolumeResult>;
  /** Process id while there is a process. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

export interface RunnerOptions {
  readonly model: ModelPackage;
  /** Threads of one inference. */
  readonly threads?: number;
  readonly idleMs?: number;
  readonly log?: { warn(o: object, m: string): void };
}

type Numbered = Exclude<ToModel, { kind: 'open' }>;
type Unnumbered = Numbered extends infer M ? (M extends Numbered ? Omit<M, 'id'> : never) : never;

interface Waiting {
  resolve(message: FromModel): void;
  reject(error: Error): void;
}

export function createRunner({ model, threads = 1, idleMs = 60_000, log }: RunnerOptions): Runner {
  const { manifest, dir } = model;
  let child: ChildProcess | undefined;
  let waiting: Waiting | undefined;
  let idle: NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let nextId = 0;

  const failure = (code: string, message: string): NegatoscopeError =>
    new NegatoscopeError(code, message, { status: 500, details: { model: manifest.id } });

  function kill(error: NegatoscopeError): void {
    child?.kill('SIGKILL');
    child = undefined;
    waiting?.reject(error);
    waiting = undefined;
  }

  function start(): ChildProcess {
    const started = fork(CHILD, [], {
      execArgv: ['--expose-gc'],
      env: { PATH: process.env['PATH'] },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    // A waiting process must not keep the program alive; while one is asked, the timers do.
    started.unref();
    started.channel?.unref();
    (started.stderr as Socket | null)?.unref();
    let stderr = '';
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT);
    });
    started.on('message', (message: FromModel) => {
      if (started === child) waiting?.resolve(message);
    });
    const ended = (how: string): void => {
      if (started !== child) return;
      child = undefined;
      if (!waiting) return;
      log?.warn({ model: manifest.id, pid: started.pid, how, stderr }, 'the process of a model ended');
      waiting.reject(failure('model-process', `The process of ${manifest.id} ended: ${how}`));
      waiting = undefined;
    };
    started.on('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    started.on('error', (error) => ended(error.message));
    return started;
  }

  /** One message there, one back, within the limits. */
  function ask(message: ToModel, seconds: number, signal?: AbortSignal): Promise<FromModel> {
    const to = child!;
    return new Promise<FromModel>((resolve, reject) => {
      const begun = performance.now();
      const queuedBefore = queuedMs(to.pid);
      const look = (): void => {
        const passed = performance.now() - begun;
        const own = passed - (queuedMs(to.pid) - queuedBefore) / threads;
        const left = Math.min(seconds * 1000 - own, MOST_BUSY * seconds * 1000 - passed);
        if (left > 1) timer = setTimeout(look, left);
        else kill(failure('model-time', `${manifest.id} took longer than ${seconds} s`));
      };
      let timer = setTimeout(look, seconds * 1000);
      const memory = setInterval(() => {
        const used = residentMB(to.pid);
        if (used > manifest.resources.memoryMB)
          kill(
            failure(
              'model-memory',
              `${manifest.id} took ${used} MB, more than ${manifest.resources.memoryMB} MB`,
            ),
          );
      }, MEMORY_LOOK_MS);
      const abort = (): void => kill(failure('aborted', 'The run was stopped'));
      signal?.addEventListener('abort', abort);
      const done = (): void => {
        clearTimeout(timer);
        clearInterval(memory);
        signal?.removeEventListener('abort', abort);
      };
      waiting = {
        resolve: (answer) => {
          done();
          waiting = undefined;
          resolve(answer);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      if (signal?.aborted) abort();
      else to.send(message, (error) => error && kill(failure('model-process', error.message)));
    });
  }

  /** With the process there and nobody else asking it. `talk` gets a way to ask that throws what it answers as an error. */
  async function turn<T>(
    signal: AbortSignal | undefined,
    talk: (say: (message: Unnumbered) => Promise<FromModel>) => Promise<T>,
  ): Promise<T> {
    clearTimeout(idle);
    if (signal?.aborted) throw failure('aborted', 'The run was stopped');
    try {
      if (!child) {
        child = start();
        const opened = await ask({ kind: 'open', manifest, dir, threads }, OPEN_SECONDS, signal);
        if (opened.kind === 'error') {
          const error = failure(opened.code, opened.message);
          kill(error);
          throw error;
        }
      }
      return await talk(async (message) => {
        // It may have ended between two messages of one turn.
        if (!child) throw failure('model-process', `The process of ${manifest.id} ended`);
        const id = (nextId += 1);
        const answer = await ask({ ...message, id } as Numbered, manifest.resources.seconds, signal);
        if (answer.kind === 'error') throw failure(answer.code, answer.message);
        if (answer.kind === 'ready' || answer.id !== id)
          throw failure('model-process', `${manifest.id} answered out of turn`);
        return answer;
      });
    } finally {
      idle = setTimeout(() => kill(failure('model-process', 'idle')), idleMs);
      idle.unref();
    }
  }
  function queued<T>(act: () => Promise<T>): Promise<T> {
    const next = queue.then(act);
    queue = next.catch(() => undefined);
    return next;
  }
  const unexpected = (answer: FromModel): NegatoscopeError =>
    failure('model-process', `${manifest.id} answered ${answer.kind}`);

  return {
    analyse: (work, signal) =>
      queued(() =>
        turn(signal, async (say) => {
          const answer = await say({ kind: 'image', work });
          if (answer.kind !== 'result') throw unexpected(answer);
          return answer.result;
        }),
      ),
    analyseVolume: (slices, signal) =>
      queued(() =>
        turn(signal, async (say) => {
          for (const [i, slice] of slices.entries()) {
            const answer = await say({ kind: 'slice', first: i === 0, work: await slice() });
            if (answer.kind !== 'kept') throw unexpected(answer);
          }
          const answer = await say({ kind: 'volume' });
          if (answer.kind !== 'volume') throw unexpected(answer);
          return answer.result;
        }),
      ),
    get pid() {
      return child?.pid;
    },
    async close() {
      clearTimeout(idle);
      const ending = child;
      kill(failure('aborted', 'The run was stopped'));
      if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
      ending.ref();
      await new Promise((resolve) => ending.once('exit', resolve));
    },
  };
}

/** How long threads of a process have waited for a processor, ms (sched-stats); 0 where /proc does not tell. */
function queuedMs(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return 0;
  return listed(`/proc/${pid}/task`).reduce((sum, task) => {
    const [, waited = 0] = read(`/proc/${pid}/task/${task}/schedstat`)?.split(' ') ?? [];
    return sum + Number(waited) / 1e6;
  }, 0);
}

/** Resident memory in MB; 0 where /proc does not tell (not Linux, or already gone). */
function residentMB(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return 0;
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return kilobytes ? Math.round(Number(kilobytes) / 1024) : 0;
}

/** Threads and processes end while one looks. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
