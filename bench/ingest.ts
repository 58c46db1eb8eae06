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
import { negatoscope, orthanc, storescp } from './receivers.ts';
import type { Receiver } from './receivers.ts';
import { cStore, storescu, stow } from './senders.ts';
import type { Line, SuiteOptions } from './types.ts';

const UNIT = 'instances/s';
/** At least as fast as the peer. */
const GOAL = 1;

interface Work {
  readonly name: string;
  readonly data: DataName;
  readonly peers: readonly Receiver[];
  send(to: Receiver, batch: readonly Instance[], files: () => string[]): Promise<number>;
}

export async function* ingest({ count = 100, rounds, say }: SuiteOptions): AsyncGenerator<Line> {
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

    for (const work of works(quick, shipped)) {
      if (work.peers.length === 0) continue;
      const rates = new Map<Receiver, number[]>([ours, ...work.peers].map((receiver) => [receiver, []]));
      for (let round = 0; round < rounds; round++) {
        const batch = instances(work.data, count);
        const folder = join(dir, 'files');
        const files = () => write(folder, batch);
        const order = round % 2 === 0 ? [ours, ...work.peers] : [...work.peers, ours];
        for (const receiver of order) {
          say(`${work.name}, round ${round + 1} of ${rounds}: ${receiver.name}`);
          rates.get(receiver)!.push(await work.send(receiver, batch, files));
        }
        rmSync(folder, { recursive: true, force: true });
      }
      const own = median(rates.get(ours)!);
      for (const peer of work.peers) {
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
          goal: GOAL,
          met: ratio >= GOAL,
        };
      }
    }
  } finally {
    await Promise.allSettled(started.map((receiver) => receiver.stop()));
    process.off('exit', sweep);
    sweep();
  }
}

function* works(quick: readonly Receiver[], shipped: readonly Receiver[]): Generator<Work> {
  for (const data of ['ct-512', 'ct-128'] as const) {
    for (const lanes of [1, 4]) {
      yield {
        name: `C-STORE ${data}, ${lanes} association${lanes > 1 ? 's' : ''}`,
        data,
        peers: quick,
        send: (to, batch) => cStore(to, batch, lanes),
      };
    }
  }
  // storescu comes with storescp: without DCMTK neither is here.
  if (shipped.some((peer) => peer.name.startsWith('DCMTK'))) {
    yield {
      name: 'C-STORE ct-512, storescu TCP_NODELAY=1',
      data: 'ct-512',
      peers: quick,
      send: (to, _, files) => storescu(to, files(), 1, true),
    };
    yield {
      name: 'C-STORE ct-512, storescu as shipped',
      data: 'ct-512',
      peers: shipped,
      send: (to, _, files) => storescu(to, files(), 1, false),
    };
  }
  const web = quick.filter((peer) => peer.stow);
  for (const data of ['ct-512', 'ct-128'] as const) {
    for (const lanes of [1, 4]) {
      yield {
        name: `STOW ${data}, ${lanes} connection${lanes > 1 ? 's' : ''}`,
        data,
        peers: web,
        send: (to, batch) => stow(to, batch, lanes),
      };
    }
  }
}

function write(folder: string, batch: readonly Instance[]): string[] {
  mkdirSync(folder, { recursive: true });
  return batch.map(({ bytes }, i) => {
    const path = join(folder, `${String(i).padStart(5, '0')}.dcm`);
    writeFileSync(path, bytes);
    return path;
  });
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
