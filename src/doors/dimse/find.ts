/** C-FIND as provider, Patient Root and Study Root: PS3.4 C.4.1. Matches go out as they are read, page by page. */
import {
  type FoundStudy,
  isKey,
  type InstanceRow,
  type Level,
  type MatchingOptions,
  type Sight,
} from '../../archive/index.ts';
import type { Archive, PatientRow } from '../../archive/types.ts';
import { type DicomJson, hexTag, TAG } from '../../dicom/index.ts';
import { COMMAND, type Handler, type Operation, type Service, STATUS } from '../../wire/index.ts';
import { answerWriter, isOfStudy, type Match, tellerOf } from './answers.ts';
import { isAsked, isOfHeader, type Key, keysOf, matchesHeader } from '../header-match.ts';
import {
  acceptPlain,
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
const PAGE = 1000;
/** Answers written at once: whoever else is being served has a turn in between. */
const TOGETHER = 100;
/**
 * SOP Class Extended Negotiation of C-FIND, PS3.4 C.5.1.1: relational queries, combined date and time, fuzzy names, time zone,
 * enhanced multi-frame conversion, empty values, multiple values.
 */
const EXTENDED = [1, 0, 1, 0, 0, 1, 1];

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
  accepts: (context) => (SOP_CLASSES.includes(context.abstractSyntax) ? acceptPlain(context) : undefined),
  listens: true,
  extended: (_, asked) => Uint8Array.from(EXTENDED.slice(0, asked.length), (can, i) => can & (asked[i] ?? 0)),
  handlers: { [COMMAND.findRq]: createFind(dependencies) },
});

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
  const agreed = (field: number) => operation.extended?.[field] === 1;
  const options = { fuzzy: agreed(2), emptyValues: agreed(5), everyValue: agreed(6) };
  const write = answerWriter(level, keys, dependencies.aeTitle, {
    transferSyntax: context.transferSyntax,
    charset,
    matching: options,
  });
  const status = keys.every((key) => isSupported(level, key)) ? STATUS.pending : STATUS.pendingWarning;
  for await (const page of matchesOf(level, keys, options, dependencies)) {
    for (let at = 0; at < page.length; at += TOGETHER) {
      if (signal.aborted) return { status: STATUS.cancelled };
      await operation.respondEach(status, page.slice(at, at + TOGETHER).map(write));
    }
  }
  return { status: signal.aborted ? STATUS.cancelled : STATUS.success };
}

/** Whether an optional key is supported for existence and, if it has a value, for matching: PS3.4 C.4.1.1.3.2. */
function isSupported(level: QueryLevel, key: Key): boolean {
  if (key.tag === TAG.RetrieveAETitle || key.tag === TAG.InstanceAvailability) return !isAsked(key);
  if (level === 'IMAGE') return isOfHeader(key.tag) || !isAsked(key); // the header has whatever there is
  return tellerOf(level, key.keyword) !== undefined && (!isAsked(key) || isIndexed(level, key));
}

const isIndexed = (level: QueryLevel, { keyword }: Key): boolean =>
  level === 'PATIENT' ? PATIENT_KEYS.has(keyword) : isKey(ROOM_LEVEL[level], keyword);

async function* matchesOf(
  level: QueryLevel,
  keys: readonly Key[],
  options: MatchingOptions,
  { archive, sight }: QueryDependencies,
): AsyncGenerator<Match[]> {
  const match = Object.fromEntries(
    keys.filter((key) => isIndexed(level, key)).map(({ keyword, value }) => [keyword, value]),
  );
  const query = { match, ...options, ...within(match) };
  if (level === 'PATIENT') {
    const found = pages((page) => archive.findPatients({ ...query, ...page }), patientKey);
    for await (const page of found) yield page.map((patient) => ({ patient }));
  } else if (level === 'STUDY') {
    const found = pages(
      (page) => archive.findStudies({ ...query, ...page }, sight),
      ({ studyUid }) => studyUid,
    );
    for await (const page of found) yield page.map((study) => ({ study }));
  } else if (level === 'SERIES') {
    const found = pages(
      (page) => archive.findSeries({ ...query, ...page }, sight),
      ({ seriesUid }) => seriesUid,
    );
    const wanted = keys.some(({ keyword }) => isOfStudy(keyword));
    for await (const page of found) {
      const studies = wanted ? await studiesOf(page, archive, sight) : undefined;
      yield page.map((series) => {
        const study = studies?.get(series.studyUid);
        return study ? { series, study } : { series };
      });
    }
  } else {
    const fromHeader = keys.filter(({ keyword, tag }) => !isKey('instance', keyword) && isOfHeader(tag));
    const headed = fromHeader.some(isAsked) || keys.some(({ keyword }) => !tellerOf('IMAGE', keyword));
    const found = pages(
      (page) => archive.findInstances({ ...query, ...page }, sight),
      ({ sopInstanceUid }) => sopInstanceUid,
    );
    for await (const page of found) {
      if (!headed) yield page.map((instance) => ({ instance }));
      else {
        const headers = await headersOf(archive, page, sight);
        yield page.flatMap((instance) => {
          const header = headers.get(instance.sopInstanceUid);
          return header && matchesHeader(header, fromHeader, options) ? [{ instance, header }] : [];
        });
      }
    }
  }
}

type Page = { limit: number; offset: number };

/** All rows, page by page: what comes in meanwhile stands in front and must not show a row twice. */
async function* pages<T>(find: (page: Page) => Promise<T[]>, idOf: (row: T) => string): AsyncGenerator<T[]> {
  let before = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const rows = await find({ limit: PAGE, offset });
    const earlier = before;
    yield earlier.size === 0 ? rows : rows.filter((row) => !earlier.has(idOf(row)));
    if (rows.length < PAGE) return;
    before = new Set(rows.map(idOf));
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

/** The studies of these series. */
async function studiesOf(
  rows: readonly { studyUid: string }[],
  archive: Archive,
  sight: Sight,
): Promise<Map<string, FoundStudy>> {
  const uids = [...new Set(rows.map(({ studyUid }) => studyUid))];
  const counts = await archive.counts(uids, sight);
  return new Map(
    (await archive.studies(uids)).map((row) => [
      row.studyUid,
      { ...row, counts: counts.get(row.studyUid) ?? { series: 0, instances: 0, modalities: [] } },
    ]),
  );
}

async function headersOf(archive: Archive, rows: readonly InstanceRow[], sight: Sight) {
  const headers = new Map<string, DicomJson>();
  for await (const json of archive.metadata(rows, sight)) {
    headers.set(String(json[hexTag(TAG.SOPInstanceUID)]?.Value?.[0] ?? ''), json);
  }
  return headers;
}
