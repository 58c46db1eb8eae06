import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { FolderDoor } from '../folder/door.ts';
import type { FolderView } from './contract.ts';
import { bodyOf } from './schema.ts';

const Form = z.strictObject({
  path: z.string().trim().min(1).max(4096),
  after: z.enum(['leave', 'move', 'delete']),
});
const Trial = Form.extend({ id: z.string().max(64).optional() });

type Id = { Params: { id: string } };

/** The folders that are watched, and what became of their files. Names of files may be names of patients. */
export function registerFolders(app: FastifyInstance, folders: FolderDoor): void {
  const admin = { config: { access: ['admin'] as const } };
  app.get(
    '/api/folders',
    { config: { access: ['admin', 'technologist'] } },
    async (): Promise<FolderView[]> => folders.state(),
  );
  app.post('/api/folders/trial', admin, async (request) => {
    const { id, ...form } = bodyOf(request, Trial);
    return folders.tryOut(form, id);
  });
  app.post('/api/folders', admin, async (request) => folders.add(bodyOf(request, Form), request.principal));
  app.patch<Id>('/api/folders/:id', admin, async (request) =>
    folders.change(request.params.id, bodyOf(request, Form), request.principal),
  );
  app.delete<Id>('/api/folders/:id', admin, async (request, reply) => {
    await folders.remove(request.params.id, request.principal);
    return reply.code(204).send();
  });
}
