/**
 * How fast questions are answered: QIDO-RS, series metadata, C-FIND, beside Orthanc with its DICOMweb plugin.
 *
 * Paired: in each round both are asked the same questions one after the other on one connection, in an order that turns. Both
 * hold the same studies. Ours are written straight to the index, by the function that ingest writes with; Orthanc receives
 * files with the same headers and sixteen pixels.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attributes } from '../src/dicom/index.ts';
import { freePort } from '../src/wire/testing/peers.ts';
import { CLIENT_AE, findTimes } from './dimse.ts';
import { Lane } from './http.ts';
import { negatoscope, orthanc, type Receiver } from './receivers.ts';
import { cStore } from './senders.ts';
import { filesOf, loadIndex, type MadeStudy, madeStudies } from './studies.ts';
import type { Line, SuiteOptions } from './types.ts';

const COUNT = 20_000;
const LARGE = 1_000_000;
const PER_STUDY = 20_000 / 2210;
/** Of one question to one side in one round. */
const MAX_MS = 2500;
const MAX_QUESTIONS = 400;
const PAGE = 60;
const OTHER = 15;
const METADATA = 50;
/** p95 of a million instances within one and a half times that of few. */
const LARGE_GOAL = 1 / 1.5;
const JSON_TYPE = { Accept: 'application/dicom+json' };

const ONE_HIT = 3;
const ALL = 10;

/** Times of answers, ms, in one round. */
type Ask = (receiver: Receiver, round: number) => Promise<number[]>;
interface Work {
  readonly name: string;
  readonly goal: number;
  /** Another question to an archive that holds more. */
  readonly grows?: true;
  readonly ask: Ask;
}
interface Search {
  readonly name: string;
  readonly paths: readonly string[];
  readonly goal: number;
}

const some = <T>(items: readonly T[], count: number): T[] =>
  Array.from(
    { length: Math.min(count, items.length) },
    (_, i) => items[Math.floor((i * items.length) / count)]!,
  );

function searchesOf(studies: readonly MadeStudy[]): Search[] {
  const series = studies.flatMap(({ study, series: each }) => each.map((one) => ({ study, ...one })));
  const of = (slices: number) =>
    some(
      series.filter((one) => one.slices === slices),
      20,
    );
  const at = ({ study, series: uid }: { study: string; series: string }) => `/studies/${study}/series/${uid}`;
  const families = [
    ...new Set(studies.map(({ patientName }) => patientName.slice(0, patientName.indexOf('^')))),
  ];
  const months = Array.from(
    { length: 48 },
    (_, i) => `${2018 + Math.floor(i / 12)}${String((i % 12) + 1).padStart(2, '0')}`,
  );
  return [
    {
      name: 'page of 100 studies',
      goal: PAGE,
      paths: some([...Array(10).keys()], 10).map((i) => `/studies?limit=100&offset=${i * 100}`),
    },
    {
      name: 'studies of a month',
      goal: OTHER,
      paths: months.map((month) => `/studies?limit=100&StudyDate=${month}01-${month}31`),
    },
    {
      name: 'accession number',
      goal: OTHER,
      paths: some(studies, 200).map(({ accession }) => `/studies?AccessionNumber=${accession}`),
    },
    // As typed: ASCII, without accents.
    {
      name: 'name prefix',
      goal: PAGE,
      paths: some(
        families.filter((name) => /^[A-Za-z]+$/.test(name)),
        100,
      ).map((name) => `/studies?limit=100&PatientName=${name.slice(0, 5)}*`),
    },
    {
      name: 'series of a study',
      goal: OTHER,
      paths: some(studies, 200).map(({ study }) => `/studies/${study}/series`),
    },
    { name: '50 instances of a series', goal: OTHER, paths: of(50).map((one) => `${at(one)}/instances`) },
    { name: 'metadata of 50 slices', goal: METADATA, paths: of(50).map((one) => `${at(one)}/metadata`) },
    { name: 'metadata of 500 slices', goal: METADATA, paths: of(500).map((one) => `${at(one)}/metadata`) },
  ].filter(({ paths }) => paths.length > 0);
}

function worksOf(studies: readonly MadeStudy[], only: string): Work[] {
  const asking = (questions: Attributes[], hits: number, maxQuestions: number): Ask => {
    return (receiver) => findTimes(receiver, questions, { hits, maxMs: MAX_MS, maxQuestions });
  };
  const works: Work[] = [
    ...searchesOf(studies).map(({ paths, ...work }) => ({
      ...work,
      ask: (receiver: Receiver, round: number) => timesOf(receiver, paths, round),
    })),
    {
      name: 'C-FIND of one study by accession number',
      goal: ONE_HIT,
      ask: asking(
        some(studies, 200).map(({ accession }) => ({ AccessionNumber: accession })),
        1,
        MAX_QUESTIONS,
      ),
    },
    {
      name: `C-FIND of all ${studies.length} studies`,
      goal: ALL,
      grows: true,
      ask: asking([{}], studies.length, 20),
    },
  ];
  return works.filter(({ name }) => name.includes(only));
}

/** Times of answers, ms. Ends after `MAX_MS`, but not before three. */
async function timesOf(receiver: Receiver, paths: readonly string[], round: number): Promise<number[]> {
  const { url, headers } = receiver.stow!;
  const base = new URL(url.replace(/\/studies$/, ''));
  const lane = new Lane(base);
  const times: number[] = [];
  try {
    const until = performance.now() + MAX_MS;
    for (let i = 0; i < MAX_QUESTIONS && (i < 3 || performance.now() < until); i++) {
      const path = base.pathname + paths[(i + round * 7) % paths.length]!;
      const start = performance.now();
      const { status, bytes } = await lane.get(path, { ...headers, ...JSON_TYPE });
      times.push(performance.now() - start);
      if (status !== 200 || bytes < 2) throw new Error(`${receiver.name}: ${path} answered ${status}`);
    }
  } finally {
    lane.close();
  }
  return times;
}

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))]!;

export async function* query({
  count = COUNT,
  rounds,
  large,
  only,
  say,
}: SuiteOptions): AsyncGenerator<Line> {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-bench-'));
  const sweep = () => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  process.once('exit', sweep);
  const started: Receiver[] = [];
  const known = { [CLIENT_AE]: await freePort() };
  /** Ours with `instances` in the index. */
  const filled = async (name: string, instances: number): Promise<[Receiver, MadeStudy[]]> => {
    const studies = madeStudies(Math.round(instances / PER_STUDY));
    say(`writing ${instances} instances of ${studies.length} studies to the index …`);
    const home = join(dir, name);
    // Headers for those that are asked for; a million of them would fill the disk.
    const kept = new Set(
      searchesOf(studies).flatMap(({ paths }) => paths.map((path) => path.split('/')[2]!)),
    );
    await loadIndex(
      join(home, 'negatoscope'),
      studies,
      (study) => instances <= COUNT || kept.has(study),
      say,
    );
    const receiver = await negatoscope(home, known);
    started.push(receiver);
    return [receiver, studies];
  };
  try {
    const [ours, studies] = await filled('small', count);
    if (large) {
      const [other, many] = await filled('large', LARGE);
      const [small, big] = [studies, many].map((held) => worksOf(held, only).filter(({ grows }) => !grows));
      yield* compare(small!, ours, big!, other);
      return;
    }
    const peer = await orthanc(dir, true, known);
    if (!peer?.stow) return say('Orthanc with its DICOMweb plugin is not installed: nothing to compare with');
    started.push(peer);
    let sent = 0;
    for (const batch of filesOf(studies)) {
      await cStore(peer, batch, 4);
      say(`${(sent += batch.length)} of about ${count} instances sent to ${peer.name}`);
    }
    for (const work of worksOf(studies, only)) {
      const times = new Map<Receiver, number[]>([
        [ours, []],
        [peer, []],
      ]);
      for (let round = 0; round < rounds; round++) {
        for (const receiver of round % 2 === 0 ? [ours, peer] : [peer, ours]) {
          say(`${work.name}, round ${round + 1} of ${rounds}: ${receiver.name}`);
          times.get(receiver)!.push(quantile(await work.ask(receiver, round), 0.5));
        }
      }
      const [own, theirs] = [ours, peer].map((receiver) => 1000 / quantile(times.get(receiver)!, 0.5)) as [
        number,
        number,
      ];
      yield lineOf(work.name, own, theirs, peer.name, 'answers/s', work.goal);
    }
  } finally {
    await Promise.allSettled(started.map((receiver) => receiver.stop()));
    process.off('exit', sweep);
    sweep();
  }

  /** The same questions to few and to many instances: p95 of all rounds. */
  async function* compare(small: Work[], few: Receiver, big: Work[], many: Receiver): AsyncGenerator<Line> {
    for (const [i, work] of small.entries()) {
      const times: [number[], number[]] = [[], []];
      for (let round = -1; round < rounds; round++) {
        say(`${work.name}, round ${round + 1} of ${rounds}`);
        const [a, b] = [await work.ask(few, round + 1), await big[i]!.ask(many, round + 1)];
        // The first round fills the caches.
        if (round >= 0) (times[0].push(...a), times[1].push(...b));
      }
      const [p95few, p95many] = times.map((each) => quantile(each, 0.95)) as [number, number];
      yield lineOf(
        work.name,
        1000 / p95many,
        1000 / p95few,
        `ours with ${count} instances`,
        'answers/s (p95)',
        LARGE_GOAL,
      );
    }
  }
}

const lineOf = (
  work: string,
  ours: number,
  peer: number,
  peerName: string,
  unit: string,
  goal: number,
): Line => ({
  suite: 'query',
  work,
  ours,
  peer,
  peerName,
  unit,
  ratio: ours / peer,
  goal,
  met: ours / peer >= goal,
});
