import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { InstalledModel } from '../../assist/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import { STAGES, type FigureKey } from '../../evidence/types.ts';
import { ROLES, type Principal } from '../../people/index.ts';
import type { Rooms } from '../../rooms.ts';
import { requireSession } from '../auth.ts';
import { caseRows } from './caseRows.ts';
import { MOST_CASES, type CaseRow, type ModelView } from './contract.ts';
import { compact, Period } from './period.ts';
import { bodyOf, queryOf } from './schema.ts';

const FIGURES = [
  'read',
  'agreement-positive',
  'agreement-negative',
  'sensitivity',
  'specificity',
  'missed',
  'false-alarms',
  'marks',
  'turnaround',
  'training',
] as const satisfies readonly FigureKey[];
const Cases = Period.extend({ figure: z.enum(FIGURES) });
const StageBody = z.object({
  stage: z.enum(STAGES),
  readers: z.array(z.string().max(64)).max(1000).optional(),
  blindFirst: z.boolean().optional(),
  reason: z.string().min(3).max(2000),
  secret: z.string().min(1).max(1024),
});

type Model = { Params: { id: string } };

/** AI tools, their stages, and what the signed reports say of them. */
export function registerTools(app: FastifyInstance, rooms: Rooms): void {
  const { assist, evidence, archive, people, reading } = rooms;

  async function view(model: InstalledModel, principal: Principal): Promise<ModelView> {
    const { manifest } = model;
    const [state, acts, persons, card, { versions }] = await Promise.all([
      evidence.stage(manifest.id),
      evidence.acts(manifest.id),
      people.list(),
      readFile(join(model.dir, 'CARD.md'), 'utf8').catch(() => ''),
      assist.packages(),
    ]);
    const names = new Map(persons.map((person) => [person.id, person.name]));
    return {
      manifest,
      enabled: model.enabled,
      removed: Boolean(model.removed),
      versions: versions
        .filter((each) => each.manifest.id === manifest.id && !each.removed)
        .map(({ manifest: { version }, origin, signer, addedAt }) => ({ version, origin, signer, addedAt })),
      stage: state.stage,
      blindFirst: state.blindFirst,
      readers: state.readers.map((personId) => ({ personId, name: names.get(personId) ?? personId })),
      acts,
      mayChange: principal.roles.has('admin') && principal.roles.has('reader'),
      card,
    };
  }
  async function installed(id: string): Promise<InstalledModel> {
    const model = await assist.model(id);
    if (!model) throw new NegatoscopeError('not-found', 'There is no such tool.', { status: 404 });
    return model;
  }

  app.get('/api/models', { config: { access: ROLES } }, async (request) =>
    Promise.all((await assist.models()).map((model) => view(model, request.principal))),
  );
  app.get('/api/readers', { config: { access: ['admin'] } }, async () =>
    (await people.list())
      .filter((person) => person.roles.includes('reader') && !person.disabled)
      .map(({ id, name, login }) => ({ personId: id, name, login })),
  );
  app.post<Model>('/api/models/:id/stage', { config: { access: ['admin'] } }, async (request) => {
    const body = bodyOf(request, StageBody);
    const model = await installed(request.params.id);
    await people.checkSignature(requireSession(request), body.secret);
    await evidence.setStage(
      request.params.id,
      body.stage,
      {
        reason: body.reason,
        ...(body.readers ? { readers: body.readers } : {}),
        ...(body.blindFirst === undefined ? {} : { blindFirst: body.blindFirst }),
      },
      request.principal,
    );
    return view(model, request.principal);
  });

  const whoMayJudge = { config: { access: ['admin', 'reader', 'evidence'] as const } };
  app.get<Model>('/api/evidence/:id', whoMayJudge, async (request) => {
    await installed(request.params.id);
    return evidence.summary(request.params.id, compact(queryOf(request, Period)));
  });
  app.get<Model>('/api/evidence/:id/monitoring', whoMayJudge, async (request) => {
    await installed(request.params.id);
    return evidence.monitoring(request.params.id);
  });
  app.get<Model>('/api/evidence/:id/turnaround', whoMayJudge, async (request) => {
    await installed(request.params.id);
    return evidence.turnaround(request.params.id, compact(queryOf(request, Period)));
  });
  app.get<Model>('/api/evidence/:id/cases', whoMayJudge, async (request): Promise<CaseRow[]> => {
    const { figure, ...range } = queryOf(request, Cases);
    const facts = await evidence.cases(request.params.id, figure, { ...compact(range), limit: MOST_CASES });
    return caseRows({ archive, reading }, facts, request.principal);
  });
}
