/** `model.json`: what each field means stands in docs/models.md, with an example. Text for people is {fr, en}. */

export type Text = { fr: string; en: string };
/** A coded concept: PS3.3 8. */
export type CodedTerm = { value: string; scheme: string; meaning: string };

export type Range = { min?: number; max?: number };

/** Which series of a study is taken for a volume. Everything that is said must hold. */
export interface SeriesRules {
  /** Images in the series. */
  slices: Range;
  /**
   * What kind of acquisition it is, by words of Series Description and Protocol Name (whole words, without accents): one of `none`
   * refuses, one of `any` permits; where neither stands, the parameters decide, all of which must be known and within.
   */
  acquisition?: {
    any: string[];
    none: string[];
    parameters?: { repetitionTimeMs?: Range; echoTimeMs?: Range; inversionTimeMs?: Range };
  };
}

export interface IntendedUse {
  modalities: string[];
  sopClasses?: string[];
  /** Body Part Examined, defined terms: PS3.16 Annex L. */
  bodyParts: string[];
  ageYears: { min?: number; max?: number; unknown: 'refuse' | 'accept' };
  /** Patient's Sex (0010,0040). */
  sex?: { values: ('F' | 'M' | 'O')[]; unknown: 'refuse' | 'accept' };
  /** View Position (0018,5101), or the code value of View Code Sequence (0054,0220). */
  views?: { values: string[]; unknown: 'refuse' | 'accept' };
  /** Photometric Interpretation; MONOCHROME1 and MONOCHROME2 without it. */
  photometric?: string[];
  /** Smallest number of rows and columns. */
  minMatrix?: number;
  /** Between pixels, mm; `slice`: between slices of a volume. */
  spacingMm?: { pixel?: Range; slice?: Range; unknown: 'refuse' | 'accept' };
  /** For tools that take volumes. */
  series?: SeriesRules;
  photos: 'refuse';
  text: Text;
}

/** From grey values to 0…1 (clipped unless it says otherwise). */
export type Intensity =
  /** Of the pixels sorted: these parts of them become 0 and 1. */
  | { kind: 'percentile'; low: number; high: number; clip?: boolean }
  /** Smallest and largest value. */
  | { kind: 'min-max' }
  /** In units of the Modality LUT (HU for CT). */
  | { kind: 'window'; centre: number; width: number; clip?: boolean };
export type ImageIntensity =
  | Intensity
  /** As the header's VOI LUT or window shows it. */
  | { kind: 'voi' };
export type VolumeIntensity =
  | Intensity
  /** FreeSurfer's conversion to 8 bits (99.9 % of the non-zero voxels below the top; a source in 0…255 stays), then min-max. */
  | { kind: 'conform' }
  /** (v − mean) / standard deviation, of all voxels or of those that are not 0. Not clipped. */
  | { kind: 'z-score'; of: 'all' | 'non-zero' };

/** `x = (u − offset) × scale`, or a mean and a standard deviation for each channel: `x = (u − mean) / std`. */
export type Normalise = { offset: number; scale: number } | { mean: number[]; std: number[] };
export type TensorType = 'float32' | 'float16' | 'uint8';

export interface ImageInput {
  /** `image`, when left out: each image by itself. */
  kind?: 'image';
  name: string;
  width: number;
  height: number;
  /** Longer side fills and the rest is padded; both sides fill; shorter side fills and the rest is cut off. */
  fit: 'letterbox' | 'stretch' | 'crop';
  /** Triangle filter with antialiasing (Pillow, torchvision); bilinear between the four nearest pixels (OpenCV). */
  resize: 'triangle-antialias' | 'bilinear';
  intensity: ImageIntensity;
  normalise: Normalise;
  /** Grey around the image, before normalising. */
  padding: number;
  /** 3: the grey three times. 1 when left out. */
  channels?: 1 | 3;
  type?: TensorType;
  layout?: 'NCHW' | 'NHWC';
}

export interface VolumeInput {
  kind: 'volume';
  name: string;
  /** Towards which each of the last three dimensions grows: `LIA` is right to left, superior to inferior, posterior to anterior. */
  axes: string;
  /** Voxels; as many as cover the source when left out. */
  size?: [number, number, number];
  /** mm; the source's own when left out. */
  spacing?: [number, number, number];
  /** Without `size`: each side becomes a multiple of it. */
  multipleOf?: number;
  /** An oblique source is rotated to the patient's axes, or keeps its own. `rotate` when left out. */
  oblique?: 'rotate' | 'keep';
  /** Value of voxels where the source does not reach; its smallest when left out. */
  outside?: number;
  intensity: VolumeIntensity;
  normalise: Normalise;
  type?: TensorType;
}

/** Keys of labels in the order of an output; null for one that nothing is made of. */
export type OutputLabels = (string | null)[];
export type Activation = 'none' | 'sigmoid' | 'softmax';

export interface HeatmapOutput {
  name: string;
  /** Pixels of the input for each cell. */
  stride: number;
  componentThreshold: number;
  /** Components are joined over 4 or 8 neighbours: as in the evaluation that gave the maker's figures. */
  connectivity: 4 | 8;
}

export type BoxesOutput = {
  labels: string[];
  /** Boxes of one label that overlap more (intersection over union) are one. 0.45 when left out. */
  iou?: number;
  /** Beyond it the weakest are left out. 100 when left out. */
  most?: number;
} & (
  | {
      /** `[1, n, 5 + c]`: centre, size, objectness, classes. */
      layout: 'yolov5';
      name: string;
    }
  | {
      /** `[1, 4 + c, n]`: centre, size, classes. */
      layout: 'yolov8';
      name: string;
    }
  | {
      /** `boxes` `[n, 4]` or `[1, n, 4]`, `scores` and `classes` `[n]` or `[1, n]`. */
      layout: 'separate';
      boxes: string;
      scores: string;
      classes?: string;
      corners: 'xyxy' | 'yxyx' | 'cxcywh';
      /** In pixels of the input, or in parts of it. */
      unit: 'pixel' | 'part';
      /** Number of the first label: 1 where 0 is the background. 0 when left out. */
      firstClass?: number;
    }
);

export interface SegmentationOutput {
  name: string;
  /** Whole numbers of labels; a value for each class, of which the highest counts; or a probability for each label. */
  form: 'labels' | 'argmax' | 'probabilities';
  /** For `probabilities`: at or above it a pixel belongs to the label. */
  threshold?: number;
  activation?: 'none' | 'sigmoid';
  /** Number in the output → key of a label. Others are background. For `probabilities` the channel, counted from 1. */
  labels: Record<string, string>;
  /** Of all that is labelled, only the largest connected part (26 neighbours, 8 in an image). `all` when left out. */
  keep?: 'all' | 'largest';
}

export interface MeasurementsOutput {
  name: string;
  /** In the order of the output. */
  items: { key: string; text: Text; code: CodedTerm; unit: CodedTerm; decimals?: number }[];
}

export interface ModelOutputs {
  /** One score of the label `finding.label`. */
  score?: { name: string; activation?: Activation };
  /** Several scores, of one label each. */
  scores?: { name: string; labels: OutputLabels; activation?: Activation };
  /** Of `score`: float32 `[1, 1, height/stride, width/stride]`, 0…1. */
  heatmap?: HeatmapOutput;
  /** Of `scores`: `[1, labels, height/stride, width/stride]`, 0…1, or any range of which the positive part counts. */
  heatmaps?: HeatmapOutput & { labels: OutputLabels; range?: 'unit' | 'positive' };
  boxes?: BoxesOutput;
  segmentation?: SegmentationOutput;
  measurements?: MeasurementsOutput;
}

export interface ModelLabel {
  text: Text;
  /** As it stands in the report once a physician took it over. */
  accepted?: Text;
  code?: CodedTerm;
  /** CID 7150, for segments: Anatomical Structure when left out. */
  category?: CodedTerm;
  /** `#rrggbb` of its segment. */
  colour?: string;
}

export interface OperatingPoint {
  threshold: number;
  /** Of single labels, in place of `threshold`. */
  thresholds?: Record<string, number>;
  text: Text;
  /** Measured on the maker's locked test. `region` '' is all. Counts allow the sentence "marks N of 10". */
  measured: {
    region: string;
    bodyParts: string[];
    sensitivity: number;
    specificity: number;
    positives: number;
    negatives: number;
    text: Text;
  }[];
}

export interface ModelManifest {
  format: 1;
  id: string;
  version: string;
  name: Text;
  summary: Text;
  maker: string;
  licence: string;
  regulatory: { status: 'research' | 'ce' | 'fda'; detail: Text };
  weights: { file: string; sha256: string };
  /** Rules that decide whether it runs, quoted when it does not. */
  intendedUse: IntendedUse;
  input: ImageInput | VolumeInput;
  outputs: ModelOutputs;
  /** `text`: as the tool proposes it. */
  labels: Record<string, ModelLabel>;
  /** The label of a positive image: tools with one score. */
  finding?: { label: string };
  /** The question asked of the reader in the conclusion; only tools that state one. */
  question?: { id: string; text: Text; answers: { yes: Text; no: Text; uncertain: Text } };
  /** None, and `defaultOperatingPoint` '', where nothing is decided by a threshold. */
  operatingPoints: Record<string, OperatingPoint>;
  defaultOperatingPoint: string;
  training?: { hashes: string };
  golden: string;
  /** Limits of the process that runs it: resident memory, and time per image or volume. */
  resources: { memoryMB: number; seconds: number };
}
