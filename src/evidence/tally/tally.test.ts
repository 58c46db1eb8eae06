import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generator } from '../bootstrap.ts';
import { peopleMigrations } from '../../people/index.ts';
import { eachStore } from '../../store/testing.ts';
import type { Db, Store } from '../../store/types.ts';
import { createFacts } from '../facts.ts';
import { evidenceMigrations } from '../index.ts';
import { MONITORING, monitoringFrom, PATH_POINTS } from '../monitoring.ts';
import { quartiles } from '../statistics.ts';
import type { EvidenceTables } from '../tables.ts';
import type { Answer, ReadingFact } from '../types.ts';
import { TALLIES } from './definitions.ts';
import { createFolds, foldOf } from './folds.ts';
import { DAY_MS } from './spans.ts';
import type { TallyTables } from './tables.ts';
import { changesOf, createTallies } from './tallies.ts';
import type { FactRow, Fold } from './types.ts';

const migrations = [...peopleMigrations, ...evidenceMigrations];
const ANSWERS: (Answer | null)[] = ['yes', 'no', 'uncertain', null];

/** What the reading room says over years: studies signed, signed again, withdrawn, by two versions of two tools. */
function* history(seed: number, events: number): Generator<{ studyUid: string; facts: ReadingFact[] }> {
  const next = generator(seed);
  const below = (n: number) => Math.floor((next() / 2 ** 32) * n);
  for (let i = 0; i < events; i += 1) {
    const studyUid = `1.2.${below(Math.ceil(events * 0.8))}`;
    const signedAt = below(3000 * DAY_MS);
    const facts = Array.from({ length: below(10) === 0 ? 0 : 1 + below(2) }, (_, tool): ReadingFact => ({
      reportId: `r${i}`,
      studyUid,
      modelId: `tool-${tool}`,
      modelVersion: `${1 + below(2)}.0.0`,
      stage: 'shadow',
      readerId: 'p',
      bodyPart: 'WRIST',
      priority: 'ROUTINE',
      arrivedAt: signedAt - below(3_600_000) + 1000,
      signedAt,
      aiPositive: below(2) === 0,
      aiScoreMax: below(1000) / 1000,
      images: 2,
      marks: below(4),
      marksRejected: 0,
      marksAccepted: 0,
      marksCorrected: 0,
      marksAdded: 0,
      falseAlarms: below(3),
      conclusion: ANSWERS[below(4)]!,
      blindConclusion: ANSWERS[below(4)]!,
      inTraining: below(8) === 0,
      amended: false,
      inReport: true,
      perImage: { truePositive: below(2), falsePositive: below(2), falseNegative: below(2), trueNegative: below(2) },
    })); // prettier-ignore
    yield { studyUid, facts };
  }
}
async function said(store: Store, of: Iterable<{ studyUid: string; facts: ReadingFact[] }>): Promise<void> {
  await store.write(async (tx) => {
    for (const snapshot of of)
      await store.events.append(tx, {
        kind: 'reading.report.signed',
        studyUid: snapshot.studyUid,
        payload: { snapshot },
      });
  });
  await store.events.settled();
}
const tablesOf = (store: Store) => store.read as unknown as Db<EvidenceTables & TallyTables>;
const lines = async (store: Store) =>
  (await tablesOf(store).selectFrom('fact_tally').selectAll().execute())
    .filter((line) => Number(line.facts) !== 0 || Number(line.s0) !== 0)
    .map((line) => JSON.stringify(line, Object.keys(line).sort()))
    .sort();
const RANGES = [
  {},
  { from: 0, to: 3000 * DAY_MS },
  { from: 700.3 * DAY_MS, to: 2200.7 * DAY_MS },
  { from: 40 * DAY_MS },
  { to: 1500.5 * DAY_MS },
  { from: 100.1 * DAY_MS, to: 100.9 * DAY_MS },
].map(({ from, to }) => ({
  ...(from === undefined ? {} : { from: Math.floor(from) }),
  ...(to === undefined ? {} : { to: Math.floor(to) }),
}));

eachStore((_label, make) => {
  test('what was counted with every event is what a recount finds, for any period and version', async () => {
    const store = await make({ migrations });
    const facts = createFacts(store);
    await facts.start();
    await said(store, history(3, 260));
    const rows = await tablesOf(store).selectFrom('reading_fact').selectAll().execute();
    expect(rows.length).toBeGreaterThan(150);
    const counted = await lines(store);
    for (const range of RANGES)
      for (const version of [undefined, '1.0.0']) {
        const within = rows.filter(
          (row) =>
            row.model_id === 'tool-0' &&
            (version === undefined || row.model_version === version) &&
            Number(row.signed_at) >= (range.from ?? 0) &&
            Number(row.signed_at) < (range.to ?? Infinity),
        );
        for (const tally of TALLIES) {
          const found = await facts.tallies.of(tally.name, 'tool-0', range, version);
          const entries = within.flatMap((row) => tally.entries(row));
          expect(found.reduce((n, line) => n + line.facts, 0)).toBe(entries.length);
          expect(found.reduce((n, line) => n + line.sums[0]!, 0)).toBe(
            entries.reduce((n, { sums }) => n + (sums?.[0] ?? 0), 0),
          );
        }
        if (version !== undefined) continue;
        const durations = within.map((row) => Number(row.signed_at) - Number(row.arrived_at));
        expect(await facts.turnaround('tool-0', range)).toEqual(quartiles(durations));
      }
    // A tally that is new, or counts otherwise than before, is counted from the facts: the same lines.
    await store.write<TallyTables, unknown>((tx) => tx.updateTable('fact_tally_made').set({ version: 0 }).execute()); // prettier-ignore
    await createTallies(store, TALLIES).prepare();
    expect(await lines(store)).toEqual(counted);
    // One that is no longer there leaves nothing.
    await createTallies(store, TALLIES.slice(0, 1)).prepare();
    expect((await lines(store)).every((line) => line.includes(`"tally":"${TALLIES[0]!.name}"`))).toBe(true);
  });

  test('a fold gone on with from its pages is the fold of all facts, whatever changed meanwhile', async () => {
    const store = await make({ migrations });
    const facts = createFacts(store);
    await facts.start();
    const folds = createFolds(store, () => facts.seq(), 16);
    const order: Fold<{ sum: number; n: number }, string> = {
      name: 'order',
      version: 1,
      start: () => ({ sum: 0, n: 0 }),
      step(state, fact) {
        state.n += 1;
        state.sum = (state.sum * 31 + fact.marks + Number(fact.signed_at)) % 1_000_003;
        return state.n % 7 === 0 ? `${fact.report_id} ${state.sum}` : undefined;
      },
    };
    const all = history(11, 240);
    for (let round = 0; round < 6; round += 1) {
      await said(store, all.take(40));
      // The consumer keeps the pages of every fold, whoever asks.
      const found = await folds.of(order, 'tool-0', '1.0.0');
      const rows = await tablesOf(store)
        .selectFrom('reading_fact')
        .selectAll()
        .where('model_id', '=', 'tool-0')
        .where('model_version', '=', '1.0.0')
        .orderBy('signed_at')
        .orderBy('report_id')
        .execute();
      expect(found).toEqual(foldOf(order, rows));
      const pages = await tablesOf(store).selectFrom('fact_page').select('number').execute();
      expect(pages.length).toBe(Math.floor(rows.length / 16));
      expect(await facts.monitoring('tool-0', '1.0.0')).toEqual(monitoringFrom(foldOf(MONITORING, rows)));
    }
    // Another version of the fold begins anew.
    const doubled = { ...order, version: 2, start: () => ({ sum: 1, n: 0 }) };
    const { state } = await folds.of(doubled, 'tool-0', '1.0.0');
    expect(state.sum).not.toBe((await folds.of(order, 'tool-0', '1.0.0')).state.sum);
  });
});

describe('changes', () => {
  test('a fact replaced by itself changes nothing; one that moves leaves where it was', () => {
    const numbers = { marks: 2, false_alarms: 1, image_tp: 1, image_fp: 0, image_fn: 0, image_tn: 3 };
    const fact = {
      ...{ model_id: 'm', model_version: '1', conclusion: 'yes', blind_conclusion: null },
      ...{ ai_positive: 1, blind_ai_positive: 1, in_training: 0, arrived_at: 0, signed_at: 5 * DAY_MS },
      ...numbers,
    } as FactRow;
    expect(changesOf(TALLIES, [fact], [fact])).toEqual([]);
    const later = { ...fact, signed_at: 6 * DAY_MS };
    const judged = changesOf(TALLIES.slice(0, 1), [fact], [later]);
    // The spans of 32 and 1024 days are the same.
    expect(judged.map(({ span, day, facts, s0 }) => [span, day, facts, s0])).toEqual([
      [1, 5, -1, -2],
      [1, 6, 1, 2],
    ]);
  });
});

test('a long path keeps its peaks and stays short', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
      const next = generator(seed);
      const rows = Array.from({ length: 4000 }, (_, i) => ({
        signed_at: i,
        in_training: 0,
        blind_conclusion: 'yes',
        ref_answer: 'yes',
        ref_ai_positive: Number(next() / 2 ** 32 > 0.12),
        ai_score_max: 0.5,
      })); // prettier-ignore
      const { missed } = monitoringFrom(foldOf(MONITORING, rows as never));
      expect(missed.path.length).toBeLessThanOrEqual(PATH_POINTS);
      expect(missed.path.length).toBeGreaterThan(PATH_POINTS / 2 - 1);
      const times = missed.path.map(({ at }) => at);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      // Every alarm is a peak that is seen, unless another of its stretch is as high.
      const above = missed.path.filter(({ sum }) => sum >= missed.limit).length;
      expect(above > 0).toBe(missed.alarms.length > 0);
    }),
    { numRuns: 20 },
  );
});
