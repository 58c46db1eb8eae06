/**
 * How fast instances come in and are kept: C-STORE and STOW-RS, beside DCMTK's storescp and Orthanc.
 *
 * Paired: in each round every receiver gets the same bytes, one receiver after the other, in an order that turns. The UIDs
 * are new in each round. What is compared is not equal: we answer when file, directory and index are on stable storage.
 * Orthanc (1.10, as it ships) syncs the file of each instance, not its index; storescp syncs nothing and has no index.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instances } from './data.ts';
import type { DataName, Instance } from './data.ts';
import { startSeconds, STORED } from './footprint.ts';
import { median } from './median.ts';
import { negatoscope, orthanc, storescp } from './receivers.ts';
import type { Receiver } from './receivers.ts';
import { residentMegabytes } from './resident.ts';
import { cStore, storescu, stow } from './senders.ts';
import type { Line, SuiteOptions } from './types.ts';

const IDLE_MEGABYTES = 200;
const LOADED_MEGABYTES = 500;
const START_SECONDS = 0.5;
const UNIT = 'instances/s';

/** A peer and how many times its figure ours is to be. */
interface Rival {
  readonly receiver: Receiver;
  readonly goal: number;
}
interface Work {
  readonly name: string;
  readonly data: DataName;
  readonly rivals: readonly Rival[];
  /** Instances in a round, of those asked for. */
  readonly share?: number;
  send(to: Receiver, batch: readonly Instance[], files: () => string[]): Promise<number>;
}

export async function* ingest({ count = 100, rounds, only, say }: SuiteOptions): AsyncGenerator<Line> {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-bench-'));
  const sweep = () => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  process.once('exit', sweep);
  const started: Receiver[] = [];
  const keep = <R extends Receiver | undefined>(receiver: R): R => {
    if (receiver) started.push(receiver);
    return receiver;
  };
  try {
    say('starting the receivers …');
    const ours = keep(await negatoscope(dir));
    const quick = [keep(await storescp(dir, true)), keep(await orthanc(dir, true))].filter(
      (r) => r !== undefined,
    );
    const shipped = [keep(await storescp(dir, false)), keep(await orthanc(dir, false))].filter(
      (r) => r !== undefined,
    );
    if (quick.length === 0) say('neither DCMTK nor Orthanc is installed: nothing to compare with');

    yield limited('memory idle', await residentMegabytes(ours.pid), IDLE_MEGABYTES, 'MB');
    for (const work of works(quick, shipped)) {
      if (work.rivals.length === 0 || !work.name.includes(only)) continue;
      const peers = work.rivals.map(({ receiver }) => receiver);
      const rates = new Map<Receiver, number[]>([ours, ...peers].map((receiver) => [receiver, []]));
      for (let round = 0; round < rounds; round++) {
        const batch = instances(work.data, Math.max(4, Math.round(count * (work.share ?? 1))));
        const folder = join(dir, 'files');
        const files = () => write(folder, batch);
        const order = round % 2 === 0 ? [ours, ...peers] : [...peers, ours];
        for (const receiver of order) {
          say(`${work.name}, round ${round + 1} of ${rounds}: ${receiver.name}`);
          rates.get(receiver)!.push(await work.send(receiver, batch, files));
        }
        rmSync(folder, { recursive: true, force: true });
      }
      const own = median(rates.get(ours)!);
      for (const { receiver: peer, goal } of work.rivals) {
        const theirs = median(rates.get(peer)!);
        const ratio = own / theirs;
        yield {
          suite: 'ingest',
          work: work.name,
          ours: own,
          peer: theirs,
          peerName: peer.name,
          unit: UNIT,
          ratio,
          goal,
          met: ratio >= goal,
        };
      }
    }
    yield limited('memory after all of this', await residentMegabytes(ours.pid), LOADED_MEGABYTES, 'MB');
    if (only) return;
    say(`starting on ${STORED} instances …`);
    yield limited(
      `start with ${STORED} instances`,
      await startSeconds(join(dir, 'stored')),
      START_SECONDS,
      's',
    );
  } finally {
    await Promise.allSettled(started.map((receiver) => receiver.stop()));
    process.off('exit', sweep);
    sweep();
  }
}

const rivals = (peers: readonly Receiver[], goals: { orthanc?: number; storescp?: number }): Rival[] =>
  peers.flatMap((receiver) => {
    const goal = receiver.name.startsWith('Orthanc') ? goals.orthanc : goals.storescp;
    return goal === undefined ? [] : [{ receiver, goal }];
  });

function* works(quick: readonly Receiver[], shipped: readonly Receiver[]): Generator<Work> {
  const cStores: readonly [DataName, number, { orthanc: number; storescp?: number }, number?][] = [
    ['ct-512', 1, { orthanc: 1.5, storescp: 1 }],
    ['ct-512', 4, { orthanc: 1.5 }],
    ['dx', 4, { orthanc: 1.5 }, 0.1],
    ['mr-64', 1, { orthanc: 2.5 }],
    ['mr-64', 4, { orthanc: 2.5 }],
  ];
  for (const [data, lanes, goals, share = 1] of cStores) {
    yield {
      name: `C-STORE ${data}, ${lanes} association${lanes > 1 ? 's' : ''}`,
      data,
      rivals: rivals(quick, goals),
      share,
      send: (to, batch) => cStore(to, batch, lanes),
    };
  }
  // storescu comes with storescp: without DCMTK neither is here.
  if (shipped.some((peer) => peer.name.startsWith('DCMTK'))) {
    yield {
      name: 'C-STORE ct-512, storescu as shipped',
      data: 'ct-512',
      rivals: rivals(shipped, { orthanc: 1.5, storescp: 1 }),
      share: 0.5,
      send: (to, _, files) => storescu(to, files(), 1, false),
    };
  }
  const web = quick.filter((peer) => peer.stow);
  for (const [data, orthanc] of [
    ['ct-512', 2],
    ['mr-64', 4],
  ] as const) {
    for (const perRequest of [1, 50]) {
      yield {
        name: `STOW ${data}, ${perRequest} a request`,
        data,
        rivals: rivals(web, { orthanc }),
        send: (to, batch) => stow(to, batch, 1, perRequest),
      };
    }
  }
}

/** A figure that is to stay below a limit: the ratio is how many times it would fit. */
const limited = (work: string, ours: number, limit: number, unit: string): Line => ({
  suite: 'ingest',
  work,
  ours,
  peer: limit,
  peerName: 'at most',
  unit,
  ratio: limit / ours,
  goal: 1,
  met: ours <= limit,
});

function write(folder: string, batch: readonly Instance[]): string[] {
  mkdirSync(folder, { recursive: true });
  return batch.map(({ bytes }, i) => {
    const path = join(folder, `${String(i).padStart(5, '0')}.dcm`);
    writeFileSync(path, bytes);
    return path;
  });
}
