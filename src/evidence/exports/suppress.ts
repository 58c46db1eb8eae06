/** Small cells of a table that leaves, hidden so that they cannot be had back from its margins. Pure. */

/** A count below it, and not 0, may point at a person. */
export const LEAST = 5;

export interface Released {
  /** [rows + 1, columns + 1], the last row and column the sums; null: hidden. */
  readonly cells: readonly (readonly (number | null)[])[];
  readonly hidden: number;
}

/** Counts with their sums as last row and column. @param counts [rows, columns] */
function withSums(counts: readonly (readonly number[])[]): number[][] {
  const rows = counts.map((row) => [...row, row.reduce((a, b) => a + b, 0)]);
  const columns = rows[0] ? rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0)) : [0];
  return [...rows, columns];
}

/**
 * Hides every count from 1 to `LEAST` − 1, sums among them, and for each of them three others that lie with it at the corners of a
 * rectangle and are at least `LEAST`: along the rectangle `LEAST` cases can be moved without changing any line's sum, so from what
 * is shown a hidden small count may as well be 0 or more than `LEAST` (complementary suppression; Willenborg L., de Waal T., Elements
 * of Statistical Disclosure Control, 2001, ch. 6). Where there is no such rectangle nothing of the table is shown.
 *
 * @param counts [rows, columns], integers ≥ 0
 */
export function suppress(counts: readonly (readonly number[])[]): Released {
  const all = withSums(counts);
  const hide = all.map((row) => row.map((value) => value > 0 && value < LEAST));
  const small = all.flatMap((row, i) => row.flatMap((value, j) => (value > 0 && value < LEAST ? [[i, j] as const] : []))); // prettier-ignore
  for (const [i, j] of small) {
    let best: { i: number; j: number; cost: number } | undefined;
    for (let row = 0; row < all.length; row += 1)
      for (let column = 0; column < all[0]!.length; column += 1) {
        if (row === i || column === j) continue;
        const corners = [[i, column], [row, j], [row, column]] as const; // prettier-ignore
        if (corners.some(([a, b]) => all[a]![b]! < LEAST)) continue;
        // What is hidden already costs nothing; a sum costs what it tells.
        const cost = corners.reduce((sum, [a, b]) => sum + (hide[a]![b] ? 0 : all[a]![b]!), 0);
        if (!best || cost < best.cost) best = { i: row, j: column, cost };
      }
    if (!best) return { cells: all.map((row) => row.map(() => null)), hidden: all.length * all[0]!.length };
    hide[i]![best.j] = hide[best.i]![j] = hide[best.i]![best.j] = true;
  }
  const cells = all.map((row, i) => row.map((value, j) => (hide[i]![j] ? null : value)));
  return { cells, hidden: hide.flat().filter(Boolean).length };
}
