/** UPS-RS: PS3.18 chapter 11. The worklist of AI work; what an item is and may become is settled by `assist.ups`. */
import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FILTERED_WORKLIST, type Asker, type ItemState, type Ups } from '../../assist/index.ts';
import { type DicomJson, jsonString, TAG } from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { isAsked, matchesHeader } from '../header-match.ts';
import { parseContentType } from '../../wire/multipart.ts';
import { readMetadata } from './assemble.ts';
import type { DicomwebDependencies, Get } from './context.ts';
import { negotiateDataSets, sendXml, XML_TYPE } from './datasets.ts';
import { nextPage } from './paging.ts';
import { searchOf } from './search.ts';
import { keyOf, openChannel, type Channel } from './websocket.ts';

const ITEM = '/workitems/:workitem';
const SUBSCRIBER = `${ITEM}/subscribers/:aetitle`;

/**
 * `list`: whoever may see the worklist (admin, worker); `work`: whoever does the work (worker); `manage`: admin. Below the door's
 * prefix.
 */
export const upsRoutes = [
  { method: 'GET', url: '/workitems', needs: 'list' },
  { method: 'POST', url: '/workitems', needs: 'manage' },
  { method: 'GET', url: ITEM, needs: 'list' },
  { method: 'POST', url: ITEM, needs: 'work' },
  { method: 'PUT', url: `${ITEM}/state`, needs: 'work' },
  { method: 'POST', url: `${ITEM}/cancelrequest`, needs: 'manage' },
  { method: 'POST', url: SUBSCRIBER, needs: 'list' },
  { method: 'DELETE', url: SUBSCRIBER, needs: 'list' },
  { method: 'POST', url: `${SUBSCRIBER}/suspend`, needs: 'list' },
  { method: 'GET', url: '/subscribers/:aetitle', needs: 'list' },
] as const satisfies readonly { method: string; url: string; needs: Need }[];
type Need = 'list' | 'work' | 'manage';
export const UPS_ACCESS = {
  list: ['admin', 'worker'],
  work: ['worker'],
  manage: ['admin'],
} as const;

/** Of the changes to an item. */
const MAX_BODY = 1024 * 1024;
/** As in QIDO-RS: items that a search looks at, to find what its keys ask for. */
const MAX_LOOKED_AT = 2000;
const STEP = 200;
const STATES: readonly string[] = ['SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED'];

type Params = { workitem: string; aetitle: string };
type Ask = FastifyRequest<{ Params: Params; Querystring: Record<string, string | string[]> }>;

/** What PS3.18 says in the Warning header, by the code of the refusal (11.6.3.2, 11.7.3.2, 11.8.3.2). */
const WARNINGS: Readonly<Record<string, string>> = {
  'transaction-uid-missing': 'The Transaction UID is missing.',
  'transaction-uid-wrong': 'The Transaction UID is incorrect.',
  'workitem-unclaimed': 'The target URI did not reference a claimed Workitem.',
  'workitem-over': 'The submitted request is inconsistent with the current state of the Workitem.',
};
const INCONSISTENT = 'The submitted request is inconsistent with the state of the UPS Instance.';
const warn = (reply: FastifyReply, text: string) => reply.header('warning', `299 negatoscope "${text}"`);

export function registerUps(app: FastifyInstance, deps: DicomwebDependencies & { ups: Ups }): void {
  const { ups, sightOf } = deps;

  const askerOf = (request: FastifyRequest): Asker => {
    const path = request.url.slice(0, request.url.search(/\/(workitems|subscribers)\b/));
    return {
      by: request.principal,
      sight: sightOf(request.principal),
      base: `${request.protocol}://${request.host}${path}`,
    };
  };
  async function bodyOf(request: FastifyRequest): Promise<DicomJson | undefined> {
    const body = request.body as AsyncIterable<Uint8Array> | undefined;
    const { type } = parseContentType(request.headers['content-type'] ?? '');
    if (!body || type === '') return undefined;
    if (!['application/dicom+json', 'application/json', 'application/dicom+xml'].includes(type))
      throw new NegatoscopeError(
        'unsupported-media-type',
        'Send application/dicom+json or application/dicom+xml.',
        { status: 415, details: { type: type.slice(0, 100) } },
      );
    const { datasets } = await readMetadata(body, type, MAX_BODY);
    if (datasets.length !== 1)
      throw new NegatoscopeError('metadata-unreadable', 'Send one data set.', { status: 400 });
    return datasets[0];
  }
  const needed = (json: DicomJson | undefined): DicomJson => {
    if (!json) throw new NegatoscopeError('body-missing', 'The request has no body.');
    return json;
  };
  /** Refusals say why in the words of the standard, and values of a wrong shape are the client's mistake. */
  const answering =
    (handler: (request: Ask, reply: FastifyReply) => Promise<FastifyReply>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      void reply.header('cache-control', 'private, no-store');
      try {
        return await handler(request as Ask, reply);
      } catch (error) {
        if (error instanceof TypeError)
          throw new NegatoscopeError('metadata-unreadable', 'The data set has values of a wrong shape.', {
            cause: error,
          });
        if (error instanceof NegatoscopeError) {
          const text = WARNINGS[error.code] ?? (error.status === 409 ? INCONSISTENT : undefined);
          if (text) warn(reply, text);
        }
        throw error;
      }
    };

  /** `?transaction-uid=`, as a bare query, or in the data set (PS3.18 11.6.1.2). */
  function transactionUidOf({ query }: Ask, json: DicomJson): string | undefined {
    const named = query['transaction-uid'] ?? query['transactionUID'];
    const bare = Object.keys(query).find((key) => /^[0-9.]{3,64}$/.test(key) && query[key] === '');
    return [named].flat()[0] ?? bare ?? jsonString(json, TAG.TransactionUID);
  }

  const handlers: Record<string, (request: Ask, reply: FastifyReply) => Promise<FastifyReply>> = {
    async 'GET /workitems'(request, reply) {
      const type = negotiateDataSets(request);
      const search = searchOf(request.query, 'workitem');
      const { keys, options, offset, limit, warnings } = search;
      const asked = keys.filter(isAsked);
      const state = asked.find((key) => key.tag === TAG.ProcedureStepState);
      const page = state && STATES.includes(state.value) ? { states: [state.value as ItemState] } : {};
      const asker = askerOf(request);
      const wanted = offset + limit + 1;
      // With nothing else to match each item that comes is one that was asked for.
      const isAll = asked.length === Object.keys(page).length;
      const step = isAll ? Math.min(STEP, wanted) : STEP;
      const found: DicomJson[] = [];
      for (let at = 0; found.length < wanted; at += step) {
        if (at >= MAX_LOOKED_AT) {
          warnings.push(`only the first ${MAX_LOOKED_AT} were looked at: narrow the search`);
          break;
        }
        const items = await ups.find({ ...page, limit: step, offset: at }, asker);
        found.push(...items.filter((item) => matchesHeader(item, asked, options)));
        if (items.length < step) break;
      }
      const results = found.slice(offset, offset + limit);
      const more = found.length > offset + limit;
      if (more) nextPage(request as unknown as Get, reply, search);
      if (warnings.length > 0)
        void reply.header('warning', `299 negatoscope "${warnings.slice(0, 10).join('; ')}"`);
      if (results.length === 0) return reply.code(204).send();
      void reply.code(more ? 206 : 200);
      if (type === XML_TYPE) return sendXml(reply, results);
      return reply.type(type).send(JSON.stringify(results));
    },

    // Which AI runs on what is decided by the intended use of each model alone.
    async 'POST /workitems'(_request, reply) {
      warn(reply, 'Work items are made here alone, by the rules of intended use.');
      throw new NegatoscopeError(
        'workitem-create',
        'Work items are made here alone, by the rules of intended use of each model.',
        { status: 403 },
      );
    },

    async [`GET ${ITEM}`](request, reply) {
      const type = negotiateDataSets(request);
      const item = await ups.item(request.params.workitem, askerOf(request));
      if (type === XML_TYPE) return sendXml(reply, [item]);
      return reply.type(type).send(JSON.stringify([item]));
    },

    async [`POST ${ITEM}`](request, reply) {
      const json = needed(await bodyOf(request));
      const uid = transactionUidOf(request, json);
      const { ignored } = await ups.update(request.params.workitem, json, uid, request.principal);
      if (ignored) warn(reply, 'Requested optional Attributes are not supported.');
      return reply.code(200).send();
    },

    async [`PUT ${ITEM}/state`](request, reply) {
      const json = needed(await bodyOf(request));
      const state = jsonString(json, TAG.ProcedureStepState);
      const transactionUid = jsonString(json, TAG.TransactionUID);
      const change = { state, transactionUid };
      const { already } = await ups.changeState(request.params.workitem, change, request.principal);
      if (already) warn(reply, `The UPS is already in the requested state of ${state}.`);
      return reply.code(200).send();
    },

    async [`POST ${ITEM}/cancelrequest`](request, reply) {
      const json = await bodyOf(request);
      const reason = json && jsonString(json, TAG.ReasonForCancellation)?.slice(0, 200);
      const { already } = await ups.requestCancel(request.params.workitem, reason, request.principal);
      if (already) warn(reply, 'The UPS is already in the requested state of CANCELED.');
      return reply.code(202).send();
    },

    async [`POST ${SUBSCRIBER}`](request, reply) {
      const { workitem, aetitle } = request.params;
      const filter = workitem === FILTERED_WORKLIST ? filterOf(request.query) : undefined;
      await ups.subscribe(aetitle, workitem, filter, request.principal);
      if (request.query.deletionlock === 'true') warn(reply, 'Deletion Lock not granted.');
      const { base } = askerOf(request);
      const url = `${base.replace(/^http/, 'ws')}/subscribers/${encodeURIComponent(aetitle)}`;
      return reply.code(201).header('content-location', url).send();
    },
    async [`DELETE ${SUBSCRIBER}`](request, reply) {
      const { workitem, aetitle } = request.params;
      await ups.unsubscribe(aetitle, workitem, request.principal);
      return reply.code(200).send();
    },
    async [`POST ${SUBSCRIBER}/suspend`](request, reply) {
      const { workitem, aetitle } = request.params;
      await ups.suspend(aetitle, workitem, request.principal);
      return reply.code(200).send();
    },

    async 'GET /subscribers/:aetitle'(request, reply) {
      const { aetitle } = request.params;
      const upgraded = waiting.get(request.raw);
      const key = keyOf(request.raw);
      if (!upgraded || key === undefined)
        throw new NegatoscopeError('upgrade-required', 'Open a WebSocket here (RFC 6455, version 13).', {
          status: 426,
        });
      if (!(await ups.mayListen(aetitle, request.principal)))
        throw new NegatoscopeError('forbidden', 'Somebody else subscribed under this AE title.', {
          status: 403,
        });
      reply.hijack();
      const channel = openChannel(upgraded.socket, key, upgraded.head);
      channels.add(channel);
      const stop = ups.listen(aetitle, askerOf(request), matchesFilter, (report) =>
        channel.send(JSON.stringify(report)),
      );
      void channel.closed.then(() => {
        stop();
        channels.delete(channel);
      });
      return reply;
    },
  };

  for (const { method, url, needs } of upsRoutes)
    app.route({
      method,
      url,
      config: { access: UPS_ACCESS[needs] },
      handler: answering(handlers[`${method} ${url}`]!),
    });
  const channels = new Set<Channel>();
  const waiting = takeUpgrades(app);
  app.addHook('preClose', async () => {
    for (const channel of channels) channel.close();
  });
}

/**
 * Requests to open a WebSocket go through the routes like any other, so that who asks is settled in one place. Others that ask
 * for an upgrade (to HTTP/2, say) are answered in HTTP/1.1, as before.
 */
function takeUpgrades(app: FastifyInstance): WeakMap<IncomingMessage, { socket: Duplex; head: Buffer }> {
  const waiting = new WeakMap<IncomingMessage, { socket: Duplex; head: Buffer }>();
  const server = app.server as Server & { shouldUpgradeCallback: (request: IncomingMessage) => boolean };
  server.shouldUpgradeCallback = (request) => keyOf(request) !== undefined;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    waiting.set(request, { socket, head });
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as never);
    response.on('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    app.routing(request, response);
  });
  return waiting;
}

/** `filter=ProcedureStepState=SCHEDULED,WorklistLabel=…`: PS3.18 11.10.1.2. @throws `bad-parameter` (400) */
function filterOf(query: Record<string, string | string[]>): Record<string, string> {
  const text = [query.filter ?? ''].flat().join(',');
  const filter: Record<string, string> = {};
  for (const part of text.split(',').filter(Boolean)) {
    const at = part.indexOf('=');
    if (at > 0) filter[part.slice(0, at)] = part.slice(at + 1);
  }
  if (Object.keys(filter).length === 0)
    throw new NegatoscopeError('bad-parameter', 'The query parameter filter is missing.', {
      details: { parameter: 'filter' },
    });
  searchOf(filter, 'workitem'); // says what is wrong with it, if anything
  return filter;
}
const matchesFilter = (item: DicomJson, filter: Readonly<Record<string, string>>): boolean =>
  matchesHeader(item, searchOf({ ...filter }, 'workitem').keys.filter(isAsked));
