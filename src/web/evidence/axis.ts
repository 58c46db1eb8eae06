/** The axis: from the tenth below the lowest bound (at most 50 %) up to 100 %; pure. */
export function axisOf(lows: readonly (number | null)[]): { from: number; ticks: number[] } {
  const lowest = Math.min(0.5, ...lows.filter((low) => low !== null));
  const from = Math.max(0, Math.floor(lowest * 10) / 10);
  const step = 1 - from > 0.5 ? 0.2 : 0.1;
  const ticks: number[] = [];
  for (let tick = 1; tick >= from - 1e-9; tick -= step) ticks.unshift(Math.round(tick * 10) / 10);
  return { from, ticks };
}
