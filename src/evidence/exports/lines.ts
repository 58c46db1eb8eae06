/** Counts of a month as a table that may leave, and the two files made of it. Pure. */
import { proportion } from '../statistics.ts';
import type { Answer } from '../types.ts';
import { suppress } from './suppress.ts';

/** Exams that agree in all this. */
export interface Counted {
  modality: string;
  bodyPart: string;
  version: string;
  /** What the tool said when the conclusion was given. */
  positive: boolean;
  /** The conclusion given before AI was seen, else the signed one. */
  conclusion: Answer | null;
  blind: boolean;
  n: number;
}
const ANSWERS = ['yes', 'no', 'uncertain', 'not stated'] as const;
export interface Outcome {
  ai: 'positive' | 'negative';
  conclusion: (typeof ANSWERS)[number];
  before: 'before AI was seen' | 'AI may have been seen';
}
const OUTCOMES: readonly Outcome[] = (['before AI was seen', 'AI may have been seen'] as const).flatMap(
  (before) =>
    (['positive', 'negative'] as const).flatMap((ai) =>
      ANSWERS.map((conclusion) => ({ ai, conclusion, before })),
    ),
);

export interface Group {
  modality: string;
  bodyPart: string;
  version: string;
}
/** null: hidden. The last group is all of them; `sum`: of the group. */
export interface MonthTable {
  groups: { group: Group | null; counts: (number | null)[]; sum: number | null }[];
}

/** One table for everything that leaves of a month: two that share their sums could be set against each other. */
export function tableOf(rows: readonly Counted[]): MonthTable {
  const keyOf = ({ modality, bodyPart, version }: Group): string =>
    JSON.stringify([modality, bodyPart, version]);
  const keys = [...new Set(rows.map(keyOf))].sort();
  const counts = keys.map(() => OUTCOMES.map(() => 0));
  for (const row of rows) {
    const outcome = OUTCOMES.findIndex(
      ({ ai, conclusion, before }) =>
        (ai === 'positive') === row.positive &&
        conclusion === (row.conclusion ?? 'not stated') &&
        (before === 'before AI was seen') === row.blind,
    );
    counts[keys.indexOf(keyOf(row))]![outcome]! += row.n;
  }
  const { cells } = keys.length === 0 ? { cells: [[...OUTCOMES.map(() => 0), 0]] } : suppress(counts);
  return {
    groups: [...keys, null].map((key, i) => {
      const [modality, bodyPart, version] = key === null ? [] : (JSON.parse(key) as string[]);
      return {
        group: key === null ? null : { modality: modality!, bodyPart: bodyPart!, version: version! },
        counts: cells[i]!.slice(0, -1),
        sum: cells[i]!.at(-1)!,
      };
    }),
  };
}

const HIDDEN = 'hidden';
function field(value: string | number): string {
  const text = String(value);
  // What a spreadsheet would run as a formula is text.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
const csv = (lines: readonly (readonly (string | number)[])[]): string =>
  `${lines.map((line) => line.map(field).join(',')).join('\r\n')}\r\n`;

const concordant = ({ ai, conclusion }: Outcome): string =>
  conclusion === 'yes' || conclusion === 'no'
    ? (ai === 'positive') === (conclusion === 'yes') ? 'yes' : 'no'
    : ''; // prettier-ignore

/** One line a group and outcome that occurs or is hidden. */
export function registryCsv({ groups }: MonthTable, of: { month: string; tool: string }): string {
  const lines = groups.flatMap(({ group, counts }) =>
    counts.flatMap((count, i) => {
      if (count === 0) return [];
      const outcome = OUTCOMES[i]!;
      const { modality, bodyPart, version } = group ?? { modality: 'all', bodyPart: 'all', version: 'all' };
      return [[of.month, modality || 'unknown', bodyPart || 'unknown', of.tool, version, outcome.ai, outcome.conclusion, outcome.before, concordant(outcome), count ?? HIDDEN]]; // prettier-ignore
    }),
  );
  return csv([
    ['month', 'modality', 'body part', 'tool', 'version', 'AI result', 'report conclusion', 'conclusion given', 'concordant', 'exams'],
    ...lines,
  ]); // prettier-ignore
}

/** Rates from the same counts: where one of them is hidden, so is the rate. */
export function figuresCsv({ groups }: MonthTable, of: { month: string; tool: string }): string {
  const lines = groups.flatMap(({ group, counts }) => {
    const at = (ai: Outcome['ai'], conclusion: Outcome['conclusion'], before: Outcome['before']) =>
      counts[
        OUTCOMES.findIndex(
          (each) => each.ai === ai && each.conclusion === conclusion && each.before === before,
        )
      ]!;
    const of_ = group ?? { modality: 'all', bodyPart: 'all', version: 'all' };
    return (['before AI was seen', 'AI may have been seen'] as const).flatMap((before) =>
      (['yes', 'no'] as const).flatMap((conclusion) => {
        const [right, wrong] = conclusion === 'yes' ? [at('positive', 'yes', before), at('negative', 'yes', before)] : [at('negative', 'no', before), at('positive', 'no', before)]; // prettier-ignore
        if (right === 0 && wrong === 0) return [];
        const blind = before === 'before AI was seen';
        const name = blind
          ? conclusion === 'yes' ? 'sensitivity' : 'specificity'
          : conclusion === 'yes' ? 'agreement when yes' : 'agreement when no'; // prettier-ignore
        const head = [
          of.month,
          of_.modality || 'unknown',
          of_.bodyPart || 'unknown',
          of.tool,
          of_.version,
          name,
        ];
        if (right === null || wrong === null) return [[...head, HIDDEN, HIDDEN, '', '', '']];
        const { k, n, value, low, high, enough } = proportion(right, right + wrong);
        const share = (rate: number | null): string => (enough && rate !== null ? rate.toFixed(4) : '');
        return [[...head, k, n, share(value), share(low), share(high)]];
      }),
    );
  });
  return csv([
    ['month', 'modality', 'body part', 'tool', 'version', 'figure', 'k', 'n', 'value', 'Wilson 95% low', 'Wilson 95% high'],
    ...lines,
  ]); // prettier-ignore
}
