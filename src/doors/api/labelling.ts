import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { QueueCase, QueueFigureKey } from '../../evidence/labelling/types.ts';
import type { Principal } from '../../people/index.ts';
import type { Rooms } from '../../rooms.ts';
import type { LabellingQueueView, QueueCaseRow } from './contract.ts';
import { bodyOf, queryOf } from './schema.ts';

const time = z.coerce.number().int().min(0).max(8.64e15);
const code = z.string().min(1).max(64);
const Period = z.object({
  modelId: code,
  modelVersion: code,
  operatingPoint: code,
  from: time,
  to: time,
});
const Draw = Period.extend({
  title: z.string().max(120),
  sample: z.number().int().min(0).max(1_000_000),
  second: z.enum(['none', 'part', 'all']).default('part'),
  secondShare: z.number().min(0).max(1).default(0.1),
  settling: z.enum(['third', 'consensus']).default('third'),
  offerUnread: z.boolean().default(false),
});
const Extend = z.object({ sample: z.number().int().min(1).max(1_000_000) });
const Change = z.object({ offerUnread: z.boolean() });
const side = z.number().min(0).max(100_000);
const Label = z.object({
  studyUid: code,
  kind: z.enum(['reading', 'consensus', 'adjudication']),
  answer: z.enum(['yes', 'no', 'uncertain']),
  boxes: z
    .array(
      z.object({
        sopInstanceUid: code,
        box: z.object({ x: side, y: side, width: side.positive(), height: side.positive() }),
      }),
    )
    .max(50)
    .default([]),
});
const FIGURES = [
  'answered',
  'found',
  'missed',
  'false-alarms',
  'left-alone',
  'uncertain',
  'disagreed',
  'apart',
] as const satisfies readonly QueueFigureKey[];
const Cases = z.object({ figure: z.enum(FIGURES) });
const Csv = z.object({ uncertain: z.enum(['positive', 'negative', 'leave-out']).default('leave-out') });
const Which = z.object({ model: code });

type Id = { Params: { id: string } };

/** The labelling queue: drawn and looked into by who answers for evidence, labelled by readers. */
export function registerLabelling(app: FastifyInstance, rooms: Rooms): void {
  const { labelling, archive, assist, reading } = rooms;
  const evidence = { config: { access: ['evidence'] as const } };
  const reader = { config: { access: ['reader'] as const } };

  /** Cases with what the tool says of them: who asks for them is not blind to it any more. */
  async function casesFor(id: string, figure: QueueFigureKey, by: Principal): Promise<QueueCase[]> {
    const { modelId } = await labelling.queue(id, by);
    const cases = await labelling.cases(id, figure, by);
    await reading.noteSeen(
      cases.map(({ studyUid }) => ({ studyUid, modelId })),
      by,
    );
    return cases;
  }

  app.get('/api/labelling', evidence, async (request) => {
    const { model } = queryOf(request, Which);
    const [queues, tools] = await Promise.all([
      labelling.queues(model, request.principal),
      labelling.tools(model),
    ]);
    return { queues, tools } satisfies LabellingQueueView;
  });
  app.post('/api/labelling/frame', evidence, async (request) =>
    labelling.frame(bodyOf(request, Period), request.principal),
  );
  app.post('/api/labelling', evidence, async (request) =>
    labelling.draw(bodyOf(request, Draw), request.principal),
  );
  app.get<Id>('/api/labelling/:id', evidence, async (request) =>
    labelling.overview(request.params.id, request.principal),
  );
  app.patch<Id>('/api/labelling/:id', evidence, async (request) =>
    labelling.change(request.params.id, bodyOf(request, Change), request.principal),
  );
  app.post<Id>('/api/labelling/:id/extend', evidence, async (request) =>
    labelling.extend(request.params.id, bodyOf(request, Extend).sample, request.principal),
  );
  app.post<Id>('/api/labelling/:id/close', evidence, async (request) =>
    labelling.close(request.params.id, request.principal),
  );
  app.get<Id>('/api/labelling/:id/cases', evidence, async (request): Promise<QueueCaseRow[]> => {
    const { figure } = queryOf(request, Cases);
    const cases = await casesFor(request.params.id, figure, request.principal);
    const studies = new Map(
      (await archive.studies(cases.map(({ studyUid }) => studyUid))).map((study) => [study.studyUid, study]),
    );
    return cases.map((each) => ({ case: each, study: studies.get(each.studyUid) ?? null }));
  });
  app.get<Id>('/api/labelling/:id/labels.csv', evidence, async (request, reply) => {
    const { uncertain } = queryOf(request, Csv);
    // Its weights say which are marked.
    await casesFor(request.params.id, 'answered', request.principal);
    const text = await labelling.csv(request.params.id, uncertain, request.principal);
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', 'attachment; filename="labels.csv"')
      .send(text);
  });

  app.get('/api/labelling/mine', reader, async (request) => {
    const queues = await labelling.toLabel(request.principal);
    return Promise.all(
      queues.map(async (queue) => {
        const manifest = (await assist.model(queue.modelId))?.manifest;
        return { ...queue, question: manifest?.question?.text ?? null };
      }),
    );
  });
  app.post<Id>('/api/labelling/:id/next', reader, async (request) =>
    labelling.next(request.params.id, request.principal),
  );
  app.post<Id>('/api/labelling/:id/labels', reader, async (request) =>
    labelling.label(request.params.id, bodyOf(request, Label), request.principal),
  );
  app.post<Id>('/api/labelling/:id/undo', reader, async (request) =>
    labelling.undo(request.params.id, request.principal),
  );
  app.post<Id>('/api/labelling/:id/pause', reader, async (request, reply) => {
    await labelling.pause(request.params.id, request.principal);
    return reply.code(204).send();
  });
}
