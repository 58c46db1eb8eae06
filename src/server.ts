import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import Fastify, {
  LogController,
  type FastifyError,
  type FastifyInstance,
  type FastifyServerOptions,
} from 'fastify';
import { registerApi, type NetworkControl, type NetworkPlan } from './doors/api/index.ts';
import { registerAuth } from './doors/auth.ts';
import { createDimseDoor } from './doors/dimse/index.ts';
import { dicomwebDoor } from './doors/dicomweb/index.ts';
import { uploadDoor } from './doors/upload/index.ts';
import { createDoctor } from './doctor.ts';
import { NegatoscopeError } from './errors.ts';
import { VERSION } from './version.ts';
import type { Rooms } from './rooms.ts';
import { givenCertificate, localNames, ownCertificate } from './tls.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const WEB = join(ROOT, 'dist', 'web');

export interface RunningServer {
  /** Addresses to print, the first one for this computer. */
  readonly urls: string[];
  readonly dicomPort: number;
  readonly dicomHost: string;
  close(): Promise<void>;
}

interface Listener {
  host: string;
  port: number;
  tls?: { cert: string; key: string };
  trustProxy?: string;
  /** Given to people: host name in the printed address. */
  shown: string;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Where the web listens, from flags first, then from what the practice chose at its first visit. */
async function listenersFor(rooms: Rooms, plan: NetworkPlan): Promise<Listener[]> {
  const { config } = rooms;
  const own = async () => {
    const { cert, key } = await ownCertificate(config.dir);
    return { cert, key };
  };
  const given = () =>
    givenCertificate(config.tlsCert ?? plan.certPath ?? '', config.tlsKey ?? plan.keyPath ?? '');
  const name = localNames().find((each) => each.endsWith('.local')) ?? 'localhost';
  if (config.host !== undefined) {
    const listener: Listener = {
      host: config.host,
      port: config.port,
      shown: isLoopback(config.host) ? config.host : name,
    };
    if (config.trustProxy !== undefined) return [{ ...listener, trustProxy: config.trustProxy }];
    if (config.tlsCert) return [{ ...listener, tls: given() }];
    return [isLoopback(config.host) ? listener : { ...listener, tls: await own() }];
  }
  const here: Listener = { host: '127.0.0.1', port: config.port, shown: '127.0.0.1' };
  if (config.trustProxy !== undefined) return [{ ...here, trustProxy: config.trustProxy }];
  if (plan.exposure === 'local') return [config.tlsCert ? { ...here, tls: given() } : here];
  if (plan.tls === 'proxy') return [here];
  const tls = config.tlsCert || plan.tls === 'certificate' ? given() : await own();
  return [here, { host: '0.0.0.0', port: config.networkPort, tls, shown: name }];
}

const PLAN_KEY = 'network.plan';
async function storedPlan(rooms: Rooms): Promise<NetworkPlan> {
  const text = await rooms.store.setting(PLAN_KEY);
  return text
    ? (JSON.parse(text) as NetworkPlan)
    : { exposure: 'local', tls: null, certPath: null, keyPath: null };
}

/** How the second web port is set: no flag names it. */
const NETWORK_PORT = '"networkPort" in negatoscope.json, or NEGATOSCOPE_NETWORK_PORT';

/** Opens every door. Rejects with `port-in-use` naming the port. */
export async function startServer(rooms: Rooms): Promise<RunningServer> {
  const { config, log } = rooms;
  const closing = new AbortController();
  let plan = await storedPlan(rooms);
  let apps: { app: FastifyInstance; listener: Listener; url: string }[] = [];
  let dimse: Awaited<ReturnType<typeof openDimse>>;

  const dicomHost = () => config.host ?? (plan.exposure === 'network' ? '0.0.0.0' : '127.0.0.1');
  async function openDimse() {
    const door = createDimseDoor({
      archive: rooms.archive,
      aeTitle: config.aet,
      host: dicomHost(),
      port: config.dicomPort,
      log,
    });
    await listening(() => door.start(), config.dicomPort, '--dicom-port', dicomHost());
    return door;
  }

  const network: NetworkControl = {
    async check(choice) {
      const next: NetworkPlan = {
        exposure: choice.exposure,
        tls: choice.exposure === 'network' ? (choice.tls ?? 'own-ca') : null,
        certPath: choice.certPath ?? null,
        keyPath: choice.keyPath ?? null,
      };
      // Whatever would keep these doors shut is said before an account is made, not after.
      for (const { port } of (await listenersFor(rooms, next)).slice(1)) await assertFree(port);
      return next;
    },
    async apply(next) {
      await rooms.store.setSetting(PLAN_KEY, JSON.stringify(next));
      const before = dicomHost();
      plan = next;
      const wanted = await listenersFor(rooms, next);
      for (const listener of wanted.slice(1)) apps.push(await open(listener));
      if (dicomHost() !== before) {
        await dimse.close();
        dimse = await openDimse();
      }
    },
    behindProxy: () => plan.tls === 'proxy',
    place: () => ({
      webUrl: apps.at(-1)!.url,
      dicomPort: dimse.port,
      exposure: isLoopback(dicomHost()) ? 'local' : 'network',
    }),
  };
  const doctor = createDoctor(rooms);

  const flagOf = (port: number) => (port === config.port ? '--port' : NETWORK_PORT);
  async function open(listener: Listener) {
    const app = await buildApp(rooms, { listener, network, doctor, closing: closing.signal });
    await listening(
      () => app.listen({ host: listener.host, port: listener.port }),
      listener.port,
      flagOf(listener.port),
      listener.host,
    );
    const address = app.server.address();
    const port = typeof address === 'object' && address ? address.port : listener.port;
    const shown = listener.shown.includes(':') ? `[${listener.shown}]` : listener.shown;
    return { app, listener, url: `${listener.tls ? 'https' : 'http'}://${shown}:${port}` };
  }

  try {
    for (const listener of await listenersFor(rooms, plan)) apps.push(await open(listener));
    dimse = await openDimse();
  } catch (error) {
    await Promise.allSettled(apps.map(({ app }) => app.close()));
    throw error;
  }
  return {
    get urls() {
      return apps.map(({ url }) => url);
    },
    get dicomPort() {
      return dimse.port;
    },
    get dicomHost() {
      return dicomHost();
    },
    async close() {
      closing.abort();
      await dimse.close();
      await Promise.allSettled(apps.map(({ app }) => app.close()));
      apps = [];
    },
  };
}

async function listening(
  start: () => Promise<unknown>,
  port: number,
  flag: string,
  host: string,
): Promise<void> {
  try {
    await start();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new NegatoscopeError(
        'port-in-use',
        `Port ${port} is used by another program. Choose another one with ${flag}.`,
        { status: 500, details: { port }, cause },
      );
    if (code === 'EACCES')
      throw new NegatoscopeError(
        'port-in-use',
        `This account may not open port ${port}. Choose one above 1023 with ${flag}.`,
        { status: 500, details: { port }, cause },
      );
    if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'].includes(code ?? ''))
      throw new NegatoscopeError(
        'address',
        `This computer has no address ${host}. Choose another one with --host.`,
        { status: 500, details: { host }, cause },
      );
    throw cause;
  }
}

/** @throws `port-in-use` */
async function assertFree(port: number): Promise<void> {
  const probe = createServer();
  await listening(
    () =>
      new Promise<void>((resolve, reject) => {
        probe.once('error', reject);
        probe.listen(port, '0.0.0.0', resolve);
      }),
    port,
    NETWORK_PORT,
    '0.0.0.0',
  );
  await new Promise((resolve) => probe.close(resolve));
}

async function buildApp(
  rooms: Rooms,
  deps: {
    listener: Listener;
    network: NetworkControl;
    doctor: ReturnType<typeof createDoctor>;
    closing: AbortSignal;
  },
): Promise<FastifyInstance> {
  const { listener } = deps;
  const app = Fastify({
    loggerInstance: rooms.log.child({}, { level: rooms.config.logLevel === 'debug' ? 'info' : 'warn' }),
    // Requests are logged by none of their parts: paths hold UIDs, queries hold names.
    logController: new LogController({ disableRequestLogging: true }),
    // The proxy that the first visit told of runs on this computer; trusted from that moment, without a new start.
    trustProxy:
      listener.trustProxy ?? ((address: string) => deps.network.behindProxy() && isLoopback(address)),
    bodyLimit: 4 * 1024 * 1024,
    routerOptions: { maxParamLength: 256 },
    forceCloseConnections: true,
    ...(listener.tls ? { https: { ...listener.tls, minVersion: 'TLSv1.2' } } : {}),
  } as FastifyServerOptions) as unknown as FastifyInstance;

  app.setErrorHandler((error: FastifyError | NegatoscopeError, _request, reply) => {
    if (error instanceof NegatoscopeError) {
      if (error.status >= 500) rooms.log.error({ code: error.code }, 'request failed');
      return reply
        .code(error.status)
        .send({ error: { code: error.code, message: error.message, details: error.details } });
    }
    const status = error.statusCode ?? 500;
    if (status >= 500) rooms.log.error({ err: error }, 'request failed');
    return reply.code(status).send({
      error: {
        code: status === 429 ? 'throttled' : status < 500 ? 'bad-request' : 'internal',
        message: status < 500 ? error.message : 'Something failed here. The server’s log says what.',
        details: {},
      },
    });
  });

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
        workerSrc: ["'self'", 'blob:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", 'blob:', 'data:'],
        frameSrc: ["'self'", 'blob:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'self'"],
      },
    },
    crossOriginEmbedderPolicy: false,
    frameguard: { action: 'sameorigin' },
    hsts: listener.tls ? { maxAge: 15_552_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'same-origin' },
  });
  // Before the plugin, whose own hook reads what this one writes.
  app.addHook('onRoute', (route) => {
    const perMinute = route.config?.perMinute;
    if (perMinute)
      route.config = { ...route.config, rateLimit: { max: perMinute, timeWindow: 60_000 } } as never;
  });
  await app.register(rateLimit, { global: false });
  await registerAuth(app, { people: rooms.people });
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'Negatoscope',
        version: VERSION,
        description: 'Research software, not a medical device.',
      },
    },
  });

  registerApi(app, rooms, { ...deps, version: VERSION });
  app.get('/api/openapi.json', { config: { access: 'person' } }, async () => app.swagger());
  app.get('/ca.crt', { config: { access: 'public' } }, async (_request, reply) => {
    const file = join(rooms.config.dir, 'tls', 'ca.crt');
    if (!existsSync(file))
      throw new NegatoscopeError('not-found', 'This installation has no certificate authority of its own.', {
        status: 404,
      });
    return reply
      .type('application/x-x509-ca-cert')
      .header('content-disposition', 'attachment; filename="negatoscope-ca.crt"')
      .send(readFileSync(file));
  });
  const doors = { archive: rooms.archive, sightOf: rooms.reading.sightOf, log: rooms.log };
  await app.register(uploadDoor({ archive: rooms.archive, timeZone: rooms.config.timeZone }));
  await app.register(dicomwebDoor(doors), { prefix: '/dicom-web' });

  if (existsSync(WEB)) {
    await app.register(fastifyStatic, {
      root: WEB,
      wildcard: false,
      index: false,
      setHeaders(reply, path) {
        reply.header(
          'cache-control',
          path.includes('/assets/')
            ? 'public, max-age=31536000, immutable'
            : path.endsWith('.html')
              ? 'no-store'
              : 'no-cache',
        );
      },
    });
  }
  const index = existsSync(join(WEB, 'index.html')) ? readFileSync(join(WEB, 'index.html')) : undefined;
  app.setNotFoundHandler((request, reply) => {
    const page = request.method === 'GET' && !/^\/(api|dicom-web|assets)\//.test(request.url);
    if (page && index)
      return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(index);
    return reply
      .code(404)
      .send({ error: { code: 'not-found', message: 'There is nothing here.', details: {} } });
  });
  await app.ready();
  return app;
}
