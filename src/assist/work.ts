/**
 * The work of a tool apart from its keeping: the images of one study in, the result as plain data out. Nothing here knows a
 * database or an archive, so a worker on another machine does the same with nothing but this, a runner and `resultDocuments`.
 *
 *     const outcome = await work(manifest, createRunner({ model }), inputs);
 *     if (!('notRun' in outcome)) for (const { bytes } of resultDocuments({ runId, result: outcome, … })) await send(bytes);
 */
import { NegatoscopeError } from '../errors.ts';
import { decides, heatOverImage, judged } from './postprocess.ts';
import type { ImageHeat } from './postprocess.ts';
import type { ImageResult } from './runner/messages.ts';
import type { Runner } from './runner/runner.ts';
import type { FoundSegmentation } from './segments.ts';
import type { AiFinding, ModelManifest, NotRunReason } from './types.ts';

/** One image to look at, and the way to its file. Order: that of the study (series number, instance number). */
export interface WorkInput {
  readonly sopInstanceUid: string;
  /** The whole Part 10 file. Throws `pixels-undecodable` when this image cannot be taken; any other error ends the work. */
  read(): Promise<Uint8Array>;
}

/** What a tool said of one image. Plain data, like all of `ToolResult`: it survives a structured clone. */
export interface ImageOutcome {
  readonly sopInstanceUid: string;
  /** 0…1, as the model gives it. */
  readonly score: number;
  readonly positive: boolean;
  readonly heat: ImageHeat | null;
  /** By label, of tools with several scores. */
  readonly scores?: Readonly<Record<string, number>>;
  /** By label, for each that is proposed. */
  readonly heats?: Readonly<Record<string, ImageHeat>>;
  /** By key of the manifest's measurements. */
  readonly measurements?: Readonly<Record<string, number>>;
}

/** Of one image, or of the images of one volume. */
export interface Segmented extends FoundSegmentation {
  /** SOP Instance UIDs in spatial order: what `sources` of the segments count in. */
  readonly images: readonly string[];
  /** Of the object, where it came ready made. */
  readonly sopInstanceUid?: string;
}

/** What it proposes. `number` counts from 1 through the study; places in pixels of the image. */
export type Found = Pick<AiFinding, 'number' | 'sopInstanceUid' | 'label' | 'score' | 'places'>;

export interface ToolResult {
  /** What ran: from the manifest at the time of the work. */
  readonly modelId: string;
  readonly modelVersion: string;
  readonly weightsSha256: string;
  readonly operatingPoint: string;
  readonly threshold: number;
  /** Images that were analysed, in the order of the inputs; none for a volume. */
  readonly images: readonly ImageOutcome[];
  readonly findings: readonly Found[];
  readonly segmentations: readonly Segmented[];
  /** Images that were left out because their pixels could not be decoded. */
  readonly undecodable: number;
}

/** Nothing could be decided: the run is closed with this reason. */
export interface NotDecided {
  readonly notRun: Extract<NotRunReason, 'pixels-undecodable' | 'volume-geometry'>;
}

export interface WorkOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of each image that is left out. `reason` holds no patient. */
  readonly onUndecodable?: (sopInstanceUid: string, reason: string) => void;
}

/**
 * Throws what the runner throws, but for what lies in the images: one that cannot be decoded is left out and counted; of a volume
 * none can be left out, and images that make no volume decide nothing.
 */
export async function work(
  manifest: ModelManifest,
  runner: Pick<Runner, 'analyse' | 'analyseVolume'>,
  inputs: readonly WorkInput[],
  options: WorkOptions = {},
): Promise<ToolResult | NotDecided> {
  const operatingPoint = manifest.defaultOperatingPoint;
  const point = manifest.operatingPoints[operatingPoint] ?? { threshold: 0 };
  const base = {
    modelId: manifest.id,
    modelVersion: manifest.version,
    weightsSha256: manifest.weights.sha256,
    operatingPoint,
    threshold: point.threshold,
  };
  if (manifest.input.kind === 'volume') {
    const segmented = await workOnVolume(runner, inputs, options);
    return 'notRun' in segmented
      ? segmented
      : { ...base, images: [], findings: [], segmentations: [segmented], undecodable: 0 };
  }

  const images: ImageOutcome[] = [];
  const findings: Found[] = [];
  const segmentations: Segmented[] = [];
  let undecodable = 0;
  for (const { sopInstanceUid, read } of inputs) {
    let seen: ImageResult;
    try {
      seen = await runner.analyse({ kind: 'dicom', file: await read() }, options.signal);
    } catch (error) {
      if (!isCode(error, 'pixels-undecodable')) throw error;
      undecodable += 1;
      options.onUndecodable?.(sopInstanceUid, error.message);
      continue;
    }
    const { positive, findings: found } = judged(seen, manifest, point);
    images.push({
      sopInstanceUid,
      score: seen.score,
      positive: positive && decides(manifest),
      ...heatsOf(seen, manifest, found[0]?.label, new Set(found.map(({ label }) => label))),
      ...(seen.scores && { scores: seen.scores }),
      ...(seen.measurements && { measurements: seen.measurements }),
    });
    if (seen.segmentation) segmentations.push({ ...seen.segmentation, images: [sopInstanceUid] });
    for (const { label, score, places } of found)
      findings.push({ number: findings.length + 1, sopInstanceUid, label, score, places });
  }
  if (images.length === 0) return { notRun: 'pixels-undecodable' };
  return { ...base, images, findings, segmentations, undecodable };
}

const isCode = (error: unknown, code: string): error is NegatoscopeError =>
  error instanceof NegatoscopeError && error.code === code;

/** `heat`: the one map, or that of the surest label; `heats`: of each proposed label. */
function heatsOf(
  seen: ImageResult,
  { outputs }: ModelManifest,
  surest: string | undefined,
  proposed: ReadonlySet<string>,
): Pick<ImageOutcome, 'heat' | 'heats'> {
  const { letterbox } = seen;
  if (seen.grid && outputs.heatmap)
    return { heat: heatOverImage(seen.grid, letterbox, outputs.heatmap.stride) };
  const { heatmaps } = outputs;
  if (!seen.grids || !heatmaps) return { heat: null };
  const heats = Object.fromEntries(
    Object.entries(seen.grids)
      .filter(([label]) => proposed.has(label))
      .map(([label, grid]) => [label, heatOverImage(grid, letterbox, heatmaps.stride)]),
  );
  return { heat: (surest !== undefined && heats[surest]) || null, heats };
}

async function workOnVolume(
  runner: Pick<Runner, 'analyseVolume'>,
  inputs: readonly WorkInput[],
  { signal, onUndecodable }: WorkOptions,
): Promise<Segmented | NotDecided> {
  let reading = '';
  try {
    const slices = inputs.map(({ sopInstanceUid, read }) => async () => {
      reading = sopInstanceUid;
      return { kind: 'dicom', file: await read() } as const;
    });
    const { order, segmentation } = await runner.analyseVolume(slices, signal);
    return { ...segmentation, images: order.map((i) => inputs[i]!.sopInstanceUid) };
  } catch (error) {
    if (isCode(error, 'pixels-undecodable')) {
      onUndecodable?.(reading, error.message);
      return { notRun: 'pixels-undecodable' };
    }
    if (isCode(error, 'volume-geometry')) return { notRun: 'volume-geometry' };
    throw error;
  }
}
