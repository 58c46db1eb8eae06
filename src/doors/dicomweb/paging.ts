/** Pages of a search: PS3.18 8.3.4.4. */
import type { FastifyReply } from 'fastify';
import type { Get } from './context.ts';
import type { Search } from './search.ts';

/** There are more: says so, and where the next page is (RFC 8288). */
export function nextPage(request: Get, reply: FastifyReply, { warnings, limit, offset }: Search): void {
  warnings.push('There are more results: ask again with offset');
  const next = new URLSearchParams(request.query as Record<string, string>);
  for (const [name, value] of Object.entries(request.query)) {
    if (!Array.isArray(value)) continue;
    next.delete(name);
    for (const each of value) next.append(name, each);
  }
  next.set('limit', String(limit));
  next.set('offset', String(offset + limit));
  const path = request.url.split('?', 1)[0]!;
  if (limit > 0)
    void reply.header('link', `<${request.protocol}://${request.host}${path}?${next}>; rel="next"`);
}
