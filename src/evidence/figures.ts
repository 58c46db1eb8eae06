import { MINIMUM_CASES, per100, proportion } from './statistics.ts';
import type { Ruling } from './reference/types.ts';
import type { Answer, EvidenceSummary, FigureKey, PerImage, Proportion, ReadingFact } from './types.ts';

/** How an uncertain conclusion is counted: every figure is given both ways. */
export type Uncertain = 'positive' | 'negative';

/** What the figures depend on: facts that agree in these are added up by the database before they come here. */
export type Judged = Pick<ReadingFact, 'conclusion' | 'aiPositive' | 'inTraining'> & {
  /** The ruling reference that was fixed without AI, and the tool's verdict on what it speaks of. */
  reference?: (Pick<Ruling, 'answer' | 'origin' | 'rank'> & { aiPositive: boolean }) | null;
};
export interface Cell extends Judged {
  studies: number;
  marks: number;
  falseAlarms: number;
  perImage: PerImage;
}

type ProportionKey = 'agreement-positive' | 'agreement-negative' | 'sensitivity' | 'specificity';

export const isPositive = (answer: Answer | null, uncertain: Uncertain): boolean | null =>
  answer === null ? null : answer === 'uncertain' ? uncertain === 'positive' : answer === 'yes';

/**
 * Whether a fact is among the n of a proportion, and then among its k. Agreement rests on the signed conclusion; sensitivity and
 * specificity on the highest reference that was fixed without AI in view. Training data is in none.
 */
export function counted(
  fact: Judged,
  figure: ProportionKey,
  uncertain: Uncertain,
): { n: boolean; k: boolean } {
  const agreement = figure.startsWith('agreement');
  const answer = agreement ? fact.conclusion : (fact.reference?.answer ?? null);
  const marked = agreement ? fact.aiPositive : (fact.reference?.aiPositive ?? fact.aiPositive);
  const positive = isPositive(answer, uncertain);
  const wanted = figure === 'agreement-positive' || figure === 'sensitivity';
  const n = !fact.inTraining && positive === wanted;
  return { n, k: n && marked === wanted };
}

/** Whether a study stands behind a figure, counted either way. */
export function behind(figure: FigureKey, fact: Judged & { marks: number; falseAlarms?: number }): boolean {
  const ways: Uncertain[] = ['positive', 'negative'];
  switch (figure) {
    case 'read':
    case 'turnaround':
      return true;
    case 'training':
      return fact.inTraining;
    case 'marks':
      return !fact.inTraining && fact.marks > 0;
    case 'false-alarms':
      return !fact.inTraining && (fact.falseAlarms ?? 0) > 0;
    case 'missed':
      return ways.some((way) => {
        const { n, k } = counted(fact, 'sensitivity', way);
        return n && !k;
      });
    default:
      return ways.some((way) => counted(fact, figure, way).n);
  }
}

const NO_IMAGES: PerImage = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };

/** The figures of a tool from its cells. */
export function figuresOf(
  cells: readonly Cell[],
): Pick<
  EvidenceSummary,
  | 'studiesRead'
  | 'trainingExcluded'
  | 'agreement'
  | 'accuracy'
  | 'marks'
  | 'falseAlarms'
  | 'counted'
  | 'marksPer100'
  | 'falseAlarmsPer100'
> {
  const sum = (of: readonly Cell[], value: (cell: Cell) => number) =>
    of.reduce((total, cell) => total + value(cell), 0);
  const way = (figure: ProportionKey, uncertain: Uncertain): Proportion => {
    const n = cells.filter((cell) => counted(cell, figure, uncertain).n);
    const k = n.filter((cell) => counted(cell, figure, uncertain).k);
    return proportion(
      sum(k, (cell) => cell.studies),
      sum(n, (cell) => cell.studies),
    );
  };
  const both = (figure: ProportionKey) => ({
    uncertainAsPositive: way(figure, 'positive'),
    uncertainAsNegative: way(figure, 'negative'),
  });

  const own = cells.filter((cell) => !cell.inTraining);
  const studies = sum(own, (cell) => cell.studies);
  const marks = sum(own, (cell) => cell.marks);
  const falseAlarms = sum(own, (cell) => cell.falseAlarms);
  const images = own.reduce<PerImage>(
    (total, { perImage }) => ({
      truePositive: total.truePositive + perImage.truePositive,
      falsePositive: total.falsePositive + perImage.falsePositive,
      falseNegative: total.falseNegative + perImage.falseNegative,
      trueNegative: total.trueNegative + perImage.trueNegative,
    }),
    NO_IMAGES,
  );
  return {
    studiesRead: sum(cells, (cell) => cell.studies),
    trainingExcluded: sum(
      cells.filter((cell) => cell.inTraining),
      (cell) => cell.studies,
    ),
    agreement: { positive: both('agreement-positive'), negative: both('agreement-negative') },
    accuracy: {
      sensitivity: both('sensitivity'),
      specificity: both('specificity'),
      perImage: {
        sensitivity: proportion(images.truePositive, images.truePositive + images.falseNegative),
        specificity: proportion(images.trueNegative, images.trueNegative + images.falsePositive),
      },
      references: originsOf(own),
    },
    marks,
    falseAlarms,
    counted: { studies, enough: studies >= MINIMUM_CASES },
    marksPer100: per100(marks, studies),
    falseAlarmsPer100: per100(falseAlarms, studies),
  };
}

/** Studies by origin of the reference that rules, the strongest first. */
function originsOf(cells: readonly Cell[]): EvidenceSummary['accuracy']['references'] {
  const found = new Map<Ruling['origin'], EvidenceSummary['accuracy']['references'][number]>();
  for (const { reference, studies } of cells) {
    if (!reference) continue;
    const { origin, rank } = reference;
    const before = found.get(origin)?.studies ?? 0;
    found.set(origin, { origin, rank, studies: before + studies });
  }
  return [...found.values()].sort((a, b) => b.rank - a.rank || b.studies - a.studies);
}
