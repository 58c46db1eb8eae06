/** For the tests of this room: real scores with their reference standard, read in place. */
import { readFileSync } from 'node:fs';
import type { Scored } from './roc.ts';

const lines = (path: string): string[] =>
  readFileSync(new URL(`../../../shared/radiographs/${path}`, import.meta.url), 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1);

/** 246 radiographs (83 fractured) with the scores of the fracture model's reference implementation, by the name of the image. */
export function fractureScores(): (Scored & { bytes: number })[] {
  const labels = new Map(lines('labels.csv').map((line) => [line.split(',')[0]!, line]));
  return lines('expected_fracture_scores.csv')
    .map((line) => line.split(','))
    .sort(([a], [b]) => (a! < b! ? -1 : 1))
    .map(([image, score]) => {
      const fields = labels.get(image!)!.split(',');
      return { score: Number(score), positive: fields[2] === '1', bytes: Number(fields.at(-1)) };
    });
}
/** The same with many ties: rounded down to tenths. */
export const coarse = (cases: readonly Scored[]): Scored[] =>
  cases.map(({ score, positive }) => ({ score: Math.floor(score * 10) / 10, positive }));
