/** The ruling reference of each study, written beside its reading facts and counted with them. */
import type { Store, Tx } from '../../store/types.ts';
import { TALLIES } from '../tally/definitions.ts';
import { createFolds } from '../tally/folds.ts';
import { createTallies } from '../tally/tallies.ts';
import { CHUNK, collect, type CollectTables } from './collect.ts';
import { rulingOf } from './rule.ts';

export type { CollectTables } from './collect.ts';

/**
 * Writes beside the facts of some studies the reference that rules: `ref_…` for the tool's accuracy, and `own_…` without what the
 * signing reader said, which that reader may be compared with. From the rows as they stand: doing it again changes nothing.
 */
export function createSettling(store: Store) {
  const tallies = createTallies(store, TALLIES);
  // What is asked of it here does not depend on where the log stands.
  const folds = createFolds(store, async () => 0);

  return async function settle(
    tx: Tx<CollectTables>,
    modelId: string,
    studyUids: readonly string[],
  ): Promise<void> {
    for (let start = 0; start < studyUids.length; start += CHUNK) {
      const uids = studyUids.slice(start, start + CHUNK);
      const before = await tx
        .selectFrom('reading_fact')
        .selectAll()
        .where('model_id', '=', modelId)
        .where('study_uid', 'in', uids)
        .execute();
      if (before.length === 0) continue;
      const references = Map.groupBy(await collect(tx, modelId, uids), ({ studyUid }) => studyUid);
      const changed = before.flatMap((fact) => {
        const known = references.get(fact.study_uid) ?? [];
        const ruling = rulingOf(known);
        const own = rulingOf(known, fact.reader_id);
        const columns = {
          ref_answer: ruling?.answer ?? null,
          ref_origin: ruling?.origin ?? null,
          ref_method: ruling?.method ?? null,
          ref_rank: ruling?.rank ?? null,
          // A conclusion that stands in an earlier report is judged by the tool's verdict of then.
          ref_ai_positive:
            ruling === null
              ? null
              : ruling.origin === 'blind-conclusion'
                ? fact.blind_ai_positive
                : fact.ai_positive,
          own_answer: own?.answer ?? null,
          own_origin: own?.origin ?? null,
          own_rank: own?.rank ?? null,
        };
        const names = Object.keys(columns) as (keyof typeof columns)[];
        return names.every((name) => columns[name] === fact[name]) ? [] : [{ fact, columns }];
      });
      for (const { fact, columns } of changed)
        await tx
          .updateTable('reading_fact')
          .set(columns)
          .where('report_id', '=', fact.report_id)
          .where('model_id', '=', modelId)
          .execute();
      if (changed.length === 0) continue;
      const was = changed.map(({ fact }) => fact);
      const is = changed.map(({ fact, columns }) => ({ ...fact, ...columns }));
      await tallies.change(tx as never, was, is);
      await folds.change(tx as never, was, is);
    }
  };
}
