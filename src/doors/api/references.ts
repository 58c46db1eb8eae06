import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import { ARMS, DIMENSIONS, MEASURE_CASES } from '../../evidence/measures/types.ts';
import { METHODS } from '../../evidence/reference/types.ts';
import type { Rooms } from '../../rooms.ts';
import { caseRows } from './caseRows.ts';
import type { CaseRow } from './contract.ts';
import { compact, Period } from './period.ts';
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
const Cases = Period.extend({
  which: z.enum(MEASURE_CASES),
  uncertain: z.enum(['positive', 'negative']).default('positive'),
  first: z.enum(ARMS).optional(),
  second: z.enum(ARMS).optional(),
  truth: z.enum(['yes', 'no']).optional(),
  right: z.enum(['both', 'first', 'second', 'neither']).optional(),
  dimension: z.enum(DIMENSIONS).optional(),
  value: z.string().max(200).optional(),
});
const Versions = z.object({ first: z.string().max(130), second: z.string().max(130) });
const CSV_BYTES = 20 * 1024 * 1024;

type Study = { Params: { uid: string } };
type Id = { Params: { id: string } };

/** What is known to be so of a study: follow-up entered by a person or imported, beside what readers said. */
export function registerReferences(app: FastifyInstance, rooms: Rooms): void {
  const { references, measures, archive, assist, reading } = rooms;
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

  const whoMayJudge = { config: { access: ['admin', 'reader', 'evidence'] as const } };
  async function mustBeTool(id: string): Promise<void> {
    if (!(await assist.model(id)))
      throw new NegatoscopeError('not-found', 'There is no such tool.', { status: 404 });
  }
  app.get<Id>('/api/evidence/:id/measures', whoMayJudge, async (request) => {
    await mustBeTool(request.params.id);
    return measures.of(request.params.id, compact(queryOf(request, Period)));
  });
  app.get<Id>('/api/evidence/:id/measures/cases', whoMayJudge, async (request): Promise<CaseRow[]> => {
    await mustBeTool(request.params.id);
    const { from, to, ...query } = queryOf(request, Cases);
    const facts = await measures.cases(request.params.id, query, compact({ from, to }));
    return caseRows({ archive, reading }, facts, request.principal);
  });
  app.get<Id>('/api/evidence/:id/inputs', whoMayJudge, async (request) => {
    await mustBeTool(request.params.id);
    return measures.inputs(request.params.id);
  });
  app.get<Id>('/api/evidence/:id/versions', whoMayJudge, async (request) => {
    await mustBeTool(request.params.id);
    const { first, second } = queryOf(request, Versions);
    return measures.versions(request.params.id, sideOf(first), sideOf(second));
  });

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
/** `1.2.0@balanced`: a version and the operating point that it ran at. */
function sideOf(text: string): { modelVersion: string; operatingPoint: string } {
  const at = text.lastIndexOf('@');
  return at < 0
    ? { modelVersion: text, operatingPoint: '' }
    : { modelVersion: text.slice(0, at), operatingPoint: text.slice(at + 1) };
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
