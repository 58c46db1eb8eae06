/**
 * `npm run load -- [--seconds N] [--associations N] [--clients N] [--json]`: 32 associations and 200 clients over HTTP for ten
 * minutes. Ends with 1 when anything was answered wrongly, when memory goes on growing, when the processes together hold more
 * than 500 MB after it, or when descriptors are not given back.
 *
 * Memory: resident, of the program and all that it started, every second. After a warm-up (a third of the time), what counts is
 * the least in each of eight stretches, which is what garbage leaves behind; a line through these may rise by 10 % from end to
 * end, or by 40 MB.
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { residentMegabytes } from '../../bench/resident.ts';
import { exitOnSignal } from '../../bench/signals.ts';
import { Client, firstAccount, remove, type Server, startServer } from '../harness.ts';
import { clients, finder, prepare, sender, type Site } from './people.ts';

const STRETCHES = 8;
const WARM_UP = 1 / 3;
const RISE = 0.1;
const RISE_MB = 40;
const AFTER_MB = 500;
/** Files that were read a moment ago stay open ten seconds; idle connections are closed by the clients. */
const REST_MS = 20_000;
const SPARE_DESCRIPTORS = 16;
/** What is not used any more is given back: models after a minute. */
const SETTLE_MS = 75_000;

export interface LoadOptions {
  seconds: number;
  associations?: number;
  clients?: number;
  /** Wait for idle processes to end before memory is looked at. */
  settle?: boolean;
  say?: (text: string) => void;
}
export interface LoadReport {
  /** What was answered wrongly. */
  problems: string[];
  /** Bounds of memory and descriptors that were not kept. */
  exceeded: string[];
  /** ms, by kind. */
  latencies: Record<string, { count: number; p50: number; p95: number; p99: number; max: number }>;
  /** MB. */
  memory: { idle: number; troughs: number[]; rise: number; after: number };
  descriptors: { idle: number; most: number; after: number };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const descriptorsOf = ({ pid }: Server): number => readdirSync(`/proc/${pid}/fd`).length;

export async function load(options: LoadOptions): Promise<LoadReport> {
  const { seconds, associations = 32, clients: people = 200, settle = true, say = () => undefined } = options;
  const server = await startServer();
  try {
    const client = await firstAccount(server);
    const { token } = await client.json<{ token: string }>('POST', '/api/tokens', {
      name: 'load',
      roles: ['technologist'],
    });
    const headers = { authorization: `Bearer ${token}` };
    const series = await prepare({ server, client, headers });
    await pause(2000);
    const idle = { memory: await residentMegabytes(server.pid), descriptors: descriptorsOf(server) };
    say(`idle: ${idle.memory.toFixed(0)} MB, ${idle.descriptors} descriptors`);

    const times = new Map<string, number[]>();
    const wrong = new Map<string, number>();
    const until = performance.now() + seconds * 1000;
    const timed: Site['timed'] = async (kind, work) => {
      const began = performance.now();
      try {
        return await work();
      } catch (thrown) {
        const what = `${kind}: ${String(thrown).slice(0, 300)}`;
        wrong.set(what, (wrong.get(what) ?? 0) + 1);
        return undefined as never;
      } finally {
        const all = times.get(kind) ?? [];
        if (all.push(performance.now() - began) === 1) times.set(kind, all);
      }
    };
    const over = () => performance.now() > until;
    const site: Site = { server, client, headers, series, timed, over };
    const samples: number[] = [];
    let most = 0;
    const watching = (async () => {
      while (!over()) {
        samples.push(await residentMegabytes(server.pid, 1000));
        most = Math.max(most, descriptorsOf(server));
      }
    })();
    const asking = Math.ceil(associations / 8);
    await Promise.all([
      watching,
      ...Array.from({ length: associations - asking }, () => sender(site)),
      ...Array.from({ length: asking }, () => finder(site)),
      ...clients(site, people),
    ]);

    const troughs = troughsOf(samples);
    const rise = riseOf(troughs);
    if (settle) await pause(SETTLE_MS);
    const after = await residentMegabytes(server.pid);
    const rested = performance.now() + REST_MS;
    const allowed = idle.descriptors + SPARE_DESCRIPTORS;
    while (descriptorsOf(server) > allowed && performance.now() < rested) await pause(500);
    const report: LoadReport = {
      problems: [...wrong].map(([what, n]) => `${n} × ${what}`),
      exceeded: [],
      latencies: Object.fromEntries([...times].map(([kind, all]) => [kind, quantiles(all)])),
      memory: { idle: idle.memory, troughs, rise, after },
      descriptors: { idle: idle.descriptors, most, after: descriptorsOf(server) },
    };
    if (rise > Math.max(RISE_MB, RISE * troughs[0]!))
      report.exceeded.push(`memory rose by ${rise.toFixed(0)} MB: ${troughs.map(Math.round)}`);
    if (after > AFTER_MB) report.exceeded.push(`${after.toFixed(0)} MB after the load`);
    if (report.descriptors.after > allowed)
      report.exceeded.push(`${report.descriptors.after} descriptors are open, ${idle.descriptors} before`);
    const health = await new Client(server.url).call('GET', '/health');
    if (health.status !== 200) report.problems.push(`/health answered ${health.status}`);
    return report;
  } finally {
    await server.stop();
    remove(server);
  }
}

/** The least of each stretch after the warm-up. */
export function troughsOf(samples: readonly number[]): number[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  return Array.from({ length: STRETCHES }, (_, i) =>
    Math.min(
      ...warm.slice(
        Math.floor((i * warm.length) / STRETCHES),
        Math.max(
          Math.floor(((i + 1) * warm.length) / STRETCHES),
          Math.floor((i * warm.length) / STRETCHES) + 1,
        ),
      ),
    ),
  ).filter(Number.isFinite);
}

/** From the first to the last of a least-squares line. */
export function riseOf(values: readonly number[]): number {
  const n = values.length;
  const [meanX, meanY] = [(n - 1) / 2, values.reduce((sum, value) => sum + value, 0) / n];
  const covariance = values.reduce((sum, value, x) => sum + (x - meanX) * (value - meanY), 0);
  const variance = values.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
  return (covariance / variance) * (n - 1);
}

function quantiles(all: number[]): LoadReport['latencies'][string] {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (q: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!);
  return { count: all.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

if (import.meta.filename === process.argv[1]) {
  exitOnSignal();
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '600' },
      associations: { type: 'string', default: '32' },
      clients: { type: 'string', default: '200' },
      json: { type: 'boolean', default: false },
    },
  });
  const report = await load({
    seconds: Number(values.seconds),
    associations: Number(values.associations),
    clients: Number(values.clients),
    say: (text) => console.error(text),
  });
  if (values.json) console.log(JSON.stringify(report));
  else {
    console.table(report.latencies);
    const { idle, troughs, rise, after } = report.memory;
    console.log(
      `memory: ${idle.toFixed(0)} MB idle, under load ${troughs.map((each) => each.toFixed(0)).join(' ')} (rise ${rise.toFixed(0)}), ${after.toFixed(0)} after`,
    );
    console.log(`descriptors: ${JSON.stringify(report.descriptors)}`);
    for (const problem of [...report.problems, ...report.exceeded]) console.log(`PROBLEM ${problem}`);
  }
  process.exitCode = report.problems.length + report.exceeded.length > 0 ? 1 : 0;
}
