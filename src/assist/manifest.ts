/**
 * `model.json` of a model package (docs/models.md): the zod schema that checks it, and the JSON Schema written from it.
 * The TypeScript shape is `ModelManifest` in manifestTypes.ts; the compiler holds the two together.
 */
import { z } from 'zod';
import { NegatoscopeError } from '../errors.ts';
import { checkTogether } from './manifestRules.ts';
import {
  bodyPart,
  coded,
  fraction,
  imageInput,
  intendedUse,
  key,
  outputs,
  text,
  volumeInput,
} from './manifestParts.ts';
import type { ModelManifest } from './types.ts';

/** A file of the package: a plain name, so that a manifest cannot point outside its folder. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a file name without a folder');
const count = z.int().min(0);

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
    intendedUse,
    input: z.union([imageInput, volumeInput]),
    outputs,
    labels: z.record(
      key,
      z.strictObject({
        text,
        accepted: text.optional(),
        code: coded.optional(),
        category: coded.optional(),
        colour: z
          .string()
          .regex(/^#[0-9a-f]{6}$/, 'a colour: #rrggbb')
          .optional(),
      }),
    ),
    finding: z.strictObject({ label: key }).optional(),
    question: z
      .strictObject({ id: key, text, answers: z.strictObject({ yes: text, no: text, uncertain: text }) })
      .optional(),
    operatingPoints: z.record(
      key,
      z.strictObject({
        threshold: fraction,
        thresholds: z.record(key, fraction).optional(),
        text,
        measured: z.array(measured),
      }),
    ),
    defaultOperatingPoint: z.union([key, z.literal('')]),
    training: z.strictObject({ hashes: fileName }).optional(),
    golden: fileName,
    resources: z.strictObject({ memoryMB: z.number().positive(), seconds: z.number().positive() }),
  })
  .superRefine(checkTogether);

/** The manifest, checked. Throws `model-manifest` naming the field that failed. */
export function parseManifest(json: unknown, where: string): ModelManifest {
  const result = manifestSchema.safeParse(json);
  if (result.success) {
    const { $schema: _schema, ...manifest } = result.data;
    return manifest satisfies ModelManifest;
  }
  const issue = inBranch(result.error.issues[0]);
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

type Issue = z.core.$ZodIssue;

/** Of a choice of shapes, the issue in the one that was meant: where `kind` fits. */
function inBranch(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const meant = issue.errors.find(
    (branch) => !branch.some(({ path }) => path[0] === 'kind' && path.length === 1),
  );
  const inner = inBranch((meant ?? issue.errors[0]!)[0]);
  return inner && { ...inner, path: [...issue.path, ...inner.path] };
}

/** JSON Schema 2020-12 of the manifest, for editors and other makers: `models/manifest.schema.json` is this, written out. */
export const manifestJsonSchema = (): unknown => z.toJSONSchema(manifestSchema, { io: 'input' });
