/** Accuracy by where, how and on whom a study was made. Pure. */
import { isPositive, type Uncertain } from '../figures.ts';
import { clusteredProportion } from './clustered.ts';
import type { JudgedRow } from './rows.ts';
import { DIMENSIONS, type Subgroup, type Subgroups } from './types.ts';

/** Of one dimension; the rest is too small to be shown. */
const MOST = 12;

function rates(
  rows: readonly JudgedRow[],
  uncertain: Uncertain,
): Pick<Subgroup, 'sensitivity' | 'specificity'> {
  const of = (truth: boolean) =>
    clusteredProportion(
      rows
        .filter(({ ref }) => isPositive(ref, uncertain) === truth)
        .map(({ patient, refAiPositive }) => ({ patient, right: refAiPositive === truth })),
    );
  return { sensitivity: of(true), specificity: of(false) };
}

export function subgroupsOf(all: readonly JudgedRow[], uncertain: Uncertain): Subgroups {
  const rows = all.filter(({ ref }) => ref !== null);
  const by = DIMENSIONS.flatMap((dimension) => {
    const groups = [...Map.groupBy(rows, ({ of }) => of[dimension])]
      .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
      .slice(0, MOST)
      .map(([value, of]): Subgroup => ({ value, studies: of.length, ...rates(of, uncertain) }));
    return groups.length > 1 ? [{ dimension, groups }] : [];
  });
  const shown = by
    .flatMap(({ groups }) => groups.flatMap(({ sensitivity, specificity }) => [sensitivity, specificity]))
    .filter(({ enough }) => enough).length;
  return { by, all: rates(rows, uncertain), intervals: shown, byChance: shown * 0.05 };
}
