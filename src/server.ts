import { existsSync, readFileSync } from 'node:fs';
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
import type { NetworkPlan } from './doors/api/contract.ts';
import { registerApi, type NetworkControl } from './doors/api/index.ts';
import { registerAuth } from './doors/auth.ts';
import { createDimseDoor } from './doors/dimse/index.ts';
import { dicomwebDoor } from './doors/dicomweb/index.ts';
import { createFolderDoor, type FolderDoor } from './doors/folder/door.ts';
import { registerMetrics } from './doors/metrics.ts';
import { uploadDoor } from './doors/upload/index.ts';
import { createDoctor } from './doctor.ts';
import { givenAuthority, givenCertificate } from './tls.ts';
import { NegatoscopeError, reasonOf } from './errors.ts';
import { VERSION } from './version.ts';
import { isLoopback } from './remote/index.ts';
import type { Rooms } from './rooms.ts';
import {
  assertFree,
  isSame,
  keepPlan,
  type Listener,
  listening,
  listenersFor,
  NETWORK_PORT,
  storedPlan,
} from './listeners.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const WEB = join(ROOT, 'dist', 'web');

export interface RunningServer {
  /** Addresses to print, the first one for this computer. */
  readonly urls: string[];
  readonly dicomPort: number;
  readonly dicomTlsPort: number | undefined;
  readonly dicomHost: string;
  close(): Promise<void>;
}

/** For an answer to reach the browser before its door is shut. */
const ANSWER_MS = 500;

/** Opens every door. Rejects with `port-in-use` naming the port. */
export async function startServer(rooms: Rooms): Promise<RunningServer> {
  const { config, log } = rooms;
  const closing = new AbortController();
  let plan = await storedPlan(rooms);
  let apps: { app: FastifyInstance; listener: Listener; url: string }[] = [];
  let dimse: Awaited<ReturnType<typeof openDimse>>;

  const dicomHost = () => config.host ?? (plan.exposure === 'network' ? '0.0.0.0' : '127.0.0.1');
  async function dicomTls() {
    if (config.dicomTlsPort === undefined) return undefined;
    const { cert, key } = config.tlsCert
      ? givenCertificate(config.tlsCert, config.tlsKey!)
      : await (await import('./authority.ts')).ownCertificate(config.dir);
    const clientCa = config.dicomTlsClientCa ? givenAuthority(config.dicomTlsClientCa) : undefined;
    return { port: config.dicomTlsPort, cert, key, ...(clientCa ? { clientCa } : {}) };
  }
  async function openDimse() {
    const tls = await dicomTls();
    const door = createDimseDoor({
      ...(tls ? { tls } : {}),
      archive: rooms.archive,
      aeTitle: config.aet,
      host: dicomHost(),
      port: config.dicomPort,
      log,
      heardCommitment: rooms.forwarding.heardCommitment,
      async destinationOf(aeTitle) {
        const system = await rooms.remote.destinationOf(aeTitle);
        return system && rooms.remote.address(system);
      },
    });
    try {
      await listening(() => door.start(), config.dicomPort, '--dicom-port', dicomHost());
    } catch (error) {
      await door.close(); // one of two ports may be open
      throw error;
    }
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
      // Whatever would keep these doors shut is said before anything is changed, not after.
      for (const { port } of (await listenersFor(rooms, next)).slice(1))
        if (!apps.some(({ listener }) => listener.port === port)) await assertFree(port);
      return next;
    },
    async apply(next) {
      await keepPlan(rooms, next);
      const before = dicomHost();
      plan = next;
      const wanted = (await listenersFor(rooms, next)).slice(1);
      const stale = apps.slice(1).filter(({ listener }) => !wanted.some((each) => isSame(each, listener)));
      const missing = wanted.filter((each) => !apps.some(({ listener }) => isSame(each, listener)));
      const turn = async () => {
        apps = apps.filter((each) => !stale.includes(each));
        await Promise.allSettled(stale.map(({ app }) => app.close()));
        for (const listener of missing) apps.push(await open(listener));
      };
      if (stale.length === 0) await turn();
      // The answer to whoever asked may go out by a door that is to be shut.
      else
        setTimeout(
          () =>
            void turn().catch((error) => log.error({ reason: reasonOf(error) }, 'a web door did not open')),
          ANSWER_MS,
        ).unref();
      if (dicomHost() !== before) {
        await dimse.close();
        dimse = await openDimse();
      }
    },
    plan: () => plan,
    fixed: config.host !== undefined || config.trustProxy !== undefined || config.tlsCert !== undefined,
    behindProxy: () => plan.tls === 'proxy',
    place: () => ({
      webUrl: apps.at(-1)!.url,
      dicomPort: dimse.port,
      exposure: isLoopback(dicomHost()) ? 'local' : 'network',
    }),
  };
  const doctor = createDoctor(rooms);
  const folders = createFolderDoor({
    archive: rooms.archive,
    folders: config.watchFolders,
    dataDir: config.dir,
    spoolDir: join(config.dir, 'staging'),
    log,
  });

  const flagOf = (port: number) => (port === config.port ? '--port' : NETWORK_PORT);
  async function open(listener: Listener) {
    const app = await buildApp(rooms, { listener, network, doctor, folders, closing: closing.signal });
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
    await folders.start();
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
    get dicomTlsPort() {
      return dimse.tlsPort;
    },
    get dicomHost() {
      return dicomHost();
    },
    async close() {
      closing.abort();
      await folders.close();
      await dimse.close();
      await Promise.allSettled(apps.map(({ app }) => app.close()));
      apps = [];
    },
  };
}

async function buildApp(
  rooms: Rooms,
  deps: {
    listener: Listener;
    network: NetworkControl;
    doctor: ReturnType<typeof createDoctor>;
    folders: FolderDoor;
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
    routerOptions: { maxParamLength: 8192 }, // a list of frames
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

  registerMetrics(app, rooms);
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
  await app.register(
    uploadDoor({
      archive: rooms.archive,
      timeZone: rooms.config.timeZone,
      spoolDir: join(rooms.config.dir, 'staging'),
    }),
  );
  await app.register(
    dicomwebDoor({ ...doors, ups: rooms.assist.ups, corsOrigins: rooms.config.corsOrigins }),
    {
      prefix: '/dicom-web',
    },
  );

  if (existsSync(WEB)) {
    await app.register(fastifyStatic, {
      root: WEB,
      wildcard: false,
      index: false,
      preCompressed: true, // by the build, where it pays
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
