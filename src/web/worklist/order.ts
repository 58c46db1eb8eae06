/**
 * What the list showed last: the reading page opens the next study from here after a signature, and the list comes back
 * with the same row selected.
 */
let order: readonly string[] = [];
let selected: string | null = null;

export const rememberOrder = (studyUids: readonly string[]): void => {
  order = studyUids;
};
export const rememberSelected = (studyUid: string | null): void => {
  selected = studyUid;
};
export const lastSelected = (): string | null => selected;

/** The study below this one in the list as it was last shown; null at its end. */
export function nextStudy(studyUid: string): string | null {
  return order[order.indexOf(studyUid) + 1] ?? null;
}
/** The study above this one; null at the top or when the list does not have it. */
export function previousStudy(studyUid: string): string | null {
  return order[order.indexOf(studyUid) - 1] ?? null;
}

/** Where the selection goes when the list changed below it: it stays on its study, else on the same place. Pure. */
export function keepSelection(
  before: readonly string[],
  after: readonly string[],
  current: string | null,
): string | null {
  if (current === null) return after[0] ?? null;
  if (after.includes(current)) return current;
  const place = before.indexOf(current);
  return after[Math.min(Math.max(place, 0), after.length - 1)] ?? null;
}
