/**
 * Whether what a tool says today is distributed as it was: of its scores, not of their truth. Pure. Checked against R and SciPy in
 * drift.test.ts.
 */

export interface Smirnov {
  /** Largest distance between the two empirical distribution functions. */
  readonly distance: number;
  /** Probability of one as large or larger by chance: limiting distribution, which errs on the side of no alarm. */
  readonly p: number;
}

/**
 * Two-sample Kolmogorov–Smirnov test, two-sided. Smirnov N., Ann Math Stat 1948;19:279, doi:10.1214/aoms/1177730256. Ties make it
 * more cautious still.
 *
 * @throws RangeError for an empty sample or a value that is NaN
 */
export function smirnov(reference: readonly number[], recent: readonly number[]): Smirnov {
  const [a, b] = [ascending(reference), ascending(recent)];
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const at = Math.min(a[i]!, b[j]!);
    while (i < a.length && a[i] === at) i += 1;
    while (j < b.length && b[j] === at) j += 1;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const lambda = Math.sqrt((a.length * b.length) / (a.length + b.length)) * distance;
  return { distance, p: kolmogorov(lambda) };
}

/** P(K > x) of Kolmogorov's distribution. */
function kolmogorov(x: number): number {
  // Below it the series needs ever more terms, and the sum is 1 to fifteen digits.
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k += 1) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < 1e-18) break;
  }
  return Math.min(1, Math.max(0, 2 * sum));
}

export interface Stability {
  /** Σ (q − p) ln(q / p) over the bins: 0 where the shares are the same. */
  readonly psi: number;
  /** What chance alone makes of it on average where nothing changed. */
  readonly byChance: number;
  readonly bins: number;
}

/**
 * Population stability index over bins that hold equal parts of the reference; values that repeat may leave fewer bins. A bin that
 * is empty on one side counts half a case, so that the index stays finite. The mean under no change is that of a chi-squared
 * variable: Yurdakul B. and Naranjo J., J Risk Model Validation 2020;14:89, doi:10.21314/JRMV.2020.227.
 *
 * @throws RangeError for an empty sample or a value that is NaN
 */
export function stability(reference: readonly number[], recent: readonly number[], bins = 10): Stability {
  const [a, b] = [ascending(reference), ascending(recent)];
  const edges: number[] = [];
  for (let k = 1; k < bins; k += 1) {
    const edge = a[Math.floor((k * a.length) / bins)]!;
    // A bin begins at its edge; the lowest value is in the first anyway.
    if (edge > (edges.at(-1) ?? a[0]!)) edges.push(edge);
  }
  const counts = (sorted: Float64Array): number[] => {
    const of = new Array<number>(edges.length + 1).fill(0);
    let bin = 0;
    for (const value of sorted) {
      while (bin < edges.length && value >= edges[bin]!) bin += 1;
      of[bin]! += 1;
    }
    return of;
  };
  const share = (count: number, n: number): number => Math.max(count, 0.5) / n;
  const [before, now] = [counts(a), counts(b)];
  const psi = before.reduce((sum, count, k) => {
    const [p, q] = [share(count, a.length), share(now[k]!, b.length)];
    return sum + (q - p) * Math.log(q / p);
  }, 0);
  return { psi, byChance: edges.length * (1 / a.length + 1 / b.length), bins: edges.length + 1 };
}

function ascending(values: readonly number[]): Float64Array {
  if (values.length === 0 || values.some(Number.isNaN)) throw new RangeError('a sample of numbers is needed');
  return Float64Array.from(values).sort();
}
