import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { RuleForm } from '../../delivery/forward/types.ts';
import type { Rooms } from '../../rooms.ts';
import { bodyOf } from './schema.ts';

const part = z.enum(['images', 'report', 'ai']);
const fields = {
  name: z.string().max(256),
  remoteId: z.string().max(64),
  occasion: z.enum(['complete', 'signed', 'ai']),
  parts: z.array(part).max(3),
  modality: z.string().max(16),
  bodyPart: z.string().max(64),
  sourceAe: z.string().max(16),
  enabled: z.boolean(),
} satisfies Record<keyof RuleForm, z.ZodType>;
const Form = z.strictObject({
  ...fields,
  modality: fields.modality.default(''),
  bodyPart: fields.bodyPart.default(''),
  sourceAe: fields.sourceAe.default(''),
  enabled: fields.enabled.default(true),
});
const Part = z.strictObject(fields).partial();
const Send = z.strictObject({ remoteId: z.string().max(64), parts: z.array(part).min(1).max(3) });

type Id = { Params: { id: string } };
type Uid = { Params: { uid: string } };

/** What leaves to other systems. */
export function registerForward(app: FastifyInstance, { forwarding }: Rooms): void {
  const admin = { config: { access: ['admin'] as const } };
  const senders = { config: { access: ['admin', 'reader', 'technologist'] as const } };

  app.get('/api/rules', admin, async () => forwarding.rules());
  app.post('/api/rules', admin, async (request) =>
    forwarding.addRule(bodyOf(request, Form), request.principal),
  );
  app.patch<Id>('/api/rules/:id', admin, async (request) =>
    forwarding.changeRule(request.params.id, bodyOf(request, Part) as Partial<RuleForm>, request.principal),
  );
  app.delete<Id>('/api/rules/:id', admin, async (request, reply) => {
    await forwarding.removeRule(request.params.id, request.principal);
    return reply.code(204).send();
  });

  app.post<Uid>('/api/studies/:uid/forward', senders, async (request) => {
    const { remoteId, parts } = bodyOf(request, Send);
    return forwarding.send(request.params.uid, remoteId, parts, request.principal);
  });
  app.get('/api/forwards', senders, async () => forwarding.list());
  app.post<Id>('/api/forwards/:id/again', senders, async (request) => {
    await forwarding.again(request.params.id, request.principal);
    return forwarding.list();
  });
  app.post<Id>('/api/forwards/:id/cancel', senders, async (request) => {
    await forwarding.cancel(request.params.id, request.principal);
    return forwarding.list();
  });
}
