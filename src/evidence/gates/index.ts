/**
 * Protocols, the gates that compute themselves from them, and the suspension of a tool that falls below its safety limit.
 *
 * @example
 * const gates = createGates({ store, assist, now, validated, stage, resumedAt, suspend });
 * await gates.register('fracture', form, chief);
 * const { gate } = await gates.view('fracture', chief);  // 'not-yet': 12 of 330 positives
 */
import type { Assist } from '../../assist/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Db, Store, Tx } from '../../store/types.ts';
import type { Cell, Uncertain } from '../figures.ts';
import { proportion, wilson } from '../statistics.ts';
import type { EvidenceTables, ReadingFactTable } from '../tables.ts';
import type { Stage, StageState } from '../types.ts';
import { inOrder, ofGroup, ofQueue } from './cases.ts';
import { bodyOf } from './form.ts';
import {
  counted,
  judgeFixed,
  judgeSequential,
  judgeSubgroup,
  overTime,
  verdictOf,
  type Counted,
} from './judge.ts';
import { createProtocols, inForce, isProtocolStage, protocolsOf, type Tables } from './protocols.ts';
import { standOf } from './safety.ts';
import type { Breach, Gate, GateReason, Gates, GateView, Measure, Protocol } from './types.ts';

const JOB = 'evidence.safety';
const DAY = 86_400_000;
/** What the practice does is taken from so many days. */
const PRACTICE_DAYS = 90;
const SHOWN: readonly Stage[] = ['pilot', 'routine'];
/** Cases since the last answered suspension: far beyond what a limit needs to be crossed. */
const MOST_CASES = 200_000;

/** What a validation study found at the tool's default operating point. */
export interface Validated {
  version: string;
  startedAt: number;
  endedAt: number;
  tp: number;
  fp: number;
  tn: number;
  fn: number;
}
export interface GateDeps {
  store: Store;
  assist: Pick<Assist, 'model'>;
  now: () => number;
  log?: Log | undefined;
  /** Finished validation studies of a tool; the rooms tell, since validation comes after evidence. */
  validated(modelId: string): Promise<Validated[]>;
  stage(modelId: string, version?: string): Promise<StageState>;
  resumedAt(modelId: string): Promise<number>;
  suspend(modelId: string, version: string, breach: Breach, reason: string): Promise<boolean>;
  /** Last event that changed facts. */
  seq(): Promise<number>;
  /** Facts of a period, added up. */
  cells(modelId: string, range: { from: number }): Promise<Cell[]>;
}
const WAYS: readonly Uncertain[] = ['positive', 'negative'];

export function createGates(deps: GateDeps) {
  const { store, assist, now } = deps;
  const read = store.read as unknown as Db<Tables>;

  /** The first that was started after the registration, once it has ended: not the best of several. */
  async function studyOf(of: Pick<Protocol, 'modelId' | 'modelVersion' | 'at'>): Promise<Validated | null> {
    const studies = (await deps.validated(of.modelId))
      .filter(({ version, startedAt }) => version === of.modelVersion && startedAt >= of.at)
      .sort((a, b) => a.startedAt - b.startedAt);
    return studies[0] ?? null;
  }
  const protocols = createProtocols({
    store,
    now,
    firstStudy: async (of) => (await studyOf(of))?.endedAt ?? null,
  });

  async function waysOf<T>(of: (uncertain: Uncertain) => Promise<T>): Promise<Record<Uncertain, T>> {
    return { positive: await of(WAYS[0]!), negative: await of(WAYS[1]!) };
  }

  async function reasonsOf(protocol: Protocol): Promise<GateReason[]> {
    const reasons: GateReason[] = [];
    if (protocol.source !== 'readings') {
      const figures = protocol.source === 'queue' ? await ofQueue(read as never, protocol) : ofStudy(await studyOf(protocol)); // prettier-ignore
      for (const hypothesis of protocol.hypotheses)
        reasons.push(
          figures
            ? judgeFixed(hypothesis, await waysOf(async (way) => figures(hypothesis.measure, way)))
            : { code: 'source', verdict: 'not-yet', measure: hypothesis.measure, wanted: hypothesis.cases },
        );
      return reasons;
    }
    const which = { ...protocol, stages: [protocol.stage], from: protocol.at };
    for (const hypothesis of protocol.hypotheses) {
      const ways = await waysOf(async (way) =>
        (await inOrder(read as never, which, hypothesis.measure, way, hypothesis.cases)).map(
          ({ right }) => right,
        ),
      );
      reasons.push(
        hypothesis.design === 'sequential'
          ? judgeSequential(hypothesis, ways, protocol.futility)
          : judgeFixed(hypothesis, { positive: counted(ways.positive), negative: counted(ways.negative) }),
      );
    }
    for (const subgroup of protocol.subgroups)
      reasons.push(
        judgeSubgroup(
          subgroup,
          await waysOf(async (way): Promise<Counted> => {
            const { k, n } = await ofGroup(read as never, which, subgroup, way);
            const { value, low, high } = proportion(k, n);
            return { k, n, value, low, high };
          }),
        ),
      );
    return reasons;
  }

  async function gate(modelId: string, version: string, stage: Stage): Promise<Gate | null> {
    if (!isProtocolStage(stage)) return null;
    const lastSeq = await deps.seq();
    const protocol = inForce(await protocolsOf(read, modelId, version), stage);
    const at = now();
    if (!protocol)
      return { stage, verdict: 'no-protocol', reasons: [], protocol: null, deviations: 0, lastSeq, at };
    const reasons = overTime(await reasonsOf(protocol), protocol, protocol.at, at);
    const { id, number, sha256 } = protocol;
    return {
      stage,
      verdict: verdictOf(reasons),
      reasons,
      protocol: { id, number, sha256 },
      deviations: protocol.deviations.length,
      lastSeq,
      at,
    };
  }

  /** Where each safety limit in force stands: those of the present stage's protocol, in routine else those of the pilot's. */
  async function safetyOf(modelId: string, version: string, stage: Stage): Promise<GateView['safety']> {
    if (!SHOWN.includes(stage)) return [];
    const all = await protocolsOf(read, modelId, version);
    const protocol = [...(stage === 'routine' ? [inForce(all, 'routine')] : []), inForce(all, 'pilot')].find(
      (each) => each !== undefined && each.safety.length > 0,
    );
    if (!protocol) return [];
    const from = Math.max(protocol.at, await deps.resumedAt(modelId));
    const ordered = new Map<Measure, boolean[]>();
    const stands: GateView['safety'] = [];
    for (const safety of protocol.safety) {
      let failures = ordered.get(safety.measure);
      if (!failures) {
        const which = { modelId, modelVersion: version, stages: SHOWN, from };
        // An unsure answer says neither that the tool was right nor that it was wrong.
        const answer = safety.measure === 'sensitivity' ? ('yes' as const) : ('no' as const);
        const cases = await inOrder(read as never, which, safety.measure, [answer], MOST_CASES);
        failures = cases.map(({ right }) => !right);
        ordered.set(safety.measure, failures);
      }
      const { id: protocolId, sha256 } = protocol;
      stands.push({ protocolId, sha256, safety, from, ...standOf(safety, failures) });
    }
    return stands;
  }

  /** Suspends the tool if a limit is crossed. Can be repeated; does nothing twice. */
  async function watch(modelId: string, version: string): Promise<void> {
    const { stage } = await deps.stage(modelId, version);
    const crossed = (await safetyOf(modelId, version, stage)).find((each) => each.crossed);
    if (!crossed) return;
    const { crossed: _, ...breach } = crossed;
    const { measure, limit } = breach.safety;
    const done = await deps.suspend(
      modelId,
      version,
      breach,
      `${measure} < ${limit}: ${breach.failures} / ${breach.cases}`,
    );
    if (done) deps.log?.warn({ model: modelId, version, measure, limit }, 'a tool fell below its safety limit and is suspended'); // prettier-ignore
  }

  async function practiceOf(modelId: string): Promise<GateView['practice']> {
    const to = now();
    const from = to - PRACTICE_DAYS * DAY;
    const [cells, first] = await Promise.all([
      deps.cells(modelId, { from }),
      read
        .selectFrom('reading_fact')
        .select((eb) => eb.fn.min('signed_at').as('at'))
        .where('model_id', '=', modelId)
        .where('signed_at', '>=', from)
        .executeTakeFirst(),
    ]);
    const total = (of: readonly Cell[]) => of.reduce((sum, { studies }) => sum + studies, 0);
    const answered = cells.filter(({ conclusion }) => conclusion === 'yes' || conclusion === 'no');
    const studies = total(answered);
    const positives = total(answered.filter(({ conclusion }) => conclusion === 'yes'));
    if (!proportion(positives, studies).enough || positives === 0 || positives === studies) return null;
    const days = Math.max(1, Math.min(PRACTICE_DAYS, Math.ceil((to - Number(first!.at)) / DAY)));
    return { studies, days, positives, perDay: studies / days, prevalence: positives / studies };
  }

  async function installed(modelId: string): Promise<string> {
    const model = await assist.model(modelId);
    if (!model) throw new NegatoscopeError('model-unknown', 'There is no such tool.', { status: 404 });
    return model.manifest.version;
  }

  const gates: Gates = {
    async view(modelId, by) {
      const modelVersion = await installed(modelId);
      const { stage } = await deps.stage(modelId, modelVersion);
      const [now_, all, safety, practice] = await Promise.all([
        gate(modelId, modelVersion, stage),
        protocolsOf(read, modelId, modelVersion),
        safetyOf(modelId, modelVersion, stage),
        practiceOf(modelId),
      ]);
      return {
        modelId,
        modelVersion,
        stage,
        gate: now_,
        protocols: all,
        safety,
        mayRegister: by.roles.has('admin') && by.roles.has('reader'),
        practice,
      };
    },
    async register(modelId, form, by) {
      return protocols.register(bodyOf(form, modelId, await installed(modelId)), by);
    },
    deviate: protocols.deviate,
  };

  return {
    gates,
    gate,
    /** New facts, in their transaction: they may begin a protocol, and are looked at for safety afterwards. */
    async told(tx: Tx<EvidenceTables>, rows: readonly ReadingFactTable[]): Promise<void> {
      await protocols.tell(tx, rows);
      for (const { model_id, model_version, blind_conclusion, blind_stage } of rows)
        if (blind_conclusion !== null && SHOWN.includes(blind_stage))
          await store.jobs.enqueue(tx, {
            kind: JOB,
            key: `${model_id} ${model_version}`,
            payload: { modelId: model_id, version: model_version },
          });
    },
    start(): void {
      store.jobs.work<{ modelId: string; version: string }>(JOB, async ({ payload }) =>
        watch(payload.modelId, payload.version),
      );
    },
  };
}

/** Of a validation study: its images have an answer or none, so both ways of counting are the same. */
const ofStudy = (study: Validated | null) =>
  study === null
    ? null
    : (measure: Measure): Counted => {
        const [k, wrong] = measure === 'sensitivity' ? [study.tp, study.fn] : [study.tn, study.fp];
        const n = k + wrong;
        const interval = wilson(k, n);
        return {
          k,
          n,
          value: n === 0 ? null : k / n,
          low: interval?.low ?? null,
          high: interval?.high ?? null,
        };
      };
