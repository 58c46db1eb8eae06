/** How far two readers who saw the same studies say the same. Pure functions over a square table of counts. */
import type { Interval } from './accuracy.ts';
import { Z95 } from './distributions.ts';
import { wilson } from './statistics.ts';

/** `table[i][j]`: studies to which the first reader gave answer i and the second answer j. */
export type AgreementTable = readonly (readonly number[])[];

export interface Agreement {
  /** Studies read by both. */
  n: number;
  /** Those with the same answer. */
  same: number;
  /** Share of studies with the same answer, corrected for which were read twice. */
  observed: number | null;
  /** Wilson interval of `same` of `n`; only where all were read twice, or a plain random part of them. */
  observedInterval: Interval | null;
  kappa: number | null;
  kappaError: number | null;
  kappaInterval: Interval | null;
  /** Prevalence-adjusted and bias-adjusted kappa. */
  pabak: number | null;
}

/**
 * Percent agreement, Cohen's kappa and PABAK. Cohen J., Educ Psychol Meas 1960;20:37, doi:10.1177/001316446002000104; its
 * variance: Fleiss J. L., Cohen J., Everitt B. S., Psychol Bull 1969;72:323, doi:10.1037/h0028106. PABAK: Byrt T., Bishop J.,
 * Carlin J. B., J Clin Epidemiol 1993;46:423, doi:10.1016/0895-4356(93)90018-V, for m answers (m p − 1) / (m − 1).
 *
 * Where the second reading depends on the first answer (all positives, a random part of the negatives), `first` says how many
 * studies got each first answer: each row then stands for all of them, and the variance has a part within and one between rows.
 * With as many as the row sums it is the formula of 1969.
 *
 * @param first studies by first answer, at least the sum of its row; the row sums when left out
 * @throws RangeError unless the table is square, of integers ≥ 0
 */
export function agreement(table: AgreementTable, first?: readonly number[]): Agreement {
  const m = table.length;
  if (m < 2 || table.some((row) => row.length !== m || row.some((n) => !Number.isInteger(n) || n < 0)))
    throw new RangeError('agreement: a square table of integers ≥ 0 is needed');
  const rows = table.map((row) => row.reduce((sum, n) => sum + n, 0));
  const n = rows.reduce((sum, row) => sum + row, 0);
  const same = table.reduce((sum, row, i) => sum + row[i]!, 0);
  // A first answer of which no study was read twice says nothing of how it would have been: left out.
  const sizes = rows.map((row, i) => (row === 0 ? 0 : Math.max(row, first?.[i] ?? row)));
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  const none = { kappa: null, kappaError: null, kappaInterval: null, pabak: null };
  if (n === 0) return { n, same, observed: null, observedInterval: null, ...none };

  const share = sizes.map((size) => size / whole);
  const p = table.map((row, i) => row.map((count) => (rows[i] ? (share[i]! * count) / rows[i]! : 0)));
  const column = p[0]!.map((_, j) => p.reduce((sum, row) => sum + row[j]!, 0));
  const observed = p.reduce((sum, row, i) => sum + row[i]!, 0);
  const byChance = share.reduce((sum, row, i) => sum + row * column[i]!, 0);
  // Rows sampled by the same share leave their proportions as they are.
  const plain = sizes.every((size, i) => Math.abs(size / whole - rows[i]! / n) < 1e-12);
  const base = {
    n,
    same,
    observed,
    observedInterval: plain ? (wilson(same, n) ?? null) : null,
    pabak: (m * observed - 1) / (m - 1),
  };
  // Both gave one and the same answer throughout: nothing to correct for chance by.
  if (byChance > 1 - 1e-12) return { ...base, kappa: null, kappaError: null, kappaInterval: null };
  const kappa = (observed - byChance) / (1 - byChance);

  // Delta method: what kappa changes with each cell.
  const slope = p.map((row, i) =>
    row.map(
      (_, j) =>
        ((i === j ? 1 : 0) * (1 - byChance) - (1 - observed) * (column[i]! + share[j]!)) /
        (1 - byChance) ** 2,
    ),
  );
  let variance = 0;
  const means = table.map((row, i) => {
    if (rows[i] === 0) return 0;
    const of = (value: (j: number) => number) =>
      row.reduce((sum, count, j) => sum + (count / rows[i]!) * value(j), 0);
    const mean = of((j) => slope[i]![j]!);
    variance += (share[i]! ** 2 / rows[i]!) * (of((j) => slope[i]![j]! ** 2) - mean ** 2);
    return mean;
  });
  const centre = share.reduce((sum, part, i) => sum + part * means[i]!, 0);
  variance += share.reduce((sum, part, i) => sum + part * (means[i]! - centre) ** 2, 0) / whole;
  const kappaError = Math.sqrt(Math.max(0, variance));
  return {
    ...base,
    kappa,
    kappaError,
    kappaInterval: {
      low: Math.max(-1, kappa - Z95 * kappaError),
      high: Math.min(1, kappa + Z95 * kappaError),
    },
  };
}
