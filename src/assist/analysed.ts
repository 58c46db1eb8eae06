/** Which studies a tool has analysed at one version and operating point, and which of them it marked. */
import type { Db } from '../store/types.ts';
import type { AssistTables } from './tables.ts';

export interface AnalysedStudy {
  studyUid: string;
  runId: string;
  /** Any image at or above the threshold. */
  marked: boolean;
  /** Of its images the highest. */
  score: number;
}

/** Of several runs of a study the latest. In no order that means anything. */
export async function analysedStudies(
  db: Db<AssistTables>,
  modelId: string,
  modelVersion: string,
  operatingPoint: string,
): Promise<AnalysedStudy[]> {
  const runs = await db
    .selectFrom('ai_run')
    .select(['id', 'study_uid'])
    .where('model_id', '=', modelId)
    .where('model_version', '=', modelVersion)
    .where('operating_point', '=', operatingPoint)
    .where('state', '=', 'analysed')
    .orderBy('queued_at')
    .orderBy('id')
    .execute();
  const said = new Map(
    (
      await db
        .selectFrom('ai_run_image')
        .innerJoin('ai_run', 'ai_run.id', 'ai_run_image.run_id')
        .select((eb) => [
          'run_id' as const,
          eb.fn.max<number>('positive').as('positive'),
          eb.fn.max<number>('score').as('score'),
        ])
        .where('ai_run.model_id', '=', modelId)
        .where('ai_run.model_version', '=', modelVersion)
        .where('ai_run.operating_point', '=', operatingPoint)
        .groupBy('run_id')
        .execute()
    ).map((row) => [row.run_id, { marked: Number(row.positive) === 1, score: Number(row.score) }]),
  );
  const latest = new Map(runs.map((run) => [run.study_uid, run.id]));
  return [...latest].map(([studyUid, runId]) => ({
    studyUid,
    runId,
    ...(said.get(runId) ?? { marked: false, score: 0 }),
  }));
}

/** Versions and operating points at which it ran, the most used first. */
export async function operatedAt(
  db: Db<AssistTables>,
  modelId: string,
): Promise<{ modelVersion: string; operatingPoint: string; studies: number }[]> {
  const rows = await db
    .selectFrom('ai_run')
    .select(['model_version', 'operating_point'])
    .select((eb) => eb.fn.count<number>('study_uid').distinct().as('studies'))
    .where('model_id', '=', modelId)
    .where('state', '=', 'analysed')
    .groupBy(['model_version', 'operating_point'])
    .execute();
  return rows
    .map((row) => ({
      modelVersion: row.model_version,
      operatingPoint: row.operating_point,
      studies: Number(row.studies),
    }))
    .sort((a, b) => b.studies - a.studies);
}
