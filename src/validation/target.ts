/** Which of a model's labels a study is about, and what the model says of it. Pure. */
import { judged, thresholdOf } from '../assist/postprocess.ts';
import type { ImageResult } from '../assist/runner/messages.ts';
import type { ModelManifest } from '../assist/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Thresholds } from './figures.ts';
import type { Answer } from './types.ts';

/**
 * @param named of a model with several labels
 * @throws NegatoscopeError `model-no-score` for a model that judges no single image by a threshold, `finding-unknown`
 */
export function targetOf({ id, input, outputs, finding }: ModelManifest, named?: string): string {
  const labels = new Set([
    ...(outputs.score && finding ? [finding.label] : []),
    ...(outputs.scores?.labels ?? []).filter((label) => label !== null),
    ...(outputs.boxes?.labels ?? []),
  ]);
  if (input.kind === 'volume' || labels.size === 0)
    throw new NegatoscopeError(
      'model-no-score',
      `${id} gives no score of a single image (it segments or measures): a study with labels 0 and 1 cannot judge it.`,
    );
  const label = named ?? (labels.size === 1 ? [...labels][0] : undefined);
  if (label === undefined || !labels.has(label))
    throw new NegatoscopeError(
      'finding-unknown',
      `${id} ${named === undefined ? 'has several findings' : `has no finding "${named}"`}. Choose one with --finding: ${[...labels].join(', ')}.`,
      { details: { labels: [...labels].join(', ') } },
    );
  return label;
}

export const thresholdsOf = ({ operatingPoints }: ModelManifest, label: string): Thresholds =>
  Object.entries(operatingPoints).map(([name, point]) => [name, thresholdOf(point, label)]);

/** The score of the image for this label (of boxes, that of the surest; 0 without any) and every place of it. */
export function answerOf(
  manifest: ModelManifest,
  label: string,
  result: ImageResult,
): Pick<Answer, 'score' | 'marks'> {
  const { heatmap, heatmaps, boxes } = manifest.outputs;
  // At a threshold of minus infinity every label and every place is proposed.
  const found = judged(result, manifest, { threshold: -Infinity }).findings.find(
    (each) => each.label === label,
  );
  const marks = (found?.places ?? []).map(({ box, peak }) => ({
    score: peak,
    box: [box.x, box.y, box.x + box.width, box.y + box.height] as const,
  }));
  return { score: found?.score ?? 0, marks: (heatmap ?? heatmaps ?? boxes) ? marks : null };
}
