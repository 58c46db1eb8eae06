/**
 * Experiments of which the truth is known: what a method's 95 % interval is asked about, and data drawn anew for every repetition.
 * Sizes are those of a practice: a hundred to a few thousand studies.
 */
import { agreement } from '../../../src/evidence/agreement.ts';
import { predictiveAt, ratesOf, type Interval } from '../../../src/evidence/accuracy.ts';
import { bca, bootstrap } from '../../../src/evidence/bootstrap.ts';
import { delong } from '../../../src/evidence/roc.ts';
import { weightedAuc } from '../../../src/evidence/weightedScores.ts';
import {
  beggGreenes,
  bootstrapAccuracy,
  stratumOf,
  weightedAccuracy,
} from '../../../src/evidence/weighted.ts';
import { quantile } from '../../../src/evidence/statistics.ts';
import type { Draw } from './draw.ts';

export interface Design {
  /** The function whose interval it is. */
  readonly method: string;
  readonly kind: 'model' | 'bootstrap';
  /** Sizes and true values, as printed. */
  readonly setting: string;
  readonly truth: number;
  /** Null where the method gives no interval for these data. `truth`: where it is another in each repetition. */
  interval(draw: Draw, repetition: number): (Interval & { truth?: number }) | null;
}

const AUC = 0.9;
/** Normal scores of unit variance: the area is Φ(shift / √2). Φ⁻¹(0.9) = 1.2815515655446004. */
const SHIFT = 1.2815515655446004 * Math.SQRT2;
const scored = (draw: Draw, positives: number, negatives: number) =>
  Array.from({ length: positives + negatives }, (_, i) => ({
    positive: i < positives,
    score: draw.normal() + (i < positives ? SHIFT : 0),
  }));
const bounds = (of: { low: number | null; high: number | null } | undefined): Interval | null =>
  of && of.low !== null && of.high !== null ? { low: of.low, high: of.high } : null;

/** Studies marked by the tool are all verified, of the others a share at random: what a labelling queue draws. */
function verified(draw: Draw, { n, prevalence, sensitivity, specificity, share }: Verification) {
  const cells = { tp: 0, fp: 0, fn: 0, tn: 0 };
  for (let i = 0; i < n; i += 1) {
    const positive = draw.chance(prevalence);
    const marked = draw.chance(positive ? sensitivity : 1 - specificity);
    cells[positive ? (marked ? 'tp' : 'fn') : marked ? 'fp' : 'tn'] += 1;
  }
  const { tp, fp, fn, tn } = cells;
  const unmarked = fn + tn;
  const asked = Math.round(share * unmarked);
  // A simple random sample without replacement.
  let [left, misses, found] = [unmarked, fn, 0];
  for (let i = 0; i < asked; i += 1) {
    if (draw.chance(misses / left)) ((found += 1), (misses -= 1));
    left -= 1;
  }
  return {
    truth: tp / (tp + fn),
    marked: { total: tp + fp, positive: tp, negative: fp },
    unmarked: { total: unmarked, positive: found, negative: asked - found },
  };
}
interface Verification {
  readonly n: number;
  readonly prevalence: number;
  readonly sensitivity: number;
  readonly specificity: number;
  readonly share: number;
}
const QUEUE: Verification = { n: 2000, prevalence: 0.2, sensitivity: 0.86, specificity: 0.92, share: 0.3 };
const ofQueue =
  '2,000 studies, prevalence 0.20, sensitivity 0.86, specificity 0.92, 30 % of the unmarked verified';

/** Two readers of one truth, each right with a chance: their expected table, and kappa of it. */
const READERS = { n: 300, prevalence: 0.3, right: 0.9 };
function kappaOfReaders(): number {
  const { prevalence: p, right: r } = READERS;
  const both = p * r * r + (1 - p) * (1 - r) * (1 - r);
  const neither = p * (1 - r) * (1 - r) + (1 - p) * r * r;
  const yes = p * r + (1 - p) * (1 - r);
  const chance = yes * yes + (1 - yes) * (1 - yes);
  return (both + neither - chance) / (1 - chance);
}

/** Turnarounds of 100 studies: log-normal, median 30 minutes, spread as in a practice (quartiles 15 and 60 minutes). */
const MEDIAN = 30;
const median = (draw: Draw) => {
  const minutes = Array.from({ length: 100 }, () => MEDIAN * Math.exp(1.03 * draw.normal()));
  return (indices: Uint32Array) =>
    quantile(Float64Array.from(indices, (i) => minutes[i]!).sort() as unknown as number[], 0.5);
};

export const DESIGNS: readonly Design[] = [
  ...[
    [80, 320],
    [30, 300],
  ].map(([positives, negatives]): Design => ({
    method: 'delong',
    kind: 'model',
    setting: `${positives} with and ${negatives} without, AUC 0.90`,
    truth: AUC,
    interval: (draw) => bounds(delong(scored(draw, positives!, negatives!))),
  })),
  {
    method: 'weightedAuc',
    kind: 'bootstrap',
    setting: '60 with and 140 without, AUC 0.90; percentile, 2,000 draws',
    truth: AUC,
    interval: (draw, seed) =>
      weightedAuc(
        scored(draw, 60, 140).map((one) => ({ ...one, weight: 1 })),
        { seed },
      ).interval,
  },
  ...(
    [
      ['bca', bca],
      ['bootstrap', bootstrap],
    ] as const
  ).map(([method, intervalOf]): Design => ({
    method,
    kind: 'bootstrap',
    setting: 'median turnaround of 100 studies, log-normal; 2,000 draws',
    truth: MEDIAN,
    interval: (draw, seed) => intervalOf(100, median(draw), { seed }) ?? null,
  })),
  {
    method: 'predictiveAt',
    kind: 'model',
    setting: 'PPV at a prevalence of 0.10; 200 with, 600 without, sensitivity 0.90, specificity 0.90',
    truth: 0.5,
    interval(draw) {
      const [tp, fp] = [draw.successes(200, 0.9), draw.successes(600, 0.1)];
      return bounds(predictiveAt({ tp, fp, fn: 200 - tp, tn: 600 - fp }, 0.1).ppv);
    },
  },
  {
    method: 'ratesOf',
    kind: 'model',
    setting: 'sensitivity 0.86 of a random number of fractures: 1,500 studies, prevalence 0.20',
    truth: 0.86,
    interval(draw) {
      const fractures = draw.successes(1500, 0.2);
      const tp = draw.successes(fractures, 0.86);
      return bounds(ratesOf({ tp, fn: fractures - tp, fp: 0, tn: 0 }).sensitivity);
    },
  },
  {
    method: 'beggGreenes',
    kind: 'model',
    setting: `sensitivity; ${ofQueue}`,
    truth: QUEUE.sensitivity,
    interval(draw) {
      const { marked, unmarked } = verified(draw, QUEUE);
      return beggGreenes(marked, unmarked).sensitivity.interval;
    },
  },
  {
    method: 'bootstrapAccuracy',
    kind: 'bootstrap',
    setting: `sensitivity; ${ofQueue}; percentile, 2,000 draws`,
    truth: QUEUE.sensitivity,
    interval(draw, seed) {
      const { marked, unmarked } = verified(draw, QUEUE);
      return bootstrapAccuracy([stratumOf(marked, true), stratumOf(unmarked, false)], { seed }).sensitivity;
    },
  },
  {
    method: 'weightedAccuracy',
    kind: 'model',
    setting: `sensitivity on the studies of the frame itself; ${ofQueue}`,
    truth: QUEUE.sensitivity,
    interval(draw) {
      const { truth, marked, unmarked } = verified(draw, QUEUE);
      const { interval } = weightedAccuracy([
        stratumOf(marked, true),
        stratumOf(unmarked, false),
      ]).sensitivity;
      return interval && { ...interval, truth };
    },
  },
  {
    method: 'agreement',
    kind: 'model',
    setting: `kappa of two readers, ${READERS.n} studies, prevalence 0.30, each right in 90 %`,
    truth: kappaOfReaders(),
    interval(draw) {
      const table = [
        [0, 0],
        [0, 0],
      ];
      for (let i = 0; i < READERS.n; i += 1) {
        const positive = draw.chance(READERS.prevalence);
        const [a, b] = [draw.chance(READERS.right), draw.chance(READERS.right)];
        table[Number(a === positive)]![Number(b === positive)]! += 1;
      }
      return agreement(table).kappaInterval;
    },
  },
];
