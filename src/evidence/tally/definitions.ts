/** What is counted. A new figure adds its tally here. */
import { binOf } from './durations.ts';
import type { Tally } from './types.ts';

/** What the proportions, marks and per-image figures are made of (`Cell` in figures.ts). */
const judged: Tally = {
  name: 'judged',
  version: 2,
  entries: (fact) => [
    {
      key: [
        fact.conclusion,
        fact.ai_positive,
        fact.in_training,
        fact.ref_answer,
        fact.ref_origin,
        fact.ref_rank,
        fact.ref_ai_positive,
      ],
      sums: [fact.marks, fact.false_alarms, fact.image_tp, fact.image_fp, fact.image_fn, fact.image_tn],
    },
  ],
};

/** Arrival → signature, by bin (durations.ts). */
const turnaround: Tally = {
  name: 'turnaround',
  version: 1,
  entries: (fact) => [{ key: [binOf(Number(fact.signed_at) - Number(fact.arrived_at))] }],
};

export const TALLIES: readonly Tally[] = [judged, turnaround];
