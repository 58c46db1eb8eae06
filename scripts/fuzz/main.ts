/**
 * `npm run fuzz -- part10|pdu|multipart|json|xml|zip|all [--count N] [--seconds S] [--seed S] [--from N]`: real inputs, mutated,
 * into the readers of everything that comes from outside. Each run is a process with a cap on its memory; what hangs is killed.
 * Ends with 1 when something crashed, hung, was slow, or when memory grew: the seed and the number say how to see it again.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { TARGETS } from './targets.ts';

const HEAP_MB = 512;
const HANG_MS = 20_000;
const RSS_LIMIT = 900 * 1024 ** 2;

export interface Verdict {
  target: string;
  inputs: number;
  refused: number;
  seconds: number;
  /** Resident memory at most, MB. */
  rss: number;
  problems: string[];
}

/** What a process has used, ms, in ticks of 10 ms (proc(5), fields 14 and 15); the time of day where there is no /proc. */
function processorMs(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return performance.now();
  }
}

export function fuzz(
  target: string,
  { count = 10_000, seed = 1, from = 0, seconds = Infinity } = {},
): Promise<Verdict> {
  const began = performance.now();
  const verdict: Verdict = { target, inputs: 0, refused: 0, seconds: 0, rss: 0, problems: [] };
  return new Promise((resolve) => {
    let at = from;
    const until = from + count;
    const child = fork(
      new URL('./worker.ts', import.meta.url),
      [target, String(seed), String(from), String(until), String(seconds)],
      {
        execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc', `--max-old-space-size=${HEAP_MB}`],
      },
    );
    let timer: NodeJS.Timeout;
    const watch = (): void => {
      clearTimeout(timer);
      const busyUntil = processorMs(child.pid!) + HANG_MS;
      const look = (): void => {
        // On a busy machine nothing may happen for long: what counts is the processor's time.
        const left = busyUntil - processorMs(child.pid!);
        if (left > 0) {
          timer = setTimeout(look, left);
          return;
        }
        verdict.problems.push(`hung between input ${at} and ${at + 1000} (seed ${seed})`);
        child.kill('SIGKILL');
      };
      timer = setTimeout(look, HANG_MS);
    };
    watch();
    let done = false;
    child.on('message', (message: Record<string, number | string | boolean>) => {
      if (message.crash !== undefined)
        verdict.problems.push(`input ${message.crash} (seed ${seed}): ${message.error}`);
      else if (message.slow !== undefined)
        verdict.problems.push(
          `input ${message.slow} (seed ${seed}) took ${Math.round(Number(message.ms))} ms`,
        );
      else {
        at = Number(message.at);
        verdict.refused = Number(message.refused);
        verdict.rss = Math.max(verdict.rss, Number(message.rss) / 1024 ** 2);
        done ||= message.done === true;
        watch();
      }
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (!done && !verdict.problems.some((text) => text.startsWith('hung')))
        verdict.problems.push(`ended with ${signal ?? code} after input ${at} (seed ${seed})`);
      if (verdict.rss * 1024 ** 2 > RSS_LIMIT)
        verdict.problems.push(`memory grew to ${Math.round(verdict.rss)} MB`);
      verdict.inputs = at - from;
      verdict.seconds = (performance.now() - began) / 1000;
      resolve(verdict);
    });
  });
}

if (import.meta.filename === process.argv[1]) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      seconds: { type: 'string', default: 'Infinity' },
    },
  });
  const names = positionals.length === 0 || positionals[0] === 'all' ? Object.keys(TARGETS) : positionals;
  let wrong = false;
  for (const name of names) {
    if (!Object.hasOwn(TARGETS, name))
      throw new Error(`There is no ${name}: ${Object.keys(TARGETS).join(', ')}`);
    const verdict = await fuzz(name, {
      count: Number(values.count),
      seed: Number(values.seed),
      from: Number(values.from),
      seconds: Number(values.seconds),
    });
    wrong ||= verdict.problems.length > 0;
    console.log(
      `${name}: ${verdict.inputs} inputs in ${verdict.seconds.toFixed(0)} s (${Math.round(verdict.inputs / verdict.seconds)}/s), ${verdict.refused} refused, ${Math.round(verdict.rss)} MB, ${verdict.problems.length} problem(s)`,
    );
    for (const problem of verdict.problems.slice(0, 20)) console.log(`  ${problem}`);
  }
  process.exitCode = wrong ? 1 : 0;
}
