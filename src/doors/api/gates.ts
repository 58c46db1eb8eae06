import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import { plan } from '../../evidence/planner/plan.ts';
import { PROTOCOL_STAGES, SOURCES } from '../../evidence/gates/types.ts';
import type { Rooms } from '../../rooms.ts';
import { requireSession } from '../auth.ts';
import { bodyOf } from './schema.ts';

const measure = z.enum(['sensitivity', 'specificity']);
const rate = z.number().min(0).max(1);
const whole = z.number().int().min(0).max(1_000_000_000);
const secret = z.string().min(1).max(1024);
const Form = z.strictObject({
  stage: z.enum(PROTOCOL_STAGES),
  source: z.enum(SOURCES),
  reference: z.string().max(4000),
  hypotheses: z
    .array(
      z.strictObject({
        measure,
        target: rate,
        margin: rate,
        design: z.enum(['fixed', 'sequential']),
        cases: whole,
      }),
    )
    .max(20),
  subgroups: z
    .array(
      z.strictObject({
        by: z.enum(['bodyPart', 'priority']),
        value: z.string().max(64),
        measure,
        floor: rate,
        minimum: whole,
      }),
    )
    .max(20),
  safety: z
    .array(
      z.discriminatedUnion('rule', [
        z.strictObject({ rule: z.literal('e-process'), measure, limit: rate, alpha: rate }),
        z.strictObject({ rule: z.literal('cusum'), measure, limit: rate, budget: whole }),
      ]),
    )
    .max(20),
  futility: z.boolean(),
  days: whole.nullable(),
  secret,
});
const inside = z.number().gt(0).lt(1);
const share = z.number().min(0).max(1);
const Question = z.discriminatedUnion('design', [
  z.strictObject({
    design: z.literal('fixed'),
    bound: z.enum(['wilson', 'exact']),
    truth: inside,
    target: inside,
    margin: share,
  }),
  z.strictObject({
    design: z.literal('sequential'),
    truth: inside,
    target: inside,
    margin: share,
    futility: z.boolean(),
  }),
  z.strictObject({ design: z.literal('difference'), firstOnly: share, secondOnly: share }),
  z.strictObject({
    design: z.literal('non-inferiority-paired'),
    firstOnly: share,
    secondOnly: share,
    margin: inside,
  }),
  z.strictObject({ design: z.literal('non-inferiority'), first: inside, second: inside, margin: inside }),
]);
const Plan = z.strictObject({
  question: Question,
  measure,
  power: inside,
  prevalence: inside,
  perDay: z.number().gt(0).max(100_000),
  horizon: z.number().min(1).max(36_500),
});
const Said = z.strictObject({ text: z.string().min(3).max(4000), secret });

type Model = { Params: { id: string } };
type One = { Params: { id: string; protocol: string } };

/** Protocols of a tool and what its gate says. Registering and deviating are signed acts, like a change of stage. */
export function registerGates(app: FastifyInstance, { evidence, people }: Rooms): void {
  const whoMayJudge = { config: { access: ['admin', 'reader', 'evidence'] as const } };
  app.get<Model>('/api/gates/:id', whoMayJudge, async (request) =>
    evidence.gates.view(request.params.id, request.principal),
  );
  app.post('/api/gates/plan', whoMayJudge, async (request) => {
    const form = bodyOf(request, Plan);
    try {
      return plan(form);
    } catch (thrown) {
      if (thrown instanceof RangeError) throw new NegatoscopeError('plan-invalid', thrown.message);
      throw thrown;
    }
  });
  const admin = { config: { access: ['admin'] as const } };
  app.post<Model>('/api/gates/:id/protocols', admin, async (request) => {
    const { secret: given, ...form } = bodyOf(request, Form);
    await people.checkSignature(requireSession(request), given);
    return evidence.gates.register(request.params.id, form, request.principal);
  });
  app.post<One>('/api/gates/:id/protocols/:protocol/deviations', admin, async (request) => {
    const { text, secret: given } = bodyOf(request, Said);
    await people.checkSignature(requireSession(request), given);
    return evidence.gates.deviate(request.params.protocol, text, request.principal);
  });
}
