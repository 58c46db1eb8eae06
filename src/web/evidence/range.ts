import { dateField, todayDicom } from '../format.ts';

/** A span of time for the figures: ms UTC, or open. */
export interface Range {
  from: number | null;
  to: number | null;
}
export function rangeQuery({ from, to }: Range): URLSearchParams {
  const asked = new URLSearchParams();
  if (from !== null) asked.set('from', String(from));
  if (to !== null) asked.set('to', String(to));
  return asked;
}
/** The last `days` days, from midnight, so that the figures do not move with every second. */
export function lastDays(days: number, now = new Date()): Range {
  return { from: new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).getTime(), to: null };
}
/** From this day a year ago to today, by the browser's calendar, as date fields show it. */
export function lastYear(now = new Date()): { from: string; to: string } {
  const to = dateField(todayDicom(now));
  const before = new Date(now.getFullYear() - 1, now.getMonth(), now.getDate());
  return { from: dateField(todayDicom(before)), to };
}
/**
 * From the first of two dates of a date field (`2026-03-01`) to the end of the second; an empty one leaves that end open. Two
 * dates in the wrong order are put right.
 */
export function between(from: string, to: string): Range {
  const day = (text: string, plus: number): number | null => {
    const [year, month, date] = text.split('-').map(Number);
    return year && month && date ? new Date(year, month - 1, date + plus).getTime() : null;
  };
  const [first, last] = from && to && from > to ? [to, from] : [from, to];
  return { from: day(first, 0), to: day(last, 1) };
}
