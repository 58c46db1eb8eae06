/**
 * Pages of other origins, where the practice names them (`corsOrigins`): Fetch standard, CORS protocol. Never with cookies: such
 * a page sends a token, for `Access-Control-Allow-Credentials` is not said.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const ALLOWED = 'authorization, content-type, accept, range, if-none-match, if-range';
const EXPOSED = 'etag, content-range, accept-ranges, content-encoding, warning, retry-after';
const PREFLIGHT_SECONDS = 600;

export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  const allow = (request: FastifyRequest, reply: FastifyReply): void => {
    const { origin } = request.headers;
    if (origins.length === 0) return;
    addVary(reply, 'origin');
    if (origin === undefined || !origins.includes(origin)) return;
    void reply
      .header('access-control-allow-origin', origin)
      .header('access-control-expose-headers', EXPOSED)
      // Else a page of another origin could not take what it was allowed to ask for.
      .header('cross-origin-resource-policy', 'cross-origin');
  };
  // Before the answer, for those that are written without hooks; and with it, for what was refused before this door was asked.
  app.addHook('preHandler', async (request, reply) => allow(request, reply));
  app.addHook('onSend', async (request, reply) => {
    if (!reply.hasHeader('access-control-allow-origin')) allow(request, reply);
  });
}

/** Answers what a browser asks before the request itself; true when it was that. */
export function answerPreflight(request: FastifyRequest, reply: FastifyReply, methods: string): boolean {
  if (request.headers['access-control-request-method'] === undefined) return false;
  void reply
    .header('access-control-allow-methods', methods)
    .header('access-control-allow-headers', ALLOWED)
    .header('access-control-max-age', PREFLIGHT_SECONDS)
    .code(204)
    .send();
  return true;
}

export function addVary(reply: FastifyReply, name: string): void {
  const known = String(reply.getHeader('vary') ?? '');
  const names = known.split(',').map((each) => each.trim().toLowerCase());
  if (!names.includes(name)) void reply.header('vary', known === '' ? name : `${known}, ${name}`);
}
