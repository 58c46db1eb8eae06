import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import { canonicalJson, plainText, sha256Of } from '../store/canonical.ts';
import { assertReader, notFound, readerOf } from './context.ts';
import type { Context } from './context.ts';
import type { Snapshots } from './snapshot.ts';
import type { ReadingTables } from './tables.ts';
import type { DocumentKind, Report, ReportRecord } from './types.ts';

const MAX_ADDENDUM = 20_000;

const recordOf = (row: Selectable<ReadingTables['report']>): ReportRecord => {
  if (sha256Of(row.content) !== row.sha256)
    throw new NegatoscopeError('report-altered', 'A signed report does not match its digest.', {
      status: 500,
      details: { report: row.id },
    });
  return JSON.parse(row.content) as ReportRecord;
};
const addendumDigest = (reportSha256: string, fields: Record<string, string | number>): string =>
  sha256Of(canonicalJson({ ...fields, report: reportSha256 }));

/** Signed reports: rows that are inserted and read, and never updated. */
export function createReports(context: Context) {
  const { read, write, now } = context;

  async function compose(rows: Selectable<ReadingTables['report']>[]): Promise<Report[]> {
    if (rows.length === 0) return [];
    const ids = rows.map((row) => row.id);
    const addenda = await read
      .selectFrom('addendum')
      .selectAll()
      .where('report_id', 'in', ids)
      .orderBy('number')
      .execute();
    const documents = await read
      .selectFrom('report_document')
      .selectAll()
      .where('report_id', 'in', ids)
      .orderBy('addenda', 'desc')
      .execute();
    return rows.map((row) => {
      const record = recordOf(row);
      const uid = (kind: 'pdf' | 'sr') =>
        documents.find((doc) => doc.report_id === row.id && doc.kind === kind)?.sop_instance_uid ?? null;
      return {
        id: row.id,
        studyUid: row.study_uid,
        version: row.version,
        fields: record.fields,
        findings: record.findings,
        identity: {
          patientName: record.study.patientName,
          patientId: record.study.patientId,
          birthDate: record.study.birthDate,
        },
        readerId: record.reader.id,
        readerName: record.reader.name,
        signedAt: Number(row.signed_at),
        sha256: row.sha256,
        srSopInstanceUid: uid('sr'),
        pdfSopInstanceUid: uid('pdf'),
        addenda: addenda
          .filter((addendum) => addendum.report_id === row.id)
          .map((addendum) => ({
            id: addendum.id,
            text: addendum.text,
            readerName: addendum.person_name,
            signedAt: Number(addendum.signed_at),
          })),
        record,
      };
    });
  }

  async function report(reportId: string): Promise<Report | undefined> {
    const rows = await read.selectFrom('report').selectAll().where('id', '=', reportId).execute();
    return (await compose(rows))[0];
  }

  return {
    report,
    /** Newest version first. */
    async ofStudy(studyUid: string): Promise<Report[]> {
      return compose(
        await read
          .selectFrom('report')
          .selectAll()
          .where('study_uid', '=', studyUid)
          .orderBy('version', 'desc')
          .execute(),
      );
    },

    /** @throws NegatoscopeError `not-a-reader` (403), `not-found` (404), `addendum-empty` (400) */
    async addendum(
      reportId: string,
      text: string,
      principal: Principal,
      snapshots: Snapshots,
    ): Promise<Report> {
      const personId = readerOf(principal);
      const body = plainText(text).slice(0, MAX_ADDENDUM);
      if (body === '') throw new NegatoscopeError('addendum-empty', 'Write the addendum first.');
      const before = await report(reportId);
      if (!before) throw notFound('report');
      const snapshot = await snapshots.ofReport(before, { amended: true });
      await write(async (tx) => {
        const { name } = await assertReader(tx, personId);
        const { last } = await tx
          .selectFrom('addendum')
          .select((eb) => eb.fn.max('number').as('last'))
          .where('report_id', '=', reportId)
          .executeTakeFirstOrThrow();
        const number = Number(last ?? 0) + 1;
        const at = now();
        const id = randomUUID();
        const sha256 = addendumDigest(before.sha256, { id, number, text: body, person: personId, at });
        await tx
          .insertInto('addendum')
          .values({
            id,
            report_id: reportId,
            number,
            text: body,
            person_id: personId,
            person_role: 'reader',
            person_name: name,
            signed_at: at,
            sha256,
          })
          .execute();
        await context.store.events.append(tx, {
          kind: 'reading.report.addendum',
          studyUid: before.studyUid,
          subject: reportId,
          actor: personId,
          payload: { number, sha256, ...(snapshot ? { snapshot } : {}) },
        });
      });
      return (await report(reportId))!;
    },

    async documentStored(
      reportId: string,
      document: { kind: DocumentKind; addenda: number; sopInstanceUid: string },
    ): Promise<void> {
      await write((tx) =>
        tx
          .insertInto('report_document')
          .values({
            report_id: reportId,
            kind: document.kind,
            addenda: document.addenda,
            sop_instance_uid: document.sopInstanceUid,
            stored_at: now(),
          })
          .onConflict((c) => c.columns(['report_id', 'kind', 'addenda']).doNothing())
          .execute(),
      );
    },
  };
}
export type Reports = ReturnType<typeof createReports>;
