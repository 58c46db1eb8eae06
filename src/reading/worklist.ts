import { sql } from 'kysely';
import { foldName, wordsOf } from '../archive/fold.ts';
import type { ArchiveTables } from '../archive/tables.ts';
import { isForeignRun } from '../assist/index.ts';
import type { RunRow } from '../assist/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import type { Db } from '../store/types.ts';
import { CLAIM_LAPSE_MS } from './claims.ts';
import type { Context, Tables } from './context.ts';
import { createSight } from './sight.ts';
import type { AiStatus, ReadingState, WorklistName, WorklistPage, WorklistRow } from './types.ts';

export const WORKLISTS = ['to-read', 'mine', 'waiting-ai', 'signed-today', 'reopened', 'all'] as const;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** Lists of work to do: the most urgent, then the longest waiting first. The others: the newest first. */
const TO_DO: readonly WorklistName[] = ['to-read', 'mine', 'waiting-ai', 'reopened'];

export interface WorklistQuery {
  list: WorklistName;
  modality?: string;
  search?: string;
  cursor?: string;
  limit?: number;
}

/** Midnight of the day in a time zone, ms UTC. */
export function midnight(at: number, timeZone: string): number {
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    hourCycle: 'h23',
  });
  const sinceMidnight = (ms: number): number => {
    const part = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    return (part.get('hour')! * 3600 + part.get('minute')! * 60 + part.get('second')!) * 1000 + (ms % 1000);
  };
  const guess = at - sinceMidnight(at);
  // Where the clock was put forward or back in between, the guess is an hour off.
  const off = sinceMidnight(guess);
  return off === 0 ? guess : off < 12 * 3_600_000 ? guess - off : guess + (24 * 3_600_000 - off);
}

export const statusOf = (run: RunRow): AiStatus => ({
  modelId: run.modelId,
  runId: run.id,
  state: run.state,
  reason: run.reason,
  detail: run.detail,
});

/** What the lists say, of tools only whether they ran: neither order nor counts depend on what they found. */
export function createWorklist(context: Context) {
  const { archive, assist, now, timeZone } = context;
  const sight = createSight(context);
  const db = context.read as unknown as Db<Tables & ArchiveTables>;

  /** `study` with its state, the live claim, and this person's draft. */
  const joined = (personId: string | null, at: number) =>
    db
      .selectFrom('study')
      .leftJoin('reading_state as state', 'state.study_uid', 'study.study_uid')
      .leftJoin('claim', (join) =>
        join
          .onRef('claim.study_uid', '=', 'study.study_uid')
          .on('claim.renewed_at', '>', at - CLAIM_LAPSE_MS),
      )
      .leftJoin('person', 'person.id', 'claim.person_id')
      .leftJoin('draft', (join) =>
        join
          .onRef('draft.study_uid', '=', 'study.study_uid')
          .on('draft.person_id', '=', personId ?? '')
          .on('draft.round', '=', sql<number>`coalesce(state.version + 1, 1)`),
      )
      // Studies without images (a stray report) are nobody's work.
      .where('study.images', '>', 0);

  const unsigned = sql<boolean>`(state.version is null or state.reopened_at is not null)`;
  const conditions = (
    personId: string | null,
    at: number,
  ): Record<WorklistName, ReturnType<typeof sql<boolean>>> => ({
    'to-read': unsigned,
    mine: sql<boolean>`(${unsigned} and (claim.person_id = ${personId ?? ''} or draft.person_id is not null))`,
    'waiting-ai': sql<boolean>`(${unsigned} and exists (select 1 from reading_run where reading_run.study_uid = study.study_uid and reading_run.state in ('waiting', 'running')))`,
    'signed-today': sql<boolean>`(not ${unsigned} and state.signed_at >= ${midnight(at, timeZone)})`,
    reopened: sql<boolean>`(state.reopened_at is not null)`,
    all: sql<boolean>`(1 = 1)`,
  });

  /** Every word of the search begins a word of the name, or stands in the patient's number, or begins the accession number. */
  function searching(search: string) {
    const escape = (text: string) => text.replace(/[\\%_]/g, '\\$&');
    return wordsOf(search).map((word) => {
      const like = escape(word);
      return sql<boolean>`(study.f_name like ${`% ${like}%`} escape '\\' or study.f_patient_id like ${`%${like}%`} escape '\\' or study.f_accession like ${`%${like}%`} escape '\\')`;
    });
  }
  /** Numbers hold characters that part words in names: they are also looked up as a whole. */
  function found(search: string) {
    const words = searching(search);
    // The folded text stands between `=` when it is not empty.
    const whole = foldName(search)
      .slice(1, -1)
      .replace(/[\\%_]/g, '\\$&');
    const any = words.length === 0 ? sql<boolean>`(1 = 0)` : sql<boolean>`(${sql.join(words, sql` and `)})`;
    return sql<boolean>`(${any} or study.f_patient_id like ${`%${whole}%`} escape '\\' or study.f_accession like ${`%${whole}%`} escape '\\')`;
  }
  const inModality = (modality: string) =>
    sql<boolean>`(study.modalities like ${`%|${modality.replace(/[\\%_|]/g, '')}|%`})`;

  async function counts(
    personId: string | null,
    at: number,
    list: WorklistName,
    search: string,
  ): Promise<WorklistPage['counts']> {
    const of = conditions(personId, at);
    const n = (condition: ReturnType<typeof sql<boolean>>) =>
      sql<number>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;
    const row = await joined(personId, at)
      .select(WORKLISTS.map((name) => n(of[name]).as(name)))
      .executeTakeFirstOrThrow();
    let query = joined(personId, at)
      .select(['study.modalities', sql<number>`count(*)`.as('n')])
      .where(of[list])
      .groupBy('study.modalities');
    if (search) query = query.where(found(search));
    const byModality: Record<string, number> = {};
    for (const { modalities, n: studies } of await query.execute())
      for (const modality of modalities.split('|').filter((value) => value !== ''))
        byModality[modality] = (byModality[modality] ?? 0) + Number(studies);
    const totals = Object.fromEntries(
      WORKLISTS.map((name) => [name, Number((row as Record<string, unknown>)[name])]),
    ) as Record<WorklistName, number>;
    return { ...totals, byModality } as WorklistPage['counts'];
  }

  /** The first image of each study: by instance number, then UID. */
  async function thumbnails(uids: readonly string[]): Promise<Map<string, WorklistRow['thumbnail']>> {
    if (uids.length === 0) return new Map();
    const { rows } = await sql<{ study_uid: string; series_uid: string; sop_instance_uid: string }>`
      select study_uid, series_uid, sop_instance_uid from (
        select study_uid, series_uid, sop_instance_uid,
          row_number() over (partition by study_uid order by coalesce(number, 2147483647), sop_instance_uid) as place
        from instance where kind = 'image' and rows is not null and study_uid in (${sql.join(uids)})
      ) as ranked where place = 1`.execute(db);
    return new Map(
      rows.map((row) => [row.study_uid, { seriesUid: row.series_uid, sopInstanceUid: row.sop_instance_uid }]),
    );
  }

  return async function worklist(principal: Principal, query: WorklistQuery): Promise<WorklistPage> {
    const { list } = query;
    if (!WORKLISTS.includes(list)) throw new NegatoscopeError('list-unknown', 'There is no such list.');
    const at = now();
    const { personId } = principal;
    const limit = Math.min(MAX_LIMIT, Math.max(1, query.limit ?? DEFAULT_LIMIT));
    const search = (query.search ?? '').trim();

    const rank = sql<number>`(case study.priority when 'STAT' then 0 when 'HIGH' then 1 else 2 end)`;
    // Both orders ascend in (rank, time, uid); newest first is the time with its sign turned.
    const place = TO_DO.includes(list)
      ? { rank, time: sql<number>`study.first_received_at` }
      : {
          rank: sql<number>`0`,
          time:
            list === 'signed-today'
              ? sql<number>`(-state.signed_at)`
              : sql<number>`(-study.first_received_at)`,
        };
    let page = joined(personId, at)
      .select([
        'study.study_uid',
        'study.complete',
        'study.first_received_at',
        'state.version',
        'state.signed_at',
        'state.reopened_at',
        'claim.person_id as claimed_by',
        'claim.since as claimed_since',
        'person.name as claimed_name',
        place.rank.as('rank'),
        place.time.as('time'),
      ])
      .where(conditions(personId, at)[list]);
    if (search) page = page.where(found(search));
    if (query.modality) page = page.where(inModality(query.modality));
    if (query.cursor) {
      const [r, t, uid] = cursorOf(query.cursor);
      page = page.where(
        sql<boolean>`(${place.rank} > ${r} or (${place.rank} = ${r} and (${place.time} > ${t} or (${place.time} = ${t} and study.study_uid > ${uid}))))`,
      );
    }
    const rows = await page
      .orderBy(sql`rank`)
      .orderBy(sql`time`)
      .orderBy('study.study_uid')
      .limit(limit + 1)
      .execute();
    const shown = rows.slice(0, limit);
    const uids = shown.map((row) => row.study_uid);
    const [studies, runs, first, total] = await Promise.all([
      archive.studies(uids),
      assist.runs(uids),
      thumbnails(uids),
      counts(personId, at, list, search),
    ]);
    // That a tool elsewhere sent something says that it found something; ours say of every study that they ran.
    const seen = await sight(principal)(runs.map(({ id }) => id).filter(isForeignRun));
    const byUid = new Map(studies.map((study) => [study.studyUid, study]));
    const last = shown.at(-1);
    return {
      rows: shown.flatMap((row): WorklistRow[] => {
        const study = byUid.get(row.study_uid);
        if (!study) return [];
        const signed = row.version !== null && row.reopened_at === null;
        return [
          {
            study,
            state: readingState({
              complete: study.complete,
              signed,
              reopened: row.reopened_at !== null,
              claimed: row.claimed_by !== null,
            }),
            waitingSince: Number(row.reopened_at ?? row.first_received_at),
            signedAt: row.signed_at === null ? null : Number(row.signed_at),
            claimedBy:
              row.claimed_by === null || signed
                ? null
                : {
                    personId: row.claimed_by,
                    name: row.claimed_name ?? '',
                    since: Number(row.claimed_since),
                  },
            ai: runs
              .filter((run) => run.studyUid === row.study_uid && (!isForeignRun(run.id) || seen.has(run.id)))
              .map(statusOf),
            thumbnail: first.get(row.study_uid) ?? null,
          },
        ];
      }),
      counts: total,
      next:
        rows.length > limit && last
          ? Buffer.from(JSON.stringify([Number(last.rank), Number(last.time), last.study_uid])).toString(
              'base64url',
            )
          : null,
    };
  };
}

export function readingState(of: {
  complete: boolean;
  signed: boolean;
  reopened: boolean;
  claimed: boolean;
}): ReadingState {
  if (of.signed) return 'signed';
  if (of.reopened) return 'reopened';
  if (of.claimed) return 'reading';
  return of.complete ? 'to-read' : 'waiting-images';
}

function cursorOf(cursor: string): [number, number, string] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(value) &&
      value.length === 3 &&
      Number.isFinite(value[0]) &&
      Number.isFinite(value[1]) &&
      typeof value[2] === 'string'
    )
      return value as [number, number, string];
  } catch {
    // Falls through: whoever sent it gets the same answer as for any other text.
  }
  throw new NegatoscopeError(
    'cursor-unknown',
    'This page of the list is no longer known. Load the list again.',
  );
}
