/** Turnaround week by week around the day when AI was first shown. Pure. */
import type { Interval } from '../accuracy.ts';
import { segmented } from '../regression.ts';
import { quantile } from '../statistics.ts';
import { siteClock } from './clock.ts';
import type { CourseRow } from './course.ts';
import type { Interrupted, SeriesPoint } from './types.ts';

/** Of a side: with fewer a slope is a guess (Ramsay C. R. et al., Int J Technol Assess 2003;19:613, doi:10.1017/S0266462303000576). */
export const MINIMUM_WEEKS = 8;
/** A week with fewer studies is left out. */
export const MINIMUM_IN_WEEK = 5;
const WEEK = 7 * 86_400_000;

/** Null where AI was never shown: nothing was interrupted. */
export function interruptedOf(rows: readonly CourseRow[], timeZone: string): Interrupted | null {
  const shown = rows.filter(({ shownAt }) => shownAt !== null);
  if (shown.length === 0) return null;
  const clock = siteClock(timeZone);
  const breakAt = shown.reduce((first, row) => Math.min(first, row.shownAt!), Infinity);
  const weeks = new Map<number, number[]>();
  for (const row of rows) {
    const week = clock.week(row.signedAt);
    const values = weeks.get(week) ?? [];
    values.push(row.signedAt - row.arrivedAt);
    weeks.set(week, values);
  }
  const points = [...weeks]
    .filter(([, values]) => values.length >= MINIMUM_IN_WEEK)
    .sort(([a], [b]) => a - b)
    .map(([at, values]): SeriesPoint => {
      values.sort((a, b) => a - b);
      return { at, n: values.length, medianMs: quantile(values, 0.5)! };
    });
  // The week in which it began belongs to neither side.
  const broken = clock.week(breakAt);
  const counted = points.filter(({ at }) => at !== broken);
  const after = counted.filter(({ at }) => at > broken).length;
  const fit =
    Math.min(after, counted.length - after) < MINIMUM_WEEKS
      ? undefined
      : segmented(
          counted.map(({ at }) => (at - broken) / WEEK),
          counted.map(({ medianMs }) => Math.log(Math.max(1000, medianMs))),
          0.5,
        );
  const ratio = (i: number): { value: number; interval: Interval; p: number } => {
    const [value, half] = [fit!.coefficients[i]!, fit!.half[i]!];
    return {
      value: Math.exp(value),
      interval: { low: Math.exp(value - half), high: Math.exp(value + half) },
      p: fit!.p[i]!,
    };
  };
  if (!fit) return { points, breakAt, effect: null };
  const [level, slope] = [ratio(2), ratio(3)];
  return {
    points,
    breakAt,
    effect: {
      level: level.value,
      levelInterval: level.interval,
      levelP: level.p,
      slope: slope.value,
      slopeInterval: slope.interval,
      slopeP: slope.p,
      lag: fit.lag,
    },
  };
}
