/** Work items as others see them: what stands in the rows, and of the study and the results what the asker may know. */
import { sql } from 'kysely';
import { SEES_NO_AI } from '../../archive/types.ts';
import type { Archive, StudyRow } from '../../archive/types.ts';
import type { DicomJson } from '../../dicom/types.ts';
import { isWorker } from '../../people/types.ts';
import type { Principal } from '../../people/types.ts';
import type { Store } from '../../store/types.ts';
import { RUN_JOB, wholeStudy } from '../decide.ts';
import type { AssistTables } from '../tables.ts';
import type { InstalledModel, ModelManifest } from '../types.ts';
import { itemDataset, stateOf } from './dataset.ts';
import type { ItemRow } from './items.ts';
import type { Asker, ItemState } from './types.ts';

export interface ViewDeps {
  readonly store: Store;
  readonly archive: Archive;
  model(id: string): Promise<InstalledModel | undefined>;
}

/** One who claims: a token, or else whoever it is. */
export const idOf = (by: Principal): string => by.tokenId ?? by.personId ?? `${by.via}:${by.name}`;

/**
 * Of the job of an item, while it waits or runs: each state has an index by key, all jobs together have none. The state is written
 * out, as a parameter would not match the index.
 */
const priorityIn = (state: 'waiting' | 'running') =>
  sql`(select priority from job where kind = ${RUN_JOB} and key = ai_work_item.run_id and state = ${sql.lit(state)})`;

export function createView({ store, archive, model }: ViewDeps) {
  const read = store.read.withTables<AssistTables>();

  async function page({
    states,
    limit,
    offset,
  }: {
    states?: readonly ItemState[] | undefined;
    limit: number;
    offset: number;
  }): Promise<ItemRow[]> {
    let query = read
      .selectFrom('ai_work_item')
      .selectAll()
      .orderBy(sql`case when ended_at is null then 0 else 1 end`)
      .orderBy(sql`coalesce(${priorityIn('waiting')}, ${priorityIn('running')}, 0) desc`)
      .orderBy('created_at')
      .orderBy('uid')
      .limit(limit)
      .offset(offset);
    if (states)
      query = query.where((eb) =>
        eb.or(
          states.map((state) =>
            state === 'SCHEDULED'
              ? eb.and([eb('ended_at', 'is', null), eb('claimed_at', 'is', null)])
              : state === 'IN PROGRESS'
                ? eb.and([eb('ended_at', 'is', null), eb('claimed_at', 'is not', null)])
                : eb('outcome', '=', state === 'COMPLETED' ? 'completed' : 'canceled'),
          ),
        ),
      );
    return query.execute();
  }

  async function datasets(rows: readonly ItemRow[], { by, sight, base }: Asker): Promise<DicomJson[]> {
    if (rows.length === 0) return [];
    const runIds = [...new Set(rows.map((row) => row.run_id))];
    const studyUids = [...new Set(rows.map((row) => row.study_uid))];
    const runs = new Map(
      (
        await read
          .selectFrom('ai_run')
          .select(['id', 'model_version', 'weights_sha256'])
          .where('id', 'in', runIds)
          .execute()
      ).map((run) => [run.id, run]),
    );
    const images = await read
      .selectFrom('ai_run_image')
      .select(['run_id', 'sop_instance_uid', 'series_uid'])
      .where('run_id', 'in', runIds)
      .orderBy('position')
      .execute();
    let jobs = store.read
      .selectFrom('job')
      .select(['key', 'priority', 'run_after'])
      .where('kind', '=', RUN_JOB)
      .where('key', 'in', runIds)
      .orderBy('id');
    // What workers ask for every few seconds: without a look at the thousands of jobs that are done.
    if (rows.every((row) => row.ended_at === null)) jobs = jobs.where('state', 'in', ['waiting', 'running']);
    const jobOf = new Map((await jobs.execute()).map((job) => [job.key, job]));
    const before = await read
      .selectFrom('ai_work_item')
      .select(['uid', 'run_id', 'number'])
      .where('run_id', 'in', runIds)
      .execute();
    const numbered = new Map(before.map((each) => [`${each.run_id} ${each.number}`, each.uid]));
    const studies = new Map<string, StudyRow>();
    for (const study of await archive.studies(studyUids)) studies.set(study.studyUid, study);
    const classes = new Map<string, string>();
    for (const studyUid of studyUids)
      for (const each of await archive.findInstances(wholeStudy(studyUid), SEES_NO_AI))
        classes.set(each.sopInstanceUid, each.sopClassUid);
    const seen = await sight(runIds);
    const manifests = new Map<string, ModelManifest>();
    for (const id of new Set(rows.map((row) => row.model_id))) {
      const installed = await model(id);
      if (installed) manifests.set(id, installed.manifest);
    }

    return rows.map((row) => {
      const own = row.worker_id === idOf(by);
      const run = runs.get(row.run_id);
      const job = jobOf.get(row.run_id);
      return itemDataset({
        row,
        run: run && asked(row, run, manifests.get(row.model_id)),
        images: images
          .filter((image) => image.run_id === row.run_id && classes.has(image.sop_instance_uid))
          .map((image) => ({
            sopInstanceUid: image.sop_instance_uid,
            sopClassUid: classes.get(image.sop_instance_uid)!,
            seriesUid: image.series_uid,
          })),
        // A worker learns whose images they are once it has them.
        study: !isWorker(by) || (own && row.ended_at === null) ? studies.get(row.study_uid) : undefined,
        priority: Number(job?.priority ?? 0),
        dueAt: Number(
          row.ended_at === null && row.claimed_at === null
            ? (job?.run_after ?? row.created_at)
            : row.created_at,
        ),
        replaces: numbered.get(`${row.run_id} ${Number(row.number) - 1}`),
        mayKnow: own || seen.has(row.run_id),
        base,
      });
    });
  }

  /** Which version is to run: what did not begin runs with the one in use now, not with that of the day it was queued. */
  const asked = (
    row: ItemRow,
    run: { model_version: string; weights_sha256: string },
    manifest: ModelManifest | undefined,
  ) => ({
    ...(manifest && stateOf(row) === 'SCHEDULED'
      ? { model_version: manifest.version, weights_sha256: manifest.weights.sha256 }
      : run),
    name: manifest?.name.en ?? row.model_id,
  });

  const rowOf = (uid: string): Promise<ItemRow | undefined> =>
    read.selectFrom('ai_work_item').selectAll().where('uid', '=', uid).executeTakeFirst();

  return { page, datasets, rowOf };
}
