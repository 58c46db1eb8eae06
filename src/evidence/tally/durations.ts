/**
 * Exact quartiles of many durations from a coarse count of them: the count tells in which bin a quartile lies, and only that
 * bin's durations are read. Pure but for the reading.
 */
import { quantile, type Quartiles } from '../statistics.ts';

/** Bins of an octave: about 2 % of the duration each. */
const PER_OCTAVE = 32;

/** Bin of a duration in ms; those that are negative (a clock that was set back) share one. */
export const binOf = (ms: number): number =>
  ms < 0 ? -1 : Math.floor(Math.log2(Math.floor(ms) + 1) * PER_OCTAVE);

/**
 * Quartiles as `quartiles` (statistics.ts) gives them of all durations.
 *
 * @param bins how many durations lie in each bin
 * @param between reads the durations of at least `from` and less than `to` ms, in any order
 */
export async function quartilesOf(
  bins: readonly { readonly bin: number; readonly count: number }[],
  between: (from: number, to: number) => Promise<readonly number[]>,
): Promise<Quartiles> {
  const sorted = bins.filter(({ count }) => count > 0).toSorted((a, b) => a.bin - b.bin);
  const n = sorted.reduce((sum, { count }) => sum + count, 0);
  if (n === 0) return { n, q1: null, median: null, q3: null };
  const wanted = new Map<number, number>(); // bin → durations below it
  for (const p of [0.25, 0.5, 0.75])
    for (const place of [Math.floor((n - 1) * p), Math.ceil((n - 1) * p)]) {
      let below = 0;
      for (const { bin, count } of sorted) {
        if (place < below + count) {
          wanted.set(bin, below);
          break;
        }
        below += count;
      }
    }
  // Quantiles look at few places alone: an array with holes between them is enough.
  const known: number[] = [];
  known.length = n;
  for (const [bin, below] of wanted) {
    const { from, to } = boundsOf(bin);
    const values = (await between(from, to)).filter((value) => binOf(value) === bin);
    Float64Array.from(values)
      .sort()
      .forEach((value, k) => (known[below + k] = value));
  }
  return { n, q1: quantile(known, 0.25), median: quantile(known, 0.5), q3: quantile(known, 0.75) };
}

/** Bounds of a bin in ms; they reach a little beyond it. */
function boundsOf(bin: number): { from: number; to: number } {
  if (bin < 0) return { from: -Infinity, to: 0 };
  const at = (edge: number): number => 2 ** (edge / PER_OCTAVE) - 1;
  return { from: Math.max(0, Math.floor(at(bin)) - 1), to: Math.ceil(at(bin + 1)) + 1 };
}
