/** Time cut into spans of whole days (UTC) of three lengths, so that a period of years is a few dozen of them. Pure. */
import type { Range } from '../facts.ts';

export const DAY_MS = 86_400_000;
/** Lengths in days, each a multiple of the one before. A count is kept for each. */
export const SPANS = [1, 32, 1024] as const;
export type Span = (typeof SPANS)[number];

/** Spans of one length whose first day lies in [from, to). */
export interface Stretch {
  readonly span: Span;
  readonly from: number;
  readonly to: number;
}

/** First day of the span that holds this time. Days are counted from 1970-01-01. */
export const startOf = (at: number, span: Span): number => Math.floor(at / DAY_MS / span) * span;

/**
 * Cuts a period into the fewest spans. What is less than a whole day at either end is left over, as times.
 *
 * @param range ms UTC: `from` is within, `to` is not; either may be missing
 */
export function spansOf(range: Range): { stretches: Stretch[]; rest: { from: number; to: number }[] } {
  const { from = -Infinity, to = Infinity } = range;
  if (!(from < to)) return { stretches: [], rest: [] };
  const first = Math.ceil(from / DAY_MS);
  const last = Math.floor(to / DAY_MS);
  if (first >= last) return { stretches: [], rest: [{ from, to }] };
  const stretches: Stretch[] = [];
  const add = (span: Span, begin: number, end: number) => {
    if (begin < end) stretches.push({ span, from: begin, to: end });
  };
  /** [begin, end), of which both are multiples of the length at `level`. */
  const cut = (level: number, begin: number, end: number): void => {
    const span = SPANS[level]!;
    const next = SPANS[level + 1];
    if (next === undefined) return add(span, begin, end);
    const [low, high] = [Math.ceil(begin / next) * next, Math.floor(end / next) * next];
    if (low >= high) return add(span, begin, end);
    add(span, begin, low);
    cut(level + 1, low, high);
    add(span, high, end);
  };
  cut(0, first, last);
  const rest = [
    { from, to: first * DAY_MS },
    { from: last * DAY_MS, to },
  ].filter((part) => part.from < part.to);
  return { stretches, rest };
}
