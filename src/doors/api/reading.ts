import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import { MARK_KINDS, PIXEL_QUANTITIES } from '../../measure/marks.ts';
import { ROLES } from '../../people/index.ts';
import { REJECT_REASONS } from '../../evidence/types.ts';
import type { Rooms } from '../../rooms.ts';
import { requireSession } from '../auth.ts';
import { bodyOf, queryOf } from './schema.ts';

const LISTS = ['to-read', 'mine', 'waiting-ai', 'signed-today', 'reopened', 'all'] as const;
const WorklistQuery = z.object({
  list: z.enum(LISTS).default('to-read'),
  modality: z.string().max(16).optional(),
  search: z.string().max(128).optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const answer = z.enum(['yes', 'no', 'uncertain']);
const side = z.number().min(-100_000).max(100_000);
const box = z.object({ x: side, y: side, width: side.positive(), height: side.positive() });
const text = z.string().max(20_000);
const Opinion = z.object({ modelId: z.string().max(64), answer });
const NewFinding = z.object({
  sopInstanceUid: z.string().max(64),
  label: z.string().max(64),
  box: box.nullable().default(null),
  text: text.optional(),
});
const DecisionBody = z.object({
  decision: z.enum(['accepted', 'rejected', 'corrected']).nullable(),
  box: box.nullable().optional(),
  text: text.nullable().optional(),
  /** How long the mark was the one at hand, ms, as the page measured it: at most two minutes. */
  ms: z.number().int().min(0).max(120_000).nullable().optional(),
  /** Why a mark is rejected. */
  reason: z.enum(REJECT_REASONS).nullable().optional(),
});
const coordinate = z.number().min(0).max(100_000);
const measured = z.number().min(-1e12).max(1e12);
const MarkBody = z.object({
  kind: z.enum(MARK_KINDS),
  sopInstanceUid: z.string().max(64),
  frame: z.number().int().min(1).max(100_000),
  points: z.array(z.tuple([coordinate, coordinate])).max(4),
  text: z.string().max(400).nullable().default(null),
  pixels: z
    .array(z.object({ name: z.enum(PIXEL_QUANTITIES), value: measured }))
    .max(8)
    .default([]),
  presentation: z
    .object({
      window: z.object({ centre: measured, width: measured.positive() }).nullable(),
      inverted: z.boolean(),
      rotation: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
      flipped: z.boolean(),
    })
    .nullable()
    .default(null),
});
const DraftBody = z.object({
  revision: z.number().int().min(0),
  fields: z
    .object({
      indication: text,
      technique: text,
      findings: text,
      conclusion: text,
      justification: text,
      dose: text,
      patientInformedOfAi: z.boolean(),
      answers: z.record(z.string().max(64), answer),
      language: z.enum(['fr', 'en']),
    })
    .partial(),
});
const Sign = z.object({ revision: z.number().int().min(0), secret: z.string().min(1).max(1024) });
const Addendum = z.object({ text: z.string().min(1).max(20_000), secret: z.string().min(1).max(1024) });
const patientField = z.string().max(324);
const Correction = z.object({
  fields: z
    .object({
      patientId: z.string().max(64),
      patientName: patientField,
      birthDate: z.string().regex(/^(\d{8})?$/),
      sex: z.enum(['', 'F', 'M', 'O']),
      accession: z.string().max(16),
      description: z.string().max(64),
      indication: z.string().max(1024),
    })
    .partial(),
  reason: z.string().min(3).max(500),
});
/** Of a tool that looks for several things: the map of one of them. */
const HeatQuery = z.object({ label: z.string().max(64).optional() });
const Templates = z.object({ language: z.enum(['fr', 'en']).default('fr') });

type Study = { Params: { uid: string } };
type Id = { Params: { id: string } };
type Marked = { Params: { uid: string; id: string } };

/** List, study, findings, report. Everything here asks `reading`; the door only decodes and encodes. */
export function registerReading(app: FastifyInstance, rooms: Rooms): void {
  const { reading, people, delivery, assist, archive } = rooms;
  const anyone = { config: { access: ROLES } };
  const reader = { config: { access: ['reader'] as const } };

  app.get('/api/worklist', anyone, async (request) => {
    const query = queryOf(request, WorklistQuery);
    return reading.worklist(request.principal, query);
  });
  app.get<Study>('/api/studies/:uid', anyone, async (request) =>
    reading.open(request.params.uid, request.principal),
  );
  app.post<Study>('/api/studies/:uid/claim', reader, async (request) => {
    await reading.claim(request.params.uid, request.principal);
    return reading.open(request.params.uid, request.principal);
  });
  app.delete<Study>('/api/studies/:uid/claim', reader, async (request, reply) => {
    await reading.release(request.params.uid, request.principal);
    return reply.code(204).send();
  });
  app.post<Study>('/api/studies/:uid/opinion', reader, async (request) => {
    const body = bodyOf(request, Opinion);
    return reading.giveOpinion(request.params.uid, body.modelId, body.answer, request.principal);
  });
  app.post<Study>('/api/studies/:uid/findings', reader, async (request) =>
    reading.addFinding(request.params.uid, bodyOf(request, NewFinding), request.principal),
  );
  app.put<Id>('/api/findings/:id/decision', reader, async (request) =>
    reading.decide(request.params.id, bodyOf(request, DecisionBody), request.principal),
  );
  app.delete<Id>('/api/findings/:id', reader, async (request, reply) => {
    await reading.removeFinding(request.params.id, request.principal);
    return reply.code(204).send();
  });
  app.put<Marked>('/api/studies/:uid/marks/:id', reader, async (request) =>
    reading.putMark(request.params.uid, request.params.id, bodyOf(request, MarkBody), request.principal),
  );
  app.delete<Marked>('/api/studies/:uid/marks/:id', reader, async (request, reply) => {
    await reading.removeMark(request.params.uid, request.params.id, request.principal);
    return reply.code(204).send();
  });
  app.put<Study>('/api/studies/:uid/draft', reader, async (request) => {
    const body = bodyOf(request, DraftBody);
    return reading.saveDraft(request.params.uid, body.fields, body.revision, request.principal);
  });
  app.post<Study>('/api/studies/:uid/sign', reader, async (request) => {
    const body = bodyOf(request, Sign);
    // The secret first: a wrong PIN must not depend on the state of the report.
    await people.checkSignature(requireSession(request), body.secret);
    return reading.sign(request.params.uid, body.revision, request.principal);
  });
  app.post<Id>('/api/reports/:id/addenda', reader, async (request) => {
    const body = bodyOf(request, Addendum);
    await people.checkSignature(requireSession(request), body.secret);
    return reading.addendum(request.params.id, body.text, request.principal);
  });
  app.get<Id>('/api/reports/:id/pdf', anyone, async (request, reply) => {
    const report = await reading.report(request.params.id);
    if (!report) throw new NegatoscopeError('not-found', 'There is no such report.', { status: 404 });
    const pdf = await delivery.pdf(report.id);
    return reply
      .type('application/pdf')
      .header('content-disposition', `inline; filename="${report.id}.pdf"`)
      .header('cache-control', 'private, no-store')
      .send(pdf);
  });
  app.patch<Study>(
    '/api/studies/:uid/patient',
    { config: { access: ['technologist', 'admin'] } },
    async (request) => {
      const body = bodyOf(request, Correction);
      await archive.correct(request.params.uid, body.fields, body.reason, request.principal);
      return reading.open(request.params.uid, request.principal);
    },
  );
  app.get('/api/templates', anyone, async (request) =>
    reading.templates(queryOf(request, Templates).language),
  );
  app.get<{ Params: { id: string; sop: string } }>(
    '/api/runs/:id/heatmap/:sop',
    anyone,
    async (request, reply) => {
      const { id, sop } = request.params;
      const seen = await reading.sightOf(request.principal)([id]);
      const { label } = queryOf(request, HeatQuery);
      const png = seen.has(id) ? await assist.heatmap(id, sop, label) : undefined;
      const area = png && (await assist.heatmapBox(id, sop, label));
      if (!png || !area)
        throw new NegatoscopeError('not-found', 'There is no such heat map.', { status: 404 });
      return reply
        .type('image/png')
        .header('x-box', [area.x, area.y, area.width, area.height].map((value) => value.toFixed(2)).join(','))
        .header('cache-control', 'private, no-store')
        .send(png);
    },
  );
  app.get('/api/discrepancies', reader, async (request) => reading.discrepancies(request.principal));
  app.post<Id>('/api/discrepancies/:id/seen', reader, async (request, reply) => {
    await reading.markSeen(request.params.id, request.principal);
    return reply.code(204).send();
  });
}
