/**
 * How long somebody waits after failed attempts: nothing for the first four, then 30 s doubling up to 15 minutes.
 * A success or half an hour of peace forgets them. Pure: the table keeps `failures` and `last_at`.
 */
export const FREE_ATTEMPTS = 5;
/** A whole practice may share one address: one desk, one proxy. Its people must not lock each other out by mistyping. */
export const FREE_ATTEMPTS_OF_ADDRESS = 30;
const FIRST_MS = 30_000;
const LONGEST_MS = 15 * 60_000;
export const FORGET_MS = 30 * 60_000;

/** ms still to wait at `now`; 0 when an attempt is allowed. */
export function waitMs(
  state: { failures: number; last_at: number } | undefined,
  now: number,
  free = FREE_ATTEMPTS,
): number {
  if (!state || state.failures < free || now - state.last_at > FORGET_MS) return 0;
  const pause = Math.min(LONGEST_MS, FIRST_MS * 2 ** (state.failures - free));
  return Math.max(0, state.last_at + pause - now);
}
