/** What must agree between the parts of a manifest, beyond the shape of each. */
import type { ModelManifest } from './types.ts';

interface Issues {
  addIssue(issue: { code: 'custom'; path: (string | number)[]; message: string }): void;
}

/** Adds an issue for each contradiction, at the field that is to be mended. */
export function checkTogether(m: Omit<ModelManifest, 'format'>, issues: Issues): void {
  const wrong = (path: (string | number)[], message: string): void =>
    issues.addIssue({ code: 'custom', path, message });
  const { outputs, input, labels, intendedUse: use } = m;
  const isLabel = (path: (string | number)[], label: string | null): void => {
    if (label !== null && !Object.hasOwn(labels, label)) wrong(path, `${label} is not one of the labels`);
  };

  if (outputs.score && !m.finding) wrong(['finding'], 'says what the one score is of, and is missing');
  if (m.finding && !Object.hasOwn(labels, m.finding.label))
    wrong(['finding', 'label'], 'is not one of the labels');
  outputs.scores?.labels.forEach((label, i) => isLabel(['outputs', 'scores', 'labels', i], label));
  outputs.heatmaps?.labels.forEach((label, i) => isLabel(['outputs', 'heatmaps', 'labels', i], label));
  outputs.boxes?.labels.forEach((label, i) => isLabel(['outputs', 'boxes', 'labels', i], label));
  for (const [number, label] of Object.entries(outputs.segmentation?.labels ?? {}))
    isLabel(['outputs', 'segmentation', 'labels', number], label);

  const { score, scores, boxes, segmentation, measurements } = outputs;
  if (!score && !scores && !boxes && !segmentation && !measurements)
    wrong(['outputs'], 'names no score, boxes, segmentation or measurements');
  if (score && scores) wrong(['outputs', 'scores'], 'stands beside score: one of them');
  if (outputs.heatmap && !score) wrong(['outputs', 'heatmap'], 'belongs to score, which is missing');
  if (outputs.heatmaps && !scores) wrong(['outputs', 'heatmaps'], 'belongs to scores, which is missing');
  if (segmentation?.form === 'probabilities' && segmentation.threshold === undefined)
    wrong(['outputs', 'segmentation', 'threshold'], 'is missing');
  if (segmentation && Object.keys(segmentation.labels).length === 0)
    wrong(['outputs', 'segmentation', 'labels'], 'names no label');
  if (segmentation && '0' in segmentation.labels)
    wrong(['outputs', 'segmentation', 'labels', '0'], '0 is the background');

  const decides = Boolean(score || scores || boxes);
  if (decides || m.defaultOperatingPoint !== '')
    if (!Object.hasOwn(m.operatingPoints, m.defaultOperatingPoint))
      wrong(['defaultOperatingPoint'], 'is not one of the operating points');

  if (input.intensity.kind === 'percentile' && input.intensity.low >= input.intensity.high)
    wrong(['input', 'intensity'], 'low must be below high');
  const { normalise } = input;
  const channels = input.kind === 'volume' ? 1 : (input.channels ?? 1);
  if ('mean' in normalise && (normalise.mean.length !== channels || normalise.std.length !== channels))
    wrong(['input', 'normalise'], `mean and std need ${channels} value${channels > 1 ? 's' : ''}`);
  if (input.kind === 'volume') {
    checkVolume(m, wrong);
  } else {
    for (const name of ['heatmap', 'heatmaps'] as const) {
      const stride = outputs[name]?.stride;
      if (stride !== undefined && (input.width % stride !== 0 || input.height % stride !== 0))
        wrong(['outputs', name, 'stride'], 'must divide the width and height of the input');
    }
    if (use.series) wrong(['intendedUse', 'series'], 'is for tools that take volumes');
  }

  const permitted = new Set(use.bodyParts);
  for (const [name, point] of Object.entries(m.operatingPoints)) {
    for (const label of Object.keys(point.thresholds ?? {}))
      isLabel(['operatingPoints', name, 'thresholds', label], label);
    for (const { bodyParts } of point.measured)
      for (const part of bodyParts)
        if (!permitted.has(part))
          wrong(['operatingPoints', name, 'measured'], `${part} is outside the intended use`);
  }
}

/** Four bytes a voxel: 1 GiB. */
const MOST_VOXELS = 2 ** 28;

function checkVolume(
  m: Omit<ModelManifest, 'format'>,
  wrong: (path: (string | number)[], message: string) => void,
): void {
  const { input, outputs } = m;
  if (input.kind !== 'volume') return;
  const opposite: Record<string, string> = { L: 'x', R: 'x', A: 'y', P: 'y', S: 'z', I: 'z' };
  if (new Set([...input.axes].map((letter) => opposite[letter])).size !== 3)
    wrong(['input', 'axes'], 'must name three different directions');
  if (input.size && input.size.reduce((a, b) => a * b, 1) > MOST_VOXELS)
    wrong(['input', 'size'], `more than ${MOST_VOXELS} voxels`);
  if (!m.intendedUse.series) wrong(['intendedUse', 'series'], 'says which series is taken, and is missing');
  for (const name of ['score', 'scores', 'heatmap', 'heatmaps', 'boxes', 'measurements'] as const)
    if (outputs[name]) wrong(['outputs', name], 'is for images; a volume gives a segmentation');
}
