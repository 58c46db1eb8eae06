import type { InstanceRow, SeriesRow, Sight, StudyRow } from '../archive/types.ts';
import { SEES_NO_AI } from '../archive/types.ts';
import { isForeignRun } from '../assist/index.ts';
import type { InstalledModel, RunRow } from '../assist/types.ts';
import type { Answer, StageState } from '../evidence/types.ts';
import type { Principal } from '../people/types.ts';
import { asDb, notFound } from './context.ts';
import type { Context, ReadingTx } from './context.ts';
import type { AiView } from './types.ts';
import { hiddenFrom, seesEverything } from './visibility.ts';

/** Beyond any study that is read as a whole on one page. */
export const MAX_INSTANCES = 20_000;

/** Everything about a study that does not depend on who asks. */
export interface Case {
  study: StudyRow;
  series: SeriesRow[];
  /** Images alone, in the order of series and instance numbers. */
  images: InstanceRow[];
  runs: RunRow[];
  models: InstalledModel[];
  stages: ReadonlyMap<string, StageState>;
}
export type OpinionRow = { modelId: string; answer: Answer; at: number };

/** What is known of a study, and what of it a person may see. */
export function createCases(context: Context) {
  const { archive, assist, evidence } = context;

  async function load(studyUid: string): Promise<Case> {
    const study = await archive.study(studyUid);
    if (!study) throw notFound('study');
    const query = { match: {}, studyUid, limit: MAX_INSTANCES };
    const [series, instances, runs, models] = await Promise.all([
      archive.findSeries(query, SEES_NO_AI),
      archive.findInstances(query, SEES_NO_AI),
      assist.runs([studyUid]),
      assist.models(),
    ]);
    const last = Number.MAX_SAFE_INTEGER;
    const imageSeries = series
      .filter(({ kind }) => kind === 'image')
      .sort((a, b) => (a.number ?? last) - (b.number ?? last) || (a.seriesUid < b.seriesUid ? -1 : 1));
    const place = new Map(imageSeries.map(({ seriesUid }, index) => [seriesUid, index]));
    const images = instances
      .filter(({ kind }) => kind === 'image')
      .sort(
        (a, b) =>
          (place.get(a.seriesUid) ?? last) - (place.get(b.seriesUid) ?? last) ||
          (a.number ?? last) - (b.number ?? last) ||
          (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1),
      );
    const stages = new Map<string, StageState>();
    for (const { modelId, modelVersion } of runs)
      stages.set(modelId, await evidence.stage(modelId, modelVersion));
    return { study, series: imageSeries, images, runs, models, stages };
  }

  /**
   * What runs made beside findings, by series: segmentations, and all that a tool elsewhere sent. The report of a tool here says
   * nothing that its findings do not.
   */
  async function objectsOf(
    studyUid: string,
    runs: readonly RunRow[],
  ): Promise<{ series: SeriesRow; objects: InstanceRow[] }[]> {
    if (runs.length === 0) return [];
    const ids = new Set(runs.map(({ id }) => id));
    const sight: Sight = async (asked) => new Set(asked.filter((id) => ids.has(id)));
    const query = { match: {}, studyUid, limit: MAX_INSTANCES };
    const [series, instances] = await Promise.all([
      archive.findSeries(query, sight),
      archive.findInstances(query, sight),
    ]);
    const objects = Map.groupBy(
      instances.filter(({ kind }) => kind === 'ai'),
      ({ seriesUid }) => seriesUid,
    );
    return series.flatMap((each) => {
      const own = objects.get(each.seriesUid);
      const isOwnReport = each.modality === 'SR' && !isForeignRun(each.aiRunId ?? '');
      return own && !isOwnReport ? [{ series: each, objects: own }] : [];
    });
  }

  async function opinionsOf(
    db: Context['read'] | ReadingTx,
    studyUid: string,
    personId: string,
    round: number,
  ): Promise<OpinionRow[]> {
    const rows = await asDb(db)
      .selectFrom('opinion')
      .select(['model_id', 'answer', 'at'])
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', personId)
      .where('round', '=', round)
      .execute();
    return rows.map((row) => ({ modelId: row.model_id, answer: row.answer, at: Number(row.at) }));
  }
  /** Runs that are in a report, or whose lateness the signatory has seen. */
  async function signedRuns(db: Context['read'] | ReadingTx, studyUid: string): Promise<Set<string>> {
    const inReport = await asDb(db)
      .selectFrom('report_run')
      .innerJoin('report', 'report.id', 'report_run.report_id')
      .select('report_run.run_id')
      .where('report.study_uid', '=', studyUid)
      .execute();
    const late = await asDb(db)
      .selectFrom('discrepancy')
      .select('run_id')
      .where('study_uid', '=', studyUid)
      .where('kind', '=', 'late-result')
      .where('seen_at', 'is not', null)
      .execute();
    return new Set([...inReport, ...late].map((row) => row.run_id));
  }
  /** For each run why this person may not see it. */
  function hiddenOf(
    of: Case,
    principal: Principal,
    opinions: readonly OpinionRow[],
    signed: ReadonlySet<string>,
  ): Map<string, AiView['hidden']> {
    const seesAll = seesEverything(principal);
    return new Map(
      of.runs.map((run) => [
        run.id,
        seesAll
          ? null
          : hiddenFrom(principal, {
              stage: of.stages.get(run.modelId)!,
              signed: signed.has(run.id),
              // A tool that did not run has nothing to be blind to.
              opinion: run.state === 'not-run' || opinions.some(({ modelId }) => modelId === run.modelId),
            }),
      ]),
    );
  }

  return { load, objectsOf, opinionsOf, signedRuns, hiddenOf };
}
export type Cases = ReturnType<typeof createCases>;
