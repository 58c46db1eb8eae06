/** What the server and the process of a model say to each other (IPC with the structured clone serialisation). */
import type { HeatGrid, NetworkBox } from '../postprocess.ts';
import type { GreyPlane, Letterbox } from '../preprocess.ts';
import type { FoundSegmentation } from '../segments.ts';
import type { ModelManifest } from '../types.ts';
import type { SliceGeometry } from '../volume/geometry.ts';

/** One image: a DICOM file as stored, or grey values (golden cases). */
export type ImageWork =
  | { readonly kind: 'dicom'; readonly file: Uint8Array }
  | { readonly kind: 'grey'; readonly plane: GreyPlane };

/** One image of a volume, kept in the process until the volume is run: a file, or values with their place (golden cases). */
export type SliceWork =
  | { readonly kind: 'dicom'; readonly file: Uint8Array }
  | { readonly kind: 'values'; readonly values: Float32Array; readonly place: SliceGeometry };

/** Of the finished input tensor, padding included; population standard deviation. */
export interface InputFigures {
  readonly mean: number;
  readonly std: number;
}

/** What the network says of one image, before any threshold. */
export interface ImageResult {
  /** The one score; of several, the highest; of boxes, that of the surest; 0 where nothing is scored. */
  readonly score: number;
  readonly grid: HeatGrid | null;
  readonly letterbox: Letterbox;
  readonly input: InputFigures;
  /** By label, for tools with several scores. */
  readonly scores?: Readonly<Record<string, number>>;
  readonly grids?: Readonly<Record<string, HeatGrid>>;
  /** Surest first, overlaps removed; pixels of the image. */
  readonly boxes?: readonly NetworkBox[];
  /** `sources` of its segments are 0: the image itself. */
  readonly segmentation?: FoundSegmentation;
  /** By key of the manifest's measurements. */
  readonly measurements?: Readonly<Record<string, number>>;
}

export interface VolumeResult {
  readonly input: InputFigures;
  /** Indices of the slices as they were given, in spatial order: what `sources` of the segments count in. */
  readonly order: readonly number[];
  readonly segmentation: FoundSegmentation;
  /** Of the network's grid, by label: before the way back to the source. */
  readonly voxels: Readonly<Record<string, number>>;
  /** SHA-256 of the label volume on the network's grid, in C order. */
  readonly labelsSha256: string;
}

export type ToModel =
  | {
      readonly kind: 'open';
      readonly manifest: ModelManifest;
      readonly dir: string;
      readonly threads: number;
    }
  | { readonly kind: 'image'; readonly id: number; readonly work: ImageWork }
  /** `first`: what was kept of a volume before is dropped. */
  | { readonly kind: 'slice'; readonly id: number; readonly first: boolean; readonly work: SliceWork }
  | { readonly kind: 'volume'; readonly id: number };

export type FromModel =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly result: ImageResult }
  | { readonly kind: 'kept'; readonly id: number }
  | { readonly kind: 'volume'; readonly id: number; readonly result: VolumeResult }
  /** `id` null: opening failed. */
  | { readonly kind: 'error'; readonly id: number | null; readonly code: string; readonly message: string };
