import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Db, SealedEvent, Store, Tx } from '../store/types.ts';
import { contextColumns, contextOf } from './context.ts';
import type { Cell } from './figures.ts';
import { MONITORING, monitoringFrom, type Monitoring } from './monitoring.ts';
import { createSettling, type CollectTables } from './reference/settle.ts';
import type { ReferenceOrigin } from './reference/types.ts';
import type { Quartiles } from './statistics.ts';
import type { EvidenceTables, ReadingFactTable } from './tables.ts';
import { TALLIES } from './tally/definitions.ts';
import { quartilesOf } from './tally/durations.ts';
import { createFolds } from './tally/folds.ts';
import { createTallies } from './tally/tallies.ts';
import type { Answer, FigureKey, ReadingFact, ReadingSnapshot } from './types.ts';

const CONSUMER = 'evidence.facts';
const REFERENCES = 'evidence.references';
/** Below the limits of parameters of both databases. */
const REPORTS_AT_ONCE = 500;
/** Events of the reading room that carry `snapshot` in their payload. */
const KINDS = ['reading.report.signed', 'reading.report.addendum', 'reading.facts'] as const;

const own = sql<boolean>`in_training = 0`;
const all = sql<boolean>`1 = 1`;
const BEHIND: Readonly<Record<FigureKey, RawBuilder<boolean>>> = {
  read: all,
  turnaround: all,
  training: sql<boolean>`in_training = 1`,
  marks: sql<boolean>`${own} and marks > 0`,
  'false-alarms': sql<boolean>`${own} and false_alarms > 0`,
  'agreement-positive': sql<boolean>`${own} and conclusion in ('yes', 'uncertain')`,
  'agreement-negative': sql<boolean>`${own} and conclusion in ('no', 'uncertain')`,
  sensitivity: sql<boolean>`${own} and ref_answer in ('yes', 'uncertain')`,
  specificity: sql<boolean>`${own} and ref_answer in ('no', 'uncertain')`,
  missed: sql<boolean>`${own} and ref_answer in ('yes', 'uncertain') and ref_ai_positive = 0`,
};

export interface Range {
  from?: number | undefined;
  to?: number | undefined;
}

const toRow = (fact: ReadingFact): ReadingFactTable => ({
  report_id: fact.reportId,
  study_uid: fact.studyUid,
  model_id: fact.modelId,
  model_version: fact.modelVersion,
  stage: fact.stage,
  reader_id: fact.readerId,
  body_part: fact.bodyPart,
  priority: fact.priority,
  arrived_at: fact.arrivedAt,
  signed_at: fact.signedAt,
  ai_positive: Number(fact.aiPositive),
  blind_ai_positive: Number(fact.blindAiPositive ?? fact.aiPositive),
  ai_score_max: fact.aiScoreMax,
  images: fact.images,
  marks: fact.marks,
  marks_rejected: fact.marksRejected,
  marks_accepted: fact.marksAccepted,
  marks_corrected: fact.marksCorrected,
  marks_added: fact.marksAdded,
  false_alarms: fact.falseAlarms ?? 0,
  conclusion: fact.conclusion,
  blind_conclusion: fact.blindConclusion,
  in_training: Number(fact.inTraining),
  amended: Number(fact.amended),
  in_report: Number(fact.inReport ?? true),
  image_tp: fact.perImage?.truePositive ?? 0,
  image_fp: fact.perImage?.falsePositive ?? 0,
  image_fn: fact.perImage?.falseNegative ?? 0,
  image_tn: fact.perImage?.trueNegative ?? 0,
  blind_signed_at: fact.signedAt,
  blind_stage: fact.stage,
  ...contextColumns(fact),
  // As long as nothing else is known of the study; `settle` looks.
  ref_answer: fact.blindConclusion,
  ref_ai_positive: fact.blindConclusion === null ? null : Number(fact.blindAiPositive ?? fact.aiPositive),
  ref_origin: fact.blindConclusion === null ? null : 'blind-conclusion',
  ref_method: null,
  ref_rank: fact.blindConclusion === null ? null : 1,
  own_answer: null,
  own_origin: null,
  own_rank: null,
});

/** What a conclusion given before AI was seen says of the tool. */
const blindPart = (row: Selectable<ReadingFactTable>) => ({
  blind_conclusion: row.blind_conclusion,
  blind_ai_positive: row.blind_ai_positive,
  image_tp: row.image_tp,
  image_fp: row.image_fp,
  image_fn: row.image_fn,
  image_tn: row.image_tn,
  blind_signed_at: row.blind_signed_at,
  blind_stage: row.blind_stage,
});

const toFact = (row: Selectable<ReadingFactTable>): ReadingFact => ({
  reportId: row.report_id,
  studyUid: row.study_uid,
  modelId: row.model_id,
  modelVersion: row.model_version,
  stage: row.stage,
  readerId: row.reader_id,
  bodyPart: row.body_part,
  priority: row.priority,
  arrivedAt: Number(row.arrived_at),
  signedAt: Number(row.signed_at),
  aiPositive: row.ai_positive === 1,
  blindAiPositive: row.blind_ai_positive === 1,
  aiScoreMax: row.ai_score_max,
  images: row.images,
  marks: row.marks,
  marksRejected: row.marks_rejected,
  marksAccepted: row.marks_accepted,
  marksCorrected: row.marks_corrected,
  marksAdded: row.marks_added,
  falseAlarms: row.false_alarms,
  conclusion: row.conclusion,
  blindConclusion: row.blind_conclusion,
  inTraining: row.in_training === 1,
  amended: row.amended === 1,
  inReport: row.in_report === 1,
  perImage: {
    truePositive: row.image_tp,
    falsePositive: row.image_fp,
    falseNegative: row.image_fn,
    trueNegative: row.image_tn,
  },
  ...(contextOf(row) ? { context: contextOf(row)! } : {}),
  reference:
    row.ref_answer === null
      ? null
      : {
          answer: row.ref_answer,
          origin: row.ref_origin!,
          rank: row.ref_rank as 1 | 2 | 3 | 4,
          method: row.ref_method,
          aiPositive: row.ref_ai_positive === 1,
        },
  ownReference:
    row.own_answer === null
      ? null
      : { answer: row.own_answer, origin: row.own_origin!, rank: row.own_rank as 1 | 2 | 3 | 4 },
});

/**
 * Facts as rows: written by the consumer alone, counted for the figures as they change (tally/). `told` hears of new rows in the same
 * transaction.
 */
export function createFacts(
  store: Store,
  told: (tx: Tx<EvidenceTables>, rows: readonly ReadingFactTable[]) => Promise<void> = async () => {},
) {
  const read = store.read as unknown as Db<CollectTables>;
  const tallies = createTallies(store, TALLIES);
  const settle = createSettling(store);

  /** Number of the last event that changed facts, or what is known to be so of their studies. */
  async function seqOf(db: Db<EvidenceTables> | Tx<EvidenceTables>): Promise<number> {
    return Math.max(0, ...(await cursors(db)));
  }
  const cursors = async (db: Db<EvidenceTables> | Tx<EvidenceTables>): Promise<number[]> =>
    (
      await (db as Db<EvidenceTables>)
        .selectFrom('consumer_cursor')
        .select('seq')
        .where('consumer', 'in', [CONSUMER, REFERENCES])
        .execute()
    ).map(({ seq }) => Number(seq));
  /**
   * Grows with whatever may change a figure. An entry of follow-up is in force as soon as it is written, before the log has
   * numbered it.
   */
  async function revisionOf(db: Db<EvidenceTables> | Tx<EvidenceTables>): Promise<number> {
    const { entries } = await (db as unknown as Db<CollectTables>)
      .selectFrom('reference_entry')
      .select((eb) => eb.fn.countAll<number>().as('entries'))
      .executeTakeFirstOrThrow();
    return (await cursors(db)).reduce((sum, seq) => sum + seq, Number(entries));
  }
  const folds = createFolds(store, revisionOf);

  /**
   * A study's rows are replaced whole; applying an event again changes nothing. One thing outlives the report it stood in: a
   * conclusion given before AI was seen, with the tool's verdict of then. A later report of the study can have none, since AI
   * was shown meanwhile, and without it every miss that was signed again for a late image would leave the figures.
   */
  async function apply(tx: Tx<EvidenceTables>, event: SealedEvent): Promise<void> {
    const snapshot = event.payload?.snapshot as ReadingSnapshot | undefined;
    if (!snapshot) return; // erased, or an addendum to a report without AI
    const before = await tx
      .selectFrom('reading_fact')
      .selectAll()
      .where('study_uid', '=', snapshot.studyUid)
      .execute();
    await tx.deleteFrom('reading_fact').where('study_uid', '=', snapshot.studyUid).execute();
    const rows = snapshot.facts.map(toRow).map((given) => {
      // How long the reading took is known at the signature alone; an addendum does not change it.
      const known = before.find(({ report_id, model_id }) => report_id === given.report_id && model_id === given.model_id); // prettier-ignore
      const row = { ...given, reading_ms: given.reading_ms ?? known?.reading_ms ?? null };
      if (row.blind_conclusion !== null) return row;
      const blind = before.find(
        (old) =>
          old.model_id === row.model_id &&
          old.model_version === row.model_version &&
          old.blind_conclusion !== null,
      );
      return blind ? { ...row, ...blindPart(blind) } : row;
    });
    if (rows.length > 0) await tx.insertInto('reading_fact').values(rows).execute();
    await tallies.change(tx, before, rows);
    await folds.change(tx, before, rows);
    for (const { model_id } of rows) await settle(tx as Tx<CollectTables>, model_id, [snapshot.studyUid]);
    if (rows.length > 0) await told(tx, rows);
  }

  const within = (modelId: string, range: Range) => {
    let query = read.selectFrom('reading_fact').where('model_id', '=', modelId);
    if (range.from !== undefined) query = query.where('signed_at', '>=', range.from);
    if (range.to !== undefined) query = query.where('signed_at', '<', range.to);
    return query;
  };

  return {
    /** Counts of facts by key, for any period. */
    tallies,
    /** Figures that depend on the order of the signatures. */
    folds,
    async start(): Promise<void> {
      await tallies.prepare();
      store.events.consume(CONSUMER, apply, { kinds: KINDS });
    },
    seq: () => seqOf(read),
    revision: () => revisionOf(read),
    /** One version in the order of its signatures. */
    async monitoring(modelId: string, version: string): Promise<Monitoring> {
      return monitoringFrom(await folds.of(MONITORING, modelId, version));
    },
    async cells(modelId: string, range: Range): Promise<Cell[]> {
      return (await tallies.of('judged', modelId, range)).map(({ key, facts, sums }) => {
        const [conclusion, aiPositive, inTraining, answer, origin, rank, refAiPositive] = key;
        const [marks, falseAlarms, tp, fp, fn, tn] = sums;
        return {
          conclusion: conclusion as Answer | null,
          aiPositive: aiPositive === 1,
          reference:
            answer === null
              ? null
              : {
                  answer: answer as Answer,
                  origin: origin as ReferenceOrigin,
                  rank: rank as 1 | 2 | 3 | 4,
                  aiPositive: refAiPositive === 1,
                },
          inTraining: inTraining === 1,
          studies: facts,
          marks: marks!,
          falseAlarms: falseAlarms!,
          perImage: { truePositive: tp!, falsePositive: fp!, falseNegative: fn!, trueNegative: tn! },
        };
      });
    },
    /** Arrival → signature, ms. */
    async turnaround(modelId: string, range: Range): Promise<Quartiles> {
      const lines = await tallies.of('turnaround', modelId, range);
      const bins = Map.groupBy(lines, ({ key }) => key[0] as number);
      const counts = [...bins].map(([bin, of]) => ({
        bin,
        count: of.reduce((n, { facts }) => n + facts, 0),
      }));
      const ms = sql<number>`(signed_at - arrived_at)`;
      return quartilesOf(counts, async (from, to) => {
        let query = within(modelId, range).select(ms.as('ms')).where(ms, '<', to);
        if (from !== -Infinity) query = query.where(ms, '>=', from);
        return (await query.execute()).map((row) => Number(row.ms));
      });
    },
    /** Of these reports, newest first. */
    async ofReports(modelId: string, reportIds: readonly string[]): Promise<ReadingFact[]> {
      const found: ReadingFact[] = [];
      for (let start = 0; start < reportIds.length; start += REPORTS_AT_ONCE)
        found.push(
          ...(
            await read
              .selectFrom('reading_fact')
              .selectAll()
              .where('model_id', '=', modelId)
              .where('report_id', 'in', reportIds.slice(start, start + REPORTS_AT_ONCE))
              .execute()
          ).map(toFact),
        );
      return found.sort((a, b) => b.signedAt - a.signedAt || (a.reportId < b.reportId ? 1 : -1));
    },
    /** Those behind a figure (`behind` in figures.ts, said in SQL), newest first. */
    async rows(
      modelId: string,
      figure: FigureKey,
      { limit, ...range }: Range & { limit?: number },
    ): Promise<ReadingFact[]> {
      const found = within(modelId, range)
        .where(BEHIND[figure])
        .selectAll()
        .orderBy('signed_at', 'desc')
        .orderBy('report_id', 'desc');
      return (await (limit === undefined ? found : found.limit(limit)).execute()).map(toFact);
    },
  };
}
