/**
 * A tool watched over time on the practice's own studies: whether it is wrong more often than at first, and whether its scores are
 * distributed as at first. Each has a stated price of false alarms. Pure; the facts come in the order of their signatures.
 */
import { wilson } from './statistics.ts';
import { smirnov, stability } from './drift.ts';
import { cusum, eProcess } from './sequential.ts';

/** First cases of a version, by which the later ones are judged. */
export const REFERENCE_CASES = 50;
/** A false alarm of a chart comes at most once in so many cases, on average. */
export const ALARM_BUDGET = 1000;
/** At least so many times the accepted odds are to be found soon. */
const WORSE = 2;
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
  /** After each later case: time and sum. The alarm stands at `limit`. */
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

export function monitoringOf(studies: readonly Watched[]): Monitoring {
  const scores = studies.map(({ score }) => score);
  const blocks: ScoreBlock[] = [];
  let psiByChance: number | null = null;
  const reference = scores.slice(0, SCORE_REFERENCE);
  for (let i = SCORE_REFERENCE; i + SCORE_BLOCK <= scores.length; i += SCORE_BLOCK) {
    const block = scores.slice(i, i + SCORE_BLOCK);
    const { distance, p } = smirnov(reference, block);
    const { psi, byChance } = stability(reference, block);
    psiByChance = byChance;
    const [from, to] = [studies[i]!.signedAt, studies[i + SCORE_BLOCK - 1]!.signedAt];
    blocks.push({ from, to, distance, p, psi, different: p < SCORE_ALPHA });
  }
  return {
    missed: chartOf(studies, true),
    falseMarks: chartOf(studies, false),
    scores: { n: scores.length, blocks, psiByChance },
  };
}

function chartOf(studies: readonly Watched[], positive: boolean): Chart {
  const cases = studies.filter((study) => study.positive === positive);
  const failed = cases.map(({ marked }) => marked !== positive);
  const count = (of: readonly boolean[]): number => of.filter(Boolean).length;
  const none = { n: cases.length, failures: count(failed), reference: null, path: [], limit: Math.log(ALARM_BUDGET), alarms: [], evidence: null }; // prettier-ignore
  if (cases.length < REFERENCE_CASES) return none;
  const first = count(failed.slice(0, REFERENCE_CASES));
  // As bad as the first cases can have been by chance: what is no worse than that is no alarm.
  const accepted = wilson(first, REFERENCE_CASES)!.high;
  // Nothing can be worse than always wrong.
  if (accepted >= 1) return { ...none, reference: { failures: first, accepted } };
  const later = cases.slice(REFERENCE_CASES);
  const failures = failed.slice(REFERENCE_CASES);
  const { path, alarms, since, limit } = cusum(failures, { accepted, ratio: WORSE, budget: ALARM_BUDGET });
  return {
    n: cases.length,
    failures: count(failed),
    reference: { failures: first, accepted },
    path: path.map((sum, i) => ({ at: later[i]!.signedAt, sum })),
    limit,
    alarms: alarms.map((end, k) => {
      const begin = since[k]!;
      return {
        at: later[end]!.signedAt,
        from: later[begin]!.signedAt,
        cases: end - begin + 1,
        failures: count(failures.slice(begin, end + 1)),
      };
    }),
    evidence: eProcess(failures, accepted).at(-1) ?? null,
  };
}
