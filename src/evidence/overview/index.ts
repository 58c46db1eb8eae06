/** Every tool in one row: what a head of department wants to know in a minute. */
import type { Assist, InstalledModel } from '../../assist/types.ts';
import type { Evidence, Stage, ToolMonitoring } from '../types.ts';
import type { GateView } from '../gates/types.ts';
import type { Turnaround } from '../turnaround/types.ts';
import type { GateLook, NextStep, Overview, OverviewRow, Watched } from './types.ts';

export type * from './types.ts';

export const DAYS = 90;
const DAY_MS = 86_400_000;
/** Times are taken from what was counted at most so long ago; accuracy, load and drift are of this moment. */
const STALE_MS = 60_000;

/** What changed since the last decision about the tool, newest last. Pure. */
export function driftOf(watched: ToolMonitoring): OverviewRow['drift'] {
  const alarms: OverviewRow['drift']['alarms'] = [];
  for (const [what, chart] of [
    ['missed', watched.missed],
    ['false-alarms', watched.falseMarks],
  ] as const) {
    const last = chart.alarms.findLast(({ at }) => at > watched.decidedAt);
    if (last) alarms.push({ what, from: last.from, to: last.at + 1 });
  }
  const block = watched.scores.blocks.findLast(({ different, to }) => different && to > watched.decidedAt);
  if (block) alarms.push({ what: 'scores' satisfies Watched, from: block.from, to: block.to + 1 });
  const said =
    watched.missed.reference !== null ||
    watched.falseMarks.reference !== null ||
    watched.scores.blocks.length > 0;
  return { state: alarms.length > 0 ? 'alarm' : said ? 'steady' : 'few', alarms };
}

/** The first thing that waits for a person. Pure. */
export function nextOf(of: {
  stage: Stage | 'suspended';
  alarm: boolean;
  gate: GateLook | null;
  enough: boolean;
}): NextStep {
  if (of.stage === 'retired') return 'retired';
  if (of.stage === 'suspended') return 'suspended';
  if (of.alarm) return 'answer-alarm';
  switch (of.gate?.verdict) {
    case 'pass':
      return 'decide-pass';
    case 'fail':
      return 'decide-fail';
    case 'not-yet':
      return 'collect';
    case 'no-protocol':
      return 'register';
    default:
      return of.enough ? 'review' : 'label';
  }
}

/** A gate as the overview shows it; null where the stage has none. Pure. */
export function lookOf({ gate, protocols }: Pick<GateView, 'gate' | 'protocols'>): GateLook | null {
  if (!gate) return null;
  const protocol = protocols.find(({ id }) => id === gate.protocol?.id);
  const cases = gate.reasons
    .filter(({ n, wanted }) => n !== undefined && wanted !== undefined)
    .map(({ n, wanted }) => ({ n: n!, wanted: wanted! }))
    .sort((a, b) => b.wanted - b.n - (a.wanted - a.n))[0];
  return {
    verdict: gate.verdict,
    targets: (protocol?.hypotheses ?? []).map(({ measure, target, margin }) => ({ measure, target, margin })),
    cases: cases ?? null,
  };
}

export function createOverview(deps: {
  evidence: Pick<Evidence, 'summary' | 'monitoring' | 'turnaround' | 'stage' | 'acts'>;
  assist: Pick<Assist, 'models'>;
  timeZone: string;
  /** What the gate out of a tool's stage says; without it, tools have none. */
  gate?: (modelId: string) => Promise<GateLook | null>;
  now?: () => number;
}) {
  const { evidence, assist, timeZone, gate = async () => null, now = Date.now } = deps;
  const kept = new Map<string, { at: number; made: Promise<Turnaround> }>();

  /** An answer that is a minute old is given at once, and made anew for whoever asks next. */
  async function times(modelId: string, from: number): Promise<Turnaround> {
    const known = kept.get(modelId);
    const at = now();
    if (known && at - known.at < STALE_MS) return known.made;
    const made = evidence.turnaround(modelId, { from });
    kept.set(modelId, { at, made });
    made.catch(() => kept.delete(modelId));
    return known ? known.made.catch(() => made) : made;
  }

  async function rowOf({ manifest, enabled }: InstalledModel, from: number): Promise<OverviewRow> {
    const { id } = manifest;
    const [summary, watched, turnaround, state, acts, look] = await Promise.all([
      evidence.summary(id),
      evidence.monitoring(id),
      times(id, from),
      evidence.stage(id),
      evidence.acts(id),
      gate(id),
    ]);
    const { sensitivity, specificity } = summary.accuracy;
    const drift = driftOf(watched);
    const { adjusted } = turnaround.wait;
    return {
      modelId: id,
      name: manifest.name,
      version: manifest.version,
      regulatory: manifest.regulatory.status,
      enabled,
      stage: state.stage,
      since: state.since,
      decidedBy: acts.find(({ at }) => at === state.since)?.personName ?? null,
      studiesRead: summary.studiesRead,
      accuracy: { sensitivity, specificity },
      gate: look,
      load: {
        marksPer100: summary.marksPer100,
        falseAlarmsPer100: summary.falseAlarmsPer100,
        marks: summary.marks,
        falseAlarms: summary.falseAlarms,
        counted: summary.counted,
      },
      drift,
      turnaround: {
        spread: turnaround.stretches['arrived-signed'],
        adjusted: turnaround.comparison.adjusted,
        why: turnaround.comparison.why,
        negativesWait: adjusted !== null && adjusted.interval.low > 0,
      },
      next: nextOf({
        stage: state.stage,
        alarm: drift.alarms.length > 0,
        gate: look,
        enough: sensitivity.uncertainAsNegative.enough && specificity.uncertainAsPositive.enough,
      }),
    };
  }

  return async function overview(): Promise<Overview> {
    const at = now();
    // From an hour on, so that what is kept is asked for again in the same words.
    const from = Math.floor((at - DAYS * DAY_MS) / 3_600_000) * 3_600_000;
    const models = (await assist.models()).filter(({ removed }) => !removed);
    return {
      at,
      timeZone,
      days: DAYS,
      from,
      rows: await Promise.all(models.map((model) => rowOf(model, from))),
      worklistByAi: false,
    };
  };
}
