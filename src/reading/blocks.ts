import type { InstalledModel, RunRow } from '../assist/types.ts';
import type { AiView, Finding, ReportFields, SigningBlock } from './types.ts';

/** A tool asks its question wherever its rules apply, whatever it found and whoever may see that. */
export const asks = (run: RunRow, models: readonly InstalledModel[]): boolean =>
  run.state !== 'not-run' && models.some(({ manifest }) => manifest.id === run.modelId && manifest.question);

/** Why the report cannot be signed yet. Says nothing of what a hidden tool found. */
export function blocksOf(input: {
  isReader: boolean;
  signed: boolean;
  claimedBy: string | null;
  runs: readonly RunRow[];
  models: readonly InstalledModel[];
  hidden: ReadonlyMap<string, AiView['hidden']>;
  findings: readonly Finding[];
  fields: ReportFields;
}): SigningBlock[] {
  if (!input.isReader) return [{ code: 'not-a-reader' }];
  if (input.signed) return [{ code: 'already-signed' }];
  if (input.claimedBy !== null) return [{ code: 'claimed-by-other', name: input.claimedBy }];
  const blocks: SigningBlock[] = [];
  for (const run of input.runs) {
    if (!asks(run, input.models)) continue;
    if (run.state === 'analysed' && input.hidden.get(run.id) === 'opinion-first')
      blocks.push({ code: 'opinion-missing', modelId: run.modelId });
    else if (!input.fields.answers[run.modelId])
      blocks.push({ code: 'question-unanswered', modelId: run.modelId });
  }
  const numbers = input.findings.filter(({ decision }) => decision === null).map(({ number }) => number);
  if (numbers.length > 0) blocks.push({ code: 'undecided-findings', numbers });
  if (input.fields.conclusion.trim() === '') blocks.push({ code: 'conclusion-empty' });
  return blocks;
}
