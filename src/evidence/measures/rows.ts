/** The facts as the measures need them: one light row a signed report, training images left out. */
import type { Selectable } from 'kysely';
import type { Db, Store } from '../../store/types.ts';
import type { EvidenceTables, ReadingFactTable } from '../tables.ts';
import type { Answer } from '../types.ts';
import type { Dimension } from './types.ts';

export interface JudgedRow {
  reportId: string;
  patient: string;
  shown: boolean | null;
  conclusion: Answer | null;
  blind: Answer | null;
  aiPositive: boolean;
  blindAiPositive: boolean;
  /** The ruling reference, its rank, and the tool's verdict on what it speaks of. */
  ref: Answer | null;
  refRank: number;
  refAiPositive: boolean;
  /** The same without what the reader said. */
  own: Answer | null;
  marks: number;
  rejected: number;
  rejectedFor: string;
  readingMs: number | null;
  of: Readonly<Record<Dimension, string>>;
}

const COLUMNS = [
  'report_id',
  'model_version',
  'patient',
  'shown',
  'conclusion',
  'blind_conclusion',
  'ai_positive',
  'blind_ai_positive',
  'ref_answer',
  'ref_rank',
  'ref_ai_positive',
  'own_answer',
  'marks',
  'marks_rejected',
  'rejected_for',
  'reading_ms',
  'operating_point',
  'site',
  'station',
  'vendor',
  'machine',
  'body_part',
  'view',
  'age_band',
  'sex',
] as const satisfies readonly (keyof ReadingFactTable)[];
type Row = Pick<Selectable<ReadingFactTable>, (typeof COLUMNS)[number]>;

/** Rows read at once. */
const PAGE = 2000;
/** Lets the server answer others: a year of a large house is hundreds of thousands of rows. */
export const breathe = (): Promise<void> => new Promise((go) => setImmediate(go));

export async function judgedRows(
  store: Pick<Store, 'read'>,
  modelId: string,
  range: { from?: number; to?: number } = {},
): Promise<JudgedRow[]> {
  let query = (store.read as unknown as Db<EvidenceTables>)
    .selectFrom('reading_fact')
    .select(COLUMNS)
    .where('model_id', '=', modelId)
    .where('in_training', '=', 0);
  if (range.from !== undefined) query = query.where('signed_at', '>=', range.from);
  if (range.to !== undefined) query = query.where('signed_at', '<', range.to);
  const found: JudgedRow[] = [];
  for (let after = ''; ;) {
    const rows = await query.where('report_id', '>', after).orderBy('report_id').limit(PAGE).execute();
    for (const row of rows) found.push(judgedRow(row));
    if (rows.length < PAGE) return found;
    after = rows.at(-1)!.report_id;
    await breathe();
  }
}

const judgedRow = (row: Row): JudgedRow => ({
  reportId: row.report_id,
  patient: row.patient,
  shown: row.shown === null ? null : row.shown === 1,
  conclusion: row.conclusion,
  blind: row.blind_conclusion,
  aiPositive: row.ai_positive === 1,
  blindAiPositive: row.blind_ai_positive === 1,
  ref: row.ref_answer,
  refRank: row.ref_rank ?? 0,
  refAiPositive: row.ref_ai_positive === 1,
  own: row.own_answer,
  marks: row.marks,
  rejected: row.marks_rejected,
  rejectedFor: row.rejected_for,
  readingMs: row.reading_ms,
  of: {
    version: row.model_version,
    operatingPoint: row.operating_point,
    site: row.site,
    station: row.station,
    machine: [row.vendor, row.machine].filter(Boolean).join(' '),
    bodyPart: row.body_part,
    view: row.view,
    ageBand: row.age_band,
    sex: row.sex,
  },
});
