/** What tests of forwarding wait for. */
import type { Forward, Forwarding } from './types.ts';

export interface Waiting {
  /** The newest order, once it is as wanted; fails after 20 s and says how it is. */
  until(good: (row: Forward) => boolean): Promise<Forward>;
  /** The newest order, once it is at its end. */
  ended(): Promise<Forward>;
}

/** @param forwarding the one of now: tests begin it anew */
export function waitingOn(forwarding: () => Pick<Forwarding, 'list'>): Waiting {
  async function until(good: (row: Forward) => boolean): Promise<Forward> {
    const end = Date.now() + 20_000;
    for (;;) {
      const [row] = await forwarding().list();
      if (row && good(row)) return row;
      if (Date.now() > end) throw new Error(`Still not: ${JSON.stringify(row)}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
  return { until, ended: () => until(({ state }) => state !== 'waiting' && state !== 'running') };
}
