/** Follow-up as people enter and import it: rows that are added and never changed. */
import type { Archive } from '../../archive/types.ts';
import type { Assist } from '../../assist/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import { uuidv7 } from '../../store/index.ts';
import type { Db, SealedEvent, Store, Tx } from '../../store/types.ts';
import { holds } from '../roles.ts';
import type { PersonTables } from '../tables.ts';
import { collect, type CollectTables } from './collect.ts';
import { dayOf, followUpOf, MOST_DAYS, type FollowUpRow } from './csv.ts';
import { rulingOf } from './rule.ts';
import { createSettling } from './settle.ts';
import type { ReferenceTables } from './tables.ts';
import {
  METHODS,
  type FollowUpForm,
  type ImportProblem,
  type ReferenceEntry,
  type ReferenceOrigin,
  type References,
} from './types.ts';

export interface ReferenceDeps {
  store: Store;
  assist: Pick<Assist, 'model'>;
  archive: Pick<Archive, 'study' | 'studies' | 'findStudies'>;
  now?: () => number;
}
type Tables = CollectTables & PersonTables;
type Row = { [K in keyof ReferenceTables['reference_entry']]: ReferenceTables['reference_entry'][K] };

const KIND = 'evidence.reference.entered';
const CONSUMER = 'evidence.references';
const OF_A_REPORT: readonly ReferenceOrigin[] = ['signed-report', 'blind-conclusion'];
const PAGE = 500;
/** Studies settled in one transaction. */
const SETTLED = 400;

const forbidden = () =>
  new NegatoscopeError(
    'reference-forbidden',
    'Only readers and those who answer for evidence enter follow-up.',
    { status: 403 },
  );
const bad = (message: string) => new NegatoscopeError('bad-reference', message);
const missing = (what: 'study' | 'tool' | 'entry') =>
  new NegatoscopeError(what === 'tool' ? 'model-unknown' : `${what}-unknown`, `There is no such ${what}.`, {
    status: 404,
  });

export function createReferences(deps: ReferenceDeps): References & { start(): void } {
  const { store, assist, archive, now = Date.now } = deps;
  const read = store.read as unknown as Db<Tables>;
  const settle = createSettling(store);

  /** A person who may; a machine's token enters nothing. */
  function personOf(by: Principal, roles: readonly ('reader' | 'evidence')[]): string {
    if (by.personId && roles.some((role) => by.roles.has(role))) return by.personId;
    throw forbidden();
  }
  async function assertMay(tx: Tx<Tables>, personId: string, roles: readonly ('reader' | 'evidence')[]) {
    for (const role of roles) if (await holds(tx, personId, role)) return;
    throw forbidden();
  }
  async function assertModel(modelId: string): Promise<void> {
    if (!(await assist.model(modelId))) throw missing('tool');
  }

  /** The event and, in the same transaction, its row and the facts that rest on it. */
  async function add(tx: Tx<Tables>, row: Row): Promise<void> {
    const { id, study_uid, person_id, ...payload } = row;
    await store.events.append(tx, {
      kind: KIND,
      studyUid: study_uid,
      subject: id,
      actor: person_id,
      payload,
    });
    await tx.insertInto('reference_entry').values(row).execute();
  }

  async function entriesOf(studyUid: string, modelId: string): Promise<ReferenceEntry[]> {
    const rows = await read
      .selectFrom('reference_entry')
      .leftJoin('person', 'person.id', 'reference_entry.person_id')
      .selectAll('reference_entry')
      .select('person.name as name')
      .where('study_uid', '=', studyUid)
      .where('model_id', '=', modelId)
      .orderBy('at', 'desc')
      .orderBy('reference_entry.id', 'desc')
      .execute();
    const replaced = new Set(rows.map(({ replaces }) => replaces));
    return rows.map((row) => ({
      id: row.id,
      studyUid: row.study_uid,
      modelId: row.model_id,
      method: row.method,
      answer: row.answer,
      days: row.days,
      withAi: row.with_ai === 1,
      source: row.source,
      replaces: row.replaces,
      replaced: replaced.has(row.id),
      personId: row.person_id,
      personName: row.name ?? '',
      at: Number(row.at),
    }));
  }

  /** Looks, and writes, in one transaction: of two who correct the same entry, one is told. */
  async function write(
    personId: string,
    replaces: string | null,
    rowOf: (before: Row | undefined) => Omit<Row, 'id' | 'at' | 'person_id' | 'replaces'>,
  ): Promise<ReferenceEntry> {
    const at = now();
    const row = await store.write<Tables, Row>(async (tx) => {
      await assertMay(tx, personId, ['reader', 'evidence']);
      const before =
        replaces === null
          ? undefined
          : await tx.selectFrom('reference_entry').selectAll().where('id', '=', replaces).executeTakeFirst();
      if (replaces !== null) {
        if (!before) throw missing('entry');
        const newer = await tx
          .selectFrom('reference_entry')
          .select('id')
          .where('replaces', '=', replaces)
          .executeTakeFirst();
        if (newer || before.answer === null)
          throw new NegatoscopeError('entry-replaced', 'Somebody has corrected this entry already.', {
            status: 409,
          });
      }
      const fresh = { ...rowOf(before), id: uuidv7(at), at, person_id: personId, replaces };
      if (before && (before.study_uid !== fresh.study_uid || before.model_id !== fresh.model_id))
        throw missing('entry');
      await add(tx, fresh);
      await settle(tx, fresh.model_id, [fresh.study_uid]);
      return fresh;
    });
    return (await entriesOf(row.study_uid, row.model_id)).find(({ id }) => id === row.id)!;
  }

  /** The studies that the rows name, each by its number or UID. */
  async function resolve(rows: readonly FollowUpRow[]) {
    const problems: ImportProblem[] = [];
    const found: { row: FollowUpRow; studyUid: string; days: number | null }[] = [];
    const byUid = new Map(
      (await archive.studies([...new Set(rows.map(({ studyUid }) => studyUid).filter(Boolean))])).map(
        (study) => [study.studyUid, study],
      ),
    );
    const named = new Map<string, number>();
    for (const row of rows) {
      const { line } = row;
      const several = row.studyUid
        ? [byUid.get(row.studyUid)].filter((study) => study !== undefined)
        : (
            await archive.findStudies({ match: { AccessionNumber: literal(row.accession) }, limit: 3 }, async () => new Set())
          ).filter(({ accession }) => accession === row.accession); // prettier-ignore
      const [study] = several;
      if (!study || (row.studyUid && row.accession && study.accession !== row.accession))
        problems.push({ line, code: 'no-study' });
      else if (several.length > 1) problems.push({ line, code: 'several-studies' });
      else {
        const [later, then] = [dayOf(row.date), dayOf(study.studyDate)];
        const days = row.days ?? (later !== null && then !== null ? later - then : null);
        const key = `${study.studyUid} ${row.method}`;
        if (days !== null && days < 0) problems.push({ line, code: 'date-before-study' });
        else if (days !== null && days > MOST_DAYS)
          problems.push({ line, code: 'bad-days', value: String(days) }); // prettier-ignore
        else if (named.has(key)) problems.push({ line, code: 'twice' });
        else found.push({ row, studyUid: study.studyUid, days });
        named.set(key, line);
      }
    }
    return { found, problems };
  }

  return {
    async ofStudy(studyUid, modelId, by) {
      personOf(by, ['reader', 'evidence']);
      const [entries, known] = await Promise.all([
        entriesOf(studyUid, modelId),
        collect(read, modelId, [studyUid]),
      ]);
      const references = known.map(({ studyUid: _, ...reference }) => reference);
      // Who reads exams learns nothing of one that nobody has signed: their own conclusion is still to come.
      if (by.roles.has('reader') && !references.some(({ origin }) => OF_A_REPORT.includes(origin)))
        return { studyUid, entries: [], references: [], ruling: null };
      return { studyUid, entries, references, ruling: rulingOf(references) };
    },

    async enter(studyUid, form, by, replaces) {
      const personId = personOf(by, ['reader', 'evidence']);
      mustBeForm(form);
      await assertModel(form.modelId);
      if (!(await archive.study(studyUid))) throw missing('study');
      return write(personId, replaces ?? null, () => ({
        study_uid: studyUid,
        model_id: form.modelId,
        method: form.method,
        answer: form.answer,
        days: form.days,
        with_ai: Number(form.withAi),
        source: 'dialog',
      }));
    },

    async withdraw(entryId, by) {
      const personId = personOf(by, ['reader', 'evidence']);
      return write(personId, entryId, (before) => ({
        study_uid: before!.study_uid,
        model_id: before!.model_id,
        method: before!.method,
        answer: null,
        days: null,
        with_ai: before!.with_ai,
        source: 'dialog',
      }));
    },

    async importCsv(modelId, text, { dryRun }, by) {
      const personId = personOf(by, ['evidence']);
      await assertModel(modelId);
      const parsed = followUpOf(text);
      const { found, problems } = await resolve(parsed.rows);
      const wrong = [...parsed.problems, ...problems].sort((a, b) => a.line - b.line);
      const at = now();
      const entered = await store.write<Tables, number>(async (tx) => {
        await assertMay(tx, personId, ['evidence']);
        // What stands already is not entered twice: the same file may come again with more lines.
        const standing = new Map<string, Row>();
        for (let start = 0; start < found.length; start += SETTLED) {
          const rows = await tx
            .selectFrom('reference_entry')
            .selectAll()
            .where('model_id', '=', modelId)
            .where('study_uid', 'in', found.slice(start, start + SETTLED).map(({ studyUid }) => studyUid))
            .execute(); // prettier-ignore
          const gone = new Set(rows.map(({ replaces }) => replaces));
          for (const row of rows)
            if (!gone.has(row.id) && row.answer !== null) standing.set(`${row.study_uid} ${row.method}`, row);
        }
        const fresh = found.flatMap(({ row, studyUid, days }): Row[] => {
          const before = standing.get(`${studyUid} ${row.method}`);
          const same =
            before?.answer === row.answer && before.days === days && before.with_ai === Number(row.withAi);
          if (same) return [];
          return [
            {
              id: uuidv7(at),
              study_uid: studyUid,
              model_id: modelId,
              method: row.method,
              answer: row.answer,
              days,
              with_ai: Number(row.withAi),
              source: 'import',
              replaces: before?.id ?? null,
              person_id: personId,
              at,
            },
          ];
        });
        if (dryRun || wrong.length > 0) return fresh.length;
        for (const row of fresh) await add(tx, row);
        await settle(tx, modelId, [...new Set(fresh.map(({ study_uid }) => study_uid))]);
        return fresh.length;
      });
      return {
        rows: parsed.count,
        entered,
        known: found.length - entered,
        problems: wrong,
        dryRun: dryRun || wrong.length > 0,
      };
    },

    async rebuild() {
      const events: SealedEvent[] = [];
      for (let before: number | undefined; ;) {
        const page = await store.events.page({ kind: KIND, limit: PAGE, ...(before ? { before } : {}) });
        events.push(...page);
        if (page.length < PAGE) break;
        before = page.at(-1)!.seq;
      }
      await store.write<Tables, void>(async (tx) => {
        // The newest first: each refers to one before it.
        const old = await tx.selectFrom('reference_entry').select('id').orderBy('at', 'desc').orderBy('id', 'desc').execute(); // prettier-ignore
        for (const { id } of old) await tx.deleteFrom('reference_entry').where('id', '=', id).execute();
        const touched = new Map<string, Set<string>>();
        for (const { payload, study_uid, subject, actor } of events.reverse()) {
          if (!payload) continue; // erased with its study
          const row = { ...payload, id: subject, study_uid, person_id: actor } as unknown as Row;
          await tx.insertInto('reference_entry').values(row).execute();
          touched.set(row.model_id, (touched.get(row.model_id) ?? new Set()).add(row.study_uid));
        }
        for (const [modelId, uids] of touched) await settle(tx, modelId, [...uids]);
      });
    },

    /** A queue's results become references when it is closed. */
    start() {
      store.events.consume(
        CONSUMER,
        async (anyTx, event) => {
          const tx = anyTx as Tx<Tables>;
          if (!event.subject) return;
          const queue = await tx
            .selectFrom('label_queue')
            .select('model_id')
            .where('id', '=', event.subject)
            .executeTakeFirst();
          if (!queue) return;
          const cases = await tx
            .selectFrom('label_case')
            .select('study_uid')
            .where('queue_id', '=', event.subject)
            .where('answer', 'is not', null)
            .execute();
          await settle(
            tx,
            queue.model_id,
            cases.map(({ study_uid }) => study_uid),
          );
        },
        { kinds: ['evidence.labelling.closed'] },
      );
    },
  };
}

/** A number that happens to hold `*` or `?` is no pattern: it can name no study then. */
const literal = (accession: string): string => accession.replace(/[*?\\]/g, '');

function mustBeForm({ method, answer, days }: FollowUpForm): void {
  if (!METHODS.includes(method)) throw bad('There is no such kind of follow-up.');
  if (!['yes', 'no', 'uncertain'].includes(answer)) throw bad('The answer is yes, no or uncertain.');
  if (days !== null && !(Number.isInteger(days) && days >= 0 && days <= MOST_DAYS))
    throw bad('The days after the study are a whole number, 3650 at most.');
}
