/** Counts of facts by key and span, changed with every event in its transaction. */
import { sql } from 'kysely';
import type { Db, Store, Tx } from '../../store/types.ts';
import type { Range } from '../facts.ts';
import type { EvidenceTables } from '../tables.ts';
import { SPANS, spansOf, startOf } from './spans.ts';
import { SUM_COLUMNS, type TallyTables } from './tables.ts';
import { SUMS, type Counted, type FactRow, type KeyPart, type Tally } from './types.ts';

type Tables = EvidenceTables & TallyTables;
type Line = TallyTables['fact_tally'];

/** Rows of one statement: below the limits of parameters of both databases. */
const AT_ONCE = 500;
const PAGE = 5000;

/** What facts, as they were and as they are, change in the tallies: lines that come out as nothing are left out. Pure. */
export function changesOf(
  tallies: readonly Tally[],
  before: readonly FactRow[],
  after: readonly FactRow[],
): Line[] {
  const lines = new Map<string, Line>();
  const add = (fact: FactRow, sign: 1 | -1) => {
    for (const tally of tallies)
      for (const { key, sums = [] } of tally.entries(fact)) {
        if (sums.length > SUMS) throw new RangeError(`a tally adds up at most ${SUMS} numbers`);
        const text = JSON.stringify(key);
        for (const span of SPANS) {
          const day = startOf(Number(fact.signed_at), span);
          const id = JSON.stringify([fact.model_id, fact.model_version, tally.name, span, day, text]);
          let line = lines.get(id);
          if (!line) {
            line = {
              model_id: fact.model_id,
              tally: tally.name,
              span,
              day,
              model_version: fact.model_version,
              key: text,
              facts: 0,
              ...(Object.fromEntries(SUM_COLUMNS.map((name) => [name, 0])) as Pick<Line, 's0'>),
            } as Line;
            lines.set(id, line);
          }
          line.facts += sign;
          sums.forEach((sum, k) => (line[SUM_COLUMNS[k]!] += sign * sum));
        }
      }
  };
  for (const fact of before) add(fact, -1);
  for (const fact of after) add(fact, 1);
  return [...lines.values()].filter(
    (line) => line.facts !== 0 || SUM_COLUMNS.some((name) => line[name] !== 0),
  );
}

async function write(tx: Tx<Tables>, lines: readonly Line[]): Promise<void> {
  const sums = Object.fromEntries(
    (['facts', ...SUM_COLUMNS] as const).map((name) => [
      name,
      sql<number>`${sql.ref(`fact_tally.${name}`)} + ${sql.ref(`excluded.${name}`)}`,
    ]),
  );
  for (let i = 0; i < lines.length; i += AT_ONCE)
    await tx
      .insertInto('fact_tally')
      .values(lines.slice(i, i + AT_ONCE))
      .onConflict((conflict) =>
        conflict.columns(['model_id', 'tally', 'span', 'day', 'model_version', 'key']).doUpdateSet(sums),
      )
      .execute();
}

export function createTallies(store: Store, tallies: readonly Tally[]) {
  const read = store.read as unknown as Db<Tables>;
  const byName = new Map(tallies.map((tally) => [tally.name, tally]));
  if (byName.size !== tallies.length) throw new Error('two tallies have the same name');

  /** Counts these from the facts as they are. */
  async function recount(tx: Tx<Tables>, wanted: readonly Tally[]): Promise<void> {
    const names = wanted.map(({ name }) => name);
    await tx.deleteFrom('fact_tally').where('tally', 'in', names).execute();
    let last = { report_id: '', model_id: '' };
    for (;;) {
      const { report_id, model_id } = last;
      const facts = await tx
        .selectFrom('reading_fact')
        .selectAll()
        .where((eb) =>
          eb.or([
            eb('report_id', '>', report_id),
            eb.and([eb('report_id', '=', report_id), eb('model_id', '>', model_id)]),
          ]),
        )
        .orderBy('report_id')
        .orderBy('model_id')
        .limit(PAGE)
        .execute();
      if (facts.length > 0) await write(tx, changesOf(wanted, [], facts));
      if (facts.length < PAGE) return;
      last = facts.at(-1)!;
    }
  }

  return {
    /** In the transaction that replaces `before` by `after`. */
    async change(
      tx: Tx<EvidenceTables>,
      before: readonly FactRow[],
      after: readonly FactRow[],
    ): Promise<void> {
      await write(tx as unknown as Tx<Tables>, changesOf(tallies, before, after));
    },
    /** Counts anew what is new or has another version. Before the consumer begins. */
    async prepare(): Promise<void> {
      await store.write<Tables, void>(async (tx) => {
        const made = new Map(
          (await tx.selectFrom('fact_tally_made').selectAll().execute()).map((row) => [
            row.tally,
            row.version,
          ]),
        );
        const gone = [...made.keys()].filter((name) => !byName.has(name));
        const wanted = tallies.filter(({ name, version }) => made.get(name) !== version);
        for (const name of [...gone, ...wanted.map((tally) => tally.name)])
          await tx.deleteFrom('fact_tally_made').where('tally', '=', name).execute();
        if (gone.length > 0) await tx.deleteFrom('fact_tally').where('tally', 'in', gone).execute();
        if (wanted.length === 0) return;
        await recount(tx, wanted);
        await tx
          .insertInto('fact_tally_made')
          .values(wanted.map(({ name, version }) => ({ tally: name, version })))
          .execute();
      });
    },
    /**
     * Lines of a tally over the facts signed within a period, of one version of the tool or of each apart. In no order.
     *
     * @throws Error for a tally that was not given to `createTallies`
     */
    async of(name: string, modelId: string, range: Range = {}, version?: string): Promise<Counted[]> {
      const tally = byName.get(name);
      if (!tally) throw new Error(`there is no tally ${name}`);
      const { stretches, rest } = spansOf(range);
      const lines = new Map<string, Counted & { facts: number; sums: number[] }>();
      const add = (key: string, modelVersion: string, facts: number, sums: readonly number[]) => {
        const id = `${modelVersion}\n${key}`;
        let line = lines.get(id);
        if (!line) {
          line = { key: JSON.parse(key) as KeyPart[], modelVersion, facts: 0, sums: Array(SUMS).fill(0) };
          lines.set(id, line);
        }
        line.facts += facts;
        sums.forEach((sum, k) => (line.sums[k]! += sum));
      };
      for (const { span, from, to } of stretches) {
        let query = read
          .selectFrom('fact_tally')
          .select(['model_version', 'key'])
          .select((eb) => [
            eb.fn.sum<number>('facts').as('facts'),
            ...SUM_COLUMNS.map((column) => eb.fn.sum<number>(column).as(column)),
          ])
          .where('model_id', '=', modelId)
          .where('tally', '=', name)
          .where('span', '=', span)
          .groupBy(['model_version', 'key']);
        if (from !== -Infinity) query = query.where('day', '>=', from);
        if (to !== Infinity) query = query.where('day', '<', to);
        if (version !== undefined) query = query.where('model_version', '=', version);
        for (const row of await query.execute())
          add(
            row.key,
            row.model_version,
            Number(row.facts),
            SUM_COLUMNS.map((column) => Number(row[column])),
          );
      }
      for (const { from, to } of rest) {
        let query = read
          .selectFrom('reading_fact')
          .selectAll()
          .where('model_id', '=', modelId)
          .where('signed_at', '>=', from)
          .where('signed_at', '<', to);
        if (version !== undefined) query = query.where('model_version', '=', version);
        for (const fact of await query.execute())
          for (const { key, sums = [] } of tally.entries(fact))
            add(JSON.stringify(key), fact.model_version, 1, sums);
      }
      return [...lines.values()].filter(({ facts }) => facts > 0);
    },
  };
}
export type Tallies = ReturnType<typeof createTallies>;
