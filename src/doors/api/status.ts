import type { FastifyInstance } from 'fastify';
import type { Doctor } from '../../doctor.ts';
import type { Rooms } from '../../rooms.ts';

/** What keeps the house running: room, senders, queues, verification, certificate, backup. */
export function registerStatus(app: FastifyInstance, { store }: Rooms, doctor: Doctor): void {
  const admin = { config: { access: ['admin'] as const } };

  app.get('/api/upkeep', admin, async () => doctor.upkeep());
  app.post<{ Params: { kind: string } }>('/api/upkeep/jobs/:kind/retry', admin, async (request) => {
    const jobs = await store.jobs.retryFailed(request.params.kind);
    if (jobs > 0)
      await store.write((tx) =>
        store.events.append(tx, {
          kind: 'people.jobs.retried',
          actor: request.principal.personId ?? request.principal.name,
          payload: { kind: request.params.kind, jobs },
        }),
      );
    return { jobs };
  });
  app.post('/api/upkeep/backup', admin, async (_request, reply) => {
    await doctor.noteBackup();
    return reply.code(204).send();
  });
}
