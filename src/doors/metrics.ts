/** `GET /metrics` for Prometheus: numbers of the house, never of a patient. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { NegatoscopeError } from '../errors.ts';
import type { Gauge } from '../metrics.ts';
import type { Rooms } from '../rooms.ts';
import './principal.ts';

const sameText = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
const LOOPBACK: readonly (string | undefined)[] = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];

/** One for the process, whatever the number of listeners. */
let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;

/** `/api`, `/dicom-web`, …: the first part of the route, a small fixed set. */
const kindOf = (request: FastifyRequest): string => {
  const route = request.routeOptions.url;
  return route === undefined ? 'none' : `/${route.split('/')[1]?.replace(/[:*].*/, '') ?? ''}`;
};

export function registerMetrics(app: FastifyInstance, rooms: Rooms): void {
  const { metrics, config, store, archive } = rooms;
  if (!delay) {
    delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
  }
  const loop = delay;

  app.addHook('onResponse', async (request, reply) => {
    const route = kindOf(request);
    if (request.routeOptions.url === '/api/live') return; // it lasts as long as the page
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    metrics.count('negatoscope_http_requests_total', { route, method: request.method, status });
    metrics.time('negatoscope_http_seconds', reply.elapsedTime / 1000, { route });
  });

  const allowed = (request: FastifyRequest): boolean => {
    if (request.maybePrincipal?.roles.has('admin')) return true;
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (config.metricsToken && bearer && sameText(bearer, config.metricsToken)) return true;
    // Behind a proxy everybody comes from here.
    return (
      config.metricsLoopback &&
      LOOPBACK.includes(request.socket.remoteAddress) &&
      request.headers['x-forwarded-for'] === undefined
    );
  };

  app.get(
    '/metrics',
    { config: { access: 'public' }, schema: { hide: true } as never },
    async (request, reply) => {
      if (!allowed(request))
        throw new NegatoscopeError(
          'unauthenticated',
          'Send the metrics token of the settings (metricsToken): Authorization: Bearer <token>.',
          { status: 401 },
        );
      const { bavail, blocks, bsize } = await statfs(store.dir);
      const memory = process.memoryUsage();
      const queues = await store.jobs.queues();
      const verification = await archive.verification.state();
      const aside = Object.entries(await archive.quarantine.counts());
      const now = Date.now();
      const one = (name: string, help: string, value: number): Gauge => ({ name, help, values: [{ value }] });
      const gauges: Gauge[] = [
        one('negatoscope_disk_free_bytes', 'Room for new images.', bavail * bsize),
        one('negatoscope_disk_size_bytes', 'Size of the volume.', blocks * bsize),
        one('process_resident_memory_bytes', 'Resident memory.', memory.rss),
        one('process_heap_used_bytes', 'JavaScript heap in use.', memory.heapUsed),
        one('process_uptime_seconds', 'Since the start.', process.uptime()),
        {
          name: 'negatoscope_event_loop_delay_seconds',
          help: 'Delay of the event loop since the last scrape.',
          values: [
            { labels: { quantile: '0.5' }, value: loop.percentile(50) / 1e9 },
            { labels: { quantile: '0.99' }, value: loop.percentile(99) / 1e9 },
            { labels: { quantile: '1' }, value: loop.max / 1e9 },
          ],
        },
        {
          name: 'negatoscope_jobs',
          help: 'Jobs by kind and state.',
          values: queues.flatMap(({ kind, waiting, running, failed }) =>
            Object.entries({ waiting, running, failed }).map(([state, value]) => ({
              labels: { kind, state },
              value,
            })),
          ),
        },
        {
          name: 'negatoscope_jobs_oldest_seconds',
          help: 'How long the oldest job that is due has waited.',
          values: queues.map(({ kind, oldestDueAt }) => ({
            labels: { kind },
            value: oldestDueAt === null ? 0 : Math.max(0, (now - oldestDueAt) / 1000),
          })),
        },
        {
          name: 'negatoscope_quarantine',
          help: 'Files kept aside, by reason.',
          values: aside.map(([reason, value]) => ({ labels: { reason }, value })),
        },
        one('negatoscope_verification_damaged', 'Stored files that do not match.', verification.damaged),
        one('negatoscope_verification_checked', 'Files verified in this round.', verification.checked),
        one('negatoscope_verification_total', 'Files of this round.', verification.total),
      ];
      loop.reset();
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.text(gauges));
    },
  );
}
