/** With AI shown and without, adjusted for when and what. Pure. */
import type { Interval } from '../accuracy.ts';
import { type Ranked, vanElteren } from '../ranks.ts';
import { MINIMUM_CASES, quantile } from '../statistics.ts';
import { siteClock } from './clock.ts';
import type { CourseRow } from './course.ts';
import { spreadOf } from './spread.ts';
import type { Adjusted, Comparison, NotComparable } from './types.ts';

/** With fewer on a side a stratum compares chance. */
export const MINIMUM_IN_STRATUM = 5;
/** First hours of the bands of a day: night, morning, afternoon, evening. */
export const HOUR_BANDS = [0, 7, 12, 18] as const;

/** A value with the stratum it is compared in. */
export interface Placed {
  readonly stratum: string;
  readonly ms: number;
}

/** Hour band and kind of day of the arrival, modality, priority. */
export function stratumOf(
  timeZone: string,
): (row: Pick<CourseRow, 'arrivedAt' | 'modality' | 'priority'>) => string {
  const clock = siteClock(timeZone);
  return ({ arrivedAt, modality, priority }) => {
    const wall = clock.wall(arrivedAt);
    const band = HOUR_BANDS.findLast((hour) => hour <= wall.getUTCHours())!;
    const day = [0, 6].includes(wall.getUTCDay()) ? 'weekend' : 'week';
    return `${band} ${day} ${modality} ${priority}`;
  };
}

/**
 * Two groups of waits within strata. A stratum counts with at least `MINIMUM_IN_STRATUM` on each side; what stands elsewhere is in
 * neither side of the adjusted figure. The ratio is the shift of the logarithms: waits are multiplied rather than lengthened.
 */
export function adjustedOf(
  x: readonly Placed[],
  y: readonly Placed[],
): { adjusted: Adjusted | null; why: NotComparable | null; strata: number; used: [number, number] } {
  const strata = new Map<string, { x: number[]; y: number[] }>();
  const at = (stratum: string) => {
    const known = strata.get(stratum) ?? { x: [], y: [] };
    strata.set(stratum, known);
    return known;
  };
  for (const { stratum, ms } of x) at(stratum).x.push(ms);
  for (const { stratum, ms } of y) at(stratum).y.push(ms);
  const both = [...strata.values()].filter(
    (of) => of.x.length >= MINIMUM_IN_STRATUM && of.y.length >= MINIMUM_IN_STRATUM,
  );
  const used: [number, number] = [
    both.reduce((sum, of) => sum + of.x.length, 0),
    both.reduce((sum, of) => sum + of.y.length, 0),
  ];
  const none = (why: NotComparable) => ({ adjusted: null, why, strata: both.length, used });
  if (x.length === 0) return none('none-shown');
  if (y.length === 0) return none('none-hidden');
  if (both.length === 0) return none(Math.min(x.length, y.length) < MINIMUM_CASES ? 'few' : 'no-overlap');
  if (Math.min(...used) < MINIMUM_CASES) return none('few');
  const plain = vanElteren(both)!;
  // Less than a second is a second: the logarithm of nothing is none.
  const logs = (values: readonly number[]): number[] => values.map((ms) => Math.log(Math.max(1000, ms)));
  const logged = vanElteren(both.map((of) => ({ x: logs(of.x), y: logs(of.y) }))) as Ranked;
  const ratio = (of: Interval): Interval => ({ low: Math.exp(of.low), high: Math.exp(of.high) });
  return {
    adjusted: {
      shift: plain.shift,
      interval: plain.interval,
      ratio: Math.exp(logged.shift),
      ratioInterval: ratio(logged.interval),
      p: plain.p,
    },
    why: null,
    strata: both.length,
    used,
  };
}

/** Arrival to signature of a tool's studies: those it was shown of before the signature, and those it ran on unseen. */
export function comparisonOf(rows: readonly CourseRow[], timeZone: string): Comparison {
  const stratum = stratumOf(timeZone);
  const sides = { shown: [] as CourseRow[], hidden: [] as CourseRow[] };
  for (const row of rows) sides[row.shownAt === null ? 'hidden' : 'shown'].push(row);
  const waits = (of: readonly CourseRow[]): Placed[] =>
    of.map((row) => ({ stratum: stratum(row), ms: row.signedAt - row.arrivedAt }));
  const [shown, hidden] = [waits(sides.shown), waits(sides.hidden)];
  const { adjusted, why, strata, used } = adjustedOf(shown, hidden);
  const centre = (of: readonly CourseRow[]): number | null =>
    quantile(
      of.map(({ signedAt }) => signedAt).sort((a, b) => a - b),
      0.5,
    );
  return {
    shown: spreadOf(shown.map(({ ms }) => ms)),
    hidden: spreadOf(hidden.map(({ ms }) => ms)),
    adjusted,
    why,
    strata,
    used: { shown: used[0], hidden: used[1] },
    centre: { shown: centre(sides.shown), hidden: centre(sides.hidden) },
  };
}
