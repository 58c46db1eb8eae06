const ENDS = [2, 6, 12, 18, 40, 65, 80];

/**
 * Age in the bands of the figures: under 2, then by growth, then by decades of risk. '' where it is not known.
 * @param years whole years at the study date
 */
export const ageBand = (years: number | null): string => {
  if (years === null) return '';
  const at = ENDS.findIndex((end) => years < end);
  if (at < 0) return '80+';
  return `${at === 0 ? 0 : ENDS[at - 1]}-${ENDS[at]! - 1}`;
};
