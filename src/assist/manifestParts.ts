/** Parts of the manifest's schema: intended use, input, outputs. The shapes are those of manifestTypes.ts. */
import { z } from 'zod';

export const text = z.strictObject({ fr: z.string().min(1), en: z.string().min(1) });
export const key = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens');
export const fraction = z.number().min(0).max(1);
/** Body Part Examined, defined terms: PS3.16 Annex L. */
export const bodyPart = z.string().regex(/^[A-Z0-9]{2,16}$/, 'a defined term of PS3.16 Annex L');
export const coded = z.strictObject({
  value: z.string().min(1).max(16),
  scheme: z.string().min(1).max(16),
  meaning: z.string().min(1).max(64),
});
/** Name of an input or output of the network. */
const tensor = z.string().min(1).max(256);
const range = z.strictObject({ min: z.number().optional(), max: z.number().optional() });
const unknown = z.enum(['refuse', 'accept']);
const codeString = z.string().regex(/^[A-Z0-9_ ]{1,16}$/, 'a code string of DICOM');

export const intendedUse = z.strictObject({
  modalities: z.array(z.string().regex(/^[A-Z0-9]{2,16}$/)).min(1),
  sopClasses: z.array(z.string().regex(/^[0-9.]{1,64}$/)).optional(),
  bodyParts: z.array(bodyPart).min(1),
  ageYears: z.strictObject({ min: z.int().min(0).optional(), max: z.int().min(0).optional(), unknown }),
  sex: z.strictObject({ values: z.array(z.enum(['F', 'M', 'O'])).min(1), unknown }).optional(),
  views: z
    .strictObject({ values: z.array(z.string().regex(/^[A-Z0-9-]{1,16}$/)).min(1), unknown })
    .optional(),
  photometric: z.array(codeString).min(1).optional(),
  minMatrix: z.int().min(1).optional(),
  spacingMm: z.strictObject({ pixel: range.optional(), slice: range.optional(), unknown }).optional(),
  series: z
    .strictObject({
      slices: range,
      acquisition: z
        .strictObject({
          any: z.array(z.string().min(1)),
          none: z.array(z.string().min(1)),
          parameters: z
            .strictObject({
              repetitionTimeMs: range.optional(),
              echoTimeMs: range.optional(),
              inversionTimeMs: range.optional(),
            })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  photos: z.literal('refuse'),
  text,
});

const percentile = z.strictObject({
  kind: z.literal('percentile'),
  low: fraction,
  high: fraction,
  clip: z.boolean().optional(),
});
const minMax = z.strictObject({ kind: z.literal('min-max') });
const window = z.strictObject({
  kind: z.literal('window'),
  centre: z.number(),
  width: z.number().positive(),
  clip: z.boolean().optional(),
});
const normalise = z.union([
  z.strictObject({ offset: z.number(), scale: z.number() }),
  z.strictObject({
    mean: z.array(z.number()).min(1).max(3),
    std: z.array(z.number().positive()).min(1).max(3),
  }),
]);
const type = z.enum(['float32', 'float16', 'uint8']).optional();
const side = z.int().min(8).max(4096);

export const imageInput = z.strictObject({
  kind: z.literal('image').optional(),
  name: tensor,
  width: side,
  height: side,
  fit: z.enum(['letterbox', 'stretch', 'crop']),
  resize: z.enum(['triangle-antialias', 'bilinear']),
  intensity: z.discriminatedUnion('kind', [
    percentile,
    minMax,
    window,
    z.strictObject({ kind: z.literal('voi') }),
  ]),
  normalise,
  padding: fraction,
  channels: z.union([z.literal(1), z.literal(3)]).optional(),
  type,
  layout: z.enum(['NCHW', 'NHWC']).optional(),
});

const voxels = z.int().min(8).max(1024);
export const volumeInput = z.strictObject({
  kind: z.literal('volume'),
  name: tensor,
  axes: z.string().regex(/^[LRAPSI]{3}$/, 'three of the letters L R A P S I'),
  size: z.tuple([voxels, voxels, voxels]).optional(),
  spacing: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).optional(),
  multipleOf: z.int().min(1).max(256).optional(),
  oblique: z.enum(['rotate', 'keep']).optional(),
  outside: z.number().optional(),
  intensity: z.discriminatedUnion('kind', [
    percentile,
    minMax,
    window,
    z.strictObject({ kind: z.literal('conform') }),
    z.strictObject({ kind: z.literal('z-score'), of: z.enum(['all', 'non-zero']) }),
  ]),
  normalise,
  type,
});

const activation = z.enum(['none', 'sigmoid', 'softmax']).optional();
const outputLabels = z.array(key.nullable()).min(1).max(1024);
const heatmap = {
  name: tensor,
  stride: z.int().min(1).max(256),
  componentThreshold: fraction,
  connectivity: z.union([z.literal(4), z.literal(8)]),
};
const boxes = {
  labels: z.array(key).min(1).max(1024),
  iou: fraction.optional(),
  most: z.int().min(1).max(1000).optional(),
};

export const outputs = z.strictObject({
  score: z.strictObject({ name: tensor, activation }).optional(),
  scores: z.strictObject({ name: tensor, labels: outputLabels, activation }).optional(),
  heatmap: z.strictObject(heatmap).optional(),
  heatmaps: z
    .strictObject({ ...heatmap, labels: outputLabels, range: z.enum(['unit', 'positive']).optional() })
    .optional(),
  boxes: z
    .discriminatedUnion('layout', [
      z.strictObject({ ...boxes, layout: z.literal('yolov5'), name: tensor }),
      z.strictObject({ ...boxes, layout: z.literal('yolov8'), name: tensor }),
      z.strictObject({
        ...boxes,
        layout: z.literal('separate'),
        boxes: tensor,
        scores: tensor,
        classes: tensor.optional(),
        corners: z.enum(['xyxy', 'yxyx', 'cxcywh']),
        unit: z.enum(['pixel', 'part']),
        firstClass: z.int().min(0).optional(),
      }),
    ])
    .optional(),
  segmentation: z
    .strictObject({
      name: tensor,
      form: z.enum(['labels', 'argmax', 'probabilities']),
      threshold: fraction.optional(),
      activation: z.enum(['none', 'sigmoid']).optional(),
      labels: z.record(z.string().regex(/^\d{1,3}$/, 'a number'), key),
      keep: z.enum(['all', 'largest']).optional(),
    })
    .optional(),
  measurements: z
    .strictObject({
      name: tensor,
      items: z
        .array(
          z.strictObject({ key, text, code: coded, unit: coded, decimals: z.int().min(0).max(6).optional() }),
        )
        .min(1)
        .max(64),
    })
    .optional(),
});
