import type { Sight } from '../archive/types.ts';
import type { StageState } from '../evidence/types.ts';
import type { Principal } from '../people/types.ts';
import type { Context } from './context.ts';
import { hiddenFrom, seesEverything } from './visibility.ts';

/** Run ids of one query: below the limits of parameters of both databases. */
const CHUNK = 500;

/** The rule of visibility for every door, asked at the time of the question. A run that nobody told of is not seen. */
export function createSight(context: Context) {
  const { read, assist, evidence } = context;

  async function seen(principal: Principal | null, runIds: readonly string[]): Promise<string[]> {
    const runs = await read
      .selectFrom('reading_run')
      .leftJoin('reading_state', 'reading_state.study_uid', 'reading_run.study_uid')
      .select(['reading_run.run_id', 'reading_run.model_id', 'reading_run.study_uid'])
      .select(['reading_state.version', 'reading_state.reopened_at'])
      .where('reading_run.run_id', 'in', [...runIds])
      .execute();
    const inReport = await read
      .selectFrom('report_run')
      .select('run_id')
      .where('run_id', 'in', [...runIds])
      .execute();
    const late = await read
      .selectFrom('discrepancy')
      .select('run_id')
      .where('run_id', 'in', [...runIds])
      .where('seen_at', 'is not', null)
      .execute();
    const signed = new Set([...inReport, ...late].map((row) => row.run_id));
    const versions = await assist.versionsOf(runIds);
    const stages = new Map<string, StageState>();
    const tool = (run: { run_id: string; model_id: string }) => `${run.model_id} ${versions.get(run.run_id)}`;
    for (const run of runs)
      if (!stages.has(tool(run)))
        stages.set(tool(run), await evidence.stage(run.model_id, versions.get(run.run_id)));
    const studies = [...new Set(runs.map((run) => run.study_uid))];
    const opinions =
      principal?.personId && studies.length > 0
        ? await read
            .selectFrom('opinion')
            .select(['study_uid', 'model_id', 'round'])
            .where('person_id', '=', principal.personId)
            .where('study_uid', 'in', studies)
            .execute()
        : [];
    const given = new Set(opinions.map((row) => `${row.study_uid} ${row.model_id} ${row.round}`));

    const visible = runs.filter((run) => {
      const round = run.version === null ? 1 : run.version + (run.reopened_at === null ? 0 : 1);
      return (
        hiddenFrom(principal, {
          stage: stages.get(tool(run))!,
          signed: signed.has(run.run_id),
          opinion: given.has(`${run.study_uid} ${run.model_id} ${round}`),
        }) === null
      );
    });
    return [...new Set([...signed, ...visible.map((run) => run.run_id)])];
  }

  return (principal: Principal | null): Sight =>
    async (runIds) => {
      if (runIds.length === 0) return new Set();
      if (seesEverything(principal)) return new Set(runIds);
      const result = new Set<string>();
      for (let start = 0; start < runIds.length; start += CHUNK)
        for (const id of await seen(principal, runIds.slice(start, start + CHUNK))) result.add(id);
      return result;
    };
}
