/** The cases that a protocol is judged on, from facts and labelling queues. Only what began after the registration counts. */
import type { Db, Tx } from '../../store/types.ts';
import { figuresOf, type DrawnCase } from '../labelling/figures.ts';
import type { LabellingTables } from '../labelling/tables.ts';
import type { Uncertain } from '../figures.ts';
import type { EvidenceTables } from '../tables.ts';
import type { Answer, Stage } from '../types.ts';
import type { Corrected } from '../labelling/types.ts';
import type { Counted } from './judge.ts';
import type { Measure, Protocol, Subgroup } from './types.ts';

export type CaseDb = Db<EvidenceTables & LabellingTables> | Tx<EvidenceTables & LabellingTables>;
const asDb = (db: CaseDb) => db as Db<EvidenceTables & LabellingTables>;

/** Which conclusions are among the n of a measure, the uncertain counted one way. */
const answersOf = (measure: Measure, uncertain: Uncertain): Answer[] => {
  const own = measure === 'sensitivity' ? 'yes' : 'no';
  const joins = (measure === 'sensitivity') === (uncertain === 'positive');
  return joins ? [own, 'uncertain'] : [own];
};
/** Whether the tool was right. */
const isRight = (measure: Measure, marked: number): boolean => (marked === 1) === (measure === 'sensitivity');

type Which = Pick<Protocol, 'modelId' | 'modelVersion'> & { stages: readonly Stage[]; from: number };

/** Conclusions given before AI was seen, of one version, in some stages, from a time on; training images are not among them. */
const readings = (db: CaseDb, { modelId, modelVersion, stages, from }: Which) =>
  asDb(db)
    .selectFrom('reading_fact')
    .where('model_id', '=', modelId)
    .where('model_version', '=', modelVersion)
    .where('blind_conclusion', 'is not', null)
    .where('blind_signed_at', '>=', from)
    .where('blind_stage', 'in', stages)
    .where('in_training', '=', 0);

/** In the order of the signatures: whether the tool was right. At most `limit`. */
export async function inOrder(
  db: CaseDb,
  which: Which,
  measure: Measure,
  answers: readonly Answer[] | Uncertain,
  limit: number,
): Promise<{ right: boolean; at: number }[]> {
  const rows = await readings(db, which)
    .select(['blind_ai_positive', 'blind_signed_at'])
    .where('blind_conclusion', 'in', typeof answers === 'string' ? answersOf(measure, answers) : answers)
    .orderBy('blind_signed_at')
    .orderBy('report_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    right: isRight(measure, row.blind_ai_positive),
    at: Number(row.blind_signed_at),
  }));
}

/** Of a group: how many cases, and in how many the tool was right. */
export async function ofGroup(
  db: CaseDb,
  which: Which,
  { by, value, measure }: Subgroup,
  uncertain: Uncertain,
): Promise<{ k: number; n: number }> {
  const rows = await readings(db, which)
    .select('blind_ai_positive')
    .select((eb) => eb.fn.countAll<number>().as('studies'))
    .where('blind_conclusion', 'in', answersOf(measure, uncertain))
    .where(by === 'bodyPart' ? 'body_part' : 'priority', '=', value)
    .groupBy('blind_ai_positive')
    .execute();
  const total = (of: typeof rows) => of.reduce((sum, row) => sum + Number(row.studies), 0);
  return { n: total(rows), k: total(rows.filter((row) => isRight(measure, row.blind_ai_positive))) };
}

/** When the first case came, ms UTC; null: none yet. */
export async function firstReading(db: CaseDb, which: Which): Promise<number | null> {
  const row = await readings(db, which)
    .select((eb) => eb.fn.min('blind_signed_at').as('at'))
    .executeTakeFirst();
  return row?.at === null || row?.at === undefined ? null : Number(row.at);
}
/** The same of queues that were drawn after the registration. */
export async function firstLabel(
  db: CaseDb,
  { modelId, modelVersion, at }: Pick<Protocol, 'modelId' | 'modelVersion' | 'at'>,
): Promise<number | null> {
  const row = await asDb(db)
    .selectFrom('label')
    .innerJoin('label_queue', 'label_queue.id', 'label.queue_id')
    .select((eb) => eb.fn.min('label.given_at').as('at'))
    .where('label_queue.model_id', '=', modelId)
    .where('label_queue.model_version', '=', modelVersion)
    .where('label_queue.drawn_at', '>=', at)
    .executeTakeFirst();
  return row?.at === null || row?.at === undefined ? null : Number(row.at);
}

const ofCorrected = (corrected: Corrected, n: number): Counted =>
  corrected.kind === 'estimate'
    ? { n, value: corrected.value, low: corrected.low, high: corrected.high }
    : corrected.kind === 'bound'
      ? { n, value: null, low: corrected.atLeast, high: null }
      : { n, value: null, low: null, high: null };

/**
 * The first queue that was drawn after the registration: not the best of several. Its figures are corrected for how it was drawn;
 * where too few misses were found for an estimate, the bound that remains stands for the lower one.
 *
 * @returns null before there is one and it is closed
 */
export async function ofQueue(
  db: CaseDb,
  { modelId, modelVersion, at }: Pick<Protocol, 'modelId' | 'modelVersion' | 'at'>,
): Promise<((measure: Measure, uncertain: Uncertain) => Counted) | null> {
  const queue = await asDb(db)
    .selectFrom('label_queue')
    .selectAll()
    .where('model_id', '=', modelId)
    .where('model_version', '=', modelVersion)
    .where('drawn_at', '>=', at)
    .orderBy('drawn_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  if (!queue || queue.closed_at === null) return null;
  const rows = await asDb(db)
    .selectFrom('label_case')
    .select(['study_uid', 'marked', 'twice', 'need', 'answer', 'origin'])
    .where('queue_id', '=', queue.id)
    .where('drawn', '=', 1)
    .execute();
  const cases = rows.map((row): DrawnCase => ({
    studyUid: row.study_uid,
    marked: row.marked === 1,
    twice: row.twice === 1,
    need: row.need,
    answer: row.answer,
    origin: row.origin,
    labels: [],
  }));
  const frame = { marked: queue.marked, unmarked: queue.unmarked, training: queue.training };
  return (measure, uncertain) => {
    const { naive, corrected } = figuresOf(cases, frame, uncertain);
    return ofCorrected(corrected[measure], naive[measure].n);
  };
}
