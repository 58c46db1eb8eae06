/**
 * The work of a tool apart from its keeping: the images of one study in, the result as plain data out. Nothing here knows a
 * database or an archive, so a worker on another machine does the same with nothing but this, a runner and `resultDocuments`.
 *
 *     const outcome = await work(manifest, createRunner({ model }), inputs);
 *     if (!('notRun' in outcome)) for (const { bytes } of resultDocuments({ runId, result: outcome, … })) await send(bytes);
 */
import { NegatoscopeError } from '../errors.ts';
import { heatOverImage, verdict } from './postprocess.ts';
import type { ImageHeat } from './postprocess.ts';
import type { Runner } from './runner/runner.ts';
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
  /** Images that were analysed, in the order of the inputs. */
  readonly images: readonly ImageOutcome[];
  readonly findings: readonly Found[];
  /** Images that were left out because their pixels could not be decoded. */
  readonly undecodable: number;
}

/** Nothing could be decided: the run is closed with this reason. */
export interface NotDecided {
  readonly notRun: Extract<NotRunReason, 'pixels-undecodable'>;
}

export interface WorkOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of each image that is left out. `reason` holds no patient. */
  readonly onUndecodable?: (sopInstanceUid: string, reason: string) => void;
}

/** Throws what `Runner.analyse` throws, but for `pixels-undecodable`: such an image is left out and counted. */
export async function work(
  manifest: ModelManifest,
  runner: Pick<Runner, 'analyse'>,
  inputs: readonly WorkInput[],
  options: WorkOptions = {},
): Promise<ToolResult | NotDecided> {
  const operatingPoint = manifest.defaultOperatingPoint;
  const { threshold } = manifest.operatingPoints[operatingPoint]!;
  const images: ImageOutcome[] = [];
  const findings: Found[] = [];
  let undecodable = 0;
  for (const { sopInstanceUid, read } of inputs) {
    try {
      const seen = await runner.analyse({ kind: 'dicom', file: await read() }, options.signal);
      const { outputs } = manifest;
      const { score, positive, places } = verdict(seen.score, seen.grid, seen.letterbox, outputs, threshold);
      const heat =
        seen.grid && outputs.heatmap
          ? heatOverImage(seen.grid, seen.letterbox, outputs.heatmap.stride)
          : null;
      images.push({ sopInstanceUid, score, positive, heat });
      if (positive)
        findings.push({
          number: findings.length + 1,
          sopInstanceUid,
          label: manifest.finding.label,
          score,
          places,
        });
    } catch (error) {
      if (!(error instanceof NegatoscopeError && error.code === 'pixels-undecodable')) throw error;
      undecodable += 1;
      options.onUndecodable?.(sopInstanceUid, error.message);
    }
  }
  if (images.length === 0) return { notRun: 'pixels-undecodable' };
  return {
    modelId: manifest.id,
    modelVersion: manifest.version,
    weightsSha256: manifest.weights.sha256,
    operatingPoint,
    threshold,
    images,
    findings,
    undecodable,
  };
}
