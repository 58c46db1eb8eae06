import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { axisOf, isNear, unlikeOf } from '../../evidence/claims/compare.ts';
import { mayEditClaims } from '../../evidence/claims/index.ts';
import {
  CLAIM_ARMS,
  CLAIM_FUNDING,
  CLAIM_MEASURES,
  CLAIM_REFERENCES,
  CLAIM_UNITS,
} from '../../evidence/claims/types.ts';
import type { Rooms } from '../../rooms.ts';
import type { ClaimsView } from './contract.ts';
import { bodyOf, queryOf } from './schema.ts';

const line = z.string().trim().max(400);
const long = z.string().trim().max(2000);
const text = z.strictObject({ fr: long, en: long });
const count = z.number().int().min(0).max(1e9).nullable();
const share = z.number().min(-1).max(1);
const Figure = z
  .strictObject({
    measure: z.enum(CLAIM_MEASURES),
    arm: z.enum(CLAIM_ARMS),
    unit: z.enum(CLAIM_UNITS),
    value: share,
    low: share.nullable(),
    high: share.nullable(),
    k: count,
    n: count,
  })
  .refine(({ measure, value }) => measure === 'turnaround-change' || value >= 0, 'a rate is not negative')
  .refine(
    ({ low, high, value }) => (low ?? value) <= value && value <= (high ?? value),
    'the value lies within',
  )
  .refine(({ k, n }) => k === null || (n !== null && k <= n), 'no more than there are');
const Form = z.strictObject({
  condition: line.min(1),
  conditionText: text,
  product: line,
  productVersion: line,
  title: line.min(1),
  citation: line,
  // ISO 26324: 10., a prefix, a slash, a suffix without spaces.
  doi: z
    .string()
    .trim()
    .regex(/^(10\.\d{4,9}\/\S{1,200})?$/),
  design: text,
  n: count,
  readers: count,
  population: text,
  reference: z.enum(CLAIM_REFERENCES),
  referenceText: text,
  level: line,
  funding: z.enum(CLAIM_FUNDING),
  fundingText: text,
  secondHand: z.boolean(),
  note: text,
  figures: z.array(Figure).min(1).max(40),
});
const Change = z.strictObject({
  after: z.number().int().min(0),
  form: Form,
  removed: z.boolean().default(false),
});

const Query = z.object({ model: z.string().max(64) });

type Id = { Params: { id: string } };

/** Cards of published studies. */
export function registerClaims(app: FastifyInstance, { claims, assist }: Rooms): void {
  const anyone = { config: { access: ['admin', 'reader', 'evidence'] as const } };
  const keeper = { config: { access: ['admin', 'evidence'] as const } };
  app.get('/api/claims', anyone, async (request): Promise<ClaimsView> => {
    const { model } = queryOf(request, Query);
    const manifest = (await assist.model(model))?.manifest;
    const local = { condition: Object.keys(manifest?.labels ?? {}), product: manifest?.id ?? '' };
    // What is looked for under another name (fracture or dislocation) is shown, and called another thing.
    const cards = (await claims.list()).filter(({ condition }) =>
      local.condition.some((label) => condition === label || condition.split('-').includes(label)),
    );
    return {
      mayEdit: mayEditClaims(request.principal),
      cards: cards.map((card) => ({
        ...card,
        looks: card.figures.map((figure) => {
          const unlike = unlikeOf(card, figure, local);
          return { axis: axisOf(card, figure), unlike, near: isNear(unlike) };
        }),
      })),
    };
  });
  app.get<Id>('/api/claims/:id/versions', anyone, async (request) => claims.versions(request.params.id));
  app.post('/api/claims', keeper, async (request) =>
    claims.record(null, null, bodyOf(request, Form), request.principal),
  );
  app.put<Id>('/api/claims/:id', keeper, async (request) => {
    const { after, form, removed } = bodyOf(request, Change);
    return claims.record(request.params.id, after, form, request.principal, { removed });
  });
}
