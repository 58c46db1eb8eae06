/**
 * `npm run simulate -- fast`: thousands of years in memory. The facts go through the very functions that make the figures, the
 * monitoring and the safety limit of the program; no database and no door.
 */
import { standOf } from '../../src/evidence/gates/safety.ts';
import type { SafetyLimit } from '../../src/evidence/gates/types.ts';
import { monitoringOf, REFERENCE_CASES } from '../../src/evidence/monitoring.ts';
import { cusumRunLength } from '../../src/evidence/runLength.ts';
import { proportion, quantile, wilson } from '../../src/evidence/statistics.ts';
import { drawFrom } from './intervals/draw.ts';
import { againstReaders, type Practice, type SimulatedStudy, yearOf } from './practice.ts';

/** Two protocols that are simulated side by side. */
export const SAFETY = [
  { measure: 'sensitivity', limit: 0.75, rule: 'e-process', alpha: 0.05 },
  { measure: 'sensitivity', limit: 0.75, rule: 'cusum', budget: 1000 },
] as const satisfies readonly SafetyLimit[];

export interface Years {
  readonly years: number;
  /** Share of years in which the 95 % interval holds the tool's rate against the readers' own conclusions (of the whole year). */
  readonly covers: { readonly sensitivity: number; readonly specificity: number };
  /** Share of years with an alarm of missed findings, and of false marks, before the tool became worse. */
  readonly falseAlarms: { readonly missed: number; readonly falseMarks: number; readonly scores: number };
  /** Share of years in which the alarm of missed findings came after it, and findings read until then: median and mean. */
  readonly found: number;
  readonly delay: { readonly median: number | null; readonly mean: number | null };
  /** Mean findings until the alarm by the Markov chain, where the first cases were as they are on average; null: not degraded. */
  readonly designed: number | null;
  /** Of each of `SAFETY`, share of years in which it suspends the tool before, and after it became worse. */
  readonly suspended: readonly { readonly before: number; readonly after: number }[];
}

const watched = ({ signedAt, marked, blind, score }: SimulatedStudy) => ({
  signedAt,
  marked,
  positive: blind,
  score,
});
const holds = (k: number, n: number, truth: number): boolean => {
  const { low, high } = proportion(k, n);
  return low! <= truth && truth <= high!;
};

export function years(practice: Practice, count: number, seed = 1): Years {
  const truth = againstReaders(practice, practice.tool);
  const later = practice.degraded && againstReaders(practice, practice.degraded);
  const counts = {
    sensitivity: 0,
    specificity: 0,
    missed: 0,
    falseMarks: 0,
    scores: 0,
    found: 0,
  };
  const suspended = SAFETY.map(() => ({ before: 0, after: 0 }));
  const delays: number[] = [];
  for (let year = 0; year < count; year += 1) {
    const studies = yearOf(practice, drawFrom(seed * 1_000_003 + year));
    const since = studies.find(({ degraded }) => degraded)?.signedAt ?? Infinity;
    // The interval is about one tool: of a degraded year the part before.
    const steady = studies.filter(({ degraded }) => !degraded);
    const yes = steady.filter(({ blind }) => blind);
    const no = steady.filter(({ blind }) => !blind);
    counts.sensitivity += Number(
      holds(yes.filter(({ marked }) => marked).length, yes.length, truth.sensitivity),
    );
    counts.specificity += Number(
      holds(no.filter(({ marked }) => !marked).length, no.length, truth.specificity),
    );

    const { missed, falseMarks, scores } = monitoringOf(studies.map(watched));
    counts.missed += Number(missed.alarms.some(({ at }) => at < since));
    counts.falseMarks += Number(falseMarks.alarms.some(({ at }) => at < since));
    counts.scores += Number(scores.blocks.some(({ different, to }) => different && to < since));
    const alarm = missed.alarms.find(({ at }) => at >= since);
    if (alarm) {
      counts.found += 1;
      delays.push(
        studies.filter(({ blind, signedAt }) => blind && signedAt >= since && signedAt <= alarm.at).length,
      );
    }

    const findings = studies.filter(({ blind }) => blind);
    SAFETY.forEach((safety, i) => {
      const { crossed, cases } = standOf(
        safety,
        findings.map(({ marked }) => !marked),
      );
      if (crossed) suspended[i]![findings[cases - 1]!.signedAt < since ? 'before' : 'after'] += 1;
    });
  }
  delays.sort((a, b) => a - b);
  const share = (n: number) => n / count;
  const first = Math.round(REFERENCE_CASES * (1 - truth.sensitivity));
  return {
    years: count,
    covers: { sensitivity: share(counts.sensitivity), specificity: share(counts.specificity) },
    falseAlarms: {
      missed: share(counts.missed),
      falseMarks: share(counts.falseMarks),
      scores: share(counts.scores),
    },
    found: share(counts.found),
    delay: {
      median: quantile(delays, 0.5),
      mean: delays.length === 0 ? null : delays.reduce((sum, n) => sum + n, 0) / delays.length,
    },
    designed:
      later && cusumRunLength({ accepted: wilson(first, REFERENCE_CASES)!.high }, 1 - later.sensitivity),
    suspended: suspended.map(({ before, after }) => ({ before: share(before), after: share(after) })),
  };
}

const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
export function tell(title: string, practice: Practice, of: Years, say: (line: string) => void): void {
  const { sensitivity, specificity } = againstReaders(practice, practice.tool);
  const { covers, falseAlarms, found, delay, designed, suspended } = of;
  say(`${title}: ${of.years} years of ${practice.studies} studies`);
  say(`  tool ${practice.tool.sensitivity} / ${practice.tool.specificity}; against the readers' own conclusions ${sensitivity.toFixed(4)} / ${specificity.toFixed(4)}`); // prettier-ignore
  say(`  intervals hold that: sensitivity ${percent(covers.sensitivity)}, specificity ${percent(covers.specificity)}`); // prettier-ignore
  say(`  years with a false alarm: missed findings ${percent(falseAlarms.missed)}, false marks ${percent(falseAlarms.falseMarks)}, scores ${percent(falseAlarms.scores)}`); // prettier-ignore
  SAFETY.forEach(
    ({ limit, rule }, i) =>
    say(`  suspended by the limit ${limit} (${rule}): while as good as ever ${percent(suspended[i]!.before)}, afterwards ${percent(suspended[i]!.after)}`), // prettier-ignore
  );
  if (practice.degraded)
    say(`  from day ${practice.degraded.day} on ${practice.degraded.sensitivity}: alarm in ${percent(found)} of the years, after ${delay.median} findings (median), ${delay.mean?.toFixed(1)} (mean of those); designed ${designed?.toFixed(1)}`); // prettier-ignore
}
