import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { createDecoderPool } from '../../dicom/pixels/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Rooms } from '../../rooms.ts';
import type { QuarantineReason } from '../../archive/types.ts';
import { FAILURE } from '../failure.ts';
import type { QuarantinePage, QuarantineView } from './contract.ts';
import { bodyOf, queryOf } from './schema.ts';

const REASONS = [
  'not-dicom',
  'truncated',
  'malformed',
  'missing-uid',
  'bad-uid',
  'pixel-length',
  'unknown-transfer-syntax',
  'too-deep',
  'conflict',
] as const satisfies readonly QuarantineReason[];
const Page = z.object({
  reason: z.enum(REASONS).optional(),
  search: z.string().max(100).default(''),
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const Peek = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  length: z.coerce.number().int().min(1).max(4096).default(256),
});
const Decision = z.strictObject({ reason: z.string().max(2000), despiteReport: z.boolean().default(false) });
/** A file that is drawn whole. */
const MAX_DRAWN = 64 * 1024 * 1024;
const SIDE = 512;

type Id = { Params: { id: string } };

/** What was kept aside: looked at, compared, decided on. */
export function registerQuarantine(app: FastifyInstance, { archive }: Rooms): void {
  const { quarantine } = archive;
  const admin = { config: { access: ['admin'] as const } };
  const keeper = { config: { access: ['admin', 'technologist'] as const } };
  const pool = createDecoderPool();

  app.get('/api/quarantine', keeper, async (request): Promise<QuarantinePage> => {
    const { reason, after, ...rest } = queryOf(request, Page);
    return quarantine.page({ ...rest, ...(reason ? { reason } : {}), ...(after ? { after } : {}) });
  });
  app.get('/api/quarantine/decisions', keeper, async () => quarantine.decisions());
  app.get<Id>('/api/quarantine/:id', keeper, async (request): Promise<QuarantineView> => {
    const look = await quarantine.look(request.params.id);
    const told = FAILURE[look.row.reason];
    return { ...look, told: told.toString(16).toUpperCase().padStart(4, '0') };
  });
  app.get<Id>('/api/quarantine/:id/file', keeper, async (request, reply) => {
    const row = await quarantine.get(request.params.id);
    if (!row) throw new NegatoscopeError('not-found', 'There is no such file.', { status: 404 });
    return reply
      .type('application/octet-stream')
      .header('content-disposition', `attachment; filename="set-aside-${row.id}.bin"`)
      .send(await quarantine.file(row.id));
  });
  /** Bytes as they came, for a page that shows them as numbers and letters and as nothing else. */
  app.get<Id>('/api/quarantine/:id/peek', keeper, async (request, reply) => {
    const { offset, length } = queryOf(request, Peek);
    return reply
      .type('application/octet-stream')
      .header('content-disposition', 'attachment')
      .send(await quarantine.peek(request.params.id, offset, length));
  });
  app.get<Id>('/api/quarantine/:id/picture', keeper, async (request, reply) => {
    const row = await quarantine.get(request.params.id);
    if (!row || row.size > MAX_DRAWN)
      throw new NegatoscopeError('not-found', 'There is no picture of it.', { status: 404 });
    const parts: Uint8Array[] = [];
    for await (const part of await quarantine.file(row.id)) parts.push(part as Uint8Array);
    try {
      const picture = await pool.render(Buffer.concat(parts), { format: 'jpeg', width: SIDE, height: SIDE });
      return reply.type('image/jpeg').send(picture);
    } catch (cause) {
      throw new NegatoscopeError('pixels-undecodable', 'It cannot be drawn.', { status: 422, cause });
    }
  });
  app.post<Id>('/api/quarantine/:id/release', keeper, async (request) =>
    quarantine.release(request.params.id, request.principal),
  );
  app.post<Id>('/api/quarantine/:id/as-new', keeper, async (request) =>
    quarantine.takeAsNew(request.params.id, bodyOf(request, Decision).reason, request.principal),
  );
  app.post<Id>('/api/quarantine/:id/replace', admin, async (request) => {
    const { reason, despiteReport } = bodyOf(request, Decision);
    return quarantine.replace(request.params.id, reason, request.principal, despiteReport);
  });
  app.post<Id>('/api/quarantine/:id/discard', admin, async (request, reply) => {
    await quarantine.discard(request.params.id, bodyOf(request, Decision).reason, request.principal);
    return reply.code(204).send();
  });
}
