import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import { IDENTITIES, KINDS, WEB_AUTHS } from '../../remote/types.ts';
import type {
  NewRemote,
  QueryForm,
  Remote,
  RemoteChange,
  RemoteForm,
  RemoteSecrets,
  RemoteSystem,
} from '../../remote/types.ts';
import type { Rooms } from '../../rooms.ts';
import type { QueryLine } from './contract.ts';
import { bodyOf } from './schema.ts';

const pem = z
  .string()
  .max(64 * 1024)
  .nullable();
/** Shapes alone: what may stand in a field is the room's to say. */
const fields = {
  name: z.string().max(256),
  kind: z.enum(KINDS),
  url: z.string().max(1024),
  auth: z.enum(WEB_AUTHS),
  user: z.string().max(256),
  secret: z
    .string()
    .max(16 * 1024)
    .nullable(),
  aeTitle: z.string().max(256),
  host: z.string().max(256),
  port: z.number(),
  tls: z.boolean(),
  ca: pem,
  identity: z.enum(IDENTITIES),
  certificate: pem,
  key: pem,
  commitment: z.boolean(),
  callingAe: z.string().max(256).nullable(),
  sendTo: z.boolean(),
  queryFrom: z.boolean(),
  moveTo: z.boolean(),
  enabled: z.boolean(),
} satisfies Record<keyof (RemoteForm & RemoteSecrets), z.ZodType>;
const Part = z.strictObject(fields).partial();
const Form = Part.extend({ name: fields.name });

const text = z.string().max(256);
const date = z.string().regex(/^(\d{8})?$/);
const Query = z.strictObject({
  patientName: text.optional(),
  patientId: text.optional(),
  from: date.optional(),
  to: date.optional(),
  modality: text.optional(),
  accession: text.optional(),
  studyUid: text.optional(),
});
const Order = z.strictObject({
  studyUid: z.string().regex(/^[0-9.]{1,64}$/),
  patientName: z.string().max(1024).default(''),
  patientId: text.default(''),
  studyDate: text.default(''),
  description: z.string().max(1024).default(''),
});
const Orders = z.strictObject({ studies: z.array(Order).min(1).max(500) });

/** Answers of one query: a page of a person, not a copy of an archive. */
const MOST_STUDIES = 500;

type Id = { Params: { id: string } };

/** Other systems. */
export function registerRemote(app: FastifyInstance, { remote }: Rooms): void {
  const admin = { config: { access: ['admin'] as const } };
  const senders = { config: { access: ['admin', 'reader', 'technologist'] as const } };

  app.get('/api/remotes', senders, async () => remote.list());
  app.post('/api/remotes', admin, async (request) =>
    remote.add(bodyOf(request, Form) as NewRemote, request.principal),
  );
  app.patch<Id>('/api/remotes/:id', admin, async (request) =>
    remote.change(request.params.id, bodyOf(request, Part) as RemoteChange, request.principal),
  );
  /** What another system has to trust, where we show it a certificate of our own authority. */
  app.get('/api/remotes/authority', admin, async (_request, reply) =>
    reply
      .type('application/x-pem-file')
      .header('content-disposition', 'attachment; filename="negatoscope-ca.pem"')
      .send(await remote.ownAuthority()),
  );
  app.post<Id>('/api/remotes/:id/echo', senders, async (request) => remote.tryOut(request.params.id));
  app.delete<Id>('/api/remotes/:id', admin, async (request, reply) => {
    await remote.remove(request.params.id, request.principal);
    return reply.code(204).send();
  });

  app.post<Id>('/api/remotes/:id/query', senders, async (request, reply) => {
    const system = await remote.get(request.params.id);
    const form = bodyOf(request, Query) as QueryForm;
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const lines = async function* () {
      for await (const line of answers(remote, system, form, gone.signal)) yield `${JSON.stringify(line)}\n`;
    };
    return reply.type('application/x-ndjson').send(Readable.from(lines()));
  });
  app.post<Id>('/api/remotes/:id/pulls', senders, async (request) =>
    remote.pull(request.params.id, bodyOf(request, Orders).studies, request.principal),
  );
  app.get('/api/pulls', senders, async () => remote.pulls());
  app.post<Id>('/api/pulls/:id/again', senders, async (request) => {
    await remote.pullAgain(request.params.id, request.principal);
    return remote.pulls();
  });
  app.post<Id>('/api/pulls/:id/cancel', senders, async (request) => {
    await remote.cancelPull(request.params.id, request.principal);
    return remote.pulls();
  });
}

/** Studies as they come, then how it ended: in words where it did not end well. */
async function* answers(
  remote: Remote,
  system: RemoteSystem,
  form: QueryForm,
  signal: AbortSignal,
): AsyncGenerator<QueryLine, void, undefined> {
  let count = 0;
  try {
    for await (const study of remote.query(system.id, form, signal)) {
      if (count === MOST_STUDIES) return yield { end: 'more' };
      count++;
      yield { study };
    }
    yield { end: 'all' };
  } catch (error) {
    if (signal.aborted) return;
    const known = error instanceof NegatoscopeError && error.code === 'remote-off';
    yield { end: 'failed', text: known ? OFF : await remote.explain(error, system) };
  }
}

const OFF = {
  fr: 'Ce système est désactivé, ou n’est pas inscrit pour être interrogé.',
  en: 'This system is switched off, or not entered to be asked.',
};
