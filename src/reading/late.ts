import { randomUUID } from 'node:crypto';
import type { SealedEvent } from '../store/types.ts';
import { MAX_INSTANCES } from './cases.ts';
import { isSigned, notFound } from './context.ts';
import type { Context, ReadingTx } from './context.ts';
import { stateOf } from './claims.ts';
import type { Principal } from '../people/types.ts';
import type { Reports } from './reports.ts';
import type { Snapshots } from './snapshot.ts';
import type { RunRow } from '../assist/types.ts';
import type { Discrepancy } from './types.ts';

const JOB = 'reading.late';
const CONSUMER = 'reading.watch';
const KINDS = [
  'archive.study.changed',
  'assist.run.queued',
  'assist.run.started',
  'assist.run.finished',
  'reading.report.signed',
] as const;
const FINISHED: readonly RunRow['state'][] = ['analysed', 'not-run', 'failed'];

/**
 * What comes after the signature: an image reopens the study, a result of a tool goes to the list of discrepancies. Whatever
 * may be late puts one job for its study; the job compares the report with what is there. So the order in which things come
 * does not matter, nor how often they are told.
 */
export function createLate(context: Context, parts: { reports: Reports; snapshots: Snapshots }) {
  const { store, archive, assist, read, write, now } = context;
  const { reports, snapshots } = parts;

  async function note(tx: ReadingTx, event: SealedEvent): Promise<void> {
    const { study_uid: studyUid, subject } = event;
    if (!studyUid) return;
    if (event.kind.startsWith('assist.run.') && subject) {
      const state = String(event.payload?.state ?? '') as RunRow['state'];
      const values = { state, finished_at: FINISHED.includes(state) ? Number(event.at) : null };
      await tx
        .insertInto('reading_run')
        .values({
          run_id: subject,
          study_uid: studyUid,
          model_id: String(event.payload?.model ?? ''),
          ...values,
        })
        .onConflict((c) => c.column('run_id').doUpdateSet(values))
        .execute();
      if (state !== 'analysed') return;
    }
    if (isSigned(await stateOf(tx, studyUid)))
      await store.jobs.enqueue(tx, { kind: JOB, key: studyUid, payload: { studyUid } });
  }

  async function record(
    tx: ReadingTx,
    of: { studyUid: string; reportId: string; signatory: string },
    kind: Discrepancy['kind'],
    runId: string,
  ): Promise<boolean> {
    const row = await tx
      .insertInto('discrepancy')
      .values({
        id: randomUUID(),
        study_uid: of.studyUid,
        report_id: of.reportId,
        kind,
        run_id: runId,
        at: now(),
        signatory: of.signatory,
        seen_at: null,
      })
      .onConflict((c) => c.columns(['report_id', 'kind', 'run_id']).doNothing())
      .returning('id')
      .executeTakeFirst();
    if (row)
      await store.events.append(tx, {
        kind: 'reading.discrepancy',
        studyUid: of.studyUid,
        subject: row.id,
        actor: 'system',
        payload: { kind, report: of.reportId },
      });
    return row !== undefined;
  }

  async function compare(studyUid: string): Promise<void> {
    const [state, study, [report], runs] = await Promise.all([
      stateOf(read, studyUid),
      archive.study(studyUid),
      reports.ofStudy(studyUid),
      assist.runs([studyUid]),
    ]);
    if (!isSigned(state) || !study || !report || report.id !== state!.report_id) return;
    const of = { studyUid, reportId: report.id, signatory: report.readerId };

    if (Math.min(study.images, MAX_INSTANCES) > report.record!.images.length) {
      await write(async (tx) => {
        const row = await tx
          .updateTable('reading_state')
          .set({ reopened_at: now() })
          .where('study_uid', '=', studyUid)
          .where('report_id', '=', report.id)
          .where('reopened_at', 'is', null)
          .returning('study_uid')
          .executeTakeFirst();
        if (!row) return;
        await store.events.append(tx, {
          kind: 'reading.reopened',
          studyUid,
          subject: report.id,
          actor: 'system',
        });
        await record(tx, of, 'late-image', '');
      });
      return; // it will be read again, with whatever tools find now
    }

    const inReport = new Set(
      report.record!.ai.filter((entry) => entry.state === 'analysed').map(({ runId }) => runId),
    );
    const late = runs.filter((run) => run.state === 'analysed' && !inReport.has(run.id));
    if (late.length === 0) return;
    const snapshot = await snapshots.ofReport(report, { amended: report.addenda.length > 0, late });
    await write(async (tx) => {
      let isNew = false;
      for (const run of late) isNew = (await record(tx, of, 'late-result', run.id)) || isNew;
      if (isNew && snapshot)
        await store.events.append(tx, {
          kind: 'reading.facts',
          studyUid,
          subject: report.id,
          actor: 'system',
          payload: { snapshot },
        });
    });
  }

  return {
    start(): void {
      store.jobs.work<{ studyUid: string }>(JOB, async ({ payload }) => compare(payload.studyUid));
      store.events.consume(CONSUMER, note, { kinds: KINDS });
    },

    /** Of the reports that this person signed; unseen first, then newest. */
    async list(principal: Principal): Promise<Discrepancy[]> {
      if (!principal.personId) return [];
      const rows = await read
        .selectFrom('discrepancy')
        .selectAll()
        .where('signatory', '=', principal.personId)
        .orderBy('at', 'desc')
        .limit(500)
        .execute();
      const studies = await archive.studies([...new Set(rows.map((row) => row.study_uid))]);
      const byUid = new Map(studies.map((study) => [study.studyUid, study]));
      return rows
        .map((row) => ({
          id: row.id,
          studyUid: row.study_uid,
          reportId: row.report_id,
          kind: row.kind,
          at: Number(row.at),
          seenAt: row.seen_at === null ? null : Number(row.seen_at),
          study: byUid.get(row.study_uid),
        }))
        .sort((a, b) => Number(a.seenAt !== null) - Number(b.seenAt !== null));
    },

    /** By the signatory alone: from then on a late result is shown. */
    async markSeen(discrepancyId: string, principal: Principal): Promise<void> {
      await write(async (tx) => {
        const row = await tx
          .selectFrom('discrepancy')
          .selectAll()
          .where('id', '=', discrepancyId)
          .where('signatory', '=', principal.personId ?? '')
          .executeTakeFirst();
        if (!row) throw notFound('discrepancy');
        if (row.seen_at !== null) return;
        await tx.updateTable('discrepancy').set({ seen_at: now() }).where('id', '=', discrepancyId).execute();
        await store.events.append(tx, {
          kind: 'reading.discrepancy',
          studyUid: row.study_uid,
          subject: row.id,
          actor: principal.personId!,
          payload: { kind: row.kind, report: row.report_id, seen: true },
        });
      });
    },
  };
}
