/**
 * Whether what comes to a tool is made as at first: machines, software and exposure, week by week against the first studies. It says
 * nothing of the tool's truth; it says when to look. Pure. Checked against R in inputs.test.ts.
 */
import { logGamma } from '../distributions.ts';
import { smirnov } from '../drift.ts';
import type { InputChange, InputKey, Inputs, InputWeek } from './types.ts';

/** First studies of a version, by which the later ones are judged. */
export const INPUT_REFERENCE = 200;
/** Of a week with fewer nothing is said. */
export const INPUT_LEAST = 20;
/** A week is called different by chance in at most 1 of 100, over all that is compared in it. */
export const INPUT_ALPHA = 0.01;
/** Weeks shown at most. */
export const INPUT_WEEKS = 26;
/** Values expected less often than this are compared together. */
const RARE = 5;
const WEEK_MS = 7 * 86_400_000;

export interface InputRow {
  at: number;
  words: Readonly<Record<'machine' | 'station' | 'software' | 'detector' | 'view', string>>;
  numbers: Readonly<Record<'kvp' | 'mas' | 'exposureIndex', number | null>>;
}

/** P(X ≥ x) of a chi-squared variable: the regularised incomplete gamma function (NIST DLMF 8.7.1, 8.9.2). */
export function chiSquaredTail(x: number, degrees: number): number {
  if (x <= 0 || degrees <= 0) return 1;
  const [a, z] = [degrees / 2, x / 2];
  const front = Math.exp(a * Math.log(z) - z - logGamma(a));
  if (z < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 1000 && term > sum * 1e-17; n += 1) {
      term *= z / (a + n);
      sum += term;
    }
    return Math.min(1, Math.max(0, 1 - front * sum));
  }
  let b = z + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1000; n += 1) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return Math.min(1, front * fraction);
}

/**
 * Two samples of words: population stability index Σ (q − p) ln(q / p), an empty share counting half a case, and the chi-squared
 * test that they are alike. Values expected fewer than five times in either are compared as one.
 *
 * @returns p null where nothing is left to compare
 */
export function wordsCompared(
  reference: readonly string[],
  recent: readonly string[],
): { psi: number; p: number | null } {
  const [n, m] = [reference.length, recent.length];
  const counts = new Map<string, [number, number]>();
  const of = (word: string): [number, number] => {
    const found = counts.get(word) ?? [0, 0];
    counts.set(word, found);
    return found;
  };
  for (const word of reference) of(word)[0] += 1;
  for (const word of recent) of(word)[1] += 1;
  const psi = [...counts.values()].reduce((sum, [a, b]) => {
    const [p, q] = [Math.max(a, 0.5) / n, Math.max(b, 0.5) / m];
    return sum + (q - p) * Math.log(q / p);
  }, 0);
  const expected = (total: number) => (total * Math.min(n, m)) / (n + m);
  const cells: [number, number][] = [];
  const rare: [number, number] = [0, 0];
  for (const [a, b] of counts.values()) {
    if (expected(a + b) >= RARE) cells.push([a, b]);
    else [rare[0], rare[1]] = [rare[0] + a, rare[1] + b];
  }
  if (rare[0] + rare[1] > 0) cells.push(rare);
  if (cells.length < 2) return { psi, p: cells.length === 0 ? null : 1 };
  let statistic = 0;
  for (const [a, b] of cells) {
    const [ea, eb] = [((a + b) * n) / (n + m), ((a + b) * m) / (n + m)];
    statistic += (a - ea) ** 2 / ea + (b - eb) ** 2 / eb;
  }
  return { psi, p: chiSquaredTail(statistic, cells.length - 1) };
}

const WORDS = ['machine', 'station', 'software', 'detector', 'view'] as const;
const NUMBERS = ['kvp', 'mas', 'exposureIndex'] as const;

/** Studies in the order of their signatures: the first ones are the reference, the rest is cut into weeks from there. */
export function inputsOf(rows: readonly InputRow[]): Inputs {
  const reference = rows.slice(0, INPUT_REFERENCE);
  const none: Inputs = { n: rows.length, reference: null, weeks: [], changes: changesOf(rows) };
  if (reference.length < INPUT_REFERENCE) return none;
  const from = reference.at(-1)!.at;
  const byWeek = Map.groupBy(rows.slice(INPUT_REFERENCE), ({ at }) => Math.floor((at - from) / WEEK_MS));
  const weeks = [...byWeek]
    .sort(([a], [b]) => a - b)
    .slice(-INPUT_WEEKS)
    .flatMap(([week, recent]): InputWeek[] =>
      recent.length < INPUT_LEAST
        ? []
        : [{ from: from + week * WEEK_MS, to: from + (week + 1) * WEEK_MS, n: recent.length, of: compared(reference, recent) }],
    ); // prettier-ignore
  return { ...none, reference: { from: reference[0]!.at, to: from, n: reference.length }, weeks };
}

function compared(reference: readonly InputRow[], recent: readonly InputRow[]): InputWeek['of'] {
  const found: { key: InputKey; psi: number | null; distance: number | null; p: number }[] = [];
  for (const key of WORDS) {
    const words = (rows: readonly InputRow[]) => rows.flatMap(({ words: of }) => of[key] || []);
    const [before, now] = [words(reference), words(recent)];
    if (before.length < INPUT_LEAST || now.length < INPUT_LEAST) continue;
    const { psi, p } = wordsCompared(before, now);
    if (p !== null) found.push({ key, psi, distance: null, p });
  }
  for (const key of NUMBERS) {
    const numbers = (rows: readonly InputRow[]) => rows.flatMap(({ numbers: of }) => of[key] ?? []);
    const [before, now] = [numbers(reference), numbers(recent)];
    if (before.length < INPUT_LEAST || now.length < INPUT_LEAST) continue;
    const { distance, p } = smirnov(before, now);
    found.push({ key, psi: null, distance, p });
  }
  return found.map((each) => ({ ...each, different: each.p < INPUT_ALPHA / found.length }));
}

/** When a machine first sent with a software that it had not sent with before: two alike under one name may take turns. */
function changesOf(rows: readonly InputRow[]): InputChange[] {
  const known = new Map<string, { last: string; all: Set<string> }>();
  const changes: InputChange[] = [];
  for (const { at, words } of rows) {
    if (words.software === '') continue;
    const machine = [words.machine, words.station].filter(Boolean).join(' · ');
    const before = known.get(machine);
    if (!before) {
      known.set(machine, { last: words.software, all: new Set([words.software]) });
      continue;
    }
    if (!before.all.has(words.software))
      changes.push({ at, machine, before: before.last, after: words.software });
    before.all.add(words.software);
    before.last = words.software;
  }
  return changes.slice(-INPUT_WEEKS);
}
