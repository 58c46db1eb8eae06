/** What the server and the process of a model say to each other (IPC with the structured clone serialisation). */
import type { HeatGrid } from '../postprocess.ts';
import type { GreyPlane, Letterbox } from '../preprocess.ts';
import type { ModelManifest } from '../types.ts';

/** One image: a DICOM file as stored, or grey values (golden cases). */
export type ImageWork =
  | { readonly kind: 'dicom'; readonly file: Uint8Array }
  | { readonly kind: 'grey'; readonly plane: GreyPlane };

/** What the network says, before any threshold. */
export interface ImageResult {
  readonly score: number;
  readonly grid: HeatGrid | null;
  readonly letterbox: Letterbox;
  /** Of the finished input tensor, padding included; population standard deviation. */
  readonly input: { readonly mean: number; readonly std: number };
}

export type ToModel =
  | {
      readonly kind: 'open';
      readonly manifest: ModelManifest;
      readonly dir: string;
      readonly threads: number;
    }
  | { readonly kind: 'image'; readonly id: number; readonly work: ImageWork };

export type FromModel =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly result: ImageResult }
  /** `id` null: opening failed. */
  | { readonly kind: 'error'; readonly id: number | null; readonly code: string; readonly message: string };
