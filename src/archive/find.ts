/** Questions to the index. Whatever shows instances takes the sight; what it hides is left out before paging. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Db, Store } from '../store/types.ts';
import { type Conditions, conditionsOf, type Level, oneOf } from './match.ts';
import { instanceRow, splitList, studyRow } from './rows.ts';
import type { ArchiveTables, InstanceTable, SeriesTable, StudyTable } from './tables.ts';
import type {
  Archive,
  FoundStudy,
  InstanceRow,
  SeriesRow,
  Sight,
  StudyCounts,
  StudyQuery,
  StudyRow,
} from './types.ts';

const DEFAULT_LIMIT = 1000;
/** Rows read at once when some of them may be hidden. */
const MIN_STEP = 100;
const MAX_STEP = 50_000;
const UID_CHUNK = 500;

type Read = Db<ArchiveTables>;
type Where = { studyUid?: string; seriesUid?: string };
type Bool = RawBuilder<SqlBool>;

const STUDY_COLUMNS = sql.raw(
  `study_uid patient_id issuer patient_name birth_date sex age_years accession study_id study_date study_time description
   referring department indication modalities body_parts laterality priority images series first_received_at last_received_at
   complete held held_series held_modalities ai`
    .split(/\s+/)
    .map((name) => `study.${name}`)
    .join(', '),
);
const SERIES_COLUMNS = sql.raw(
  'study_uid series_uid modality number description body_part laterality images held ai'
    .split(' ')
    .map((name) => `series.${name}`)
    .join(', '),
);
/** Without the tables of frames, which can be long. */
const INSTANCE_COLUMNS = sql.raw(
  `sop_instance_uid sop_class_uid series_uid study_uid kind ai_run_id transfer_syntax number rows columns frames photometric
   view_position laterality body_part size sha256 received_at photo`
    .split(/\s+/)
    .map((name) => `instance.${name === 'rows' || name === 'columns' ? `"${name}"` : name}`)
    .join(', '),
);
type StudyFound = StudyTable;
type SeriesFound = SeriesTable & { held_modalities: string };
type InstanceFound = InstanceTable & { held_modalities: string };

const NO_NUMBER = 2_147_483_647;
/** Instances without a number come last. */
export const SERIES_ORDER = [`coalesce(series.number, ${NO_NUMBER})`, 'series.series_uid'];
export const INSTANCE_ORDER = [`coalesce(instance.number, ${NO_NUMBER})`, 'instance.sop_instance_uid'];

/** Visible results of AI: how many objects of a run lie in a series. */
interface Shown {
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly modality: string;
  readonly runId: string;
  readonly instances: number;
}

function* chunksOf<T>(items: readonly T[], size = UID_CHUNK): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/**
 * One page of rows of which some may be hidden: reads on until the page is full. `fetch` gives rows in a stable order, `keep`
 * those of them that may be shown, in order.
 */
async function pageOf<T>(
  { limit = DEFAULT_LIMIT, offset = 0 }: Pick<StudyQuery, 'limit' | 'offset'>,
  fetch: (limit: number, offset: number) => Promise<T[]>,
  keep: (rows: T[]) => Promise<T[]>,
): Promise<T[]> {
  const step = Math.min(MAX_STEP, Math.max(MIN_STEP, offset + limit));
  const page: T[] = [];
  let skipped = 0;
  for (let at = 0; page.length < limit; at += step) {
    const rows = await fetch(step, at);
    for (const row of await keep(rows)) {
      if (skipped < offset) skipped += 1;
      else if (page.length < limit) page.push(row);
    }
    if (rows.length < step) break;
  }
  return page;
}

export function createFinder(
  db: Read,
  dialect: Store['dialect'],
): Pick<
  Archive,
  'study' | 'studies' | 'findStudies' | 'findSeries' | 'findInstances' | 'counts' | 'priors' | 'sentBy'
> {
  const rowsOf = async <T>(query: RawBuilder<T>): Promise<T[]> => (await query.execute(db)).rows;

  async function studyTables(uids: readonly string[]): Promise<Map<string, StudyFound>> {
    const found = new Map<string, StudyFound>();
    for (const part of chunksOf(uids)) {
      const rows = await rowsOf(
        sql<StudyFound>`select ${STUDY_COLUMNS} from study where ${oneOf('study.study_uid', part, dialect)}`,
      );
      for (const row of rows) found.set(row.study_uid, row);
    }
    return found;
  }
  const studies = async (uids: readonly string[]): Promise<StudyRow[]> => {
    const found = uids.length === 0 ? undefined : await studyTables(uids);
    return uids.flatMap((uid) => {
      const row = found?.get(uid);
      return row ? [studyRow(row)] : [];
    });
  };

  /** What AI left in these studies and the sight lets through. */
  async function shownIn(studyUids: readonly string[], sight: Sight): Promise<Shown[]> {
    const found: Shown[] = [];
    for (const part of chunksOf(studyUids)) {
      const rows = await rowsOf(sql<Shown & { instances: number | string }>`
        select instance.study_uid as "studyUid", instance.series_uid as "seriesUid", series.modality as "modality",
          instance.ai_run_id as "runId", count(*) as "instances"
        from instance
        join series on series.study_uid = instance.study_uid and series.series_uid = instance.series_uid
        where ${oneOf('instance.study_uid', part, dialect)} and instance.ai_run_id is not null
        group by instance.study_uid, instance.series_uid, series.modality, instance.ai_run_id`);
      if (rows.length === 0) continue;
      const seen = await sight([...new Set(rows.map(({ runId }) => runId))]);
      for (const row of rows) {
        if (seen.has(row.runId)) found.push({ ...row, instances: Number(row.instances) });
      }
    }
    return found;
  }

  /** Only studies that AI left something in cost a look. */
  async function countsOf(rows: readonly StudyFound[], sight: Sight): Promise<Map<string, StudyCounts>> {
    const counts = new Map(
      rows.map((row) => [
        row.study_uid,
        {
          series: Number(row.held_series),
          instances: Number(row.held),
          modalities: splitList(row.held_modalities),
        },
      ]),
    );
    const touched = rows.filter(({ ai }) => Number(ai) > 0).map(({ study_uid }) => study_uid);
    if (touched.length === 0) return counts;
    const shown = await shownIn(touched, sight);
    if (shown.length === 0) return counts;
    const heldIn = await withHeld(shown);
    const counted = new Set<string>();
    for (const { studyUid, seriesUid, modality, instances } of shown) {
      const study = counts.get(studyUid)!;
      study.instances += instances;
      const key = `${studyUid} ${seriesUid}`;
      if (!heldIn.has(key) && !counted.has(key)) study.series += 1;
      counted.add(key);
      if (modality !== '' && !study.modalities.includes(modality))
        study.modalities = [...study.modalities, modality].sort();
    }
    return counts;
  }
  /** Of these series, those that hold images or reports too. */
  async function withHeld(shown: readonly Shown[]): Promise<Set<string>> {
    const held = new Set<string>();
    for (const part of chunksOf([...new Set(shown.map(({ seriesUid }) => seriesUid))])) {
      const rows = await rowsOf(sql<Pick<SeriesTable, 'study_uid' | 'series_uid'>>`
        select study_uid, series_uid from series where ${oneOf('series_uid', part, dialect)} and held > 0`);
      for (const { study_uid, series_uid } of rows) held.add(`${study_uid} ${series_uid}`);
    }
    return held;
  }

  /** Modalities of these studies as the asker sees them, beyond those of images and reports. */
  async function aiModalities(studyUids: readonly string[], sight: Sight): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for (const { studyUid, modality } of await shownIn([...new Set(studyUids)], sight))
      found.set(studyUid, [...(found.get(studyUid) ?? []), modality]);
    return found;
  }
  /** Leaves out what matches by the modality of a hidden result alone. */
  async function byModality<T extends { study_uid: string; held_modalities: string }>(
    rows: T[],
    modalities: Conditions['modalities'],
    sight: Sight,
  ): Promise<T[]> {
    if (!modalities) return rows;
    const held = (row: T): boolean => modalities(splitList(row.held_modalities));
    const asked = rows.filter((row) => !held(row)).map(({ study_uid }) => study_uid);
    if (asked.length === 0) return rows;
    const seen = await aiModalities(asked, sight);
    return rows.filter(
      (row) =>
        held(row) || modalities([...splitList(row.held_modalities), ...(seen.get(row.study_uid) ?? [])]),
    );
  }

  /**
   * The studies of a query, where they are found fastest: by words in their order, else in the order of studies, else (`narrow`)
   * as the database likes. SQLite keeps to the order of a cross join.
   */
  function source(
    { study, words, beside, between, narrow }: Conditions,
    page?: { limit: number; offset: number },
  ): {
    from: RawBuilder<unknown>;
    where: Bool[];
    order: string;
    join: RawBuilder<unknown>;
  } {
    const ordered = (name: string): Bool[] => [
      // Without a beginning SQLite would leave the index of this order, and sort all there is.
      sql<SqlBool>`${sql.raw(name)} >= ${between.low ?? 0}`,
      ...(between.high === undefined ? [] : [sql<SqlBool>`${sql.raw(name)} <= ${between.high}`]),
    ];
    if (!words)
      return {
        from: sql`study`,
        where: [...study, ...(narrow ? [] : ordered('study.order_at'))],
        order: 'study',
        join: narrow ? sql`,` : sql`cross join`,
      };
    // Where nothing else is asked the page is cut here, before any study is read.
    const cut = page
      ? sql`order by order_at desc, study_uid desc limit ${page.limit} offset ${page.offset}`
      : sql``;
    return {
      from: sql`(select distinct order_at, study_uid from study_word where ${sql.join([words, ...ordered('order_at')], sql` and `)} ${cut}) as w
        cross join study`,
      where: [sql<SqlBool>`study.study_uid = w.study_uid`, ...beside],
      order: 'w',
      join: sql`cross join`,
    };
  }
  const whereOf = (conditions: readonly Bool[]) =>
    conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
  const conditions = (level: Level, { match, ...options }: StudyQuery) =>
    conditionsOf(level, match, { ...options, dialect });

  async function fetchStudies(asked: Conditions, limit: number, offset: number): Promise<StudyFound[]> {
    const isCut = asked.words !== undefined && asked.beside.length === 0;
    const { from, where, order } = source(asked, isCut ? { limit, offset } : undefined);
    return rowsOf(sql<StudyFound>`select ${STUDY_COLUMNS} from ${from} ${whereOf(where)}
      order by ${sql.raw(order)}.order_at desc, ${sql.raw(order)}.study_uid desc
      ${isCut ? sql`` : sql`limit ${limit} offset ${offset}`}`);
  }

  /** Columns, tables, conditions and order of series; the study is left out where nothing is asked of it. */
  function seriesQuery(asked: Conditions, { studyUid, seriesUid }: Where) {
    const own = [
      ...asked.series,
      ...(studyUid === undefined ? [] : [sql<SqlBool>`series.study_uid = ${studyUid}`]),
      ...(seriesUid === undefined ? [] : [sql<SqlBool>`series.series_uid = ${seriesUid}`]),
    ];
    if (studyUid !== undefined && asked.study.length === 0)
      return { held: sql`''`, from: sql`series`, where: own, order: [] as string[], join: sql`,` };
    const found = source(
      studyUid === undefined && seriesUid === undefined
        ? asked
        : { ...asked, words: undefined, narrow: true },
    );
    return {
      held: sql`study.held_modalities`,
      from: sql`${found.from} ${found.join} series`,
      where: [...found.where, sql<SqlBool>`series.study_uid = study.study_uid`, ...own],
      order: [`${found.order}.order_at desc`, `${found.order}.study_uid desc`],
      join: found.join,
    };
  }

  return {
    study: async (studyUid) => (await studies([studyUid]))[0],
    studies,

    async findStudies(query, sight): Promise<FoundStudy[]> {
      const asked = conditions('study', query);
      const rows = asked.modalities
        ? await pageOf(
            query,
            (limit, offset) => fetchStudies(asked, limit, offset),
            (found) => byModality(found, asked.modalities, sight),
          )
        : await fetchStudies(asked, query.limit ?? DEFAULT_LIMIT, query.offset ?? 0);
      const counts = await countsOf(rows, sight);
      return rows.map((row) => ({ ...studyRow(row), counts: counts.get(row.study_uid)! }));
    },

    async findSeries(query, sight): Promise<SeriesRow[]> {
      const asked = conditions('series', query);
      const { held, from, where, order } = seriesQuery(asked, query);
      const shown = new Map<string, Shown[]>();
      const fetch = (limit: number, offset: number) =>
        rowsOf(sql<SeriesFound>`select ${SERIES_COLUMNS}, ${held} as held_modalities from ${from} ${whereOf(where)}
          order by ${sql.raw([...order, ...SERIES_ORDER].join(', '))} limit ${limit} offset ${offset}`);
      const keep = async (found: SeriesFound[]): Promise<SeriesFound[]> => {
        const rows = await byModality(found, asked.modalities, sight);
        const touched = new Set(rows.filter(({ ai }) => Number(ai) > 0).map(({ study_uid }) => study_uid));
        if (touched.size === 0) return rows;
        for (const each of await shownIn([...touched], sight)) {
          const key = `${each.studyUid} ${each.seriesUid}`;
          shown.set(key, [...(shown.get(key) ?? []), each]);
        }
        return rows.filter((row) => Number(row.held) > 0 || shown.has(`${row.study_uid} ${row.series_uid}`));
      };
      const rows = await pageOf(query, fetch, keep);
      return rows.map((row) => {
        const ai = shown.get(`${row.study_uid} ${row.series_uid}`) ?? [];
        return {
          seriesUid: row.series_uid,
          studyUid: row.study_uid,
          modality: row.modality,
          number: row.number === null ? null : Number(row.number),
          description: row.description,
          bodyPart: row.body_part,
          laterality: row.laterality,
          // A series is AI's only when all of it is.
          kind: Number(row.held) === 0 ? 'ai' : Number(row.held) > Number(row.images) ? 'report' : 'image',
          aiRunId:
            ai.length === 0
              ? null
              : ai
                  .map(({ runId }) => runId)
                  .sort()
                  .at(-1)!,
          instances: Number(row.held) + ai.reduce((sum, { instances }) => sum + instances, 0),
        };
      });
    },

    async findInstances(query, sight): Promise<InstanceRow[]> {
      const asked = conditions('instance', query);
      const { studyUid, seriesUid } = query;
      const own = [
        ...asked.instance,
        ...(studyUid === undefined ? [] : [sql<SqlBool>`instance.study_uid = ${studyUid}`]),
        ...(seriesUid === undefined ? [] : [sql<SqlBool>`instance.series_uid = ${seriesUid}`]),
      ];
      const alone =
        studyUid !== undefined && seriesUid !== undefined && asked.study.length + asked.series.length === 0;
      const { held, from, where, order, join } = seriesQuery(asked, query);
      const tables = alone
        ? { held: sql`''`, from: sql`instance`, where: own, order: [] }
        : {
            held,
            from: sql`${from} ${join} instance`,
            where: [
              ...where,
              sql<SqlBool>`instance.study_uid = ${sql.raw(order.length > 0 ? 'study' : 'series')}.study_uid`,
              sql<SqlBool>`instance.series_uid = series.series_uid`,
              ...own,
            ],
            order: [...order, ...SERIES_ORDER],
          };
      const rows = await pageOf(
        query,
        (limit, offset) =>
          rowsOf(sql<InstanceFound>`select ${INSTANCE_COLUMNS}, ${tables.held} as held_modalities from ${tables.from}
            ${whereOf(tables.where)}
            order by ${sql.raw([...tables.order, ...INSTANCE_ORDER].join(', '))} limit ${limit} offset ${offset}`),
        async (found) => {
          const rows = await byModality(found, asked.modalities, sight);
          const runs = new Set(rows.flatMap(({ ai_run_id }) => (ai_run_id === null ? [] : [ai_run_id])));
          if (runs.size === 0) return rows;
          const seen = await sight([...runs]);
          return rows.filter(({ ai_run_id }) => ai_run_id === null || seen.has(ai_run_id));
        },
      );
      return rows.map(instanceRow);
    },

    async counts(studyUids, sight) {
      const counts = await countsOf([...(await studyTables(studyUids)).values()], sight);
      return new Map(
        studyUids.map((uid) => [uid, counts.get(uid) ?? { series: 0, instances: 0, modalities: [] }]),
      );
    },

    async sentBy(studyUid) {
      const rows = await db
        .selectFrom('instance')
        .select(['sop_instance_uid', 'from_name'])
        .where('study_uid', '=', studyUid)
        .where('kind', '=', 'image')
        .where('door', '=', 'dimse')
        .execute();
      return rows.map((row) => ({ sopInstanceUid: row.sop_instance_uid, aeTitle: row.from_name }));
    },

    async priors(studyUid): Promise<StudyRow[]> {
      const [study] = await studies([studyUid]);
      // Without an ID everyone would be the same patient.
      if (!study || study.patientId === '') return [];
      const rows = await db
        .selectFrom('study')
        .selectAll()
        .where('patient_id', '=', study.patientId)
        .where('issuer', '=', study.issuer)
        .where('study_uid', '!=', studyUid)
        .where('study_date', '<=', study.studyDate === '' ? '99999999' : study.studyDate)
        .orderBy('order_at', 'desc')
        .orderBy('study_uid', 'desc')
        .limit(DEFAULT_LIMIT)
        .execute();
      return rows.map(studyRow);
    },
  };
}
