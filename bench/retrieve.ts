/**
 * How fast instances, frames and pictures go out by DICOMweb, beside Orthanc with its DICOMweb plugin.
 *
 * Paired: in each round both are asked for the same, one after the other, in an order that turns. Both hold the same
 * instances; all of them lie in the page cache of the system. Rendered pictures are asked for with a window that no request
 * before had, so that no cache of pictures answers.
 */
import { Worker } from 'node:worker_threads';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDicom, TAG } from '../src/dicom/index.ts';
import { freePort } from '../src/wire/testing/peers.ts';
import { instances, type Instance } from './data.ts';
import { CLIENT_AE, getRate, moveRate, sink, SINK_AE, type Stored } from './dimse.ts';
import { rate } from './http.ts';
import { median } from './median.ts';
import { radiographs } from './radiographs.ts';
import { negatoscope, orthanc } from './receivers.ts';
import type { Receiver } from './receivers.ts';
import { stow } from './senders.ts';
import type { Line, SuiteOptions } from './types.ts';

const SECONDS = 2;
/** Before it counts: code is compiled, files come into the page cache. */
const WARM_UP = 0.5;

interface Work {
  readonly name: string;
  readonly unit: string;
  readonly goal: number;
  rate(receiver: Receiver, seconds: number): Promise<number>;
}
interface Retrieval {
  readonly name: string;
  readonly paths: readonly string[];
  readonly accept: string;
  readonly lanes: number;
  readonly atLeast: number;
  readonly goal: number;
}

export async function* retrieve({ count = 100, rounds, only, say }: SuiteOptions): AsyncGenerator<Line> {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-bench-'));
  const sweep = () => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  process.once('exit', sweep);
  const started: { stop(): Promise<unknown> }[] = [];
  try {
    say(`what this client can take: ${await ceiling()}`);
    say('starting the servers …');
    const known = { [CLIENT_AE]: await freePort(), [SINK_AE]: await freePort() };
    started.push(await sink(known[SINK_AE]!));
    const ours = await negatoscope(dir, known);
    started.push(ours);
    const peer = await orthanc(dir, true, known);
    if (peer) started.push(peer);
    if (!peer?.stow) return say('Orthanc with its DICOMweb plugin is not installed: nothing to compare with');

    const ct = instances('ct-512', count);
    const dx = await radiographs(Math.max(4, Math.round(count / 10)));
    for (const receiver of [ours, peer]) {
      say(`storing ${ct.length} CT and ${dx.length} DX: ${receiver.name}`);
      await stow(receiver, ct, 1, 10);
      await stow(receiver, dx, 1, 10);
    }
    const studies = [storedOf('CT 0.5 MB', ct), storedOf('DX 10 MB', dx)];
    for (const work of [...works(ct.map(pathOf), dx.map(pathOf)), ...dimseWorks(studies)]) {
      if (!work.name.includes(only)) continue;
      const rates = new Map<Receiver, number[]>([
        [ours, []],
        [peer, []],
      ]);
      for (const receiver of [ours, peer]) await work.rate(receiver, WARM_UP);
      for (let round = 0; round < rounds; round++)
        for (const receiver of round % 2 === 0 ? [ours, peer] : [peer, ours])
          rates.get(receiver)!.push(await work.rate(receiver, SECONDS));
      const own = median(rates.get(ours)!);
      const theirs = median(rates.get(peer)!);
      say(`${work.name}: ${own.toFixed(1)} ${work.unit}, Orthanc ${theirs.toFixed(1)}`);
      yield {
        suite: 'retrieve',
        work: work.name,
        ours: own,
        peer: theirs,
        peerName: peer.name,
        unit: work.unit,
        ratio: own / theirs,
        goal: work.goal,
        met: own / theirs >= work.goal,
      };
    }
  } finally {
    await Promise.allSettled(started.map((receiver) => receiver.stop()));
    process.off('exit', sweep);
    sweep();
  }
}

const DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*';
const FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';

const works = (ct: readonly string[], dx: readonly string[]): Work[] =>
  [...retrievals(ct, dx)].map(({ name, goal, paths, accept, lanes, atLeast }) => ({
    name,
    unit: 'answers/s',
    goal,
    async rate({ stow: web }, seconds) {
      const headers = { ...web!.headers, Accept: accept };
      const base = web!.url.replace(/\/studies$/, '');
      return (await rate(base, paths, headers, { lanes, seconds, atLeast })).perSecond;
    },
  }));

/** A study each, fetched or sent whole. */
const dimseWorks = (studies: readonly (Stored & { name: string })[]): Work[] =>
  studies.flatMap((stored) => [
    {
      name: `C-GET ${stored.name}`,
      unit: 'MB/s',
      goal: 1,
      rate: (receiver, seconds) => getRate(receiver, stored, seconds),
    },
    {
      name: `C-MOVE ${stored.name}`,
      unit: 'MB/s',
      goal: 1,
      rate: (receiver, seconds) => moveRate(receiver, stored, seconds),
    },
  ]);

function storedOf(name: string, sent: readonly Instance[]): Stored & { name: string } {
  const [{ bytes, sopClassUid, transferSyntax }] = sent as [Instance];
  return {
    name,
    study: parseDicom(bytes).dataset.string(TAG.StudyInstanceUID)!,
    sopClassUid,
    transferSyntax,
    instances: sent.length,
    bytes: sent.reduce((sum, { dataset }) => sum + dataset.length, 0),
  };
}

function* retrievals(ct: readonly string[], dx: readonly string[]): Generator<Retrieval> {
  for (const lanes of [1, 4]) {
    const on = `${lanes} connection${lanes > 1 ? 's' : ''}`;
    yield {
      name: `WADO instance CT 0.5 MB, ${on}`,
      paths: ct,
      accept: DICOM,
      lanes,
      atLeast: 500_000,
      goal: 5,
    };
    yield {
      name: `WADO frame CT 0.5 MB, ${on}`,
      paths: ct.map((path) => `${path}/frames/1`),
      accept: FRAME,
      lanes,
      atLeast: 500_000,
      goal: 5,
    };
    yield {
      name: `WADO instance DX 10 MB, ${on}`,
      paths: dx,
      accept: DICOM,
      lanes,
      atLeast: 9_000_000,
      goal: 2,
    };
    yield {
      name: `WADO frame DX 10 MB, ${on}`,
      paths: dx.map((path) => `${path}/frames/1`),
      accept: FRAME,
      lanes,
      atLeast: 9_000_000,
      goal: 2,
    };
  }
  let window = 0;
  const rendered = (path: string) =>
    `${path}/rendered?window=${1000 + (window++ % 97)},${2000 + window},linear`;
  for (const lanes of [1, 4]) {
    const on = `${lanes} connection${lanes > 1 ? 's' : ''}`;
    const many = (paths: readonly string[]) =>
      Array.from({ length: 20_000 }, (_, i) => rendered(paths[i % paths.length]!));
    yield {
      name: `rendered CT, ${on}`,
      paths: many(ct),
      accept: 'image/jpeg',
      lanes,
      atLeast: 1000,
      goal: 2,
    };
    yield {
      name: `rendered DX, ${on}`,
      paths: many(dx),
      accept: 'image/jpeg',
      lanes,
      atLeast: 10_000,
      goal: 1,
    };
  }
}

function pathOf({ bytes }: Instance): string {
  const { dataset } = parseDicom(bytes);
  const uid = (tag: number) => dataset.string(tag);
  return `/studies/${uid(TAG.StudyInstanceUID)}/series/${uid(TAG.SeriesInstanceUID)}/instances/${uid(TAG.SOPInstanceUID)}`;
}

/** Against a server that does nothing but write: what a measurement cannot exceed here. */
async function ceiling(): Promise<string> {
  const worker = new Worker(
    `const { createServer } = require('node:net');
     const { parentPort } = require('node:worker_threads');
     const answer = (size) => Buffer.concat([Buffer.from('HTTP/1.1 200 OK\\r\\nContent-Length: ' + size + '\\r\\n\\r\\n'), Buffer.alloc(size)]);
     const answers = { '/small': answer(525000), '/large': answer(10000000) };
     createServer({ noDelay: true }, (socket) => {
       socket.on('error', () => {});
       socket.on('data', (request) => socket.write(answers[request.toString('latin1').split(' ')[1]]));
     }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const base = `http://127.0.0.1:${port}`;
  const small = await rate(base, ['/small'], {}, { lanes: 4, seconds: 1, atLeast: 525_000 });
  const large = await rate(base, ['/large'], {}, { lanes: 4, seconds: 1, atLeast: 10_000_000 });
  await worker.terminate();
  return `${small.perSecond.toFixed(0)} answers/s of 0.5 MB, ${large.perSecond.toFixed(0)} of 10 MB (${large.megabytesPerSecond.toFixed(0)} MB/s)`;
}
