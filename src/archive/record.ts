/** One transaction for a group of arrivals: index rows, study rows, jobs, events. */
import { prepared } from '../store/prepared.ts';
import type { Store, StagedBlob, Tx } from '../store/types.ts';
import { fold, searchName, timeDigits } from './fold.ts';
import type { InstanceHeader, SeriesHeader, StudyHeader, Uids } from './header.ts';
import { joinList, splitList } from './rows.ts';
import { orderAt, syncWords } from './studyIndex.ts';
import type { ArchiveTables, InstanceTable, SeriesTable, StudyTable } from './tables.ts';
import type { IngestOptions, InstanceKind, Origin } from './types.ts';

/** An instance that was read and checked and waits for its commit. */
export interface Arrival {
  readonly uids: Uids;
  readonly study: StudyHeader;
  readonly series: SeriesHeader;
  readonly instance: InstanceHeader;
  /** DICOM JSON without bulk data. */
  readonly json: string;
  readonly origin: Origin;
  readonly options: IngestOptions;
  readonly transferSyntax: string;
  readonly size: number;
  readonly sha256: string;
  readonly datasetOffset: number;
  readonly pixels: { offset: number; length: number; encapsulated: boolean } | undefined;
  readonly frameTable: string | null;
  /** Small ones in memory, larger ones staged and finished. */
  readonly body: { bytes: Buffer } | { staged: StagedBlob };
  /** Set once the staged file has its name. */
  ref?: string;
}

const kindOf = (options: IngestOptions): InstanceKind => options.kind ?? 'image';
export const COMPLETE_JOB = 'archive.complete';
export const INBOX_JOB = 'archive.inbox';
/** Rows of one INSERT: few distinct statements, which the databases keep prepared. */
const CHUNKS = [64, 8, 1];

function* chunked<T>(rows: readonly T[]): Generator<T[]> {
  let at = 0;
  for (const size of CHUNKS) {
    for (; rows.length - at >= size; at += size) yield rows.slice(at, at + size);
  }
}

type Db = Tx<ArchiveTables>;
const insertInstances = prepared((tx: Db, rows: readonly InstanceTable[]) =>
  tx
    .insertInto('instance')
    .values([...rows])
    .onConflict((conflict) => conflict.column('sop_instance_uid').doNothing())
    .returning('sop_instance_uid'),
);
const insertHeaders = prepared((tx: Db, rows: readonly ArchiveTables['instance_header'][]) =>
  tx.insertInto('instance_header').values([...rows]),
);
const insertInbox = prepared((tx: Db, rows: readonly ArchiveTables['inbox'][]) =>
  tx.insertInto('inbox').values([...rows]),
);
const selectStudy = prepared((tx: Db, [wanted]: readonly { study_uid: string }[]) =>
  tx.selectFrom('study').selectAll().where('study_uid', '=', wanted!.study_uid),
);
type StudyChange = Pick<
  StudyTable,
  | 'study_uid'
  | 'modalities'
  | 'body_parts'
  | 'laterality'
  | 'priority'
  | 'images'
  | 'series'
  | 'last_received_at'
  | 'order_at'
  | keyof Tally
>;
const updateKnownStudy = prepared((tx: Db, [change]: readonly StudyChange[]) => {
  const { study_uid, ...columns } = change!;
  return tx
    .updateTable('study')
    .set({ ...columns, complete: 0 })
    .where('study_uid', '=', study_uid);
});
/** Most images change nothing but counts: the indexes of the study stay as they are. */
type StudyCount = Pick<
  StudyChange,
  'study_uid' | 'images' | 'series' | 'last_received_at' | 'held' | 'held_series' | 'ai'
>;
const countStudy = prepared((tx: Db, [change]: readonly StudyCount[]) => {
  const { study_uid, ...columns } = change!;
  return tx
    .updateTable('study')
    .set({ ...columns, complete: 0 })
    .where('study_uid', '=', study_uid);
});
type SeriesCount = Pick<SeriesTable, 'study_uid' | 'series_uid' | 'images' | 'held' | 'ai'>;
/** Of a series that is known; gives no row where it is not. */
const countSeries = prepared((tx: Db, [row]: readonly SeriesCount[]) =>
  tx
    .updateTable('series')
    .set((eb) => ({
      images: eb('images', '+', row!.images),
      held: eb('held', '+', row!.held),
      ai: eb('ai', '+', row!.ai),
    }))
    .where('study_uid', '=', row!.study_uid)
    .where('series_uid', '=', row!.series_uid)
    .returning(['images', 'held', 'modality']),
);
const insertSeries = prepared((tx: Db, [row]: readonly SeriesTable[]) =>
  tx.insertInto('series').values(row!).returning(['images', 'held', 'modality']),
);
const seriesOf = (header: SeriesHeader, counts: SeriesCount): SeriesTable => ({
  ...counts,
  modality: header.modality,
  number: header.number,
  description: header.description,
  body_part: header.bodyPart,
  laterality: header.laterality,
  f_description: fold(header.description),
});
type Tally = Pick<StudyTable, 'held' | 'held_series' | 'held_modalities' | 'ai' | 'ai_modalities'>;

/**
 * Jobs that were asked for a moment ago and wait for their time: they need not be asked for again. A job is known only until
 * half of its wait is over, so that it cannot have run meanwhile.
 */
export class AskedJobs {
  #until = new Map<string, number>();

  waits(kind: string, key: string, now: number): boolean {
    return (this.#until.get(`${kind} ${key}`) ?? 0) > now;
  }
  /** To be called once the transaction that asked is durable. */
  note({ kind, key, now, waitMs }: AskedJob): void {
    if (this.#until.size > 1000) this.#until.clear();
    this.#until.set(`${kind} ${key}`, now + waitMs / 2);
  }
}
interface AskedJob {
  kind: string;
  key: string;
  now: number;
  waitMs: number;
}
export interface RecordSettings {
  now: number;
  silenceMs: number;
  inboxMs: number;
  asked: AskedJobs;
}

/**
 * Writes the arrivals of one group; `arrived[i]` is false where the SOP Instance UID was there already and nothing was
 * written. No two have the same UID. Call inside `store.write`, and note the jobs it asked for once that is durable.
 */
export async function record(
  tx: Db,
  store: Pick<Store, 'jobs' | 'events'>,
  arrivals: readonly Arrival[],
  settings: RecordSettings,
): Promise<{ arrived: boolean[]; asked: AskedJob[] }> {
  const asked: AskedJob[] = [];
  const ask = async (kind: string, key: string, waitMs: number, surely: boolean): Promise<void> => {
    const { now } = settings;
    if (!surely && settings.asked.waits(kind, key, now)) return;
    await store.jobs.enqueue(tx, { kind, key, runAfter: now + waitMs });
    asked.push({ kind, key, now, waitMs });
  };
  const inserted = new Set<string>();
  for (const rows of chunked(arrivals.map((arrival) => instanceValues(arrival, settings.now)))) {
    for (const { sop_instance_uid } of (await insertInstances(tx, rows)).rows) inserted.add(sop_instance_uid);
  }
  const fresh = arrivals.filter(({ uids }) => inserted.has(uids.sopInstanceUid));
  for (const rows of chunked(
    fresh.map(({ uids, json }) => ({ sop_instance_uid: uids.sopInstanceUid, json })),
  )) {
    await insertHeaders(tx, rows);
  }
  const small = fresh.flatMap(({ uids, body }) =>
    'bytes' in body ? [{ sop_instance_uid: uids.sopInstanceUid, bytes: body.bytes }] : [],
  );
  for (const rows of chunked(small)) await insertInbox(tx, rows);
  if (small.length > 0) await ask(INBOX_JOB, 'all', settings.inboxMs, false);
  for (const { options, uids } of fresh)
    if (options.followUp !== undefined)
      await store.jobs.enqueue(tx, { kind: options.followUp, key: uids.sopInstanceUid });
  for (const [studyUid, group = []] of Object.entries(Object.groupBy(fresh, ({ uids }) => uids.studyUid))) {
    const { wasOpen } = await updateStudy(tx, store, studyUid, group, settings.now);
    if (group.some(({ options }) => kindOf(options) === 'image'))
      await ask(COMPLETE_JOB, studyUid, settings.silenceMs, !wasOpen);
  }
  return { arrived: arrivals.map(({ uids }) => inserted.has(uids.sopInstanceUid)), asked };
}

const instanceValues = (arrival: Arrival, now: number): InstanceTable => ({
  sop_instance_uid: arrival.uids.sopInstanceUid,
  sop_class_uid: arrival.uids.sopClassUid,
  series_uid: arrival.uids.seriesUid,
  study_uid: arrival.uids.studyUid,
  kind: kindOf(arrival.options),
  ai_run_id: arrival.options.aiRunId ?? null,
  transfer_syntax: arrival.transferSyntax,
  number: arrival.instance.number,
  rows: arrival.instance.rows,
  columns: arrival.instance.columns,
  frames: arrival.instance.frames,
  photometric: arrival.instance.photometric,
  view_position: arrival.instance.viewPosition,
  laterality: arrival.instance.laterality,
  body_part: arrival.instance.bodyPart,
  size: arrival.size,
  sha256: arrival.sha256,
  received_at: now,
  photo: arrival.options.photo ? 1 : 0,
  door: arrival.origin.door,
  from_name: arrival.origin.from,
  from_address: arrival.origin.address ?? '',
  blob: arrival.ref ?? null,
  dataset_offset: arrival.datasetOffset,
  pixel_offset: arrival.pixels?.offset ?? null,
  pixel_length: arrival.pixels?.length ?? null,
  encapsulated: arrival.pixels?.encapsulated ? 1 : 0,
  frame_bits: arrival.pixels && !arrival.pixels.encapsulated ? arrival.instance.frameBits : null,
  frame_table: arrival.frameTable,
});

/** `wasOpen`: it was there and is waited for already. */
async function updateStudy(
  tx: Db,
  store: Pick<Store, 'events'>,
  studyUid: string,
  group: readonly Arrival[],
  now: number,
): Promise<{ wasOpen: boolean }> {
  const first = group[0]!;
  const [before] = (await selectStudy(tx, [{ study_uid: studyUid }])).rows;
  const made: StudyTable = before ?? {
    study_uid: studyUid,
    ...EMPTY,
    ...headerColumns(first.study),
    first_received_at: now,
    last_received_at: now,
  };
  const study: StudyTable = before ?? { ...made, order_at: orderAt(made) };
  const wasOpen = before !== undefined && Number(before.complete) === 0;
  if (!before) await tx.insertInto('study').values(study).execute();
  const images = group.filter(({ options }) => kindOf(options) === 'image');
  const { newSeries, ...tally } = await updateSeries(tx, study, group);
  if (images.length === 0) {
    await tx.updateTable('study').set(tally).where('study_uid', '=', studyUid).execute();
    await syncWords(tx, before, { ...study, ...tally });
    return { wasOpen };
  }

  let filled: Partial<StudyColumns> = fillEmpty(study, images);
  const fills = Object.keys(filled).length > 0;
  if (fills) {
    // Emptied by a correction is not unknown.
    const corrected = await tx
      .selectFrom('correction')
      .select('field')
      .distinct()
      .where('study_uid', '=', studyUid)
      .execute();
    for (const { field } of corrected) delete (filled as Record<string, unknown>)[field];
    filled = { ...filled, ...searchColumns({ ...study, ...filled }) };
    await tx.updateTable('study').set(filled).where('study_uid', '=', studyUid).execute();
  }
  const { held_modalities, ai_modalities, ...counts } = tally;
  const described = {
    held_modalities,
    ai_modalities,
    order_at: orderAt({ ...study, ...filled }),
    modalities: joinList([...splitList(study.modalities), ...images.map(({ series }) => series.modality)]),
    body_parts: joinList([...splitList(study.body_parts), ...images.map(({ series }) => series.bodyPart)]),
    laterality: sides([study.laterality, ...images.map(({ instance }) => instance.laterality)]),
    priority: mostUrgent([study.priority, ...images.map((image) => image.study.priority)]),
  };
  const counted = {
    study_uid: studyUid,
    ...counts,
    images: Number(study.images) + images.length,
    series: Number(study.series) + newSeries,
    last_received_at: now,
  };
  if (before && !fills && isSame(described, { ...before, order_at: Number(before.order_at) })) {
    await countStudy(tx, [counted]);
  } else {
    await updateKnownStudy(tx, [{ ...counted, ...described }]);
    await syncWords(tx, before, { ...study, ...filled, ...described });
  }
  await store.events.append(tx, {
    kind: 'archive.study.changed',
    studyUid,
    actor: `${first.origin.door}:${first.origin.from}`,
    payload: { images: images.length, afterComplete: Number(study.was_complete) === 1 },
    adds: 'images',
  });
  return { wasOpen };
}

/** Whether `row` says the same in all columns of `columns`. */
const isSame = (columns: object, row: object): boolean =>
  Object.entries(columns).every(([column, value]) => (row as Record<string, unknown>)[column] === value);

/** Counts in the series rows; gives how many series have their first image now, and what the study holds from now on. */
async function updateSeries(
  tx: Db,
  study: StudyTable,
  group: readonly Arrival[],
): Promise<{ newSeries: number } & Tally> {
  let newSeries = 0;
  let newHeld = 0;
  const held = splitList(study.held_modalities);
  const ai = splitList(study.ai_modalities);
  for (const [seriesUid, members = []] of Object.entries(
    Object.groupBy(group, ({ uids }) => uids.seriesUid),
  )) {
    const header = members[0]?.series;
    if (!header) continue;
    const images = members.filter(({ options }) => kindOf(options) === 'image').length;
    const ofAi = members.filter(({ options }) => options.aiRunId !== undefined).length;
    const row = {
      study_uid: study.study_uid,
      series_uid: seriesUid,
      images,
      held: members.length - ofAi,
      ai: ofAi,
    };
    const now =
      (await countSeries(tx, [row])).rows[0] ?? (await insertSeries(tx, [seriesOf(header, row)])).rows[0]!;
    if (images > 0 && Number(now.images) === images) newSeries += 1;
    if (row.held > 0) {
      if (Number(now.held) === row.held) newHeld += 1;
      held.push(now.modality);
    }
    if (ofAi > 0) ai.push(now.modality);
  }
  const ofAi = group.filter(({ options }) => options.aiRunId !== undefined).length;
  return {
    newSeries,
    held: Number(study.held) + group.length - ofAi,
    held_series: Number(study.held_series) + newHeld,
    held_modalities: joinList(held),
    ai: Number(study.ai) + ofAi,
    ai_modalities: joinList(ai),
  };
}

const EMPTY = {
  modalities: '',
  body_parts: '',
  laterality: '',
  images: 0,
  series: 0,
  complete: 0,
  was_complete: 0,
  order_at: 0,
  held: 0,
  held_series: 0,
  held_modalities: '',
  ai: 0,
  ai_modalities: '',
} as const;

export type StudyColumns = Omit<
  StudyTable,
  'study_uid' | 'first_received_at' | 'last_received_at' | keyof typeof EMPTY
>;

/** Columns of the study row that come from a header, as they stand there. */
const plainColumns = (header: StudyHeader) => ({
  patient_id: header.patientId,
  issuer: header.issuer,
  patient_name: header.patientName,
  birth_date: header.birthDate,
  sex: header.sex,
  age_years: header.ageYears,
  accession: header.accession,
  study_id: header.studyId,
  study_date: header.studyDate,
  study_time: header.studyTime,
  description: header.description,
  referring: header.referring,
  department: header.department,
  indication: header.indication,
  priority: header.priority,
});

type PlainColumns = ReturnType<typeof plainColumns>;

/** The same with those for search. */
export const headerColumns = (header: StudyHeader): StudyColumns => {
  const plain = plainColumns(header);
  return { ...plain, ...searchColumns(plain) };
};

/** The folded columns of the columns given. */
export function searchColumns(
  columns: Pick<
    StudyTable,
    | 'patient_id'
    | 'patient_name'
    | 'accession'
    | 'study_id'
    | 'description'
    | 'referring'
    | 'department'
    | 'study_time'
  >,
) {
  return {
    f_name: searchName(columns.patient_name),
    f_patient_id: fold(columns.patient_id),
    f_accession: fold(columns.accession),
    f_study_id: fold(columns.study_id),
    f_description: fold(columns.description),
    f_referring: searchName(columns.referring),
    f_department: fold(columns.department),
    f_time: timeDigits(columns.study_time),
  };
}

const isUnknown = (value: unknown): boolean => value === '' || value === null;

/** What the study row did not know yet and one of these images says, without the columns for search. What it knows stays. */
function fillEmpty(study: StudyTable, images: readonly Arrival[]): Partial<PlainColumns> {
  const row = study as unknown as Record<string, unknown>;
  const filled: Record<string, unknown> = {};
  for (const image of images) {
    for (const [column, value] of Object.entries(plainColumns(image.study))) {
      if (!isUnknown(value) && isUnknown(row[column]) && filled[column] === undefined) filled[column] = value;
    }
  }
  return filled as Partial<PlainColumns>;
}

/** Both sides among the images make a bilateral study. */
export function sides(found: readonly string[]): string {
  const given = new Set(found.filter((side) => side !== '' && side !== 'U'));
  return given.size > 1 ? 'B' : ([...given][0] ?? '');
}

const mostUrgent = (found: readonly StudyTable['priority'][]): StudyTable['priority'] =>
  found.includes('STAT') ? 'STAT' : found.includes('HIGH') ? 'HIGH' : 'ROUTINE';
