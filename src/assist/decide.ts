/**
 * For a complete study: each tool gets a run in the queue, or a row that says why it does not run. Repeating it changes
 * nothing unless the study or the tool changed.
 */
import { createHash } from 'node:crypto';
import { SEES_NO_AI } from '../archive/types.ts';
import type { Archive, InstanceRow, SeriesRow } from '../archive/types.ts';
import { TAG } from '../dicom/dictionary.ts';
import { hexTag } from '../dicom/errors.ts';
import { jsonItems, jsonString } from '../dicom/json.ts';
import type { DicomJson, Tag } from '../dicom/types.ts';
import { uuidv7 } from '../store/index.ts';
import type { Store, Tx } from '../store/types.ts';
import { mayRun } from './rules.ts';
import type { HeaderFacts, MayRun, RunnableImage } from './rules.ts';
import type { AssistTables, RunTable } from './tables.ts';
import type { Items } from './ups/items.ts';
import type { InstalledModel, ModelManifest } from './types.ts';

export const DECIDE_JOB = 'assist.decide';
export const RUN_JOB = 'assist.run';
export const RUN_ATTEMPTS = 3;
/** Of an error's text in a row. */
export const DETAIL_LENGTH = 300;
const PRIORITY = { STAT: 100, HIGH: 50, ROUTINE: 0 } as const;
/** Beyond any study; of a larger one the rest is not looked at. */
const MAX_INSTANCES = 20_000;
/** All of a study: a search that is not told how many gives the first thousand. */
export const wholeStudy = (studyUid: string) => ({ match: {}, studyUid, limit: MAX_INSTANCES });

export interface DecideDeps {
  readonly store: Store;
  readonly archive: Archive;
  readonly items: Items;
  readonly now: () => number;
  readonly softwareVersion: string;
}

/** Series and instance number, then UID: the order in which findings are numbered. */
function inOrder(instances: InstanceRow[], series: SeriesRow[]): InstanceRow[] {
  const place = new Map(series.map((s) => [s.seriesUid, s.number ?? Number.MAX_SAFE_INTEGER]));
  const of = (i: InstanceRow): number => place.get(i.seriesUid) ?? Number.MAX_SAFE_INTEGER;
  return [...instances].sort(
    (a, b) =>
      of(a) - of(b) ||
      a.seriesUid.localeCompare(b.seriesUid) ||
      (a.number ?? Number.MAX_SAFE_INTEGER) - (b.number ?? Number.MAX_SAFE_INTEGER) ||
      a.sopInstanceUid.localeCompare(b.sopInstanceUid),
  );
}

/** What a result depends on: the same digest is the same run. */
export function inputDigest(manifest: ModelManifest, images: readonly RunnableImage[]): string {
  const point = manifest.operatingPoints[manifest.defaultOperatingPoint];
  const threshold = point?.thresholds ? JSON.stringify(point) : String(point?.threshold ?? 0);
  const inputs = images.map((i) => `${i.sopInstanceUid} ${i.sha256}`).sort();
  return createHash('sha256')
    .update([manifest.id, manifest.version, manifest.weights.sha256, threshold, ...inputs].join('\n'))
    .digest('hex');
}

export async function decide(
  deps: DecideDeps,
  studyUid: string,
  models: readonly InstalledModel[],
): Promise<void> {
  const { archive, store } = deps;
  const study = await archive.study(studyUid);
  // Incomplete again: the event of its next completeness decides.
  if (!study?.complete) return;
  const all = wholeStudy(studyUid);
  const series = await archive.findSeries(all, SEES_NO_AI);
  const instances = inOrder(await archive.findInstances(all, SEES_NO_AI), series);
  const headers = await headerFacts(archive, instances, models);
  const facts = series.map((s) => ({ ...s, ...headers.series.get(s.seriesUid) }));
  for (const { manifest, enabled, removed } of models) {
    if (removed) continue;
    const answer: MayRun = enabled
      ? mayRun(manifest, study, instances, facts, headers.views)
      : { notRun: 'disabled', detail: null };
    await store.write<AssistTables, void>((tx) =>
      record(deps, tx, studyUid, manifest, answer, PRIORITY[study.priority]),
    );
  }
}

/** What headers say that the index does not hold: of one image of each series that a tool might take, and views of each image. */
async function headerFacts(
  archive: Archive,
  instances: readonly InstanceRow[],
  models: readonly InstalledModel[],
): Promise<{ series: Map<string, HeaderFacts>; views: Map<string, string[]> }> {
  const classes = new Set(models.flatMap((m) => m.manifest.intendedUse.sopClasses ?? []));
  const views = models.some((m) => m.manifest.intendedUse.views !== undefined);
  const first = new Map<string, InstanceRow>();
  for (const i of instances)
    if (classes.has(i.sopClassUid) && !first.has(i.seriesUid)) first.set(i.seriesUid, i);
  const asked = views ? instances.filter((i) => classes.has(i.sopClassUid)) : [...first.values()];
  const facts = { series: new Map<string, HeaderFacts>(), views: new Map<string, string[]>() };
  for await (const json of archive.metadata(asked, SEES_NO_AI)) {
    const seriesUid = jsonString(json, TAG.SeriesInstanceUID) ?? '';
    const sop = jsonString(json, TAG.SOPInstanceUID) ?? '';
    facts.views.set(sop, codesOf(json, TAG.ViewCodeSequence));
    if (first.get(seriesUid)?.sopInstanceUid === sop) facts.series.set(seriesUid, headerFactsOf(json));
  }
  return facts;
}

function headerFactsOf(json: DicomJson): HeaderFacts {
  const numbers = (tag: Tag): number[] =>
    (json[hexTag(tag)]?.Value ?? []).map(Number).filter((value) => Number.isFinite(value));
  const one = (tag: Tag): number | undefined => numbers(tag)[0];
  const spacing = numbers(TAG.PixelSpacing).length ? TAG.PixelSpacing : TAG.ImagerPixelSpacing;
  return {
    anatomicRegions: codesOf(json, TAG.AnatomicRegionSequence),
    protocol: jsonString(json, TAG.ProtocolName) ?? '',
    pixelSpacing: numbers(spacing),
    sliceSpacing: one(TAG.SpacingBetweenSlices) ?? one(TAG.SliceThickness),
    repetitionTimeMs: one(TAG.RepetitionTime),
    echoTimeMs: one(TAG.EchoTime),
    inversionTimeMs: one(TAG.InversionTime),
  };
}

/** SNOMED CT codes of a sequence. */
const codesOf = (json: DicomJson, tag: Tag): string[] =>
  jsonItems(json, tag).flatMap((item) =>
    jsonString(item, TAG.CodingSchemeDesignator) === 'SCT' ? [jsonString(item, TAG.CodeValue) ?? ''] : [],
  );

async function record(
  deps: DecideDeps,
  tx: Tx<AssistTables>,
  studyUid: string,
  manifest: ModelManifest,
  answer: MayRun,
  priority: number,
): Promise<void> {
  const { store } = deps;
  const latest = await tx
    .selectFrom('ai_run')
    .select(['id', 'state', 'reason', 'detail', 'input_digest'])
    .where('study_uid', '=', studyUid)
    .where('model_id', '=', manifest.id)
    .orderBy('queued_at', 'desc')
    .orderBy('id', 'desc')
    .executeTakeFirst();
  const runs = 'run' in answer;
  const digest = runs ? inputDigest(manifest, answer.run) : '';
  if (latest && runs && latest.state !== 'not-run' && latest.input_digest === digest) return;
  if (latest && !runs) {
    if (latest.state === 'not-run' && latest.reason === answer.notRun && latest.detail === answer.detail)
      return;
    // Switching a tool off takes nothing back that it said before.
    if (answer.notRun === 'disabled' && latest.state === 'analysed') return;
  }
  if (latest?.state === 'waiting') {
    // It has not begun: the new one takes its place.
    await store.jobs.cancel(tx, RUN_JOB, latest.id);
    const reason = 'The study changed before it began';
    await deps.items.end(tx, latest.id, { outcome: 'canceled', reason });
    await tx.deleteFrom('ai_run').where('id', '=', latest.id).execute();
  }

  const id = await insertRun(deps, tx, studyUid, manifest, {
    state: runs ? 'waiting' : 'not-run',
    reason: runs ? null : answer.notRun,
    detail: runs ? null : answer.detail,
    input_digest: digest,
  });
  if (runs) {
    for (const [position, image] of answer.run.entries())
      await tx
        .insertInto('ai_run_image')
        .values({
          run_id: id,
          sop_instance_uid: image.sopInstanceUid,
          series_uid: image.seriesUid,
          position,
          body_part: image.bodyPart,
          score: null,
          positive: null,
          heat_rows: null,
          heat_columns: null,
          heat: null,
          heat_box: null,
          scores: null,
          measurements: null,
        })
        .execute();
    await store.jobs.enqueue(tx, { kind: RUN_JOB, key: id, priority, maxAttempts: RUN_ATTEMPTS });
    await deps.items.offer(tx, { id, study_uid: studyUid, model_id: manifest.id });
  }
}

/** The row and its event; gives the run's id. */
async function insertRun(
  { store, now, softwareVersion }: DecideDeps,
  tx: Tx<AssistTables>,
  studyUid: string,
  manifest: ModelManifest,
  set: Pick<RunTable, 'state' | 'reason' | 'detail' | 'input_digest'>,
): Promise<string> {
  const at = now();
  const id = uuidv7(at);
  await tx
    .insertInto('ai_run')
    .values({
      ...set,
      id,
      study_uid: studyUid,
      model_id: manifest.id,
      model_version: manifest.version,
      weights_sha256: manifest.weights.sha256,
      software_version: softwareVersion,
      operating_point: manifest.defaultOperatingPoint,
      threshold: manifest.operatingPoints[manifest.defaultOperatingPoint]?.threshold ?? 0,
      queued_at: at,
      started_at: null,
      computed_at: null,
      finished_at: set.state === 'waiting' ? null : at,
      attempt: 0,
      sr_sop_instance_uid: null,
    })
    .execute();
  await store.events.append(tx, {
    kind: set.state === 'waiting' ? 'assist.run.queued' : 'assist.run.finished',
    studyUid,
    subject: id,
    actor: 'system',
    payload: { model: manifest.id, state: set.state },
  });
  return id;
}

/** When deciding itself fails for good, each tool says so: a study without a word would look as if no tool were there. */
export async function decideFailed(
  deps: DecideDeps,
  studyUid: string,
  models: readonly InstalledModel[],
  error: string,
): Promise<void> {
  const failed = {
    state: 'failed',
    reason: null,
    detail: error.slice(0, DETAIL_LENGTH),
    input_digest: '',
  } as const;
  await deps.store.write<AssistTables, void>(async (tx) => {
    for (const { manifest, removed } of models)
      if (!removed) await insertRun(deps, tx, studyUid, manifest, failed);
  });
}
