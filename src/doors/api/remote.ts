import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { RemoteForm } from '../../remote/types.ts';
import type { Rooms } from '../../rooms.ts';
import { bodyOf } from './schema.ts';

/** Shapes alone: what may stand in a field is the room's to say. */
const fields = {
  name: z.string().max(256),
  aeTitle: z.string().max(256),
  host: z.string().max(256),
  port: z.number(),
  tls: z.boolean(),
  ca: z
    .string()
    .max(64 * 1024)
    .nullable(),
  callingAe: z.string().max(256).nullable(),
  sendTo: z.boolean(),
  queryFrom: z.boolean(),
  moveTo: z.boolean(),
  enabled: z.boolean(),
} satisfies Record<keyof RemoteForm, z.ZodType>;
const Form = z.strictObject({
  ...fields,
  tls: fields.tls.default(false),
  ca: fields.ca.default(null),
  callingAe: fields.callingAe.default(null),
  sendTo: fields.sendTo.default(false),
  queryFrom: fields.queryFrom.default(false),
  moveTo: fields.moveTo.default(false),
  enabled: fields.enabled.default(true),
});
const Part = z.strictObject(fields).partial();

type Id = { Params: { id: string } };

/** Other systems. */
export function registerRemote(app: FastifyInstance, { remote }: Rooms): void {
  const admin = { config: { access: ['admin'] as const } };
  const senders = { config: { access: ['admin', 'reader', 'technologist'] as const } };

  app.get('/api/remotes', senders, async () => remote.list());
  app.post('/api/remotes', admin, async (request) => remote.add(bodyOf(request, Form), request.principal));
  app.patch<Id>('/api/remotes/:id', admin, async (request) =>
    remote.change(request.params.id, bodyOf(request, Part) as Partial<RemoteForm>, request.principal),
  );
  app.post<Id>('/api/remotes/:id/echo', senders, async (request) => remote.tryOut(request.params.id));
  app.delete<Id>('/api/remotes/:id', admin, async (request, reply) => {
    await remote.remove(request.params.id, request.principal);
    return reply.code(204).send();
  });
}
