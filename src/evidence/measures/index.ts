/**
 * What the references make measurable: accuracy corrected for which studies were verified, reader and tool on the same studies,
 * groups, overruling and automation bias. Each number opens its studies.
 *
 * @example
 * const measures = createMeasures({ store, assist });
 * const { uncertainAsPositive: { paired } } = await measures.of('fracture');
 */
import type { Assist } from '../../assist/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Db, Store } from '../../store/types.ts';
import { createFacts } from '../facts.ts';
import { isPositive, type Uncertain } from '../figures.ts';
import { collect, type CollectTables } from '../reference/collect.ts';
import { rulingOf } from '../reference/rule.ts';
import { compareAreas } from '../roc.ts';
import { automationOf, OVERRIDES, overridesOf } from './automation.ts';
import { INPUT_REFERENCE, INPUT_WEEKS, inputsOf, type InputRow } from './inputs.ts';
import { EFFECTS, pairOf, pairRows, pairedOf } from './paired.ts';
import { breathe, judgedRows, type JudgedRow } from './rows.ts';
import { subgroupsOf } from './subgroups.ts';
import { isVerified, verificationOf } from './verification.ts';
import type { Inputs, Measures, MeasureQuery, MeasuresRoom, ToolMeasures, VersionPair } from './types.ts';

export type * from './types.ts';
export { ARMS, DIMENSIONS, MEASURE_CASES } from './types.ts';

const CACHED = 16;
type Range = { from?: number; to?: number };

export function createMeasures(deps: {
  store: Store;
  assist: Pick<Assist, 'analysed' | 'operated'>;
}): MeasuresRoom {
  const { store, assist } = deps;
  // To read by: whoever started the room of evidence writes them.
  const facts = createFacts(store);
  const cache = new Map<string, Promise<ToolMeasures>>();
  const inputs = new Map<string, Inputs>();

  async function compute(modelId: string, range: Range): Promise<ToolMeasures> {
    const rows = await judgedRows(store, modelId, range);
    const uncertainAsPositive = await measuresInSteps(rows, 'positive');
    const unsure = rows.some((row) => [row.ref, row.own, row.blind, row.conclusion].includes('uncertain'));
    return {
      modelId,
      studies: rows.length,
      uncertainAsPositive,
      uncertainAsNegative: unsure ? await measuresInSteps(rows, 'negative') : uncertainAsPositive,
      versions: await assist.operated(modelId),
    };
  }

  return {
    async of(modelId, range: Range = {}) {
      const key = JSON.stringify([modelId, range.from ?? null, range.to ?? null, await facts.revision()]);
      const known = cache.get(key);
      if (known) return known;
      const fresh = compute(modelId, range);
      // Who asks meanwhile waits for the same.
      cache.set(key, fresh);
      fresh.catch(() => cache.delete(key));
      if (cache.size > CACHED) cache.delete(cache.keys().next().value!);
      return fresh;
    },

    async cases(modelId, query, range: Range = {}) {
      const rows = await judgedRows(store, modelId, range);
      return facts.ofReports(
        modelId,
        behindMeasure(rows, query).map(({ reportId }) => reportId),
      );
    },

    async inputs(modelId) {
      const key = JSON.stringify([modelId, await facts.revision()]);
      const known = inputs.get(key);
      if (known) return known;
      const fresh = inputsOf(await inputRows(store, modelId));
      inputs.clear();
      inputs.set(key, fresh);
      return fresh;
    },

    async versions(modelId, first, second) {
      const operated = await assist.operated(modelId);
      for (const side of [first, second])
        if (
          !operated.some(
            (of) => of.modelVersion === side.modelVersion && of.operatingPoint === side.operatingPoint,
          )
        )
          throw new NegatoscopeError('version-unknown', 'This tool has analysed nothing so.', {
            status: 404,
          });
      const [a, b] = await Promise.all(
        [first, second].map((side) => assist.analysed(modelId, side.modelVersion, side.operatingPoint)),
      );
      const other = new Map(b!.map((study) => [study.studyUid, study]));
      const both = a!.flatMap((study) => {
        const same = other.get(study.studyUid);
        return same ? [{ studyUid: study.studyUid, first: study, second: same }] : [];
      });
      const uids = both.map(({ studyUid }) => studyUid);
      const read = store.read as unknown as Db<CollectTables>;
      const references = Map.groupBy(await collect(read, modelId, uids), ({ studyUid }) => studyUid);
      const { patients, training } = await knownOf(read, modelId, uids);
      const judged = both.flatMap((of) => {
        const answer = rulingOf(references.get(of.studyUid) ?? [])?.answer;
        if (training.has(of.studyUid) || (answer !== 'yes' && answer !== 'no')) return [];
        return [{ ...of, truth: answer === 'yes', patient: patients.get(of.studyUid) ?? '' }];
      });
      const pair = (truth: boolean) =>
        pairOf(
          judged
            .filter((of) => of.truth === truth)
            .map((of) => ({
              patient: of.patient,
              first: of.first.marked === truth,
              second: of.second.marked === truth,
            })),
        );
      const areas = compareAreas(
        judged.map((of) => of.first.score),
        judged.map((of) => of.second.score),
        judged.map(({ truth }) => truth),
      );
      return {
        first,
        second,
        studies: judged.length,
        sensitivity: pair(true),
        specificity: pair(false),
        areas: areas
          ? {
              first: areas.aucA,
              second: areas.aucB,
              difference: areas.difference,
              low: areas.low,
              high: areas.high,
              p: areas.p,
            }
          : null,
      } satisfies VersionPair;
    },
  };
}

const WEEK_MS = 7 * 86_400_000;

/** Of the version signed with last: its first studies, and those of the last weeks; what lies between is not compared. */
async function inputRows(store: Pick<Store, 'read'>, modelId: string): Promise<InputRow[]> {
  const read = store.read as unknown as Db<CollectTables>;
  const last = await read
    .selectFrom('reading_fact')
    .select(['model_version', 'signed_at'])
    .where('model_id', '=', modelId)
    .orderBy('signed_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!last) return [];
  const rows = () =>
    read
      .selectFrom('reading_fact')
      .select([
        'report_id',
        'signed_at',
        'vendor',
        'machine',
        'station',
        'software',
        'detector',
        'view',
        'kvp',
        'mas',
        'exposure_index',
      ])
      .where('model_id', '=', modelId)
      .where('model_version', '=', last.model_version)
      .orderBy('signed_at')
      .orderBy('report_id');
  const first = await rows().limit(INPUT_REFERENCE).execute();
  const from = Math.max(
    Number(first.at(-1)!.signed_at),
    Number(last.signed_at) - (INPUT_WEEKS + 1) * WEEK_MS,
  );
  const among = new Set(first.map(({ report_id }) => report_id));
  const recent = (await rows().where('signed_at', '>=', from).execute()).filter(
    ({ report_id }) => !among.has(report_id),
  );
  return [...first, ...recent].map((row) => ({
    at: Number(row.signed_at),
    words: {
      machine: [row.vendor, row.machine].filter(Boolean).join(' '),
      station: row.station,
      software: row.software,
      detector: row.detector,
      view: row.view,
    },
    numbers: { kvp: row.kvp, mas: row.mas, exposureIndex: row.exposure_index },
  }));
}

/** Patients of studies that have a fact, and which of them the tool was trained on. */
async function knownOf(read: Db<CollectTables>, modelId: string, studyUids: readonly string[]) {
  const patients = new Map<string, string>();
  const training = new Set<string>();
  for (let start = 0; start < studyUids.length; start += 400)
    for (const row of await read
      .selectFrom('reading_fact')
      .select(['study_uid', 'patient', 'in_training'])
      .where('model_id', '=', modelId)
      .where('study_uid', 'in', studyUids.slice(start, start + 400))
      .execute()) {
      patients.set(row.study_uid, row.patient);
      if (row.in_training === 1) training.add(row.study_uid);
    }
  return { patients, training };
}

type Step<K extends keyof Measures> = (rows: readonly JudgedRow[], uncertain: Uncertain) => Measures[K];
const STEPS: { readonly [K in keyof Measures]: Step<K> } = {
  verification: verificationOf,
  paired: pairedOf,
  subgroups: subgroupsOf,
  overrides: overridesOf,
  automation: automationOf,
};

export const measuresOf = (rows: readonly JudgedRow[], uncertain: Uncertain): Measures =>
  Object.fromEntries(
    Object.entries(STEPS).map(([name, step]) => [name, step(rows, uncertain)]),
  ) as unknown as Measures;

/** The same, with others answered in between. */
async function measuresInSteps(rows: readonly JudgedRow[], uncertain: Uncertain): Promise<Measures> {
  const found: Record<string, unknown> = {};
  for (const [name, step] of Object.entries(STEPS)) {
    found[name] = step(rows, uncertain);
    await breathe();
  }
  return found as unknown as Measures;
}

/** The rows behind a number: as many as it says. Pure. */
export function behindMeasure(rows: readonly JudgedRow[], query: MeasureQuery): JudgedRow[] {
  const { which, uncertain } = query;
  const strong = (truth: boolean, marked: boolean) =>
    rows.filter(
      (row) => isVerified(row) && isPositive(row.ref, uncertain) === truth && row.refAiPositive === marked,
    );
  switch (which) {
    case 'verified-marked':
    case 'verified-unmarked':
      return rows.filter((row) => isVerified(row) && row.refAiPositive === (which === 'verified-marked'));
    case 'found':
      return strong(true, true);
    case 'missed':
      return strong(true, false);
    case 'false-alarm':
      return strong(false, true);
    case 'left-alone':
      return strong(false, false);
    case 'caught':
    case 'caught-taken':
    case 'would-lose':
    case 'would-add':
    case 'made-worse':
    case 'made-better':
      return rows.filter((row) => EFFECTS[which](row, uncertain));
    case 'marked-signed-no':
    case 'unmarked-signed-yes':
    case 'followed-wrong':
    case 'followed-right':
    case 'toward-wrong':
    case 'toward-right':
      return rows.filter((row) => OVERRIDES[which](row, uncertain));
    case 'pair': {
      const { first, second, truth, right } = query;
      if (!first || !second || !truth) return [];
      return pairRows(rows, first, second, truth === 'yes', uncertain)
        .filter((of) => {
          if (right === undefined) return true;
          if (right === 'both') return of.first && of.second;
          if (right === 'neither') return !of.first && !of.second;
          return right === 'first' ? of.first && !of.second : of.second && !of.first;
        })
        .map(({ row }) => row);
    }
    case 'subgroup': {
      const { dimension, value = '', truth } = query;
      if (!dimension) return [];
      return rows.filter(
        (row) =>
          row.ref !== null &&
          row.of[dimension] === value &&
          (truth === undefined || isPositive(row.ref, uncertain) === (truth === 'yes')),
      );
    }
  }
}
