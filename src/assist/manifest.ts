/**
 * `model.json` of a model package (docs/models.md): the zod schema that checks it, and the JSON Schema written from it.
 * The TypeScript shape is `ModelManifest` in types.ts; the compiler holds the two together.
 */
import { z } from 'zod';
import { NegatoscopeError } from '../errors.ts';
import type { ModelManifest } from './types.ts';

const text = z.strictObject({ fr: z.string().min(1), en: z.string().min(1) });
const key = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens');
/** A file of the package: a plain name, so that a manifest cannot point outside its folder. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a file name without a folder');
const fraction = z.number().min(0).max(1);
const count = z.int().min(0);
/** Body Part Examined, defined terms: PS3.16 Annex L. */
const bodyPart = z.string().regex(/^[A-Z0-9]{2,16}$/, 'a defined term of PS3.16 Annex L');

const measured = z.strictObject({
  region: z.string(),
  bodyParts: z.array(bodyPart),
  sensitivity: fraction,
  specificity: fraction,
  positives: count,
  negatives: count,
  text,
});

export const manifestSchema = z
  .strictObject({
    $schema: z.string().optional(),
    format: z.literal(1),
    id: key,
    version: z.string().regex(/^\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?$/, 'a semantic version'),
    name: text,
    summary: text,
    maker: z.string().min(1).max(64),
    licence: z.string().min(1),
    regulatory: z.strictObject({ status: z.enum(['research', 'ce', 'fda']), detail: text }),
    weights: z.strictObject({
      file: fileName,
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'sha256 in lower-case hex'),
    }),
    intendedUse: z.strictObject({
      modalities: z.array(z.string().regex(/^[A-Z0-9]{2,16}$/)).min(1),
      sopClasses: z.array(z.string().regex(/^[0-9.]{1,64}$/)).optional(),
      bodyParts: z.array(bodyPart).min(1),
      ageYears: z.strictObject({
        min: z.int().min(0).optional(),
        max: z.int().min(0).optional(),
        unknown: z.enum(['refuse', 'accept']),
      }),
      photos: z.literal('refuse'),
      text,
    }),
    input: z.strictObject({
      name: z.string().min(1),
      width: z.int().min(8).max(4096),
      height: z.int().min(8).max(4096),
      fit: z.literal('letterbox'),
      resize: z.literal('triangle-antialias'),
      intensity: z.strictObject({ kind: z.literal('percentile'), low: fraction, high: fraction }),
      normalise: z.strictObject({ offset: z.number(), scale: z.number() }),
      padding: fraction,
    }),
    outputs: z.strictObject({
      score: z.strictObject({ name: z.string().min(1) }),
      heatmap: z
        .strictObject({
          name: z.string().min(1),
          stride: z.int().min(1).max(256),
          componentThreshold: fraction,
          connectivity: z.union([z.literal(4), z.literal(8)]),
        })
        .optional(),
    }),
    labels: z.record(
      key,
      z.strictObject({
        text,
        accepted: text.optional(),
        code: z
          .strictObject({
            value: z.string().max(16),
            scheme: z.string().max(16),
            meaning: z.string().max(64),
          })
          .optional(),
      }),
    ),
    finding: z.strictObject({ label: key }),
    question: z
      .strictObject({ id: key, text, answers: z.strictObject({ yes: text, no: text, uncertain: text }) })
      .optional(),
    operatingPoints: z.record(
      key,
      z.strictObject({ threshold: fraction, text, measured: z.array(measured) }),
    ),
    defaultOperatingPoint: key,
    training: z.strictObject({ hashes: fileName }).optional(),
    golden: fileName,
    resources: z.strictObject({ memoryMB: z.number().positive(), seconds: z.number().positive() }),
  })
  .superRefine((m, context) => {
    const wrong = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (!(m.finding.label in m.labels)) wrong(['finding', 'label'], 'is not one of the labels');
    if (!(m.defaultOperatingPoint in m.operatingPoints))
      wrong(['defaultOperatingPoint'], 'is not one of the operating points');
    if (m.input.intensity.low >= m.input.intensity.high)
      wrong(['input', 'intensity'], 'low must be below high');
    const stride = m.outputs.heatmap?.stride;
    if (stride !== undefined && (m.input.width % stride !== 0 || m.input.height % stride !== 0))
      wrong(['outputs', 'heatmap', 'stride'], 'must divide the width and height of the input');
    const permitted = new Set(m.intendedUse.bodyParts);
    for (const [name, point] of Object.entries(m.operatingPoints))
      for (const { bodyParts } of point.measured)
        for (const part of bodyParts)
          if (!permitted.has(part))
            wrong(['operatingPoints', name, 'measured'], `${part} is outside the intended use`);
  });

/** The manifest, checked. Throws `model-manifest` naming the field that failed. */
export function parseManifest(json: unknown, where: string): ModelManifest {
  const result = manifestSchema.safeParse(json);
  if (result.success) {
    const { $schema: _schema, ...manifest } = result.data;
    return manifest satisfies ModelManifest;
  }
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') || '(root)';
  throw new NegatoscopeError(
    'model-manifest',
    `The model package ${where} has a wrong manifest: ${field}: ${issue?.message}`,
    {
      status: 500,
      details: { where, field },
    },
  );
}

/** JSON Schema 2020-12 of the manifest, for editors and other makers: `models/manifest.schema.json` is this, written out. */
export const manifestJsonSchema = (): unknown => z.toJSONSchema(manifestSchema, { io: 'input' });
