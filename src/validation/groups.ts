/** Further columns of the table of labels as subgroups. Pure. */
import { quantile } from '../evidence/statistics.ts';

/** Up to so many values each makes a group of its own. */
const MOST_VALUES = 12;
const PARTS = 4;

/**
 * Groups of the cases by one column, in a fixed order: one for each value; numbers of many values fall into quarters of equal
 * size, named by their ends (`373–454`); undefined where nearly every case has a text of its own.
 *
 * @param value of a case; an empty one makes the group ``
 * @returns name of the group → cases
 */
export function groupsOf<T>(cases: readonly T[], value: (each: T) => string): Map<string, T[]> | undefined {
  const distinct = [...new Set(cases.map(value))];
  if (distinct.length <= MOST_VALUES)
    return new Map(
      distinct.sort(naturally).map((name) => [name, cases.filter((each) => value(each) === name)]),
    );
  const numbers = cases.map((each) => numberOf(value(each)));
  if (numbers.some((number) => number === undefined)) return undefined;
  const sorted = (numbers as number[]).toSorted((a, b) => a - b);
  const edges = Array.from({ length: PARTS - 1 }, (_, i) => quantile(sorted, (i + 1) / PARTS)!);
  const parts: T[][] = Array.from({ length: PARTS }, () => []);
  cases.forEach((each, i) => parts[edges.filter((edge) => numbers[i]! > edge).length]!.push(each));
  return new Map(
    parts
      .filter((part) => part.length > 0)
      .map((part) => {
        const of = part.map((each) => Number(value(each)));
        const [low, high] = [Math.min(...of), Math.max(...of)];
        return [low === high ? String(low) : `${low}–${high}`, part];
      }),
  );
}

const numberOf = (text: string): number | undefined =>
  /^-?\d+([.]\d+)?$/.test(text) ? Number(text) : undefined;

const collator = new Intl.Collator('en', { numeric: true });
const naturally = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
