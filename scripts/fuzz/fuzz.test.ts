/** A small fixed budget; the long run is `npm run fuzz`. */
import { expect, test } from 'vitest';
import { fuzz } from './main.ts';
import { TARGETS } from './targets.ts';

test.each(Object.keys(TARGETS))(
  '%s: no crash, no hang, no growing memory with mutated input',
  async (target) => {
    const verdict = await fuzz(target, { count: 3000, seed: 20260301 });
    expect(verdict.problems).toEqual([]);
    expect(verdict.inputs).toBe(3000);
  },
  120_000,
);
