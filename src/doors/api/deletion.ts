import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Rooms } from '../../rooms.ts';
import type { DeletionPolicy } from '../../archive/types.ts';
import { bodyOf, queryOf } from './schema.ts';

const Uid = z.string().regex(/^[\d.]{1,64}$/);
const Removal = z.strictObject({
  studyUid: Uid,
  seriesUid: Uid.optional(),
  sopInstanceUid: Uid.optional(),
  reason: z.string().max(2000),
  despiteReport: z.boolean().default(false),
});
const Page = z.object({
  erased: z.stringbool().default(false),
  before: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** What may stand in it is the room's to say. */
const Policy = z.strictObject({
  recycleDays: z.number(),
  retentionYears: z.number(),
  rules: z.array(z.strictObject({ modality: z.string(), olderThanYears: z.number() })).max(50),
});

type Id = { Params: { id: string } };

/** Deleting, the recycle bin, and what is deleted by policy. */
export function registerDeletion(app: FastifyInstance, { archive }: Rooms): void {
  const admin = { config: { access: ['admin'] as const } };
  const withPreview = async (policy: DeletionPolicy) => ({
    policy,
    reached: await archive.deletion.preview(policy),
  });

  app.get('/api/recycled', admin, async (request) => {
    const { before, ...page } = queryOf(request, Page);
    return archive.recycle.page({ ...page, ...(before === undefined ? {} : { before }) });
  });
  app.post('/api/recycled', admin, async (request) => {
    const { studyUid, seriesUid, sopInstanceUid, ...why } = bodyOf(request, Removal);
    return archive.recycle.remove(
      {
        studyUid,
        ...(seriesUid === undefined ? {} : { seriesUid }),
        ...(sopInstanceUid === undefined ? {} : { sopInstanceUid }),
      },
      why,
      request.principal,
    );
  });
  app.post<Id>('/api/recycled/:id/restore', admin, async (request, reply) => {
    await archive.recycle.restore(request.params.id, request.principal);
    return reply.code(204).send();
  });
  app.delete<Id>('/api/recycled/:id', admin, async (request, reply) => {
    await archive.recycle.erase(request.params.id, request.principal);
    return reply.code(204).send();
  });
  app.get('/api/deletion', admin, async () => withPreview(await archive.deletion.policy()));
  app.put('/api/deletion', admin, async (request) =>
    withPreview(await archive.deletion.setPolicy(bodyOf(request, Policy), request.principal)),
  );
  app.post('/api/deletion/preview', admin, async (request) => ({
    reached: await archive.deletion.preview(bodyOf(request, Policy)),
  }));
}
