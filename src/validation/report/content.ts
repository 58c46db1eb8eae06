/** What stands in a report, once for HTML and PDF: sections of text, tables and drawings. Pure. */
import type { ModelManifest } from '../../assist/types.ts';
import { HIT_OVERLAP } from '../../evidence/froc.ts';
import { MINIMUM_CASES } from '../../evidence/statistics.ts';
import type { Figures, OperatingPoint, Pair, Result, RunFacts, WeightedFigures } from '../types.ts';
import type { Drawing } from './drawing.ts';
import { flowDiagram } from './flow.ts';
import { forestPlot, frocPlot, reliabilityPlot, rocPlot } from './plots.ts';
import { type Language, wordsOf, type Words } from './words.ts';

export interface Table {
  readonly kind: 'table';
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Shares of the width. */
  readonly widths: readonly number[];
}
export type Block =
  | { readonly kind: 'text' | 'small' | 'warning' | 'subtitle'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [string, string])[] }
  | { readonly kind: 'drawing'; readonly drawing: Drawing; readonly alternative: string }
  | Table;
export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}
export interface ReportInput {
  readonly result: Result;
  readonly run: RunFacts;
  readonly manifest: ModelManifest;
  readonly other?: ModelManifest | undefined;
  readonly language: Language;
  readonly filesWithoutLabel: readonly string[];
}
export interface Content {
  readonly language: Language;
  readonly title: string;
  readonly subtitle: string;
  readonly notice: string;
  readonly sections: readonly Section[];
  readonly words: Words;
}

/** Excluded images named in the report; all are in cases.csv. */
const MOST_LISTED = 200;

const small = (text: string): Block => ({ kind: 'small', text });
const text = (of: string): Block => ({ kind: 'text', text: of });

/** Digits of a percentage that `n` cases support: a step of one case is not to look like less. */
const digitsFor = (n: number): number => (n >= 500 ? 1 : 0);
const areaDigits = ({ n, positives }: Figures): number => (Math.min(positives, n - positives) >= 200 ? 3 : 2);

/** A proportion: counts alone below the minimum, else percentage, interval and counts. */
function share(k: number, n: number, ci: Pair | null, words: Words): string {
  if (n === 0) return '–';
  const counts = `${words.number(k)}/${words.number(n)}`;
  if (n < MINIMUM_CASES) return `${counts} (${words.percentRange(ci)})`;
  const digits = digitsFor(n);
  return `${words.percent(k / n, digits)} (${words.percentRange(ci, digits)}; ${counts})`;
}

const enough = ({ n, positives }: Figures): boolean => Math.min(positives, n - positives) >= MINIMUM_CASES;

function area(figures: Figures, words: Words): string {
  if (figures.auc === null) return '–';
  const digits = areaDigits(figures);
  const range = isPoint(figures.aucCi) ? '–' : words.range(figures.aucCi, digits);
  return `${words.number(figures.auc, digits)} (${range})${enough(figures) ? '' : ' †'}`;
}
const isPoint = (ci: Pair | null): boolean => ci !== null && ci[0] === ci[1];

const standard = (figures: Figures, result: Result): OperatingPoint | undefined =>
  figures.operatingPoints.find(({ name }) => name === result.defaultOperatingPoint);

export function contentOf(input: ReportInput): Content {
  const { result, run, manifest, language } = input;
  const words = wordsOf(language, manifest.operatingPoints);
  const sections = [
    inShort(result, words),
    ...(result.weighted ? [weighted(result.weighted, words)] : []),
    measured(input, words),
    { title: words.flowTitle, blocks: flow(input, words) },
    {
      title: words.rocTitle,
      blocks: [
        { kind: 'drawing', drawing: rocPlot(result, words), alternative: words.plot.rocAlt },
        ...(result.auc === null
          ? []
          : [
              isPoint(result.aucCi)
                ? text(words.separate)
                : text(words.auc(words.number(result.auc, areaDigits(result)), words.range(result.aucCi, areaDigits(result)))),
            ]), // prettier-ignore
      ],
    },
    { title: words.pointsTitle, blocks: points(result, words) },
    { title: words.prevalenceTitle, blocks: prevalences(result, words) },
    { title: words.frocTitle, blocks: froc(result, words) },
    { title: words.calibrationTitle, blocks: calibration(result, words) },
    { title: words.variantsTitle, blocks: variants(result, words) },
    ...(Object.keys(result.subgroups).length > 0
      ? [{ title: words.subgroupsTitle, blocks: subgroups(result, words) }]
      : []),
    ...(result.comparison ? [{ title: words.comparisonTitle, blocks: comparison(input, words) }] : []),
    { title: words.exclusionsTitle, blocks: exclusions(input, words) },
    { title: words.timeTitle, blocks: time(run, words) },
    { title: words.limitsTitle, blocks: [{ kind: 'list', items: words.limits }] },
    { title: words.methodsTitle, blocks: words.methods.map(small) },
  ] satisfies Section[];
  return {
    language,
    title: words.title,
    subtitle: `${words.text(manifest.name)}, ${manifest.version}`,
    notice: words.notDevice,
    sections,
    words,
  };
}

function inShort(result: Result, words: Words): Section {
  const point = standard(result, result);
  const blocks: Block[] = [];
  const side = (k: number, n: number, ci: Pair | null): string =>
    n < MINIMUM_CASES || ci === null
      ? words.ofCount(words.number(k), words.number(n))
      : words.ofHundred(words.number((100 * k) / n), words.range([100 * ci[0], 100 * ci[1]], 0));
  const whole = result.weighted?.operatingPoints.find(({ name }) => name === result.defaultOperatingPoint);
  const turned = (ci: Pair | null): Pair | null => ci && [1 - ci[1], 1 - ci[0]];
  const ofAll = (part: number, ci: Pair | null): string =>
    words.ofHundred(words.number(100 * part), ci ? words.range([100 * ci[0], 100 * ci[1]], 0) : '–');
  if (point && whole && whole.sensitivity !== null && whole.specificity !== null)
    blocks.push(
      text(
        words.sentence(
          ofAll(whole.sensitivity, whole.sensitivityCi),
          ofAll(1 - whole.specificity, turned(whole.specificityCi)),
          words.pointName(point.name),
        ),
      ),
    );
  else if (point)
    blocks.push(
      text(
        words.sentence(
          side(point.tp, point.tp + point.fn, point.sensitivityCi),
          side(point.fp, point.fp + point.tn, turned(point.specificityCi)),
          words.pointName(point.name),
        ),
      ),
    );
  const { auc, aucCi } = result.weighted ?? result;
  if (auc !== null && aucCi && !isPoint(aucCi))
    blocks.push(
      text(words.ranking(words.number(100 * auc), words.range([100 * aucCi[0], 100 * aucCi[1]], 0))),
    );
  const fewer = Math.min(result.positives, result.n - result.positives);
  if (fewer < MINIMUM_CASES) blocks.push({ kind: 'warning', text: words.few(words.number(fewer)) });
  return { title: words.short, blocks };
}

function weighted({ n, positives, auc, aucCi, operatingPoints }: WeightedFigures, words: Words): Section {
  const { columns } = words;
  const value = (of: number | null, ci: Pair | null): string =>
    of === null ? '–' : `${words.percent(of)} (${words.percentRange(ci)})`;
  return {
    title: words.weightedTitle,
    blocks: [
      text(words.weighted(words.number(n), words.number(positives))),
      {
        kind: 'table',
        head: [columns.point, columns.sensitivity, columns.specificity, columns.ppv, columns.npv],
        widths: [2, 2, 2, 2, 2],
        rows: operatingPoints.map((point) => [
          `${words.pointName(point.name)} (${point.threshold})`,
          value(point.sensitivity, point.sensitivityCi),
          value(point.specificity, point.specificityCi),
          value(point.ppv, point.ppvCi),
          value(point.npv, point.npvCi),
        ]),
      },
      small(
        `${columns.area} ${auc === null ? '–' : words.number(auc, 2)} (${words.range(aucCi, 2)}). ${words.weightedIntervals}`,
      ),
    ],
  };
}

function measured({ result, manifest, run }: ReportInput, words: Words): Section {
  const { facts } = words;
  const at = new Intl.DateTimeFormat(words.language, { dateStyle: 'long', timeZone: 'UTC' });
  return {
    title: words.measured,
    blocks: [
      {
        kind: 'facts',
        rows: [
          [facts.model, words.text(manifest.name)],
          [facts.version, `${result.model} ${result.version}`],
          [facts.maker, manifest.maker],
          [facts.regulatory, words.text(manifest.regulatory.detail)],
          [facts.intendedUse, words.text(manifest.intendedUse.text)],
          [facts.finding, words.text(manifest.labels[result.finding]!.text)],
          [facts.weights, result.weightsSha256],
          [facts.labels, result.labelsSha256],
          [facts.labelColumn, result.labelColumn],
          [
            facts.cases,
            words.casesOf(
              words.number(result.n),
              words.number(result.positives),
              words.number(result.n - result.positives),
            ),
          ],
          [facts.made, at.format(new Date(run.at))],
        ],
      },
    ],
  };
}

function flow({ result }: ReportInput, words: Words): Block[] {
  const { unknownUse, filesWithoutLabel } = result.counts;
  return [
    { kind: 'drawing', drawing: flowDiagram(result, words), alternative: words.plot.flowAlt },
    ...(filesWithoutLabel > 0 ? [small(words.filesWithoutLabel(words.number(filesWithoutLabel)))] : []),
    ...(unknownUse > 0 ? [small(words.unknownUse(words.number(unknownUse)))] : []),
    small(words.photographs),
  ];
}

function points(result: Result, words: Words): Block[] {
  const { columns } = words;
  const threshold = (point: OperatingPoint): string => `${words.pointName(point.name)} (${point.threshold})`;
  return [
    {
      kind: 'table',
      head: [columns.point, columns.sensitivity, columns.specificity, columns.ppv, columns.npv],
      widths: [2, 2.4, 2.4, 2.4, 2.4],
      rows: result.operatingPoints.map((point) => [
        threshold(point),
        share(point.tp, point.tp + point.fn, point.sensitivityCi, words),
        share(point.tn, point.tn + point.fp, point.specificityCi, words),
        share(point.tp, point.tp + point.fp, point.ppvCi, words),
        share(point.tn, point.tn + point.fn, point.npvCi, words),
      ]),
    },
    small(words.ppvNote(`${words.number(result.positives)}/${words.number(result.n)}`)),
    { kind: 'subtitle', text: words.exactTitle },
    {
      kind: 'table',
      head: [columns.point, columns.sensitivity, columns.specificity, columns.counts],
      widths: [2, 2, 2, 3],
      rows: result.operatingPoints.map((point) => [
        threshold(point),
        words.percentRange(point.sensitivityExactCi, 1),
        words.percentRange(point.specificityExactCi, 1),
        `${point.tp} / ${point.fp} ; ${point.tn} / ${point.fn}`,
      ]),
    },
  ];
}

function prevalences(result: Result, words: Words): Block[] {
  const { columns } = words;
  const value = (of: number | null, ci: Pair | null): string =>
    of === null ? '–' : `${words.percent(of, 1)} (${words.percentRange(ci, 1)})`;
  return result.operatingPoints.flatMap((point): Block[] => [
    small(words.prevalenceNote(words.pointName(point.name))),
    {
      kind: 'table',
      head: [columns.prevalence, columns.ppv, columns.npv],
      widths: [1, 2, 2],
      rows: result.atPrevalences
        .filter(({ operatingPoint }) => operatingPoint === point.name)
        .map(({ prevalence, ppv, ppvCi, npv, npvCi }) => [
          words.percent(prevalence, Number.isInteger(Math.round(prevalence * 1e6) / 1e4) ? 0 : 1),
          value(ppv, ppvCi),
          value(npv, npvCi),
        ]),
    },
  ]);
}

function froc(result: Result, words: Words): Block[] {
  const { columns } = words;
  if (!result.frocCounts || result.froc.length === 0) return [text(words.frocNone)];
  const { images, lesions, left } = result.frocCounts;
  return [
    { kind: 'drawing', drawing: frocPlot(result, words), alternative: words.plot.frocAlt },
    {
      kind: 'table',
      head: [columns.rate, columns.reached, columns.lesions],
      widths: [2, 1, 2],
      rows: result.froc.map((each) => [
        words.number(each.falseMarksPerImage, 2),
        words.number(each.reached, 2),
        share(each.found, each.lesions, each.sensitivityCi, words),
      ]),
    },
    small(words.frocNote(words.number(images), words.number(lesions), words.number(HIT_OVERLAP, 1))),
    ...(left > 0 ? [small(words.frocLeft(words.number(left)))] : []),
  ];
}

function calibration(result: Result, words: Words): Block[] {
  if (result.brier === null) return [text(words.calibrationNone)];
  const { columns } = words;
  return [
    { kind: 'drawing', drawing: reliabilityPlot(result, words), alternative: words.plot.reliabilityAlt },
    text(
      words.calibration(
        words.number(result.brier, 3),
        words.number(result.brierOfPrevalence!, 3),
        words.number(result.expectedCalibrationError!, 2),
        words.range(result.expectedCalibrationErrorCi, 2),
      ),
    ),
    small(words.calibrationNote),
    {
      kind: 'table',
      head: [columns.scores, columns.images, columns.mean],
      widths: [1, 1, 1],
      rows: result.reliability.map(({ from, to, n, positives, meanScore }) => [
        words.range([from, to], 1),
        `${n} (${positives})`,
        meanScore === null ? '–' : words.number(meanScore, 2),
      ]),
    },
  ];
}

/** Rows of a table: images, area, and the rates at the standard threshold. */
function figureRow(name: string, figures: Figures, result: Result, words: Words): string[] {
  const point = standard(figures, result);
  return [
    name,
    `${words.number(figures.n)} (${words.number(figures.positives)})`,
    area(figures, words),
    point ? share(point.tp, point.tp + point.fn, point.sensitivityCi, words) : '–',
    point ? share(point.tn, point.tn + point.fp, point.specificityCi, words) : '–',
  ];
}
const figureHead = (first: string, { columns }: Words): string[] => [
  first,
  columns.images,
  columns.area,
  columns.sensitivity,
  columns.specificity,
];
const FIGURE_WIDTHS = [2.4, 1.3, 1.8, 2.2, 2.2];

function variants(result: Result, words: Words): Block[] {
  const { withoutHardware, withoutKnownImages, withTuningImages, withKnownImages } = result.variants;
  const { training, tuning, carriesHashes } = result.counts;
  const rows = [
    [words.variants.main, result],
    ...(withoutHardware ? [[words.variants.withoutHardware(withoutHardware.column), withoutHardware]] : []),
    ...(withoutKnownImages ? [[words.variants.withoutKnown, withoutKnownImages]] : []),
    ...(withTuningImages ? [[words.variants.withTuning, withTuningImages]] : []),
    ...(withKnownImages ? [[words.variants.withKnown, withKnownImages]] : []),
  ] as [string, Figures][];
  return [
    {
      kind: 'table',
      head: figureHead(words.columns.which, words),
      widths: FIGURE_WIDTHS,
      rows: rows.map(([name, figures]) => figureRow(name, figures, result, words)),
    },
    ...(rows.some(([, figures]) => !enough(figures)) ? [small(words.fewMark)] : []),
    small(
      carriesHashes
        ? words.variantsKnown(words.number(training), words.number(tuning))
        : words.variantsUnknown,
    ),
  ];
}

function subgroups(result: Result, words: Words): Block[] {
  const named = (column: string, group: string): string => `${column} ${group === '' ? words.empty : group}`;
  const all = Object.entries(result.subgroups).flatMap(([column, groups]) =>
    Object.entries(groups).map(([group, figures]) => [named(column, group), figures] as const),
  );
  const drawn = all.flatMap(([name, figures]) =>
    figures.auc !== null && figures.aucCi !== null && !isPoint(figures.aucCi)
      ? [{ name, auc: figures.auc, low: figures.aucCi[0], high: figures.aucCi[1], count: `${figures.n} (${figures.positives})` }]
      : [],
  ); // prettier-ignore
  return [
    ...(drawn.length > 0
      ? ([
          {
            kind: 'drawing',
            drawing: forestPlot(drawn, result.auc === null ? null : { auc: result.auc }, words),
            alternative: words.plot.forestAlt,
          },
          small(words.plot.forestNote),
        ] satisfies Block[])
      : []),
    {
      kind: 'table',
      head: figureHead(words.columns.group, words),
      widths: FIGURE_WIDTHS,
      rows: all.map(([name, figures]) => figureRow(name, figures, result, words)),
    },
    small(words.fewMark),
    small(words.subgroupsNote),
    ...(result.ungrouped.length > 0 ? [small(words.ungrouped(result.ungrouped.join(', ')))] : []),
  ];
}

function comparison({ result, other }: ReportInput, words: Words): Block[] {
  const { areas, points: compared, model, version, n } = result.comparison!;
  const p = (value: number | null): string =>
    value === null ? '–' : value < 0.001 ? `< ${words.number(0.001, 3)}` : words.number(value, 3);
  const name = other ? words.text(other.name) : model;
  const digits = areaDigits(result);
  return [
    text(words.comparison.intro(name, version, words.number(n))),
    text(
      areas && areas.z !== null
        ? words.comparison.areas(
            words.number(areas.aucA, digits),
            words.number(areas.aucB, digits),
            words.number(areas.difference, digits),
            words.range([areas.low, areas.high], digits),
            areas.p! < 0.001 ? p(areas.p) : `= ${p(areas.p)}`,
          )
        : words.comparison.same,
    ),
    ...(compared.length === 0
      ? [text(words.comparison.noPoints)]
      : ([
          {
            kind: 'table',
            head: words.comparison.head,
            widths: [2, 1.6, 1.6, 1.6, 1, 1],
            rows: compared.flatMap((point) =>
              (['amongPositives', 'amongNegatives'] as const).map((side) => [
                words.pointName(point.name),
                side === 'amongPositives' ? words.comparison.positives : words.comparison.negatives,
                words.number(point[side].onlyFirst),
                words.number(point[side].onlySecond),
                p(point[side].midP),
                p(point[side].exact),
              ]),
            ),
          },
          small(words.comparison.note),
        ] satisfies Block[])),
  ];
}

function exclusions({ result }: ReportInput, words: Words): Block[] {
  const { excluded } = result;
  if (excluded.length === 0) return [text(words.exclusionsNone)];
  const reasons = new Map<string, number>();
  for (const { reason } of excluded) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const known = new Set(['training-image', 'tuning-image']);
  const named = excluded.filter(({ reason }) => !known.has(reason));
  const listed = named.slice(0, MOST_LISTED);
  return [
    {
      kind: 'table',
      head: [words.columns.reason, words.columns.number],
      widths: [3, 1],
      rows: [...reasons].map(([reason, n]) => [
        words.exclusion[reason as keyof typeof words.exclusion],
        words.number(n),
      ]),
    },
    ...(named.length < excluded.length ? [small(words.knownListed)] : []),
    ...(listed.length === 0
      ? []
      : ([
          {
            kind: 'table',
            head: [words.columns.image, words.columns.reason, words.columns.detail],
            widths: [2, 2, 3],
            rows: listed.map(({ image, reason, detail }) => [image, words.exclusion[reason], detail]),
          },
        ] satisfies Block[])),
    ...(named.length > listed.length
      ? [small(words.exclusionsMore(words.number(named.length - listed.length)))]
      : []),
  ];
}

function time(run: RunFacts, words: Words): Block[] {
  return [
    ...(run.medianSeconds === null || run.p95Seconds === null
      ? []
      : [text(words.time(words.number(run.medianSeconds, 2), words.number(run.p95Seconds, 2)))]),
    ...(run.kept > 0 ? [small(words.timeKept(words.number(run.kept)))] : []),
    small(words.timeMachine(run.machine, words.number(run.processes), words.number(run.wallSeconds, 1))),
  ];
}
