/**
 * What leaves the practice for others: one calendar month of one tool as counts, no line a patient. Months do not overlap, so that
 * nothing can be had back by taking one file from another; within a month both files come from one table, and `suppress` sees to it.
 *
 * The registry's lines hold what ACR's Assess-AI collects (image study metadata, AI results, patient demographics, radiology report
 * text; acrdsi.org, "What Data is Used"), as far as it can be said honestly and without persons: modality and body part, tool,
 * version and what it said, what the report concluded. No demographics and no text; and it is not that registry's own format.
 */
import { sql } from 'kysely';
import type { Db, Store } from '../../store/types.ts';
import type { EvidenceTables } from '../tables.ts';
import type { TurnaroundTables } from '../turnaround/tables.ts';
import type { Answer } from '../types.ts';
import { figuresCsv, registryCsv, tableOf, type MonthTable } from './lines.ts';
import { monthOf } from './month.ts';

export const EXPORTS = ['figures.csv', 'registry.csv'] as const;
export type ExportName = (typeof EXPORTS)[number];

export function createExports({ store, timeZone }: { store: Store; timeZone: string }) {
  const read = store.read as unknown as Db<EvidenceTables & TurnaroundTables>;

  /** Training images are in none of it. */
  async function table(modelId: string, { from, to }: { from: number; to: number }): Promise<MonthTable> {
    const rows = await read
      .selectFrom('reading_fact as fact')
      .leftJoin('study_course as course', 'course.report_id', 'fact.report_id')
      .select([
        sql<string>`coalesce(course.modality, '')`.as('modality'),
        'fact.body_part',
        'fact.model_version',
        sql<number>`case when fact.blind_conclusion is null then fact.ai_positive else fact.blind_ai_positive end`.as(
          'positive',
        ),
        sql<Answer | null>`coalesce(fact.blind_conclusion, fact.conclusion)`.as('conclusion'),
        sql<number>`case when fact.blind_conclusion is null then 0 else 1 end`.as('blind'),
        sql<number>`count(*)`.as('n'),
      ])
      .where('fact.model_id', '=', modelId)
      .where('fact.signed_at', '>=', from)
      .where('fact.signed_at', '<', to)
      .where('fact.in_training', '=', 0)
      .groupBy(sql`1, 2, 3, 4, 5, 6`)
      .execute();
    return tableOf(
      rows.map((row) => ({
        modality: row.modality,
        bodyPart: row.body_part,
        version: row.model_version,
        positive: Number(row.positive) === 1,
        conclusion: row.conclusion,
        blind: Number(row.blind) === 1,
        n: Number(row.n),
      })),
    );
  }

  return {
    /** CSV, UTF-8. @throws NegatoscopeError `month-unknown` (400) */
    async file(name: ExportName, modelId: string, month: string): Promise<string> {
      const made = await table(modelId, monthOf(month, timeZone));
      return (name === 'figures.csv' ? figuresCsv : registryCsv)(made, { month, tool: modelId });
    },
  };
}
export type Exports = ReturnType<typeof createExports>;
