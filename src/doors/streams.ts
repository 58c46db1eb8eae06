import type { FastifyInstance } from 'fastify';

/** In this scope a body is read by its route, chunk by chunk, whatever its type and size. */
export function takeStreams(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}
