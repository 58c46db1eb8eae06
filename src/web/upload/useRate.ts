import { useRef } from 'react';
import type { Summary } from './summary.ts';

/** A guess at the seconds left, from the pace of the last half minute; null while there is none. */
export function useRate({ sent, bytes }: Pick<Summary, 'sent' | 'bytes'>, running: boolean): number | null {
  const marks = useRef<{ at: number; sent: number }[]>([]);
  if (!running) {
    marks.current = [];
    return null;
  }
  const now = performance.now();
  const last = marks.current.at(-1);
  if (!last || now - last.at > 500) marks.current.push({ at: now, sent });
  while (marks.current.length > 2 && now - marks.current[0]!.at > 30_000) marks.current.shift();
  const first = marks.current[0]!;
  const seconds = (now - first.at) / 1000;
  const rate = (sent - first.sent) / seconds;
  return seconds > 3 && rate > 0 ? (bytes - sent) / rate : null;
}
