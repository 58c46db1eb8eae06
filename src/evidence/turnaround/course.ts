/** The ways of studies as rows, from the event log alone: written by the consumer, read for the figures. */
import { sql } from 'kysely';
import type { Db, SealedEvent, Store, Tx } from '../../store/types.ts';
import type { Range } from '../facts.ts';
import type { TurnaroundTables } from './tables.ts';
import type { Course } from './types.ts';

export const CONSUMER = 'evidence.course';
const KINDS = [
  'reading.claimed',
  'reading.decided',
  'reading.report.signed',
  'delivery.report.stored',
] as const;

/** A study of one tool with its way. Times in ms UTC. */
export interface CourseRow {
  modality: string;
  bodyPart: string;
  priority: string;
  acquiredAt: number | null;
  arrivedAt: number;
  openedAt: number | null;
  signedAt: number;
  deliveredAt: number | null;
  readyAt: number | null;
  shownAt: number | null;
  positive: boolean;
  marks: number;
  rejected: number;
  rejectionMs: number[];
}

type EvidenceTx = Tx<TurnaroundTables>;
const nullable = (value: number | null): number | null => (value === null ? null : Number(value));

/** Applying an event again changes nothing: every row has the key of what it is about. */
export function createCourses(store: Store) {
  const read = store.read as unknown as Db<TurnaroundTables>;

  /** The first reader to take a study since it came, or since it was signed last. */
  async function opened(tx: EvidenceTx, event: SealedEvent): Promise<void> {
    await tx
      .insertInto('study_opened')
      .values({ study_uid: event.study_uid!, at: Number(event.at) })
      .onConflict((c) => c.column('study_uid').doNothing())
      .execute();
  }

  async function decided(tx: EvidenceTx, event: SealedEvent): Promise<void> {
    const { run, decision, ms } = event.payload ?? {};
    if (typeof run !== 'string' || !event.subject || !event.actor) return; // a reader's own mark
    const row = {
      finding_id: event.subject,
      person_id: event.actor,
      study_uid: event.study_uid!,
      run_id: run,
      decision: typeof decision === 'string' ? decision : '',
      ms: typeof ms === 'number' ? ms : null,
    };
    await tx
      .insertInto('mark_decided')
      .values(row)
      .onConflict((c) =>
        c.columns(['finding_id', 'person_id']).doUpdateSet({ decision: row.decision, ms: row.ms }),
      )
      .execute();
  }

  async function signed(tx: EvidenceTx, event: SealedEvent): Promise<void> {
    const course = event.payload?.course as Course | undefined;
    if (!course) return; // signed before it was recorded, or erased
    const { reportId, studyUid } = course;
    const first = await tx
      .selectFrom('study_opened')
      .select('at')
      .where('study_uid', '=', studyUid)
      .executeTakeFirst();
    const decisions = await tx
      .selectFrom('mark_decided')
      .select(['run_id', 'decision', 'ms'])
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', course.readerId)
      .execute();
    await tx.deleteFrom('study_opened').where('study_uid', '=', studyUid).execute();
    await tx.deleteFrom('mark_decided').where('study_uid', '=', studyUid).execute();
    await tx
      .insertInto('study_course')
      .values({
        report_id: reportId,
        study_uid: studyUid,
        version: course.version,
        reader_id: course.readerId,
        modality: course.modality,
        body_part: course.bodyPart,
        priority: course.priority,
        acquired_at: course.acquiredAt,
        arrived_at: course.arrivedAt,
        opened_at: first ? Number(first.at) : null,
        signed_at: course.signedAt,
        delivered_at: null,
      })
      .onConflict((c) => c.column('report_id').doNothing())
      .execute();
    for (const tool of course.tools) {
      const rejections = decisions.filter(
        ({ run_id, decision }) => run_id === tool.runId && decision === 'rejected',
      );
      const timed = rejections.flatMap(({ ms }) => (ms === null ? [] : [Number(ms)]));
      await tx
        .insertInto('study_course_tool')
        .values({
          report_id: reportId,
          model_id: tool.modelId,
          model_version: tool.modelVersion,
          signed_at: course.signedAt,
          ready_at: tool.readyAt,
          shown_at: tool.shownAt,
          positive: Number(tool.positive),
          marks: tool.marks,
          rejected: rejections.length,
          timed_rejections: timed.length,
          rejection_ms: JSON.stringify(timed),
        })
        .onConflict((c) => c.columns(['report_id', 'model_id']).doNothing())
        .execute();
    }
  }

  async function delivered(tx: EvidenceTx, event: SealedEvent): Promise<void> {
    await tx
      .updateTable('study_course')
      .set({ delivered_at: Number(event.at) })
      .where('report_id', '=', event.subject ?? '')
      .where('delivered_at', 'is', null)
      .execute();
  }

  const APPLY = {
    'reading.claimed': opened,
    'reading.decided': decided,
    'reading.report.signed': signed,
    'delivery.report.stored': delivered,
  };

  return {
    start(): void {
      store.events.consume(
        CONSUMER,
        (tx, event) => APPLY[event.kind as keyof typeof APPLY](tx as unknown as EvidenceTx, event),
        { kinds: KINDS },
      );
    },
    async seq(): Promise<number> {
      const row = await read
        .selectFrom('consumer_cursor')
        .select('seq')
        .where('consumer', '=', CONSUMER)
        .executeTakeFirst();
      return Number(row?.seq ?? 0);
    },
    /** When the first way was recorded. */
    async since(): Promise<number | null> {
      const row = await read
        .selectFrom('study_course')
        .select(sql<number | null>`min(signed_at)`.as('at'))
        .executeTakeFirst();
      return nullable(row?.at ?? null);
    },
    /** First reports of studies that a tool had analysed, in the order of their signatures. */
    async ofTool(modelId: string, range: Range): Promise<CourseRow[]> {
      let query = read
        .selectFrom('study_course_tool as tool')
        .innerJoin('study_course as course', 'course.report_id', 'tool.report_id')
        .select([
          'course.modality',
          'course.body_part',
          'course.priority',
          'course.acquired_at',
          'course.arrived_at',
          'course.opened_at',
          'course.signed_at',
          'course.delivered_at',
          'tool.ready_at',
          'tool.shown_at',
          'tool.positive',
          'tool.marks',
          'tool.rejected',
          'tool.rejection_ms',
        ])
        .where('tool.model_id', '=', modelId)
        .where('course.version', '=', 1);
      if (range.from !== undefined) query = query.where('tool.signed_at', '>=', range.from);
      if (range.to !== undefined) query = query.where('tool.signed_at', '<', range.to);
      const rows = await query.orderBy('tool.signed_at').execute();
      return rows.map((row) => ({
        modality: row.modality,
        bodyPart: row.body_part,
        priority: row.priority,
        acquiredAt: nullable(row.acquired_at),
        arrivedAt: Number(row.arrived_at),
        openedAt: nullable(row.opened_at),
        signedAt: Number(row.signed_at),
        deliveredAt: nullable(row.delivered_at),
        readyAt: nullable(row.ready_at),
        shownAt: nullable(row.shown_at),
        positive: row.positive === 1,
        marks: row.marks,
        rejected: row.rejected,
        rejectionMs: row.rejection_ms === '[]' ? [] : (JSON.parse(row.rejection_ms) as number[]),
      }));
    },
  };
}
export type Courses = ReturnType<typeof createCourses>;
