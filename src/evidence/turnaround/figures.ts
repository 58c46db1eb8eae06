/** The figures of a tool's turnaround from the ways of its studies. Pure. */
import { MINIMUM_CASES } from '../statistics.ts';
import { adjustedOf, comparisonOf, stratumOf } from './compare.ts';
import type { CourseRow } from './course.ts';
import { interruptedOf } from './series.ts';
import { spreadOf } from './spread.ts';
import { type Load, type Stretch, STRETCHES, type Turnaround } from './types.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A machine's clock may be so far ahead of ours. */
const CLOCK_TOLERANCE_MS = 5 * MINUTE;
/** An exam older than this when it came was sent again, not sent late. */
const OLDEST_MS = 48 * HOUR;
/** Longer between opening and signature is a pause, and counts as this. */
export const LONGEST_READING_MS = 30 * MINUTE;

/** Null where the header's time cannot be believed; slightly ahead of ours is 0. */
export function sinceAcquisition({
  acquiredAt,
  arrivedAt,
}: Pick<CourseRow, 'acquiredAt' | 'arrivedAt'>): number | null {
  if (acquiredAt === null) return null;
  const ms = arrivedAt - acquiredAt;
  return ms < -CLOCK_TOLERANCE_MS || ms > OLDEST_MS ? null : Math.max(0, ms);
}

const between = (from: number | null, to: number | null): number | null =>
  from === null || to === null || to < from ? null : to - from;
const LENGTH: Readonly<Record<Stretch, (row: CourseRow) => number | null>> = {
  'acquired-arrived': sinceAcquisition,
  'arrived-ready': (row) => between(row.arrivedAt, row.readyAt),
  'arrived-opened': (row) => between(row.arrivedAt, row.openedAt),
  'opened-signed': (row) => between(row.openedAt, row.signedAt),
  'signed-delivered': (row) => between(row.signedAt, row.deliveredAt),
  'arrived-signed': (row) => between(row.arrivedAt, row.signedAt),
};

export function turnaroundOf(
  rows: readonly CourseRow[],
  of: { modelId: string; timeZone: string; recordedSince: number | null },
): Turnaround {
  const stretches = Object.fromEntries(
    STRETCHES.map((stretch) => [stretch, spreadOf(rows.map(LENGTH[stretch]).filter((ms) => ms !== null))]),
  ) as Turnaround['stretches'];
  const shown = rows.filter(({ shownAt }) => shownAt !== null);
  const stratum = stratumOf(of.timeZone);
  const waits = (positive: boolean) =>
    shown
      .filter((row) => row.positive === positive && row.openedAt !== null)
      .map((row) => ({ stratum: stratum(row), ms: Math.max(0, row.openedAt! - row.arrivedAt) }));
  const [positive, negative] = [waits(true), waits(false)];
  const { adjusted, why } = adjustedOf(negative, positive);
  return {
    ...of,
    studies: rows.length,
    stretches,
    implausible: rows.filter((row) => row.acquiredAt !== null && sinceAcquisition(row) === null).length,
    comparison: comparisonOf(rows, of.timeZone),
    series: interruptedOf(rows, of.timeZone),
    wait: {
      positive: spreadOf(positive.map(({ ms }) => ms)),
      negative: spreadOf(negative.map(({ ms }) => ms)),
      adjusted,
      why: why === 'none-shown' || why === 'none-hidden' ? 'few' : why,
    },
    load: loadOf(shown),
  };
}

/** @param shown studies whose AI was shown before the signature */
export function loadOf(shown: readonly CourseRow[]): Load {
  const sum = (value: (row: CourseRow) => number): number =>
    shown.reduce((total, row) => total + value(row), 0);
  const readings = shown.map((row) => between(row.openedAt, row.signedAt) ?? 0);
  const readingMs = readings.reduce((total, ms) => total + Math.min(ms, LONGEST_READING_MS), 0);
  const [marks, rejected] = [sum((row) => row.marks), sum((row) => row.rejected)];
  const times = shown.flatMap((row) => row.rejectionMs);
  const enough = shown.length >= MINIMUM_CASES;
  const perHour = (events: number): number | null =>
    enough && readingMs > 0 ? (events * HOUR) / readingMs : null;
  return {
    studies: shown.length,
    marks,
    rejected,
    readingMs,
    readingCapped: readings.filter((ms) => ms > LONGEST_READING_MS).length,
    enough,
    marksPerHour: perHour(marks),
    rejectedPerHour: perHour(rejected),
    timedRejections: times.length,
    rejectionMs: spreadOf(times),
    secondsPer100:
      enough && times.length > 0
        ? times.reduce((total, ms) => total + ms, 0) / 1000 / (shown.length / 100)
        : null,
  };
}
