import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import { METHODS } from '../../evidence/reference/types.ts';
import type { Rooms } from '../../rooms.ts';
import { bodyOf, queryOf } from './schema.ts';

const code = z.string().min(1).max(64);
const Which = z.object({ model: code });
const FollowUp = z.object({
  modelId: code,
  method: z.enum(METHODS),
  answer: z.enum(['yes', 'no', 'uncertain']),
  days: z.number().int().min(0).max(3650).nullable().default(null),
  withAi: z.boolean().default(false),
  /** The entry that it corrects. */
  replaces: code.optional(),
});
const Import = z.object({ dryRun: z.enum(['yes', 'no']).default('yes') }).extend(Which.shape);
const CSV_BYTES = 20 * 1024 * 1024;

type Study = { Params: { uid: string } };
type Id = { Params: { id: string } };

/** What is known to be so of a study: follow-up entered by a person or imported, beside what readers said. */
export function registerReferences(app: FastifyInstance, rooms: Rooms): void {
  const { references } = rooms;
  const whoMay = { config: { access: ['reader', 'evidence'] as const } };
  const evidence = { config: { access: ['evidence'] as const } };

  app.get<Study>('/api/studies/:uid/references', whoMay, async (request) =>
    references.ofStudy(request.params.uid, queryOf(request, Which).model, request.principal),
  );
  app.post<Study>('/api/studies/:uid/references', whoMay, async (request) => {
    const { replaces, ...form } = bodyOf(request, FollowUp);
    return references.enter(request.params.uid, form, request.principal, replaces);
  });
  app.post<Id>('/api/references/:id/withdraw', whoMay, async (request) =>
    references.withdraw(request.params.id, request.principal),
  );

  app.register(async (scope) => {
    scope.addContentTypeParser(
      ['text/csv', 'text/plain'],
      { parseAs: 'buffer', bodyLimit: CSV_BYTES },
      async (_request: unknown, body: Buffer) => body,
    );
    scope.post('/api/references/import', { ...evidence, bodyLimit: CSV_BYTES }, async (request) => {
      const { model, dryRun } = queryOf(request, Import);
      return references.importCsv(
        model,
        textOf(request.body),
        { dryRun: dryRun === 'yes' },
        request.principal,
      );
    });
  });
}

/** UTF-8, or what spreadsheets write instead of it (Windows-1252). */
function textOf(body: unknown): string {
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw new NegatoscopeError('bad-csv', 'The file is empty.');
  if (body.includes(0)) throw new NegatoscopeError('bad-csv', 'This is no text file.');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return new TextDecoder('windows-1252').decode(body);
  }
}
