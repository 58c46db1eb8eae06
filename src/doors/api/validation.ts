import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/index.ts';
import type { Rooms } from '../../rooms.ts';
import { RESULT_FILES, type ResultFile } from '../../validation/index.ts';
import type { ValidationPage } from './contract.ts';
import { bodyOf } from './schema.ts';

/** 24 MB of labels in base64: a million rows. */
const MOST_LABELS = 32 * 1024 * 1024;
const Form = z.strictObject({
  modelId: z.string().max(64),
  compareId: z.string().max(64).nullable().default(null),
  finding: z.string().max(64).nullable().default(null),
  source: z.string().min(1).max(4096),
  labelColumn: z.string().min(1).max(200),
  language: z.enum(['fr', 'en']),
  countTuning: z.boolean().default(false),
  labels: z.base64().max(MOST_LABELS),
});

type Id = { Params: { id: string } };
type File = { Params: { id: string; file: string } };

/** Validation studies: started, watched, stopped, read. */
export function registerValidation(app: FastifyInstance, { validation, evidence, people }: Rooms): void {
  const who = { config: { access: ['admin', 'evidence'] as const } };

  app.get('/api/validation', who, async (): Promise<ValidationPage> => {
    const names = new Map((await people.list()).map((person) => [person.id, person.name]));
    const studies = await validation.list();
    return {
      folders: [...validation.folders],
      studies: studies.map((study) => ({ ...study, person: names.get(study.person) ?? study.person })),
    };
  });
  app.post('/api/validation', { ...who, bodyLimit: MOST_LABELS + 64 * 1024 }, async (request) =>
    validation.add(bodyOf(request, Form), request.principal),
  );
  app.post<Id>('/api/validation/:id/cancel', who, async (request) =>
    validation.cancel(request.params.id, request.principal),
  );
  app.post<Id>('/api/validation/:id/again', who, async (request) =>
    validation.again(request.params.id, request.principal),
  );
  app.delete<Id>('/api/validation/:id', who, async (request, reply) => {
    await validation.remove(request.params.id, request.principal);
    return reply.code(204).send();
  });

  /**
   * The results of a study of the practice's own images say of each what the tool says. A reader may not learn that by this door
   * before it is shown to all: a conclusion that is counted as blind has to be blind.
   */
  async function mustBeForThem(id: string, principal: Principal): Promise<void> {
    const { source, modelId, compareId } = await validation.study(id);
    if (source !== 'archive' || !principal.roles.has('reader')) return;
    for (const model of [modelId, compareId])
      if (model !== null && (await evidence.stage(model)).stage !== 'routine')
        throw new NegatoscopeError(
          'blind-reader',
          'This tool is not in routine: who reads its studies may not see what it says of each image. Ask a person with the role evidence alone.',
          { status: 403 },
        );
  }

  app.get<File>('/api/validation/:id/:file', who, async (request, reply) => {
    const { id, file } = request.params;
    if (!Object.hasOwn(RESULT_FILES, file))
      throw new NegatoscopeError('not-found', 'There is no such result.', { status: 404 });
    const name = file as ResultFile;
    if (name === 'cases.csv' || name === 'result.json') await mustBeForThem(id, request.principal);
    const stream = await validation.file(id, name);
    if (name === 'cases.csv' || name === 'result.json')
      reply.header('content-disposition', `attachment; filename="${name}"`);
    return reply.type(RESULT_FILES[name]).send(stream);
  });
}
