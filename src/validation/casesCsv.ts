/** `cases.csv`: one row for each row of the table of labels, in its order. Pure. */
import { csvLine } from './csv.ts';
import type { LabelSheet } from './labels.ts';
import type { Case, Result } from './types.ts';

/**
 * `image,label,score,excluded` first; then why, the file, its hash, what the tool says at each operating point, the score of the
 * other model, and the columns of the table. `excluded` is empty for a case that is counted, and else the reason; images that
 * the model knows have a score although they are excluded. Numbers are written so that they read back to the same.
 */
export function casesCsv(
  cases: readonly Case[],
  sheet: LabelSheet,
  { operatingPoints, comparison }: Result,
): string {
  const own = [
    'image', 'label', 'score', 'excluded', 'detail', 'known', 'intended_use_unknown', 'file', 'sha256',
    ...operatingPoints.map(({ name }) => `positive_${name}`),
    ...(comparison ? ['score_compared'] : []),
    ...(sheet.hasWeights ? ['weight'] : []),
  ]; // prettier-ignore
  const rows = cases.map((each) => [
    each.image,
    each.positive === undefined ? '' : Number(each.positive),
    each.answer?.score ?? '',
    each.excluded ?? '',
    each.detail,
    each.known ?? '',
    each.unknownUse,
    each.file,
    each.sha256,
    ...operatingPoints.map(({ threshold }) => (each.answer ? Number(each.answer.score >= threshold) : '')),
    ...(comparison ? [each.other?.score ?? ''] : []),
    ...(sheet.hasWeights ? [each.weight] : []),
    ...sheet.groupColumns.map((column) => each.groups[column] ?? ''),
  ]);
  // A column of the table that is called as one of ours.
  const theirs = sheet.groupColumns.map((column) => (own.includes(column) ? `labels_${column}` : column));
  return [[...own, ...theirs], ...rows].map(csvLine).join('');
}
