import type { FastifyInstance } from 'fastify';
import type { Rooms } from '../../rooms.ts';

/** All tools at a glance. */
export function registerOverview(app: FastifyInstance, { overview }: Rooms): void {
  app.get('/api/evidence', { config: { access: ['admin', 'reader', 'evidence'] as const } }, async () =>
    overview(),
  );
}
