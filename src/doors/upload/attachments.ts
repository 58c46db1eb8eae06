/** A photo, document or film from a person's hands, with a word on whose it is, becomes a DICOM object around its bytes. */
import { z } from 'zod';
import {
  type Archive,
  type IngestOutcome,
  type Origin,
  patientParams,
  SEES_ALL,
  type StudyRow,
  studyParams,
} from '../../archive/index.ts';
import type { PatientParams, SeriesParams } from '../../dicom/build/modules.ts';
import { encapsulatePdf } from '../../dicom/build/pdf.ts';
import { photoToSecondaryCapture } from '../../dicom/build/photo.ts';
import { encapsulateVideo, readVideo, videoModality } from '../../dicom/build/video.ts';
import { isUid, newUid, personName } from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { AttachmentForm } from '../api/contract.ts';
import { spooled } from '../folder/take.ts';
import { peek, sniff, SNIFF_BYTES } from './sniff.ts';

/** Photos are decoded, documents wrapped in memory. Films are not. */
const MAX_IN_MEMORY = 64 * 1024 * 1024;

const date = z
  .string()
  .regex(/^\d{8}$/)
  .refine((text) => {
    const [, year = '', month = '', day = ''] = /^(\d{4})(\d\d)(\d\d)$/.exec(text) ?? [];
    const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    return at.getUTCMonth() === Number(month) - 1 && at.getUTCDate() === Number(day);
  }, 'not a date');
/** What a value of VR LO or PN holds: no control characters, no backslash. */
const text = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[^\p{Cc}\\]*$/u);
const name = text(64).regex(/^[^=^]*$/);

const Form = z.object({
  patientId: text(64).trim().min(1),
  familyName: name.trim().min(1),
  givenName: name.trim(),
  birthDate: date.or(z.literal('')),
  sex: z.enum(['', 'F', 'M', 'O']),
  studyDate: date,
  bodyPart: z.string().regex(/^[A-Z0-9_ ]{0,16}$/),
  laterality: z.enum(['', 'L', 'R', 'B']),
  description: text(64).trim(),
  filmed: z.enum(['photographic', 'endoscopic', 'capture']).optional(),
  studyUid: z.string().refine(isUid).optional(),
}) satisfies z.ZodType<AttachmentForm, AttachmentForm>;
export type Attachment = z.output<typeof Form>;

/** Throws `bad-request` (400) naming the field. */
export function attachmentForm(given: unknown): Attachment {
  const form = Form.safeParse(given);
  if (form.success) return form.data;
  const field = form.error.issues[0]?.path.join('.') ?? '';
  throw new NegatoscopeError('bad-request', `The form: ${field} cannot be used.`, { details: { field } });
}

export interface AttachDependencies {
  archive: Archive;
  timeZone: string;
  spoolDir: string;
  now: () => number;
}

/**
 * Wraps what comes and takes it in. AI never runs on it.
 *
 * Throws `study-not-found` (404), `other-patient` (409), `attachment-too-large` (413), `attachment-unknown`,
 * `photo-unreadable`, `not-a-pdf`, `video-unreadable`, `video-unsupported` (422).
 */
export async function attach(
  { archive, timeZone, spoolDir, now }: AttachDependencies,
  bytes: AsyncIterable<Uint8Array>,
  form: Attachment,
  origin: Origin,
): Promise<IngestOutcome> {
  const { head, body } = await peek(bytes, SNIFF_BYTES);
  const what = sniff(head, '');
  const { bodyPart, laterality } = form;
  const into =
    form.studyUid === undefined ? undefined : await studyOf(archive, form.studyUid, form.patientId);
  const patient = into ? patientParams(into) : typedPatient(form);
  const study = into ? studyParams(into.studyUid, into) : { ...form, studyInstanceUid: newUid() };
  const common = { patient, study, bodyPart, laterality, at: new Date(now()), timeZone };
  const placeOf = (modality: string, name: string) =>
    seriesFor(archive, into, modality, form.description || name);
  const take = (made: AsyncIterable<Uint8Array>): Promise<IngestOutcome> =>
    archive.ingest(made, origin, { photo: true });

  switch (what) {
    case 'image/jpeg':
    case 'image/png': {
      const { series, instanceNumber } = await placeOf('OT', 'Photo');
      const { seriesInstanceUid, seriesNumber, description = '' } = series;
      const made = await photoToSecondaryCapture(await bounded(body), {
        ...common,
        seriesInstanceUid,
        seriesNumber,
        seriesDescription: description,
        instanceNumber,
      });
      return take(whole(made.bytes));
    }
    case 'application/pdf': {
      const made = encapsulatePdf(await bounded(body), {
        ...common,
        ...(await placeOf('DOC', 'Document')),
        sopInstanceUid: newUid(),
        title: form.description || 'Document',
        verified: false,
        conversion: 'DI',
        concept: null,
      });
      return take(whole(made));
    }
    case 'video/mp4':
    case 'video/mpeg':
    case 'video/mp2t': {
      const kind = form.filmed ?? 'photographic';
      return spooled(body, spoolDir, async (source) => {
        const facts = await readVideo(source);
        const place = await placeOf(videoModality(kind), 'Film');
        return take(encapsulateVideo(source, facts, { ...common, ...place, kind }).bytes);
      });
    }
    default:
      for await (const _ of body);
      throw new NegatoscopeError(
        'attachment-unknown',
        'This is none of JPEG, PNG, PDF, MP4, MPEG-2 and MPEG transport streams. Convert it to one of them, and send that.',
        { status: 422 },
      );
  }
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Read to the end: a browser that is not listened to reports a broken connection instead of the answer.
  for await (const chunk of body) {
    size += chunk.length;
    if (size <= MAX_IN_MEMORY) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > MAX_IN_MEMORY)
    throw new NegatoscopeError(
      'attachment-too-large',
      `A photo or document may have ${MAX_IN_MEMORY >> 20} MiB.`,
      { status: 413 },
    );
  return Buffer.concat(chunks);
}

/** Never another patient's study: the form would lie about one of them. */
async function studyOf(archive: Archive, studyUid: string, patientId: string): Promise<StudyRow> {
  const study = await archive.study(studyUid);
  if (!study) throw new NegatoscopeError('study-not-found', 'There is no such study here.', { status: 404 });
  if (study.patientId !== patientId)
    throw new NegatoscopeError('other-patient', 'The study belongs to another patient ID.', { status: 409 });
  return study;
}

const typedPatient = (form: Attachment): PatientParams => ({
  patientId: form.patientId,
  name: personName(form.familyName, form.givenName),
  birthDate: form.birthDate,
  sex: form.sex,
});
/** Attachments of one modality share a series of their own (a series has one modality: PS3.3 C.7.3.1). */
async function seriesFor(
  archive: Archive,
  study: StudyRow | undefined,
  modality: string,
  description: string,
): Promise<{ series: SeriesParams; instanceNumber: number }> {
  const fresh = { seriesInstanceUid: newUid(), seriesNumber: 1, description };
  if (!study) return { series: fresh, instanceNumber: 1 };
  const all = await archive.findSeries({ match: {}, studyUid: study.studyUid }, SEES_ALL);
  const attached = (await archive.findInstances({ match: {}, studyUid: study.studyUid }, SEES_ALL)).filter(
    ({ photo }) => photo,
  );
  for (const series of all.filter((each) => each.modality === modality)) {
    const count = attached.filter(({ seriesUid }) => seriesUid === series.seriesUid).length;
    if (count === 0) continue;
    const { seriesUid: seriesInstanceUid, number, description: before } = series;
    return {
      series: { seriesInstanceUid, seriesNumber: number ?? 1, description: before },
      instanceNumber: count + 1,
    };
  }
  const seriesNumber = 1 + all.reduce((most, { number }) => Math.max(most, number ?? 0), 0);
  return { series: { ...fresh, seriesNumber }, instanceNumber: 1 };
}
