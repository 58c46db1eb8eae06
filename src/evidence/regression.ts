/** Least squares with errors that hang together over time. Pure. Checked against R's `lm` and `sandwich` in regression.test.ts. */
import { betaCdf, betaQuantile } from './distributions.ts';

/**
 * Inverse of a symmetric positive definite matrix by Gauss–Jordan with pivoting; undefined where it has none. Rows and columns are
 * brought to one scale first: a regressor in milliseconds is no worse than one in weeks.
 */
function inverse(matrix: readonly (readonly number[])[]): number[][] | undefined {
  const n = matrix.length;
  const scale = matrix.map((row, i) => Math.sqrt(row[i]!));
  if (scale.some((value) => !(value > 0))) return undefined;
  const rows = matrix.map((row, i) => [
    ...row.map((value, j) => value / (scale[i]! * scale[j]!)),
    ...row.map((_, j) => Number(i === j)),
  ]);
  for (let column = 0; column < n; column += 1) {
    let pivot = column;
    for (let i = column + 1; i < n; i += 1)
      if (Math.abs(rows[i]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = i;
    if (!(Math.abs(rows[pivot]![column]!) > 1e-11)) return undefined;
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const by = rows[column]![column]!;
    rows[column] = rows[column]!.map((value) => value / by);
    for (let i = 0; i < n; i += 1) {
      if (i === column) continue;
      const factor = rows[i]![column]!;
      rows[i] = rows[i]!.map((value, j) => value - factor * rows[column]![j]!);
    }
  }
  return rows.map((row, i) => row.slice(n).map((value, j) => value / (scale[i]! * scale[j]!)));
}
const times = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));

export interface Fit {
  readonly coefficients: readonly number[];
  /** Newey–West. */
  readonly errors: readonly number[];
  /** Two-sided, by Student's t with n − k degrees of freedom. */
  readonly p: readonly number[];
  /** Half the width of each 95 % interval. */
  readonly half: readonly number[];
  readonly lag: number;
}

/** Lags that Newey and West (1994) begin with: ⌊4 (n / 100)^(2/9)⌋. */
export const lagOf = (n: number): number => Math.floor(4 * (n / 100) ** (2 / 9));

/**
 * Ordinary least squares with Newey–West errors (Bartlett's weights, corrected by n / (n − k) for few cases).
 * Newey W. K., West K. D., Econometrica 1987;55:703, doi:10.2307/1913610; lags as in their Rev Econ Stud 1994;61:631,
 * doi:10.2307/2297912.
 *
 * @param design rows of regressors, [n, k], the first usually 1
 * @param y values, [n], in the order of time
 * @returns undefined when the design does not determine the coefficients or n ≤ k
 */
export function neweyWest(
  design: readonly (readonly number[])[],
  y: readonly number[],
  lag = lagOf(y.length),
): Fit | undefined {
  const n = y.length;
  const k = design[0]?.length ?? 0;
  if (n <= k || k === 0) return undefined;
  const square = Array.from({ length: k }, () => new Array<number>(k).fill(0));
  const right = new Array<number>(k).fill(0);
  design.forEach((row, t) => {
    for (let i = 0; i < k; i += 1) {
      right[i]! += row[i]! * y[t]!;
      for (let j = 0; j < k; j += 1) square[i]![j]! += row[i]! * row[j]!;
    }
  });
  const bread = inverse(square);
  if (!bread) return undefined;
  const coefficients = bread.map((row) => row.reduce((sum, value, i) => sum + value * right[i]!, 0));
  const scores = design.map((row, t) => {
    const residual = y[t]! - row.reduce((sum, value, i) => sum + value * coefficients[i]!, 0);
    return row.map((value) => value * residual);
  });
  const meat = Array.from({ length: k }, () => new Array<number>(k).fill(0));
  for (let l = 0; l <= Math.min(lag, n - 1); l += 1) {
    const weight = 1 - l / (lag + 1);
    for (let t = l; t < n; t += 1)
      for (let i = 0; i < k; i += 1)
        for (let j = 0; j < k; j += 1) {
          meat[i]![j]! += weight * scores[t]![i]! * scores[t - l]![j]!;
          if (l > 0) meat[i]![j]! += weight * scores[t - l]![i]! * scores[t]![j]!;
        }
  }
  const covariance = times(times(bread, meat), bread);
  const errors = covariance.map((row, i) => Math.sqrt(Math.max(0, (row[i]! * n) / (n - k))));
  const df = n - k;
  const width = Math.sqrt((df * (1 - betaQuantile(0.05, df / 2, 0.5))) / betaQuantile(0.05, df / 2, 0.5));
  return {
    coefficients,
    errors,
    // P(|T| ≥ t) = I(df / (df + t²)) with a = df / 2, b = ½: NIST DLMF 8.17.
    p: coefficients.map((value, i) => {
      const t = value / errors[i]!;
      return errors[i]! > 0 ? betaCdf(df / (df + t * t), df / 2, 0.5) : Number.NaN;
    }),
    half: errors.map((error) => width * error),
    lag,
  };
}

/**
 * Segmented regression of an interrupted time series: level and slope before, and how both change at the break. Wagner A. K. et
 * al., J Clin Pharm Ther 2002;27:299, doi:10.1046/j.1365-2710.2002.00430.x.
 *
 * @param t times in the unit of the slope; @param broken time of the break
 * @returns coefficients: level at the break without it, slope, change of level, change of slope
 */
export function segmented(
  t: readonly number[],
  y: readonly number[],
  broken: number,
  lag?: number,
): Fit | undefined {
  const design = t.map((time) => {
    const after = Number(time >= broken);
    return [1, time - broken, after, after * (time - broken)];
  });
  return neweyWest(design, y, lag);
}
