/** Where and how a study was made, in codes: what evidence groups by. Keys and codes, never a name or a date. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Archive, InstanceRow, StudyRow } from '../archive/types.ts';
import { SEES_NO_AI } from '../archive/types.ts';
import { ageBand } from '../evidence/ageBand.ts';
import type { FactContext } from '../evidence/types.ts';
import { MAX_INSTANCES } from './cases.ts';
import type { Context } from './context.ts';

/** DICOM JSON, as the archive gives it. */
type DicomJson = ReturnType<Archive['metadata']> extends AsyncIterable<infer Header> ? Header : never;
export type Made = Omit<FactContext, 'operatingPoint' | 'shown' | 'readingMs' | 'rejectedFor'>;

const PATIENT_KEY = 'reading.patient-key';
/** Headers are free text: no more of it than names a machine. */
const MAX_TEXT = 64;
const MAX_VIEWS = 4;

/**
 * The code of a patient: the first 16 digits of HMAC-SHA-256 over ID and issuer under a key of this installation, so that two
 * studies of one patient are known to be, and nobody outside can find out whose. '' for a patient without an ID.
 */
export const patientCode = (
  key: string,
  { patientId, issuer }: Pick<StudyRow, 'patientId' | 'issuer'>,
): string =>
  patientId === ''
    ? ''
    : createHmac('sha256', key)
        .update(JSON.stringify([patientId, issuer]))
        .digest('hex')
        .slice(0, 16);

const textOf = (header: DicomJson | undefined, tag: string): string =>
  String(header?.[tag]?.Value?.[0] ?? '')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_TEXT);
const allOf = (header: DicomJson | undefined, tag: string): string =>
  (header?.[tag]?.Value ?? [])
    .map(String)
    .join(' ')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_TEXT);
/** A finite number that is not negative; null otherwise. Deviation Index may be negative. */
const numberOf = (header: DicomJson | undefined, tag: string, least = 0): number | null => {
  const value = header?.[tag]?.Value?.[0];
  if (value === undefined || value === null || value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) && number >= least ? number : null;
};

/**
 * Of the header of a study's first image: Manufacturer (0008,0070), Manufacturer's Model Name (0008,1090), Software Versions
 * (0018,1020), Station Name (0008,1010), Institution Name (0008,0080) or else Institutional Department Name (0008,1040), Detector
 * ID (0018,700A), KVP (0018,0060), Exposure in µAs (0018,1153) or else Exposure in mAs (0018,1152), Exposure Index (0018,1411)
 * and Deviation Index (0018,1413).
 */
export function madeFrom(
  study: Pick<StudyRow, 'ageYears' | 'sex' | 'patientId' | 'issuer'>,
  images: readonly Pick<InstanceRow, 'viewPosition'>[],
  header: DicomJson | undefined,
  key: string,
): Made {
  const views = [...new Set(images.map(({ viewPosition }) => viewPosition).filter((view) => view !== ''))];
  const microAmpereSeconds = numberOf(header, '00181153');
  return {
    patient: patientCode(key, study),
    sex: ['F', 'M', 'O'].includes(study.sex) ? study.sex : '',
    ageBand: ageBand(study.ageYears),
    view: views.sort().slice(0, MAX_VIEWS).join('+').slice(0, MAX_TEXT),
    site: textOf(header, '00080080') || textOf(header, '00081040'),
    station: textOf(header, '00081010'),
    vendor: textOf(header, '00080070'),
    machine: textOf(header, '00081090'),
    software: allOf(header, '00181020'),
    detector: textOf(header, '0018700A'),
    kvp: numberOf(header, '00180060'),
    mas: microAmpereSeconds === null ? numberOf(header, '00181152') : microAmpereSeconds / 1000,
    exposureIndex: numberOf(header, '00181411'),
    deviationIndex: numberOf(header, '00181413', -100),
  };
}

/** Asks the archive: not for a transaction. A study that was deleted meanwhile leaves what its row said of it. */
export function createMaking({ store, archive }: Pick<Context, 'store' | 'archive'>) {
  /** Two that make it at once both take the one that stands in the end. */
  let key: Promise<string> | undefined;
  const patientKey = (): Promise<string> =>
    (key ??= (async () => {
      const known = await store.setting(PATIENT_KEY);
      if (known) return known;
      await store.setSetting(PATIENT_KEY, randomBytes(32).toString('hex'));
      return (await store.setting(PATIENT_KEY))!;
    })().catch((error: unknown) => {
      key = undefined;
      throw error;
    }));

  return async (study: StudyRow): Promise<Made> => {
    const images = (
      await archive.findInstances({ match: {}, studyUid: study.studyUid, limit: MAX_INSTANCES }, SEES_NO_AI)
    ).filter(({ kind, photo }) => kind === 'image' && !photo);
    let header: DicomJson | undefined;
    // Signing does not fail for a header that cannot be read: then it is not recorded.
    try {
      for await (const first of archive.metadata(images.slice(0, 1), SEES_NO_AI)) header = first;
    } catch {
      header = undefined;
    }
    return madeFrom(study, images, header, await patientKey());
  };
}
