/** Figures that depend on the order of the signatures: whole pages of facts are gone through once. */
import type { Db, Store, Tx } from '../../store/types.ts';
import type { EvidenceTables } from '../tables.ts';
import type { TallyTables } from './tables.ts';
import type { FactRow, Fold, Folded } from './types.ts';

type Tables = EvidenceTables & TallyTables;

/** Facts of a page. */
export const PAGE = 1000;

/** The same without pages, for facts that are at hand. Pure. */
export function foldOf<State, Said>(fold: Fold<State, Said>, facts: Iterable<FactRow>): Folded<State, Said> {
  const state = fold.start();
  const said: Said[] = [];
  for (const fact of facts) {
    const says = fold.step(state, fact);
    if (says !== undefined) said.push(says);
  }
  return { state, said };
}

export function createFolds(
  store: Store,
  seq: (db: Db<Tables> | Tx<Tables>) => Promise<number>,
  size = PAGE,
) {
  const read = store.read as unknown as Db<Tables>;

  /** The facts of a version after `after`, in the order of their signatures. */
  async function* facts(
    modelId: string,
    version: string,
    after: { signed_at: number; report_id: string } | undefined,
  ): AsyncGenerator<FactRow[]> {
    for (let last = after; ;) {
      let query = read
        .selectFrom('reading_fact')
        .selectAll()
        .where('model_id', '=', modelId)
        .where('model_version', '=', version)
        .orderBy('signed_at')
        .orderBy('report_id')
        .limit(size);
      if (last) {
        const { signed_at, report_id } = last;
        query = query
          .where('signed_at', '>=', signed_at)
          .where((eb) => eb.or([eb('signed_at', '>', signed_at), eb('report_id', '>', report_id)]));
      }
      const rows = await query.execute();
      if (rows.length > 0) yield rows;
      if (rows.length < size) return;
      last = rows.at(-1)!;
    }
  }

  return {
    /** In the transaction that replaces `before` by `after`: pages that hold a fact that changed are thrown away. */
    async change(
      tx: Tx<EvidenceTables>,
      before: readonly FactRow[],
      after: readonly FactRow[],
    ): Promise<void> {
      const text = (fact: FactRow) => JSON.stringify(fact, Object.keys(fact).sort());
      const [was, is] = [new Set(before.map(text)), new Set(after.map(text))];
      const changed = [...before.filter((fact) => !is.has(text(fact))), ...after.filter((fact) => !was.has(text(fact)))]; // prettier-ignore
      const earliest = new Map<string, FactRow>();
      for (const fact of changed) {
        const tool = JSON.stringify([fact.model_id, fact.model_version]);
        if (!(Number(earliest.get(tool)?.signed_at) <= Number(fact.signed_at))) earliest.set(tool, fact);
      }
      for (const { model_id, model_version, signed_at } of earliest.values())
        await (tx as unknown as Tx<Tables>)
          .deleteFrom('fact_page')
          .where('model_id', '=', model_id)
          .where('model_version', '=', model_version)
          .where('signed_at', '>=', Number(signed_at))
          .execute();
    },

    /** What a fold says of all facts of a version so far. Keeps the pages that have become full. */
    async of<State, Said>(
      fold: Fold<State, Said>,
      modelId: string,
      version: string,
    ): Promise<Folded<State, Said>> {
      const begun = await seq(read);
      const rows = await read
        .selectFrom('fact_page')
        .selectAll()
        .where('model_id', '=', modelId)
        .where('model_version', '=', version)
        .where('fold', '=', fold.name)
        .orderBy('number')
        .execute();
      // Pages up to the first that is missing or of another version of the fold.
      const gap = rows.findIndex((row, i) => row.number !== i + 1 || row.version !== fold.version);
      const pages = gap < 0 ? rows : rows.slice(0, gap);
      const last = pages.at(-1);
      const said = pages.flatMap((page) => JSON.parse(page.said) as Said[]);
      let state = last ? (JSON.parse(last.state) as State) : fold.start();
      const fresh: TallyTables['fact_page'][] = [];
      for await (const page of facts(
        modelId,
        version,
        last && { signed_at: Number(last.signed_at), report_id: last.report_id },
      )) {
        const says: Said[] = [];
        for (const fact of page) {
          const words = fold.step(state, fact);
          if (words !== undefined) says.push(words);
        }
        said.push(...says);
        if (page.length < size) break;
        const { signed_at, report_id } = page.at(-1)!;
        const kept = JSON.stringify(state);
        fresh.push({
          fold: fold.name,
          version: fold.version,
          model_id: modelId,
          model_version: version,
          number: pages.length + fresh.length + 1,
          signed_at: Number(signed_at),
          report_id,
          state: kept,
          said: JSON.stringify(says),
        });
        // What is kept is what goes on: a state that does not survive JSON is found at once.
        state = JSON.parse(kept) as State;
      }
      if (fresh.length > 0)
        await store.write<Tables, void>(async (tx) => {
          // Facts may have changed since they were read; then the next question makes these pages.
          if ((await seq(tx)) !== begun) return;
          await tx
            .deleteFrom('fact_page')
            .where('model_id', '=', modelId)
            .where('model_version', '=', version)
            .where('fold', '=', fold.name)
            .where('number', '>', pages.length)
            .execute();
          for (let i = 0; i < fresh.length; i += 100)
            await tx
              .insertInto('fact_page')
              .values(fresh.slice(i, i + 100))
              .execute();
        });
      return { state, said };
    },
  };
}
export type Folds = ReturnType<typeof createFolds>;
