import type { Principal } from '../people/types.ts';
import type { Ups } from './ups/types.ts';
import type { ZipSource } from '../wire/zip/index.ts';
import type { ModelManifest } from './manifestTypes.ts';

/** Image coordinates in pixels of the upright stored image: x to the right, y down, origin at the top left corner. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Why a tool did not run: each has a plain sentence in fr and en in the web catalogue (`ai.notRun.<code>`). */
export type NotRunReason =
  | 'modality' // not one of its modalities; `detail` holds it
  | 'body-part' // "chest", …: `detail` holds the body part
  | 'body-part-unknown'
  | 'child' // below the lower limit; `detail` holds the age in years
  | 'age' // above the upper limit; `detail` holds the age
  | 'age-unknown'
  | 'sex' // `detail`: F, M or O; null when it is not known
  | 'view' // `detail`: the view; null when it is not known
  | 'photometric' // `detail`: the photometric interpretation
  | 'matrix' // fewer rows or columns than wanted; `detail`: "512 × 512"
  | 'spacing' // `detail`: mm; null when it is not known
  | 'slices' // no series with as many images; `detail`: how many the nearest has
  | 'acquisition' // another kind of acquisition (T2, with contrast), or an unknown one
  | 'photo'
  | 'no-image'
  | 'pixels-undecodable'
  | 'volume-geometry' // the images make no evenly spaced volume
  | 'disabled';

export interface RunRow {
  id: string;
  studyUid: string;
  modelId: string;
  modelVersion: string;
  /** sha256 of the weights that ran. */
  weightsSha256: string;
  state: 'waiting' | 'running' | 'analysed' | 'not-run' | 'failed';
  reason: NotRunReason | null;
  /**
   * Body part for `body-part`, age for `child` and `age`, modality for `modality`; error text for `failed`;
   * `images-undecodable N` on an analysed run that left N images out. Never a patient's name.
   */
  detail: string | null;
  operatingPoint: string;
  threshold: number;
  queuedAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  attempt: number;
  /** Who did it: `local`, or the name of a worker's token; null where nobody is known. */
  worker?: string | null;
  /** Images that were analysed; none for a volume. */
  images: RunImage[];
  /** What was segmented, in the order of the manifest; of a volume, or of each image. */
  segments: RunSegment[];
}

export interface RunSegment {
  label: string; // key in manifest.labels
  /** ml; null for an image without a place in the patient. */
  ml: number | null;
  pixels: number;
  /** The segmentation object that shows it, once it is stored; null where nothing was seen. */
  sopInstanceUid: string | null;
}

export interface RunImage {
  sopInstanceUid: string;
  seriesUid: string;
  /** Defined term under which it ran: picks the maker's figures of its region (`measured[].bodyParts`). */
  bodyPart?: string;
  /** Score of the image 0…1, as the model gives it. */
  score: number;
  positive: boolean;
  /** Heat map grid over the whole image, row major, 0…255 for 0…1; served as PNG by `heatmap()`. */
  heatmap: { rows: number; columns: number } | null;
  /** By label, for tools with several scores; null for those with one. */
  scores: Record<string, number> | null;
  /** By key of the manifest's measurements; null without any. */
  measurements: Record<string, number> | null;
}

/** What a tool proposes. It belongs to the image; `places` are its suspected places, possibly none. */
export interface AiFinding {
  id: string;
  runId: string;
  studyUid: string;
  sopInstanceUid: string;
  /** 1, 2, … within the study. */
  number: number;
  label: string; // key in manifest.labels
  score: number;
  places: { box: Box; peak: number }[];
}

export type * from './manifestTypes.ts';

export interface InstalledModel {
  readonly manifest: ModelManifest;
  readonly dir: string;
  readonly enabled: boolean;
  /** Taken out of use here: runs no more; its words stay for what it said. */
  readonly removed?: boolean;
  /** Known by results that came from elsewhere: it has a stage, and never runs here. */
  readonly foreign?: boolean;
}

/** Who signed a package. */
export interface Signer {
  readonly name: string;
  /** First 16 bytes of the sha256 of the public key (DER), hex: what people compare. */
  readonly key: string;
  /** The key is among those that the practice trusts. */
  readonly trusted: boolean;
}
/** One version of a tool as it lies here. */
export interface PackageVersion {
  readonly manifest: ModelManifest;
  readonly dir: string;
  /** `added`: by a person, to the data folder; `folder`: of the program or of a configured folder. */
  readonly origin: 'added' | 'folder';
  readonly removed: boolean;
  readonly signer: Signer | null;
  /** When it was first seen here; null: just now. */
  readonly addedAt: number | null;
  readonly addedBy: string | null;
}
/** A folder that is left out. */
export interface BrokenPackage {
  readonly dir: string;
  readonly reason: string;
}
/** Golden cases, each with what differs. */
export interface CheckResult {
  ok: boolean;
  cases: { name: string; ok: boolean; detail: string }[];
}

export interface Assist {
  /** The runs as a worklist for others: PS3.18 chapter 11. */
  readonly ups: Ups;
  models(): Promise<InstalledModel[]>;
  model(id: string): Promise<InstalledModel | undefined>;
  setEnabled(id: string, enabled: boolean, by: Principal): Promise<void>;
  /** Latest run of each tool for each study. */
  runs(studyUids: readonly string[]): Promise<RunRow[]>;
  run(id: string): Promise<RunRow | undefined>;
  /** Version of the tool of each run that is known. */
  versionsOf(runIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Studies that a tool has analysed at this version and operating point, with whether it marked any image of them and the highest
   * score.
   */
  analysed(
    modelId: string,
    modelVersion: string,
    operatingPoint: string,
  ): Promise<{ studyUid: string; runId: string; marked: boolean; score: number }[]>;
  /** Versions and operating points at which a tool has analysed studies, the most used first. */
  operated(modelId: string): Promise<{ modelVersion: string; operatingPoint: string; studies: number }[]>;
  findings(runId: string): Promise<AiFinding[]>;
  /** Of a run that came from elsewhere: codes of why not all of it is findings, `image-absent`, `region-3d`, … */
  unmapped(runId: string): Promise<string[]>;
  /** PNG with alpha, one pixel a cell, violet ramp. `label`: that of a finding; without it the one of the surest. */
  heatmap(runId: string, sopInstanceUid: string, label?: string): Promise<Buffer | undefined>;
  /** Where the heat map lies in the image, pixels (the letterbox undone). */
  heatmapBox(runId: string, sopInstanceUid: string, label?: string): Promise<Box | undefined>;
  /** Runs the golden cases of a package; refuses with the numbers that differ. */
  check(id: string): Promise<CheckResult>;
  /** Every version that is here, the removed ones too, and what is left out. */
  packages(): Promise<{ versions: PackageVersion[]; broken: BrokenPackage[] }>;
  /** Takes a package in and uses it from now on; throws what `shelf.add` throws. A new version begins in evaluation. */
  add(from: { folder: string } | { zip: ZipSource }, by: Principal): Promise<PackageVersion>;
  /** Another of the versions that are here. Throws 404 `model-unknown`. */
  use(id: string, version: string, by: Principal): Promise<void>;
  /** Throws what `shelf.remove` throws. */
  remove(id: string, version: string, by: Principal): Promise<void>;
  /** A maker's public key (PEM, Ed25519), from now on trusted; gives its fingerprint. */
  trust(pem: string, by: Principal): Promise<string>;
  /**
   * Whether the tool was trained on any image of the study, or tuned on it: by the hash of the file and of the encapsulated stream.
   * Images that were re-encoded since cannot be recognised.
   */
  inTraining(modelId: string, studyUid: string): Promise<boolean>;
  /** A failed run again, with fresh attempts. Throws 404 `run-unknown`, 409 `run-not-failed`. */
  retry(runId: string, by: Principal): Promise<void>;
  /** Ends the processes of the models. The queue itself ends with the store. */
  close(): Promise<void>;
  /** Hooks itself to `archive.study.complete` and works the queue. */
  start(): Promise<void>;
}

/**
 * Events: `assist.run.queued|started|finished` (subject: run id; payload: {model, state}, never what was found); a study on which a
 * tool does not run has `assist.run.finished` alone. `assist.model.enabled` (subject: model id; payload: {enabled}),
 * `assist.model.added|used|removed` (subject: model id; payload: {version, …}), `assist.model.trusted` (subject: the key).
 */
