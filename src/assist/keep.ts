/** The rows of a result: writing them, and reading the result back from them. */
import { stableUid } from '../dicom/uid.ts';
import type { Db, Tx } from '../store/types.ts';
import type { AssistTables } from './tables.ts';
import type { AiFinding, Box } from './types.ts';
import type { Segmented, ToolResult } from './work.ts';
import { findingsOf } from './runs.ts';

export interface Keeping {
  /** When it was computed: the time of its documents. */
  readonly at: number;
  /** Version of the program that computed it. */
  readonly softwareVersion: string;
}

const leftOut = (undecodable: number): string | null =>
  undecodable > 0 ? `images-undecodable ${undecodable}` : null;

/** Writes what the work gave in place of anything that an earlier attempt left. The run's images must have their rows. */
export async function keepResult(
  tx: Tx<AssistTables>,
  run: { readonly id: string; readonly study_uid: string },
  result: ToolResult,
  { at, softwareVersion }: Keeping,
): Promise<void> {
  for (const table of ['ai_finding', 'ai_heat', 'ai_segmentation'] as const)
    await tx.deleteFrom(table).where('run_id', '=', run.id).execute();
  for (const { sopInstanceUid, score, positive, heat, heats, scores, measurements } of result.images) {
    await tx
      .updateTable('ai_run_image')
      .set({
        score,
        positive: positive ? 1 : 0,
        heat_rows: heat?.rows ?? null,
        heat_columns: heat?.columns ?? null,
        heat: heat && Buffer.from(heat.cells),
        heat_box: heat && JSON.stringify(heat.box),
        scores: scores ? JSON.stringify(scores) : null,
        measurements: measurements ? JSON.stringify(measurements) : null,
      })
      .where('run_id', '=', run.id)
      .where('sop_instance_uid', '=', sopInstanceUid)
      .execute();
    for (const [label, { rows, columns, cells, box }] of Object.entries(heats ?? {}))
      await tx
        .insertInto('ai_heat')
        .values({
          run_id: run.id,
          sop_instance_uid: sopInstanceUid,
          label,
          rows,
          columns,
          cells: Buffer.from(cells),
          box: JSON.stringify(box),
        })
        .execute();
  }
  for (const [number, { bits, ...found }] of result.segmentations.entries())
    await tx
      .insertInto('ai_segmentation')
      .values({
        run_id: run.id,
        number,
        found: JSON.stringify(found),
        bits: Buffer.from(bits),
        sop_instance_uid: found.segments.some(({ sources }) => sources.length > 0)
          ? (found.sopInstanceUid ?? segmentationUidOf(run.id, number))
          : null,
      })
      .execute();
  for (const { number, sopInstanceUid, label, score, places } of result.findings)
    await tx
      .insertInto('ai_finding')
      .values({
        id: `${run.id}.${number}`,
        run_id: run.id,
        study_uid: run.study_uid,
        sop_instance_uid: sopInstanceUid,
        number,
        label,
        score,
        places: JSON.stringify(places satisfies AiFinding['places']),
      })
      .execute();
  await tx
    .updateTable('ai_run')
    .set({
      computed_at: at,
      model_version: result.modelVersion,
      weights_sha256: result.weightsSha256,
      software_version: softwareVersion,
      operating_point: result.operatingPoint,
      threshold: result.threshold,
      detail: leftOut(result.undecodable),
    })
    .where('id', '=', run.id)
    .execute();
}

/** UIDs follow from the run, so that a repetition after a crash finds what it made. */
export const segmentationUidOf = (runId: string, number: number): string =>
  stableUid(`${runId} segmentation ${number}`);

/** The bits of what was segmented stand in the objects that were stored: they are dropped here. */
export const dropBits = (tx: Tx<AssistTables>, runId: string): Promise<unknown> =>
  tx.updateTable('ai_segmentation').set({ bits: null }).where('run_id', '=', runId).execute();

/** The result of a computed run as the work gave it, but for heat maps of single labels and bits that were dropped; undefined when there
 * is no such run or nothing was computed. */
export async function keptResult(
  db: Db<AssistTables>,
  runId: string,
): Promise<(Keeping & { readonly studyUid: string; readonly result: ToolResult }) | undefined> {
  const run = await db.selectFrom('ai_run').selectAll().where('id', '=', runId).executeTakeFirst();
  if (!run || run.computed_at === null) return undefined;
  const images = await db
    .selectFrom('ai_run_image')
    .selectAll()
    .where('run_id', '=', runId)
    .where('score', 'is not', null)
    .orderBy('position')
    .execute();
  const segmentations = await db
    .selectFrom('ai_segmentation')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('number')
    .execute();
  return {
    studyUid: run.study_uid,
    at: Number(run.computed_at),
    softwareVersion: run.software_version,
    result: {
      modelId: run.model_id,
      modelVersion: run.model_version,
      weightsSha256: run.weights_sha256,
      operatingPoint: run.operating_point,
      threshold: Number(run.threshold),
      images: images.map((row) => ({
        sopInstanceUid: row.sop_instance_uid,
        score: Number(row.score),
        positive: Number(row.positive) === 1,
        heat:
          row.heat && row.heat_box !== null
            ? {
                rows: Number(row.heat_rows),
                columns: Number(row.heat_columns),
                cells: row.heat,
                box: JSON.parse(row.heat_box) as Box,
              }
            : null,
        ...(row.scores !== null && { scores: JSON.parse(row.scores) as Record<string, number> }),
        ...(row.measurements !== null && {
          measurements: JSON.parse(row.measurements) as Record<string, number>,
        }),
      })),
      segmentations: segmentations.map(({ found, bits }) => ({
        ...(JSON.parse(found) as Omit<Segmented, 'bits'>),
        bits: bits ?? new Uint8Array(),
      })),
      findings: await findingsOf(db, runId),
      undecodable: Number(/^images-undecodable (\d+)$/.exec(run.detail ?? '')?.[1] ?? 0),
    },
  };
}
