/** A model package from a network and what its maker answers: the start of one, in which every claim is still to be made. */
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import { parseManifest } from '../manifest.ts';
import type { ModelManifest, ModelOutputs, Text } from '../types.ts';

/** An input or output of an ONNX network. A dimension without a number is open. */
export interface Tensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}
export interface NetworkShape {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** Opens the network to look at it. Throws `model-weights` (422) when it is none that ONNX Runtime can run. */
export async function shapeOf(file: string): Promise<NetworkShape> {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 }).catch((cause: Error) => {
    throw new NegatoscopeError('model-weights', `This is no ONNX network that can be run here: ${cause.message.split('\n')[0]}`, { status: 422, cause }); // prettier-ignore
  });
  const of = (all: readonly { name: string; isTensor: boolean }[]): Tensor[] =>
    all.flatMap((each) => {
      const { name, type, shape } = each as unknown as Tensor & { isTensor: boolean };
      return each.isTensor ? [{ name, type, shape }] : [];
    });
  const shape = { inputs: of(session.inputMetadata), outputs: of(session.outputMetadata) };
  await session.release();
  return shape;
}

export const OUTPUT_KINDS = ['score', 'scores', 'yolov5', 'yolov8', 'segmentation'] as const;
export type OutputKind = (typeof OUTPUT_KINDS)[number];

const count = (size: number | string | undefined): number => (typeof size === 'number' ? size : NaN);

/** What an output seems to be by its shape; undefined: cannot be told. */
export function kindOf({ shape, type }: Tensor): OutputKind | undefined {
  const [, second, third] = shape.map(count);
  if (shape.length === 5 || (shape.length === 4 && type !== 'float32')) return 'segmentation';
  if (shape.length <= 1 || (shape.length === 2 && second === 1)) return 'score';
  if (shape.length === 2) return 'scores';
  // Thousands of candidates stand beside a few values of each.
  if (shape.length === 3 && second! > third!) return 'yolov5';
  if (shape.length === 3 && second! < third!) return 'yolov8';
  return undefined;
}
/** How many labels an output has; NaN when its shape does not say. */
export function labelsOf({ shape }: Tensor, kind: OutputKind): number {
  if (kind === 'score') return 1;
  if (kind === 'yolov5') return count(shape[2]) - 5;
  if (kind === 'yolov8') return count(shape[1]) - 4;
  return count(shape[1]);
}

const text = z.strictObject({ en: z.string().min(1), fr: z.string().min(1) });
const name = z.string().min(1);
export const answersSchema = z.strictObject({
  id: name,
  name: text,
  summary: text,
  maker: name,
  licence: name,
  modalities: z.array(name).min(1),
  bodyParts: z.array(name).min(1),
  /** Years; below it the tool does not run. Null: no limit. */
  minAge: z.int().min(0).nullable(),
  use: text,
  /** Name of an output. */
  output: name,
  kind: z.enum(OUTPUT_KINDS),
  labels: z.array(z.strictObject({ key: name, text })).min(1),
  /** 0…1, of the probability at or above which something is said. */
  threshold: z.number().min(0).max(1),
  intensity: z.enum(['percentile', 'voi', 'min-max']),
  /** `x = (u − mean) / std` of grey 0…1. */
  mean: z.number(),
  std: z.number().positive(),
});
export type Answers = z.infer<typeof answersSchema>;

/** SOP classes whose images a tool of these modalities takes: PS3.4 B.5. */
const SOP_CLASSES: Readonly<Record<string, readonly string[]>> = {
  CR: ['1.2.840.10008.5.1.4.1.1.1'],
  DX: ['1.2.840.10008.5.1.4.1.1.1.1'],
  MG: ['1.2.840.10008.5.1.4.1.1.1.2'],
  CT: ['1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.2.1'],
  MR: ['1.2.840.10008.5.1.4.1.1.4', '1.2.840.10008.5.1.4.1.1.4.1'],
  US: ['1.2.840.10008.5.1.4.1.1.6.1'],
};
const UNMEASURED: Text = {
  en: 'Threshold as given by the maker; not measured here.',
  fr: 'Seuil donné par le fabricant ; non mesuré ici.',
};

/**
 * The manifest. @param weights sha256 in hex of the file. Throws `model-manifest` naming what does not fit, `model-shape` (422) for a
 * network whose input is no single image.
 */
export function manifestOf(
  answers: Answers,
  shape: NetworkShape,
  weights: { file: string; sha256: string },
): ModelManifest {
  const input = shape.inputs[0];
  const sizes = input?.shape.map(count) ?? [];
  const last = sizes.length === 4 && (sizes[3] === 1 || sizes[3] === 3);
  const [channels, height, width] = last ? [sizes[3], sizes[1], sizes[2]] : [sizes[1], sizes[2], sizes[3]];
  if (shape.inputs.length !== 1 || !input || sizes.length !== 4 || !(channels === 1 || channels === 3))
    throw new NegatoscopeError(
      'model-shape',
      'This asks for networks that take one image, [1, 1 or 3, height, width]. For a volume or several inputs write model.json by hand: docs/models.md.',
      { status: 422 },
    );
  const keys = answers.labels.map(({ key }) => key);
  const outputs = (): ModelOutputs => {
    const { output, kind } = answers;
    switch (kind) {
      case 'score':
        return { score: { name: output } };
      case 'scores':
        return { scores: { name: output, labels: keys } };
      case 'yolov5':
      case 'yolov8':
        return { boxes: { layout: kind, name: output, labels: keys } };
      case 'segmentation':
        return {
          segmentation: {
            name: output,
            form: 'probabilities',
            threshold: answers.threshold,
            labels: Object.fromEntries(keys.map((key, i) => [String(i + 1), key])),
          },
        };
    }
  };
  const decides = answers.kind !== 'segmentation';
  const classes = answers.modalities.flatMap((modality) => SOP_CLASSES[modality] ?? []);
  return parseManifest(
    {
      format: 1,
      id: answers.id,
      version: '0.1.0',
      name: answers.name,
      summary: answers.summary,
      maker: answers.maker,
      licence: answers.licence,
      regulatory: {
        status: 'research',
        detail: {
          en: 'Research model. Not a medical device; not validated for any clinical use.',
          fr: 'Modèle de recherche. Ce n’est pas un dispositif médical ; il n’est validé pour aucun usage clinique.',
        },
      },
      weights,
      intendedUse: {
        modalities: answers.modalities,
        ...(classes.length > 0 && { sopClasses: classes }),
        bodyParts: answers.bodyParts,
        ageYears: { ...(answers.minAge !== null && { min: answers.minAge }), unknown: answers.minAge === null ? 'accept' : 'refuse' }, // prettier-ignore
        photos: 'refuse',
        text: answers.use,
      },
      input: {
        name: input.name,
        width: Number.isNaN(width) ? 512 : width,
        height: Number.isNaN(height) ? 512 : height,
        fit: 'letterbox',
        resize: 'triangle-antialias',
        intensity:
          answers.intensity === 'percentile'
            ? { kind: 'percentile', low: 0.005, high: 0.995 }
            : { kind: answers.intensity },
        normalise: { offset: answers.mean, scale: 1 / answers.std },
        padding: 0,
        ...(channels === 3 && { channels }),
        ...(last && { layout: 'NHWC' }),
        ...(input.type !== 'float32' && { type: input.type }),
      },
      outputs: outputs(),
      labels: Object.fromEntries(answers.labels.map((each) => [each.key, { text: each.text }])),
      ...(answers.kind === 'score' && { finding: { label: keys[0] } }),
      operatingPoints: decides
        ? { default: { threshold: answers.threshold, text: UNMEASURED, measured: [] } }
        : {},
      defaultOperatingPoint: decides ? 'default' : '',
      golden: 'golden.json',
      resources: { memoryMB: 2048, seconds: 120 },
    },
    'that is being made',
  );
}

/** The card, with every heading that a physician will look for. */
export const cardOf = (manifest: ModelManifest): string => `# ${manifest.name.en} ${manifest.version}

${manifest.summary.en}

**Research model, not a medical device. Not validated for any clinical use.**

## For whom and for what

${manifest.intendedUse.text.en}

To write: what it is not for; what it must not be used to rule out.

## Data

To write: images of how many patients, from where and when, under which licence; who said what is in them, and how; how they were
divided into training, tuning and test (by patient). Put the hashes of training and tuning images into a CSV with the columns \`split\`
and \`sha256\`, name it in \`training.hashes\`, and no accuracy will be counted on them.

## What was measured

To write, from images that were not trained on: \`./negatoscope validate . --images FOLDER --labels labels.csv --out FOLDER\` gives
sensitivity, specificity and their intervals; put them into \`operatingPoints\` with \`measured\`. Until then it says *not measured here*.

## Known failures

To write: hardware, casts, children, positions, machines on which it errs.

## Licence and maker

${manifest.licence}. ${manifest.maker}.
`;
