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
