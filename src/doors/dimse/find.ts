/** C-FIND as provider, Patient Root and Study Root: PS3.4 C.4.1. Matches go out as they are read, page by page. */
import { isKey, type InstanceRow, type Level, type Sight, type StudyRow } from '../../archive/index.ts';
import type { Archive, PatientRow, SeriesRow, StudyCounts } from '../../archive/types.ts';
import {
  type Attributes,
  dataset as attributes,
  type DicomJson,
  encodeDataSet,
  hexTag,
  TAG,
} from '../../dicom/index.ts';
import {
  acceptKnownSyntax,
  COMMAND,
  type Handler,
  type Operation,
  type Service,
  STATUS,
} from '../../wire/index.ts';
import { isAsked, matchesHeader } from './header-match.ts';
import {
  type Key,
  keysOf,
  PATIENT_ROOT,
  type QueryLevel,
  readIdentifier,
  Refusal,
  STUDY_ROOT,
} from './identifier.ts';

export interface QueryDependencies {
  readonly archive: Archive;
  /** What a machine that asks may see of the results of AI. */
  readonly sight: Sight;
  /** Our own title: where what is found can be fetched. */
  readonly aeTitle: string;
}

/** Rows read at once. */
const PAGE = 500;
/** SOP Class Extended Negotiation of C-FIND, PS3.4 C.5.1.1: relational queries, no combined date and time, fuzzy names, no time zone. */
const EXTENDED = [1, 0, 1, 0];

const SOP_CLASSES = [`${PATIENT_ROOT}.1`, `${STUDY_ROOT}.1`];
const ROOM_LEVEL: Readonly<Record<QueryLevel, Level>> = {
  PATIENT: 'study',
  STUDY: 'study',
  SERIES: 'series',
  IMAGE: 'instance',
};
const PATIENT_KEYS = new Set([
  'PatientID',
  'IssuerOfPatientID',
  'PatientName',
  'PatientBirthDate',
  'PatientSex',
]);

export const findService = (dependencies: QueryDependencies): Service => ({
  name: 'C-FIND',
  accepts: (context) =>
    SOP_CLASSES.includes(context.abstractSyntax) ? acceptKnownSyntax(context) : undefined,
  listens: true,
  extended: (_, asked) => Uint8Array.from(EXTENDED.slice(0, asked.length), (can, i) => can & (asked[i] ?? 0)),
  handlers: { [COMMAND.findRq]: createFind(dependencies) },
});

/** One match: what of it can be said, by keyword, and the header if it was read. */
interface Match {
  readonly values: Attributes;
  readonly header?: DicomJson;
}

function createFind(dependencies: QueryDependencies): Handler {
  return async (operation) => {
    try {
      return await find(operation, dependencies);
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.answer;
      throw thrown;
    }
  };
}

/** Who may ask. A title that may not is listed as a knock, so that it can be let in. @throws Refusal 0x0124 */
export async function demandAdmission({ peer }: Operation, archive: Archive): Promise<void> {
  if (await archive.ae.mayQuery(peer.callingAe)) return;
  await archive.ae.knock(peer.callingAe, peer.address).catch(() => undefined);
  throw new Refusal(STATUS.notAuthorized, 'This AE title has not been let in to ask or fetch');
}

async function find(operation: Operation, dependencies: QueryDependencies) {
  const { context, signal } = operation;
  await demandAdmission(operation, dependencies.archive);
  const { level, dataset, charset } = await readIdentifier(operation);
  const keys = keysOf(dataset);
  const fuzzy = operation.extended?.[2] === 1;
  const rows = matchesOf(level, keys, { ...dependencies, fuzzy });
  let isFirst = true;
  let supported = true;
  for await (const match of rows) {
    if (signal.aborted) return { status: STATUS.cancelled };
    if (isFirst) supported = keys.every((key) => isSupported(level, key, match));
    isFirst = false;
    const data = encodeDataSet(answerOf(level, keys, match, dependencies.aeTitle), {
      transferSyntax: context.transferSyntax,
      charset,
    });
    await operation.respond({ status: supported ? STATUS.pending : STATUS.pendingWarning, data });
  }
  return { status: signal.aborted ? STATUS.cancelled : STATUS.success };
}

/** Whether an optional key is supported for existence and, if it has a value, for matching: PS3.4 C.4.1.1.3.2. */
function isSupported(level: QueryLevel, key: Key, { values, header }: Match): boolean {
  if (key.tag === TAG.RetrieveAETitle || key.tag === TAG.InstanceAvailability) return !isAsked(key);
  if (header) return true;
  if (!(key.keyword in values)) return false;
  return (
    !isAsked(key) ||
    (level === 'PATIENT' ? PATIENT_KEYS.has(key.keyword) : isKey(ROOM_LEVEL[level], key.keyword))
  );
}

function answerOf(
  level: QueryLevel,
  keys: readonly Key[],
  { values, header }: Match,
  aeTitle: string,
): DicomJson {
  const own = attributes(values);
  const answer: DicomJson = {};
  for (const { tag, vr } of keys) {
    const name = hexTag(tag);
    const held = own[name] ?? header?.[name];
    // Bulk data is no answer to a query.
    answer[name] = held && !held.BulkDataURI ? held : { vr };
  }
  return {
    ...answer,
    ...attributes({
      QueryRetrieveLevel: level,
      RetrieveAETitle: aeTitle,
      ...(hexTag(TAG.InstanceAvailability) in answer ? { InstanceAvailability: 'ONLINE' } : {}),
    }),
  };
}

type Asked = QueryDependencies & { readonly fuzzy: boolean };

async function* matchesOf(level: QueryLevel, keys: readonly Key[], asked: Asked): AsyncGenerator<Match> {
  const { archive, sight } = asked;
  const room = ROOM_LEVEL[level];
  const match = Object.fromEntries(
    keys
      .filter((key) => (level === 'PATIENT' ? PATIENT_KEYS.has(key.keyword) : isKey(room, key.keyword)))
      .map(({ keyword, value }) => [keyword, value]),
  );
  const named = (values: Attributes) => keys.some(({ keyword }) => keyword in values);
  const query = { match, ...(asked.fuzzy ? { fuzzy: true } : {}), ...within(match) };
  if (level === 'PATIENT') {
    for await (const row of pages((page) => archive.findPatients({ ...query, ...page }), patientKey))
      yield { values: { ...ofPatient(row), ...ofPatientCounts(row) } };
  } else if (level === 'STUDY') {
    for await (const row of pages(
      (page) => archive.findStudies({ ...query, ...page }, sight),
      ({ studyUid }) => studyUid,
    ))
      yield { values: { ...ofPatient(row), ...ofStudy(row, row.counts) } };
  } else if (level === 'SERIES') {
    const studies = createStudies(archive, sight);
    const wanted = named({ ...ofPatient(NOBODY), ...ofStudy(NO_STUDY, NO_COUNTS) });
    const found = pages(
      (page) => archive.findSeries({ ...query, ...page }, sight),
      ({ seriesUid }) => seriesUid,
    );
    for await (const row of found) {
      const study = wanted ? await studies(row.studyUid) : undefined;
      yield {
        values: {
          ...(study ? { ...ofPatient(study.row), ...ofStudy(study.row, study.counts) } : {}),
          ...ofSeries(row),
        },
      };
    }
  } else {
    const fromHeader = keys.filter(({ keyword }) => !isKey('instance', keyword));
    const headed =
      fromHeader.some(isAsked) || keys.some(({ keyword }) => !(keyword in ofInstance(NO_INSTANCE)));
    const find = async (page: Page) => {
      const rows = await archive.findInstances({ ...query, ...page }, sight);
      const headers = headed ? await headersOf(archive, rows, sight) : undefined;
      return rows.map((row) => ({ row, header: headers?.get(row.sopInstanceUid) }));
    };
    for await (const { row, header } of pages(find, (found) => found.row.sopInstanceUid)) {
      if (header && !matchesHeader(header, fromHeader)) continue;
      yield { values: ofInstance(row), ...(header ? { header } : {}) };
    }
  }
}

type Page = { limit: number; offset: number };

/** All rows, page by page: what comes in meanwhile stands in front and must not show a row twice. */
async function* pages<T>(find: (page: Page) => Promise<T[]>, idOf: (row: T) => string): AsyncGenerator<T> {
  let before = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const rows = await find({ limit: PAGE, offset });
    const present = new Set<string>();
    for (const row of rows) {
      present.add(idOf(row));
      if (!before.has(idOf(row))) yield row;
    }
    if (rows.length < PAGE) return;
    before = present;
  }
}

const patientKey = (row: PatientRow): string =>
  [row.patientId, row.issuer, row.patientName, row.birthDate].join('\\');

/** One study, or one series: its rows are found without a search. */
function within(match: Readonly<Record<string, string>>): { studyUid?: string; seriesUid?: string } {
  const single = (uid = '') => /^[\d.]{1,64}$/.test(uid);
  return {
    ...(single(match['StudyInstanceUID']) ? { studyUid: match['StudyInstanceUID']! } : {}),
    ...(single(match['SeriesInstanceUID']) ? { seriesUid: match['SeriesInstanceUID']! } : {}),
  };
}

/** Studies of series, which come one after the other. */
function createStudies(archive: Archive, sight: Sight) {
  let last: { row: StudyRow; counts: StudyCounts } | undefined;
  return async (studyUid: string) => {
    if (last?.row.studyUid === studyUid) return last;
    const row = await archive.study(studyUid);
    const counts = (await archive.counts([studyUid], sight)).get(studyUid);
    last = row && { row, counts: counts ?? NO_COUNTS };
    return last;
  };
}

async function headersOf(archive: Archive, rows: readonly InstanceRow[], sight: Sight) {
  const headers = new Map<string, DicomJson>();
  for await (const json of archive.metadata(rows, sight)) {
    headers.set(String(json[hexTag(TAG.SOPInstanceUID)]?.Value?.[0] ?? ''), json);
  }
  return headers;
}

// ── what rows say, by keyword ───────────────────────────────────────────────────────────────────────────────────────

type Patient = Pick<StudyRow, 'patientId' | 'issuer' | 'patientName' | 'birthDate' | 'sex'>;
const ofPatient = (row: Patient): Attributes => ({
  PatientID: row.patientId,
  IssuerOfPatientID: row.issuer,
  PatientName: row.patientName,
  PatientBirthDate: row.birthDate,
  PatientSex: row.sex,
});
const ofPatientCounts = ({ counts }: PatientRow): Attributes => ({
  NumberOfPatientRelatedStudies: counts.studies,
  NumberOfPatientRelatedSeries: counts.series,
  NumberOfPatientRelatedInstances: counts.instances,
});
const ofStudy = (row: StudyRow, counts: StudyCounts): Attributes => ({
  StudyInstanceUID: row.studyUid,
  StudyID: row.studyId,
  StudyDate: row.studyDate,
  StudyTime: row.studyTime,
  AccessionNumber: row.accession,
  StudyDescription: row.description,
  ReferringPhysicianName: row.referring,
  InstitutionalDepartmentName: row.department,
  ModalitiesInStudy: counts.modalities,
  NumberOfStudyRelatedSeries: counts.series,
  NumberOfStudyRelatedInstances: counts.instances,
});
const ofSeries = (row: SeriesRow): Attributes => ({
  StudyInstanceUID: row.studyUid,
  SeriesInstanceUID: row.seriesUid,
  Modality: row.modality,
  SeriesNumber: row.number,
  SeriesDescription: row.description,
  BodyPartExamined: row.bodyPart,
  Laterality: row.laterality,
  NumberOfSeriesRelatedInstances: row.instances,
});
const ofInstance = (row: InstanceRow): Attributes => ({
  StudyInstanceUID: row.studyUid,
  SeriesInstanceUID: row.seriesUid,
  SOPInstanceUID: row.sopInstanceUid,
  SOPClassUID: row.sopClassUid,
  InstanceNumber: row.number,
  Rows: row.rows,
  Columns: row.columns,
  NumberOfFrames: row.frames > 1 ? row.frames : null,
  AvailableTransferSyntaxUID: row.transferSyntax,
});

/** Whose keywords alone matter. */
const NOBODY: Patient = { patientId: '', issuer: '', patientName: '', birthDate: '', sex: '' };
const NO_STUDY = {} as StudyRow;
const NO_COUNTS: StudyCounts = { series: 0, instances: 0, modalities: [] };
const NO_INSTANCE = {} as InstanceRow;
