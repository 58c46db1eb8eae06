/** Rows of runs, their images and findings: reading them in the shapes of types.ts. */
import type { Selectable } from 'kysely';
import type { Db, Store, Tx } from '../store/types.ts';
import type { AssistTables, FindingTable, RunImageTable, RunTable, SegmentationTable } from './tables.ts';
import type { AiFinding, Box, RunImage, RunRow, RunSegment } from './types.ts';
import type { Segmented } from './work.ts';

const UID_CHUNK = 500;
/** Without the heat map: lists must not carry its bytes. */
const IMAGE_COLUMNS = [
  'run_id',
  'sop_instance_uid',
  'series_uid',
  'body_part',
  'score',
  'positive',
  'heat_rows',
  'heat_columns',
  'scores',
  'measurements',
] as const;

type Read = Db<AssistTables>;
type ImageRow = Pick<Selectable<RunImageTable>, (typeof IMAGE_COLUMNS)[number]>;

const numberOrNull = (value: number | string | null): number | null =>
  value === null ? null : Number(value);

const runImage = (row: ImageRow): RunImage => ({
  sopInstanceUid: row.sop_instance_uid,
  seriesUid: row.series_uid,
  bodyPart: row.body_part,
  score: Number(row.score),
  positive: Number(row.positive) === 1,
  heatmap:
    row.heat_rows === null || row.heat_columns === null
      ? null
      : { rows: Number(row.heat_rows), columns: Number(row.heat_columns) },
  scores: jsonOrNull(row.scores),
  measurements: jsonOrNull(row.measurements),
});

const jsonOrNull = (text: string | null): Record<string, number> | null =>
  text === null ? null : (JSON.parse(text) as Record<string, number>);

const runRow = (row: Selectable<RunTable>, images: RunImage[], segments: RunSegment[]): RunRow => ({
  id: row.id,
  studyUid: row.study_uid,
  modelId: row.model_id,
  modelVersion: row.model_version,
  weightsSha256: row.weights_sha256,
  state: row.state,
  reason: row.reason,
  detail: row.detail,
  operatingPoint: row.operating_point,
  threshold: Number(row.threshold),
  queuedAt: Number(row.queued_at),
  startedAt: numberOrNull(row.started_at),
  finishedAt: numberOrNull(row.finished_at),
  attempt: Number(row.attempt),
  images,
  segments,
});

export const findingRow = (row: Selectable<FindingTable>): AiFinding => ({
  id: row.id,
  runId: row.run_id,
  studyUid: row.study_uid,
  sopInstanceUid: row.sop_instance_uid,
  number: Number(row.number),
  label: row.label,
  score: Number(row.score),
  places: JSON.parse(row.places) as AiFinding['places'],
});

async function withImages(db: Read, rows: Selectable<RunTable>[]): Promise<RunRow[]> {
  const images = new Map<string, RunImage[]>();
  const segments = new Map<string, RunSegment[]>();
  const workers = new Map<string, string | null>();
  for (let i = 0; i < rows.length; i += UID_CHUNK) {
    const ids = rows.slice(i, i + UID_CHUNK).map((row) => row.id);
    const found = await db
      .selectFrom('ai_run_image')
      .select(IMAGE_COLUMNS)
      .where('run_id', 'in', ids)
      .where('score', 'is not', null)
      .orderBy('position')
      .execute();
    for (const row of found) images.set(row.run_id, [...(images.get(row.run_id) ?? []), runImage(row)]);
    const ended = await db
      .selectFrom('ai_work_item')
      .select(['run_id', 'worker'])
      .where('run_id', 'in', ids)
      .where('outcome', '=', 'completed')
      .execute();
    for (const row of ended) workers.set(row.run_id, row.worker);
    const segmented = await db
      .selectFrom('ai_segmentation')
      .select(['run_id', 'found', 'sop_instance_uid'])
      .where('run_id', 'in', ids)
      .orderBy('number')
      .execute();
    for (const row of segmented)
      segments.set(row.run_id, [...(segments.get(row.run_id) ?? []), ...runSegments(row)]);
  }
  return rows.map((row) => ({
    ...runRow(row, images.get(row.id) ?? [], segments.get(row.id) ?? []),
    worker: workers.get(row.id) ?? null,
  }));
}

function runSegments(row: Pick<SegmentationTable, 'found' | 'sop_instance_uid'>): RunSegment[] {
  const { segments } = JSON.parse(row.found) as Pick<Segmented, 'segments'>;
  return segments.map(({ label, ml, pixels, sources }) => ({
    label,
    ml,
    pixels,
    sopInstanceUid: sources.length > 0 ? row.sop_instance_uid : null,
  }));
}

/** Latest run of each tool for each study. */
export async function latestRuns(db: Read, studyUids: readonly string[]): Promise<RunRow[]> {
  const latest = new Map<string, Selectable<RunTable>>();
  for (let i = 0; i < studyUids.length; i += UID_CHUNK) {
    const rows = await db
      .selectFrom('ai_run')
      .selectAll()
      .where('study_uid', 'in', studyUids.slice(i, i + UID_CHUNK))
      .orderBy('queued_at')
      .orderBy('id')
      .execute();
    for (const row of rows) latest.set(`${row.study_uid} ${row.model_id}`, row);
  }
  return withImages(db, [...latest.values()]);
}

export async function runById(db: Read, id: string): Promise<RunRow | undefined> {
  const row = await db.selectFrom('ai_run').selectAll().where('id', '=', id).executeTakeFirst();
  return row && (await withImages(db, [row]))[0];
}

export async function versionsOf(db: Read, runIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  for (let i = 0; i < runIds.length; i += UID_CHUNK) {
    const rows = await db
      .selectFrom('ai_run')
      .select(['id', 'model_version'])
      .where('id', 'in', runIds.slice(i, i + UID_CHUNK))
      .execute();
    for (const row of rows) versions.set(row.id, row.model_version);
  }
  return versions;
}

export async function findingsOf(db: Read, runId: string): Promise<AiFinding[]> {
  const rows = await db
    .selectFrom('ai_finding')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('number')
    .execute();
  return rows.map(findingRow);
}

export interface StoredHeat {
  readonly rows: number;
  readonly columns: number;
  readonly cells: Uint8Array;
  readonly box: Box;
}

export async function heatOf(
  db: Read,
  runId: string,
  sopInstanceUid: string,
  label?: string,
): Promise<StoredHeat | undefined> {
  if (label !== undefined) {
    const own = await db
      .selectFrom('ai_heat')
      .select(['rows', 'columns', 'cells', 'box'])
      .where('run_id', '=', runId)
      .where('sop_instance_uid', '=', sopInstanceUid)
      .where('label', '=', label)
      .executeTakeFirst();
    if (own)
      return {
        rows: Number(own.rows),
        columns: Number(own.columns),
        cells: own.cells,
        box: JSON.parse(own.box) as Box,
      };
  }
  const row = await db
    .selectFrom('ai_run_image')
    .select(['heat', 'heat_rows', 'heat_columns', 'heat_box'])
    .where('run_id', '=', runId)
    .where('sop_instance_uid', '=', sopInstanceUid)
    .executeTakeFirst();
  if (!row?.heat || row.heat_box === null) return undefined;
  return {
    rows: Number(row.heat_rows),
    columns: Number(row.heat_columns),
    cells: row.heat,
    box: JSON.parse(row.heat_box) as Box,
  };
}

/** The study was erased for good: nothing is kept of what tools found in it. */
export async function forgetRuns(tx: Tx<AssistTables>, studyUid: string): Promise<void> {
  const runs = await tx.selectFrom('ai_run').select('id').where('study_uid', '=', studyUid).execute();
  const ids = runs.map(({ id }) => id);
  for (const table of ['ai_work_item', 'ai_foreign_object'] as const)
    await tx.deleteFrom(table).where('study_uid', '=', studyUid).execute();
  if (ids.length === 0) return;
  for (const table of ['ai_finding', 'ai_heat', 'ai_segmentation', 'ai_run_image'] as const)
    await tx.deleteFrom(table).where('run_id', 'in', ids).execute();
  await tx.deleteFrom('ai_run').where('id', 'in', ids).execute();
}

/** Of these instances those that are results, with their runs. For the archive, when its index is made anew. */
export async function knownResults(
  store: Pick<Store, 'read'>,
  sopInstanceUids: readonly string[],
): Promise<Map<string, { kind: 'ai'; aiRunId: string }>> {
  if (sopInstanceUids.length === 0) return new Map();
  const db = store.read.withTables<AssistTables>();
  const reports = await db
    .selectFrom('ai_run')
    .select(['id', 'sr_sop_instance_uid as sop'])
    .where('sr_sop_instance_uid', 'in', sopInstanceUids)
    .execute();
  const segmentations = await db
    .selectFrom('ai_segmentation')
    .select(['run_id as id', 'sop_instance_uid as sop'])
    .where('sop_instance_uid', 'in', sopInstanceUids)
    .execute();
  return new Map([...reports, ...segmentations].map((row) => [row.sop!, { kind: 'ai', aiRunId: row.id }]));
}
