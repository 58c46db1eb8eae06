/** Questions to the index. Whatever shows instances takes the sight; hidden rows are left out in SQL, before paging. */
import { type Expression, expressionBuilder, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { NegatoscopeError } from '../errors.ts';
import type { Db, Store } from '../store/types.ts';
import { askedModalities, conditions, type Level, type Matching } from './match.ts';
import { instanceRow, studyRow } from './rows.ts';
import type { ArchiveTables } from './tables.ts';
import type { Archive, InstanceKind, InstanceRow, SeriesRow, Sight, StudyQuery, StudyRow } from './types.ts';

const DEFAULT_LIMIT = 1000;
/** A statement holds the list twice at most; SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const MAX_RUNS = 15_000;
const UID_CHUNK = 500;

type Read = Db<ArchiveTables>;
type Where = { studyUid?: string; seriesUid?: string };
type Builder = ExpressionBuilder<ArchiveTables, any>;

const joined = (db: Read) =>
  db
    .selectFrom('instance')
    .innerJoin('series', (join) =>
      join
        .onRef('series.study_uid', '=', 'instance.study_uid')
        .onRef('series.series_uid', '=', 'instance.series_uid'),
    )
    .innerJoin('study', 'study.study_uid', 'instance.study_uid');

const wanted =
  (level: 'series' | 'instance', query: StudyQuery & Where, matching: Matching) =>
  (eb: Builder): Expression<SqlBool> =>
    eb.and([
      ...(query.studyUid === undefined ? [] : [eb('instance.study_uid', '=', query.studyUid)]),
      ...(query.seriesUid === undefined ? [] : [eb('instance.series_uid', '=', query.seriesUid)]),
      ...conditions(eb, level, query.match, matching),
    ]);

/** Of the AI runs among these rows, those that the sight lets through. */
async function shownRuns(
  db: Read,
  where: (eb: Builder) => Expression<SqlBool>,
  sight: Sight,
): Promise<string[]> {
  const runs = await joined(db)
    .select('instance.ai_run_id')
    .distinct()
    .where('instance.ai_run_id', 'is not', null)
    .where((eb) => where(eb as unknown as Builder))
    .execute();
  const runIds = runs.flatMap(({ ai_run_id }) => (ai_run_id === null ? [] : [ai_run_id]));
  const seen = runIds.length === 0 ? new Set<string>() : await sight(runIds);
  const shown = runIds.filter((id) => seen.has(id));
  if (shown.length > MAX_RUNS) {
    throw new NegatoscopeError(
      'query-too-wide',
      'Too many results of AI match. Narrow the search by study or date.',
    );
  }
  return shown;
}

/** Rows of images and reports, and of those AI runs that the sight lets through. */
async function visible(
  db: Read,
  where: (eb: Builder) => Expression<SqlBool>,
  sight: Sight,
): Promise<(eb: Builder) => Expression<SqlBool>> {
  const shown = await shownRuns(db, where, sight);
  return (eb) =>
    shown.length === 0
      ? eb('instance.ai_run_id', 'is', null)
      : eb.or([eb('instance.ai_run_id', 'is', null), eb('instance.ai_run_id', 'in', shown)]);
}

const page = (query: StudyQuery) => ({ limit: query.limit ?? DEFAULT_LIMIT, offset: query.offset ?? 0 });

export function createFinder(
  db: Read,
  dialect: Store['dialect'],
): Pick<Archive, 'study' | 'studies' | 'findStudies' | 'findSeries' | 'findInstances' | 'counts' | 'priors'> {
  const studies = async (uids: readonly string[]): Promise<StudyRow[]> => {
    const found = new Map<string, StudyRow>();
    for (let at = 0; at < uids.length; at += UID_CHUNK) {
      const rows = await db
        .selectFrom('study')
        .selectAll()
        .where('study_uid', 'in', uids.slice(at, at + UID_CHUNK))
        .execute();
      for (const row of rows) found.set(row.study_uid, studyRow(row));
    }
    return uids.flatMap((uid) => found.get(uid) ?? []);
  };

  /** How to match for this sight: only who asks for modalities of studies has their AI objects looked up. */
  async function matchingOf(level: Level, query: StudyQuery & Where, sight: Sight): Promise<Matching> {
    const matching: Matching = { ...(query.fuzzy ? { fuzzy: true } : {}), dialect };
    const { ModalitiesInStudy: _, Modality: __, ...rest } = query.match;
    const where = (eb: Builder): Expression<SqlBool> | undefined => {
      const asked = askedModalities(eb, level, query.match, matching);
      return (
        asked &&
        eb.and([
          asked,
          ...(query.studyUid === undefined ? [] : [eb('instance.study_uid', '=', query.studyUid)]),
          ...conditions(eb, 'study', rest, matching),
        ])
      );
    };
    if (!where(expressionBuilder() as Builder)) return matching;
    return { ...matching, shown: await shownRuns(db, (eb) => where(eb)!, sight) };
  }

  return {
    study: async (studyUid) => (await studies([studyUid]))[0],
    studies,

    async findStudies(query, sight): Promise<StudyRow[]> {
      const { limit, offset } = page(query);
      const matching = await matchingOf('study', query, sight);
      const rows = await db
        .selectFrom('study')
        .selectAll()
        .where((eb) => eb.and(conditions(eb as unknown as Builder, 'study', query.match, matching)))
        .orderBy('study_date', 'desc')
        .orderBy('f_time', 'desc')
        .orderBy('first_received_at', 'desc')
        .orderBy('study_uid')
        .limit(limit)
        .offset(offset)
        .execute();
      return rows.map(studyRow);
    },

    async findSeries(query, sight): Promise<SeriesRow[]> {
      const { limit, offset } = page(query);
      const where = wanted('series', query, await matchingOf('series', query, sight));
      const seen = await visible(db, where, sight);
      const rows = await joined(db)
        .select([
          'series.series_uid',
          'series.study_uid',
          'series.modality',
          'series.number',
          'series.description',
          'series.body_part',
          'series.laterality',
        ])
        .select((eb) => [
          eb.fn.countAll<number>().as('instances'),
          // 'ai' < 'image' < 'report': a series is AI's only when all of it is.
          eb.fn.max<InstanceKind>('instance.kind').as('kind'),
          eb.fn.max<string | null>('instance.ai_run_id').as('ai_run_id'),
        ])
        .where((eb) => where(eb as unknown as Builder))
        .where((eb) => seen(eb as unknown as Builder))
        .groupBy(['series.study_uid', 'series.series_uid', 'study.study_uid'])
        .orderBy('study.study_date', 'desc')
        .orderBy('study.f_time', 'desc')
        .orderBy('series.study_uid')
        .orderBy(sql`coalesce(series.number, 2147483647)`)
        .orderBy('series.series_uid')
        .limit(limit)
        .offset(offset)
        .execute();
      return rows.map((row) => ({
        seriesUid: row.series_uid,
        studyUid: row.study_uid,
        modality: row.modality,
        number: row.number === null ? null : Number(row.number),
        description: row.description,
        bodyPart: row.body_part,
        laterality: row.laterality,
        kind: row.kind,
        aiRunId: row.ai_run_id,
        instances: Number(row.instances),
      }));
    },

    async findInstances(query, sight): Promise<InstanceRow[]> {
      const { limit, offset } = page(query);
      const where = wanted('instance', query, await matchingOf('instance', query, sight));
      const seen = await visible(db, where, sight);
      const rows = await joined(db)
        .selectAll('instance')
        .where((eb) => where(eb as unknown as Builder))
        .where((eb) => seen(eb as unknown as Builder))
        .orderBy('study.study_date', 'desc')
        .orderBy('study.f_time', 'desc')
        .orderBy('instance.study_uid')
        .orderBy(sql`coalesce(series.number, 2147483647)`)
        .orderBy('instance.series_uid')
        .orderBy(sql`coalesce(instance.number, 2147483647)`)
        .orderBy('instance.sop_instance_uid')
        .limit(limit)
        .offset(offset)
        .execute();
      return rows.map(instanceRow);
    },

    async counts(studyUids, sight) {
      const found = new Map<string, { series: Set<string>; instances: number; modalities: Set<string> }>();
      for (let at = 0; at < studyUids.length; at += UID_CHUNK) {
        const uids = studyUids.slice(at, at + UID_CHUNK);
        const seen = await visible(db, (eb) => eb('instance.study_uid', 'in', uids), sight);
        const rows = await joined(db)
          .select(['instance.study_uid', 'instance.series_uid', 'series.modality'])
          .select((eb) => eb.fn.countAll<number>().as('instances'))
          .where('instance.study_uid', 'in', uids)
          .where((eb) => seen(eb as unknown as Builder))
          .groupBy(['instance.study_uid', 'instance.series_uid', 'series.modality'])
          .execute();
        for (const row of rows) {
          const study = found.get(row.study_uid) ?? {
            series: new Set(),
            instances: 0,
            modalities: new Set(),
          };
          study.series.add(row.series_uid);
          study.instances += Number(row.instances);
          if (row.modality !== '') study.modalities.add(row.modality);
          found.set(row.study_uid, study);
        }
      }
      return new Map(
        studyUids.map((uid) => {
          const study = found.get(uid);
          return [
            uid,
            {
              series: study?.series.size ?? 0,
              instances: study?.instances ?? 0,
              modalities: [...(study?.modalities ?? [])].sort(),
            },
          ] as const;
        }),
      );
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
        .orderBy('study_date', 'desc')
        .orderBy('f_time', 'desc')
        .orderBy('first_received_at', 'desc')
        .limit(DEFAULT_LIMIT)
        .execute();
      return rows.map(studyRow);
    },
  };
}
