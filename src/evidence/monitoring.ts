/**
 * A tool watched over time on the practice's own studies: whether it is wrong more often than at first, and whether its scores are
 * distributed as at first. Each has a stated price of false alarms. Pure; the facts come in the order of their signatures.
 */
import { wilson } from './statistics.ts';
import { smirnov, stability } from './drift.ts';
import { cusumRule, eProcessRule, type CusumState } from './sequential.ts';
import type { Fold, Folded } from './tally/types.ts';

/** First cases of a version, by which the later ones are judged. */
export const REFERENCE_CASES = 50;
/** A false alarm of a chart comes at most once in so many cases, on average. */
export const ALARM_BUDGET = 1000;
/** At least so many times the accepted odds are to be found soon. */
export const WORSE = 2;
/** Scores are compared in blocks, each once: a block is called different by chance in at most 1 of 100. */
export const SCORE_REFERENCE = 200;
export const SCORE_BLOCK = 100;
export const SCORE_ALPHA = 0.01;

/** What is watched of a signed study. */
export interface Watched {
  readonly signedAt: number;
  /** The tool's verdict, and the answer given before AI was seen; null: none, or *uncertain*. */
  readonly marked: boolean;
  readonly positive: boolean | null;
  readonly score: number;
}

export interface Chart {
  /** Cases that count here so far. */
  readonly n: number;
  readonly failures: number;
  /** Of the first `REFERENCE_CASES`; null while there are fewer. */
  readonly reference: { readonly failures: number; readonly accepted: number } | null;
  /** After each later case, or of many the highest of several: time and sum. The alarm stands at `limit`. */
  readonly path: readonly { readonly at: number; readonly sum: number }[];
  readonly limit: number;
  /** `from`: when the sum began to rise. Failures and cases from there on. */
  readonly alarms: readonly {
    readonly at: number;
    readonly from: number;
    readonly cases: number;
    readonly failures: number;
  }[];
  /** Evidence that later cases fail more often than accepted; 20 is reached by chance in at most 1 of 20 tools. */
  readonly evidence: number | null;
}
export interface ScoreBlock {
  readonly from: number;
  readonly to: number;
  readonly distance: number;
  readonly p: number;
  readonly psi: number;
  readonly different: boolean;
}
export interface Monitoring {
  /** Studies with something that were not marked, and studies without anything that were. */
  readonly missed: Chart;
  readonly falseMarks: Chart;
  readonly scores: {
    readonly n: number;
    readonly blocks: readonly ScoreBlock[];
    readonly psiByChance: number | null;
  };
}

/** Newest blocks of scores that are given; of the earlier ones those that are different. */
export const BLOCKS_SHOWN = 100;
/** Points of a path at most; of more cases each point is the highest of several. */
export const PATH_POINTS = 500;

type Alarm = Chart['alarms'][number];
type Word = { readonly missed: Alarm } | { readonly falseMarks: Alarm } | { readonly block: ScoreBlock };

interface ChartState {
  n: number;
  failures: number;
  /** Failures among the first cases, counted until there are enough. */
  first: number;
  cusum: CusumState;
  /** When the sum began to rise, and failures since then. */
  began: { at: number; failures: number };
  logs: number[];
  evidence: number | null;
  path: { at: number; sum: number }[];
  /** Cases that a point of the path stands for, and those in its last one. */
  each: number;
  inLast: number;
}
interface State {
  missed: ChartState;
  falseMarks: ChartState;
  scores: { n: number; first: number[]; block: number[]; from: number; psiByChance: number | null };
}

const newChart = (): ChartState => ({
  n: 0,
  failures: 0,
  first: 0,
  cusum: { cases: 0, sum: 0, began: 0 },
  began: { at: 0, failures: 0 },
  logs: [],
  evidence: null,
  path: [],
  each: 1,
  inLast: 0,
});

/**
 * Watching, one study after the other. What it says for good are alarms and full blocks of scores.
 * Studies must come in the order of their signatures.
 */
const WATCHING = {
  start: (): State => ({
    missed: newChart(),
    falseMarks: newChart(),
    scores: { n: 0, first: [], block: [], from: 0, psiByChance: null },
  }),
  step(state: State, study: Watched): Word[] {
    const words: Word[] = [];
    if (study.positive !== null) {
      const which = study.positive ? 'missed' : 'falseMarks';
      const alarm = watch(state[which], study.signedAt, study.marked !== study.positive);
      if (alarm) words.push({ [which]: alarm } as unknown as Word);
    }
    const block = compare(state.scores, study);
    if (block) words.push({ block });
    return words;
  },
};

/** The version of a tool as its facts tell it. */
export const MONITORING: Fold<State, Word[]> = {
  name: 'monitoring',
  version: 2,
  start: WATCHING.start,
  step(state, fact) {
    if (fact.in_training === 1) return undefined;
    // Studies that were read blind, whatever the tool said of them; what is so of them by the best that is known.
    const answer = fact.blind_conclusion === null ? null : fact.ref_answer;
    const words = WATCHING.step(state, {
      signedAt: Number(fact.signed_at),
      marked: fact.ref_ai_positive === 1,
      positive: answer === null || answer === 'uncertain' ? null : answer === 'yes',
      score: fact.ai_score_max,
    });
    return words.length > 0 ? words : undefined;
  },
};

export function monitoringOf(studies: readonly Watched[]): Monitoring {
  const state = WATCHING.start();
  return monitoringFrom({ state, said: studies.map((study) => WATCHING.step(state, study)) });
}

export function monitoringFrom({ state, said }: Folded<State, Word[]>): Monitoring {
  const words = said.flat();
  const { n, psiByChance } = state.scores;
  return {
    missed: chartOf(
      state.missed,
      words.flatMap((word) => ('missed' in word ? word.missed : [])),
    ),
    falseMarks: chartOf(
      state.falseMarks,
      words.flatMap((word) => ('falseMarks' in word ? word.falseMarks : [])),
    ),
    scores: { n, blocks: shown(words.flatMap((word) => ('block' in word ? word.block : []))), psiByChance },
  };
}

/** Of years of blocks the newest, and of those before what was told. */
const shown = (blocks: readonly ScoreBlock[]): ScoreBlock[] =>
  blocks.filter((block, i) => block.different || i >= blocks.length - BLOCKS_SHOWN);

/** As bad as the first cases can have been by chance: what is no worse than that is no alarm. */
const acceptedOf = (first: number): number => wilson(first, REFERENCE_CASES)!.high;

type Rules = { sums: ReturnType<typeof cusumRule>; evidence: ReturnType<typeof eProcessRule> };
const made = new Map<number, Rules | null>();
/** Both rules after so many failures among the first cases; null where nothing can be worse: always wrong. */
function rulesAfter(first: number): Rules | null {
  let rules = made.get(first);
  if (rules === undefined) {
    const accepted = acceptedOf(first);
    rules =
      accepted >= 1
        ? null
        : {
            sums: cusumRule({ accepted, ratio: WORSE, budget: ALARM_BUDGET }),
            evidence: eProcessRule(accepted),
          };
    made.set(first, rules);
  }
  return rules;
}

function watch(chart: ChartState, at: number, failed: boolean): Alarm | undefined {
  chart.n += 1;
  chart.failures += Number(failed);
  if (chart.n <= REFERENCE_CASES) {
    chart.first += Number(failed);
    return undefined;
  }
  const rules = rulesAfter(chart.first);
  if (!rules) return undefined;
  if (chart.logs.length === 0) chart.logs = rules.evidence.start();
  chart.evidence = rules.evidence.next(chart.logs, failed);

  if (chart.cusum.sum === 0) chart.began = { at, failures: 0 };
  chart.began.failures += Number(failed);
  const { sum, alarmSince } = rules.sums.next(chart.cusum, failed);
  addPoint(chart, { at, sum });
  if (alarmSince === undefined) return undefined;
  const { at: from, failures } = chart.began;
  return { at, from, cases: chart.cusum.cases - alarmSince, failures };
}

/** The path stays short: when it is full, of two neighbours the higher is kept, and no peak is lost. */
function addPoint(chart: ChartState, point: { at: number; sum: number }): void {
  const { path } = chart;
  const last = path.at(-1);
  if (last && chart.inLast < chart.each) {
    chart.inLast += 1;
    if (point.sum > last.sum) path[path.length - 1] = point;
    return;
  }
  if (path.length === PATH_POINTS) {
    chart.path = Array.from({ length: PATH_POINTS / 2 }, (_, i) => {
      const [a, b] = [path[2 * i]!, path[2 * i + 1]!];
      return b.sum > a.sum ? b : a;
    });
    chart.each *= 2;
  }
  chart.path.push(point);
  chart.inLast = 1;
}

function chartOf(chart: ChartState, alarms: readonly Alarm[]): Chart {
  const { n, failures, first, path, evidence } = chart;
  const accepted = n < REFERENCE_CASES ? null : acceptedOf(first);
  return {
    n,
    failures,
    reference: accepted === null ? null : { failures: first, accepted },
    path,
    limit: Math.log(ALARM_BUDGET),
    alarms,
    evidence,
  };
}

function compare(scores: State['scores'], { signedAt, score }: Watched): ScoreBlock | undefined {
  scores.n += 1;
  if (scores.first.length < SCORE_REFERENCE) {
    scores.first.push(score);
    return undefined;
  }
  if (scores.block.length === 0) scores.from = signedAt;
  scores.block.push(score);
  if (scores.block.length < SCORE_BLOCK) return undefined;
  const { distance, p } = smirnov(scores.first, scores.block);
  const { psi, byChance } = stability(scores.first, scores.block);
  scores.psiByChance = byChance;
  scores.block = [];
  return { from: scores.from, to: signedAt, distance, p, psi, different: p < SCORE_ALPHA };
}
