import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import { EXPORTS, type ExportName } from '../../evidence/exports/index.ts';
import type { Rooms } from '../../rooms.ts';
import { queryOf } from './schema.ts';

const Report = z.object({ month: z.string().max(16), language: z.enum(['fr', 'en']).default('fr') });
const Export = z.object({ month: z.string().max(16) });

type Model = { Params: { id: string; file: string } };

/** What of the evidence leaves: the report of a month as PDF, and a month of a tool as counts. */
export function registerOutgoing(app: FastifyInstance, { monthly, exports, assist }: Rooms): void {
  const who = { config: { access: ['admin', 'reader', 'evidence'] as const } };
  app.get('/api/evidence/report.pdf', who, async (request, reply) => {
    const { month, language } = queryOf(request, Report);
    const pdf = await monthly.pdf(month, language);
    return reply
      .type('application/pdf')
      .header('content-disposition', `inline; filename="negatoscope-evidence-${month}.pdf"`)
      .send(pdf);
  });
  app.get<Model>('/api/evidence/:id/export/:file', { config: { access: ['admin', 'evidence'] as const } }, async (request, reply) => {
    const { id, file } = request.params;
    if (!(EXPORTS as readonly string[]).includes(file) || !(await assist.model(id)))
      throw new NegatoscopeError('not-found', 'There is no such export.', { status: 404 });
    const { month } = queryOf(request, Export);
    const text = await exports.file(file as ExportName, id, month);
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${id}-${month}-${file}"`)
      .send(text);
  }); // prettier-ignore
}
