import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { BrokenPackage, CheckResult } from '../../assist/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Rooms } from '../../rooms.ts';
import { spooled } from '../folder/take.ts';
import { takeStreams } from '../streams.ts';
import { bodyOf } from './schema.ts';

const Enabled = z.object({ enabled: z.boolean() });
const Version = z.object({ version: z.string().max(100) });

type Model = { Params: { id: string } };

/** Model packages: taken in, tried, switched, changed for another version, taken out. Each is for administrators alone. */
export function registerPackages(app: FastifyInstance, rooms: Rooms): void {
  const { assist } = rooms;
  const forAdmins = { config: { access: ['admin'] as const } };

  app.register(async (scope) => {
    takeStreams(scope);
    scope.post('/api/packages', forAdmins, async (request) => {
      const body = request.body as Readable | undefined;
      if (!body) throw new NegatoscopeError('bad-request', 'Send the zip archive of a model package.');
      const added = await spooled(body, join(rooms.config.dir, 'staging'), (zip) =>
        assist.add({ zip }, request.principal),
      );
      return { id: added.manifest.id, version: added.manifest.version };
    });
  });
  /** What is left out, and why. */
  app.get(
    '/api/packages/broken',
    forAdmins,
    async (): Promise<BrokenPackage[]> => (await assist.packages()).broken,
  );
  app.post<Model>('/api/models/:id/check', forAdmins, (request): Promise<CheckResult> =>
    assist.check(request.params.id),
  );
  app.put<Model>('/api/models/:id/enabled', forAdmins, async (request, reply) => {
    await assist.setEnabled(request.params.id, bodyOf(request, Enabled).enabled, request.principal);
    return reply.code(204).send();
  });
  app.put<Model>('/api/models/:id/version', forAdmins, async (request, reply) => {
    await assist.use(request.params.id, bodyOf(request, Version).version, request.principal);
    return reply.code(204).send();
  });
  app.delete<{ Params: { id: string; version: string } }>(
    '/api/models/:id/versions/:version',
    forAdmins,
    async (request, reply) => {
      await assist.remove(request.params.id, request.params.version, request.principal);
      return reply.code(204).send();
    },
  );
}
