/** The rows of a result: writing them, and reading the result back from them. */
import type { Db, Tx } from '../store/types.ts';
import type { AssistTables } from './tables.ts';
import type { AiFinding, Box } from './types.ts';
import type { ToolResult } from './work.ts';
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
  await tx.deleteFrom('ai_finding').where('run_id', '=', run.id).execute();
  for (const { sopInstanceUid, score, positive, heat } of result.images)
    await tx
      .updateTable('ai_run_image')
      .set({
        score,
        positive: positive ? 1 : 0,
        heat_rows: heat?.rows ?? null,
        heat_columns: heat?.columns ?? null,
        heat: heat && Buffer.from(heat.cells),
        heat_box: heat && JSON.stringify(heat.box),
      })
      .where('run_id', '=', run.id)
      .where('sop_instance_uid', '=', sopInstanceUid)
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

/** The result of a computed run as the work gave it; undefined when there is no such run or nothing was computed. */
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
      })),
      findings: await findingsOf(db, runId),
      undecodable: Number(/^images-undecodable (\d+)$/.exec(run.detail ?? '')?.[1] ?? 0),
    },
  };
}
