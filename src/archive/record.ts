/** One transaction for a group of arrivals: index rows, study rows, jobs, events. */
import type { Store, StagedBlob, Tx } from '../store/types.ts';
import { fold, searchName, timeDigits } from './fold.ts';
import type { InstanceHeader, SeriesHeader, StudyHeader, Uids } from './header.ts';
import { joinList, splitList } from './rows.ts';
import { orderAt, syncWords } from './studyIndex.ts';
import type { ArchiveTables, SeriesTable, StudyTable } from './tables.ts';
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

/**
 * Writes the arrivals of one group; `arrived[i]` is false where the SOP Instance UID was there already and nothing was
 * written. Call inside `store.write`.
 */
export async function record(
  tx: Tx<ArchiveTables>,
  store: Pick<Store, 'jobs' | 'events'>,
  arrivals: readonly Arrival[],
  settings: { now: number; silenceMs: number; inboxMs: number },
): Promise<boolean[]> {
  const inserted = new Set<string>();
  for (const rows of chunked(arrivals.map((arrival) => instanceValues(arrival, settings.now)))) {
    const done = await tx
      .insertInto('instance')
      .values(rows)
      .onConflict((conflict) => conflict.column('sop_instance_uid').doNothing())
      .returning('sop_instance_uid')
      .execute();
    for (const { sop_instance_uid } of done) inserted.add(sop_instance_uid);
  }
  const fresh = arrivals.filter(({ uids }) => inserted.has(uids.sopInstanceUid));
  for (const rows of chunked(
    fresh.map(({ uids, json }) => ({ sop_instance_uid: uids.sopInstanceUid, json })),
  )) {
    await tx.insertInto('instance_header').values(rows).execute();
  }
  const small = fresh.flatMap(({ uids, body }) =>
    'bytes' in body ? [{ sop_instance_uid: uids.sopInstanceUid, bytes: body.bytes }] : [],
  );
  for (const rows of chunked(small)) await tx.insertInto('inbox').values(rows).execute();
  if (small.length > 0) {
    await store.jobs.enqueue(tx, { kind: INBOX_JOB, key: 'all', runAfter: settings.now + settings.inboxMs });
  }
  for (const [studyUid, group = []] of Object.entries(Object.groupBy(fresh, ({ uids }) => uids.studyUid))) {
    await updateStudy(tx, store, studyUid, group, settings);
  }
  return arrivals.map(({ uids }) => inserted.has(uids.sopInstanceUid));
}

const instanceValues = (arrival: Arrival, now: number): ArchiveTables['instance'] => ({
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

async function updateStudy(
  tx: Tx<ArchiveTables>,
  store: Pick<Store, 'jobs' | 'events'>,
  studyUid: string,
  group: readonly Arrival[],
  { now, silenceMs }: { now: number; silenceMs: number },
): Promise<void> {
  const first = group[0];
  if (!first) return;
  const before = await tx
    .selectFrom('study')
    .selectAll()
    .where('study_uid', '=', studyUid)
    .executeTakeFirst();
  const made: StudyTable = before ?? {
    study_uid: studyUid,
    ...EMPTY,
    ...headerColumns(first.study),
    first_received_at: now,
    last_received_at: now,
  };
  const study: StudyTable = before ?? { ...made, order_at: orderAt(made) };
  if (!before) await tx.insertInto('study').values(study).execute();
  const images = group.filter(({ options }) => kindOf(options) === 'image');
  const { newSeries, ...tally } = await updateSeries(tx, study, group);
  if (images.length === 0) {
    await tx.updateTable('study').set(tally).where('study_uid', '=', studyUid).execute();
    await syncWords(tx, before, { ...study, ...tally });
    return;
  }

  const filled = fillEmpty(study, images);
  if (Object.keys(filled).length > 0) {
    // Emptied by a correction is not unknown.
    const corrected = await tx
      .selectFrom('correction')
      .select('field')
      .distinct()
      .where('study_uid', '=', studyUid)
      .execute();
    for (const { field } of corrected) delete (filled as Record<string, unknown>)[field];
  }
  const order_at = orderAt({ ...study, ...filled });
  await tx
    .updateTable('study')
    .set({
      ...filled,
      ...tally,
      order_at,
      modalities: joinList([...splitList(study.modalities), ...images.map(({ series }) => series.modality)]),
      body_parts: joinList([...splitList(study.body_parts), ...images.map(({ series }) => series.bodyPart)]),
      laterality: sides([study.laterality, ...images.map(({ instance }) => instance.laterality)]),
      priority: mostUrgent([study.priority, ...images.map((image) => image.study.priority)]),
      images: Number(study.images) + images.length,
      series: Number(study.series) + newSeries,
      last_received_at: now,
      complete: 0,
    })
    .where('study_uid', '=', studyUid)
    .execute();
  await syncWords(tx, before, { ...study, ...filled, ...tally, order_at });
  await store.jobs.enqueue(tx, { kind: COMPLETE_JOB, key: studyUid, runAfter: now + silenceMs });
  await store.events.append(tx, {
    kind: 'archive.study.changed',
    studyUid,
    actor: `${first.origin.door}:${first.origin.from}`,
    payload: { images: images.length, afterComplete: Number(study.was_complete) === 1 },
  });
}

/** Counts in the series rows; gives how many series have their first image now, and what the study holds from now on. */
async function updateSeries(
  tx: Tx<ArchiveTables>,
  study: StudyTable,
  group: readonly Arrival[],
): Promise<
  { newSeries: number } & Pick<
    StudyTable,
    'held' | 'held_series' | 'held_modalities' | 'ai' | 'ai_modalities'
  >
> {
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
    const row: SeriesTable = {
      study_uid: study.study_uid,
      series_uid: seriesUid,
      modality: header.modality,
      number: header.number,
      description: header.description,
      body_part: header.bodyPart,
      laterality: header.laterality,
      f_description: fold(header.description),
      images,
      held: members.length - ofAi,
      ai: ofAi,
    };
    const now = await tx
      .insertInto('series')
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(['study_uid', 'series_uid']).doUpdateSet((eb) => ({
          images: eb('series.images', '+', images),
          held: eb('series.held', '+', row.held),
          ai: eb('series.ai', '+', ofAi),
        })),
      )
      .returning(['images', 'held', 'modality'])
      .executeTakeFirstOrThrow();
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

/** Columns of the study row that come from a header, with those for search. */
export const headerColumns = (header: StudyHeader): StudyColumns => ({
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
  ...searchColumns({
    patient_id: header.patientId,
    patient_name: header.patientName,
    accession: header.accession,
    study_id: header.studyId,
    description: header.description,
    referring: header.referring,
    department: header.department,
    study_time: header.studyTime,
  }),
});

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

/** What the study row did not know yet and one of these images says. What it knows stays. */
function fillEmpty(study: StudyTable, images: readonly Arrival[]): Partial<StudyColumns> {
  const row: Record<string, unknown> = { ...study };
  const filled: Record<string, unknown> = {};
  for (const image of images) {
    for (const [column, value] of Object.entries(headerColumns(image.study))) {
      if ((row[column] === '' || row[column] === null) && value !== '' && value !== null) {
        row[column] = value;
        filled[column] = value;
      }
    }
  }
  return filled as Partial<StudyColumns>;
}

/** Both sides among the images make a bilateral study. */
function sides(found: readonly string[]): string {
  const given = new Set(found.filter((side) => side !== '' && side !== 'U'));
  return given.size > 1 ? 'B' : ([...given][0] ?? '');
}

const mostUrgent = (found: readonly StudyTable['priority'][]): StudyTable['priority'] =>
  found.includes('STAT') ? 'STAT' : found.includes('HIGH') ? 'HIGH' : 'ROUTINE';
