import type { Archive } from '../archive/types.ts';
import { patientParams, SEES_ALL, studyParams } from '../archive/index.ts';
import { encapsulatePdf } from '../dicom/build/pdf.ts';
import { writePart10 } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { Header } from '../measure/header.ts';
import type { Log } from '../log.ts';
import type { DocumentKind, Reading, Report } from '../reading/types.ts';
import type { Store } from '../store/types.ts';
import { markDocuments } from './marks.ts';
import { reportSr } from './sr.ts';
import type { Delivery } from './types.ts';
import { documentUid, seriesUid } from './uids.ts';
import { dateText, WORDS } from './words.ts';

export type * from './types.ts';
export type * from './forward/types.ts';
export { createForwarding, deliveryMigrations } from './forward/index.ts';

const JOB = 'delivery.report';
const CONSUMER = 'delivery';
const KINDS = ['reading.report.signed', 'reading.report.addendum'] as const;
const ATTEMPTS = 12;
const PDF_SERIES_NUMBER = 9100;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Not loaded at start: fonts and the writer of PDF take longer than all of the rooms. */
const printed = async (report: Report): Promise<Buffer> => (await import('./pdf.ts')).reportPdf(report);

/** The report as it stood with its first addenda. */
const upTo = (report: Report, addenda: number): Report => ({
  ...report,
  addenda: report.addenda.slice(0, addenda),
});

/**
 * What leaves. `start` begins to turn signed reports into documents; a job that was cut off is repeated and finds what it had
 * stored under the same UIDs.
 */
export function createDelivery(deps: {
  store: Store;
  archive: Archive;
  reading: Pick<Reading, 'report' | 'documentStored'>;
  log?: Log;
}): Delivery {
  const { store, archive, reading } = deps;

  async function required(reportId: string): Promise<Report> {
    const report = await reading.report(reportId);
    if (!report) throw new NegatoscopeError('not-found', 'There is no such report.', { status: 404 });
    return report;
  }

  async function pdfObject(report: Report, addenda: number): Promise<Buffer> {
    const { study, fields, studyUid, timeZone } = report.record!;
    const words = WORDS[fields.language];
    const exam = [study.description, dateText(study.studyDate, fields.language)].filter(
      (text) => text !== '',
    );
    return encapsulatePdf(await printed(upTo(report, addenda)), {
      patient: patientParams(study),
      study: studyParams(studyUid, study),
      series: {
        seriesInstanceUid: seriesUid(report.id, 'pdf'),
        seriesNumber: PDF_SERIES_NUMBER,
        description: fields.language === 'fr' ? 'Compte rendu (PDF)' : 'Report (PDF)',
      },
      sopInstanceUid: documentUid(report.id, 'pdf', addenda),
      instanceNumber: addenda + 1,
      title: [words.title, ...exam].join(', '),
      verified: true,
      at: new Date(report.addenda[addenda - 1]?.signedAt ?? report.signedAt),
      timeZone,
      softwareVersion: VERSION,
    });
  }

  /** Measurements, key images and presentation states of the signature; addenda change none of them. */
  async function marksOf(report: Report) {
    const record = report.record!;
    const marked = new Set(record.marks?.map(({ sopInstanceUid }) => sopInstanceUid));
    const images = [];
    for (const sopInstanceUid of marked) {
      const row = await archive.instance(sopInstanceUid, SEES_ALL);
      if (!row) continue; // deleted since: its marks stand in the report's record
      for await (const header of archive.metadata([row], SEES_ALL))
        images.push({ sopInstanceUid, frames: row.frames, header: header as Header });
    }
    return markDocuments(record, images, VERSION);
  }

  /** Stores a document unless it is there; then its UID is told. Repeating it changes nothing. */
  async function keep(
    report: Report,
    kind: DocumentKind,
    addenda: number,
    make: () => Buffer | Promise<Buffer>,
  ): Promise<void> {
    const sopInstanceUid = documentUid(report.id, kind, addenda);
    if (!(await archive.instance(sopInstanceUid, SEES_ALL))) {
      const bytes = await make();
      const outcome = await archive.ingest(
        once(bytes),
        { door: 'reading', from: 'delivery' },
        { kind: 'report' },
      );
      if ('reason' in outcome)
        throw new NegatoscopeError(
          'report-not-stored',
          `The ${kind} of a report was not stored: ${outcome.reason}.`,
          {
            status: 500,
            details: { report: report.id, reason: outcome.reason },
          },
        );
    }
    await reading.documentStored(report.id, { kind, addenda, sopInstanceUid });
  }

  return {
    async pdf(reportId) {
      return printed(await required(reportId));
    },
    async start() {
      store.jobs.work<{ reportId: string }>(JOB, async ({ payload }, signal) => {
        const report = await required(payload.reportId);
        for (let addenda = 0; addenda <= report.addenda.length; addenda++) {
          signal.throwIfAborted();
          await keep(report, 'pdf', addenda, () => pdfObject(report, addenda));
          await keep(report, 'sr', addenda, () => writePart10({ json: reportSr(report, addenda, VERSION) }));
        }
        for (const { kind, json } of await marksOf(report)) {
          signal.throwIfAborted();
          await keep(report, kind, 0, () => writePart10({ json }));
        }
        await store.write((tx) =>
          store.events.append(tx, {
            kind: 'delivery.report.stored',
            studyUid: report.studyUid,
            subject: report.id,
            actor: 'system',
          }),
        );
      });
      store.events.consume(
        CONSUMER,
        async (tx, { subject }) => {
          if (!subject) return;
          await store.jobs.enqueue(tx, {
            kind: JOB,
            key: subject,
            payload: { reportId: subject },
            maxAttempts: ATTEMPTS,
          });
        },
        { kinds: KINDS },
      );
    },
  };
}
