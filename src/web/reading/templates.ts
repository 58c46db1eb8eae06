/** What a chosen template does to the report, and where a text of normality stands beside a finding. Pure. */
import type { Finding, ModelView, ReportFields, Template } from '../../doors/api/contract.ts';

export const TEXTS = ['indication', 'justification', 'technique', 'findings', 'conclusion'] as const;
type Texts = Pick<ReportFields, (typeof TEXTS)[number]>;

/** `text` without the block of lines, where it stands whole and unchanged. */
function without(text: string, block: string): string {
  const lines = text.split('\n');
  const wanted = block
    .trim()
    .split('\n')
    .map((line) => line.trimEnd());
  for (let at = 0; at + wanted.length <= lines.length; at++) {
    if (wanted.some((line, i) => lines[at + i]!.trimEnd() !== line)) continue;
    return [...lines.slice(0, at), ...lines.slice(at + wanted.length)].join('\n').trim();
  }
  return text;
}

/**
 * The fields that change when `template` is chosen: it fills what is empty and follows what the reader wrote. Text of another
 * template that stands unchanged makes way, so that a second choice replaces the first one.
 *
 * @param known all templates whose text may stand there
 */
export function withTemplate(
  fields: Texts,
  template: Pick<Template, 'fields'>,
  known: readonly Pick<Template, 'fields'>[],
): Partial<Texts> {
  const next: Partial<Texts> = {};
  for (const name of TEXTS) {
    const text = template.fields[name] ?? '';
    if (text && fields[name].includes(text)) continue;
    let kept = fields[name];
    for (const each of known) {
      const old = each.fields[name];
      if (old) kept = without(kept, old);
    }
    const filled = [kept.trimEnd(), text].filter(Boolean).join('\n');
    if (filled !== fields[name]) next[name] = filled;
  }
  return next;
}

/** Sentences of normality that stand in the text although a fracture (or whatever the tool looks for) is reported. */
const isNormal = (fields: Texts, templates: readonly Template[]): boolean =>
  templates.some(
    ({ kind, fields: of }) =>
      kind === 'normal' &&
      ((of.conclusion !== undefined && fields.conclusion.includes(of.conclusion)) ||
        (of.findings !== undefined && fields.findings.includes(of.findings.split('\n')[0]!))),
  );

export type Contradiction =
  { code: 'normal-text' } | { code: 'answer'; modelId: string; answer: 'no' | 'uncertain' };

/**
 * Where the parts of a report speak against each other: a finding taken over, or a question answered with other than *no*,
 * beside the text of a normal template; a finding taken over beside the answer *no* or *uncertain*.
 */
export function contradictionsOf(
  fields: ReportFields,
  findings: readonly Pick<Finding, 'by' | 'decision' | 'modelId'>[],
  models: readonly Pick<ModelView, 'manifest'>[],
  templates: readonly Template[],
): Contradiction[] {
  const taken = findings.filter(
    ({ by, decision }) => by === 'reader' || decision === 'accepted' || decision === 'corrected',
  );
  const answered = models.flatMap(({ manifest }) => {
    const answer = manifest.question && fields.answers[manifest.id];
    return answer ? [{ modelId: manifest.id, answer }] : [];
  });
  const found: Contradiction[] = [];
  if ((taken.length > 0 || answered.some(({ answer }) => answer !== 'no')) && isNormal(fields, templates))
    found.push({ code: 'normal-text' });
  for (const { modelId, answer } of answered)
    if (answer !== 'yes' && taken.some((finding) => finding.by === 'reader' || finding.modelId === modelId))
      found.push({ code: 'answer', modelId, answer });
  return found;
}
