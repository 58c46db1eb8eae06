import type { FastifyPluginAsync, RouteHandlerMethod } from 'fastify';
import { SEES_ALL } from '../../archive/index.ts';
import { SENDERS } from '../auth.ts';
import { takeStreams } from '../streams.ts';
import { createDecoderPool } from '../../dicom/pixels/index.ts';
import { capabilitiesRoute } from './capabilities.ts';
import { compressText } from './compress.ts';
import type { DicomwebDependencies, Shared } from './context.ts';
import { allowOrigins } from './cors.ts';
import { createFrames } from './frames.ts';
import { metadataRoute } from './metadata.ts';
import { searchRoutes } from './qido.ts';
import { renderRoutes } from './render.ts';
import { storeRoute } from './stow.ts';
import { isWorker, ROLES } from '../../people/index.ts';
import { upsRoutes, registerUps } from './ups.ts';
import { uriRoute } from './uri.ts';
import { retrieveRoutes } from './wado.ts';
import { mustBeOwnWork } from './worker.ts';

export type { DicomwebDependencies } from './context.ts';

const STUDY = '/studies/:study';
const SERIES = `${STUDY}/series/:series`;
const INSTANCE = `${SERIES}/instances/:instance`;

/** `send`: whoever may send images; `view`: whoever may look. Below the door's prefix. */
export const dicomwebRoutes = [
  { method: 'POST', url: '/studies', needs: 'send' },
  { method: 'POST', url: STUDY, needs: 'send' },
  { method: 'GET', url: '/studies', needs: 'view' },
  { method: 'GET', url: '/series', needs: 'view' },
  { method: 'GET', url: '/instances', needs: 'view' },
  { method: 'GET', url: `${STUDY}/series`, needs: 'view' },
  { method: 'GET', url: `${STUDY}/instances`, needs: 'view' },
  { method: 'GET', url: `${SERIES}/instances`, needs: 'view' },
  { method: 'GET', url: STUDY, needs: 'view' },
  { method: 'GET', url: SERIES, needs: 'view' },
  { method: 'GET', url: INSTANCE, needs: 'view' },
  { method: 'GET', url: `${STUDY}/metadata`, needs: 'view' },
  { method: 'GET', url: `${SERIES}/metadata`, needs: 'view' },
  { method: 'GET', url: `${INSTANCE}/metadata`, needs: 'view' },
  { method: 'GET', url: `${INSTANCE}/bulkdata/*`, needs: 'view' },
  { method: 'GET', url: `${INSTANCE}/frames/:frames`, needs: 'view' },
  { method: 'GET', url: `${INSTANCE}/frames/:frames/rendered`, needs: 'view' },
  { method: 'GET', url: `${INSTANCE}/frames/:frames/thumbnail`, needs: 'view' },
  { method: 'GET', url: `${INSTANCE}/rendered`, needs: 'view' },
  { method: 'GET', url: `${INSTANCE}/thumbnail`, needs: 'view' },
  { method: 'GET', url: `${SERIES}/thumbnail`, needs: 'view' },
  { method: 'GET', url: `${STUDY}/thumbnail`, needs: 'view' },
  { method: 'GET', url: `${SERIES}/rendered`, needs: 'view' },
  { method: 'GET', url: `${STUDY}/rendered`, needs: 'view' },
  { method: 'GET', url: '/wado', needs: 'view' },
] as const satisfies readonly { method: 'GET' | 'POST'; url: string; needs: 'send' | 'view' }[];

/**
 * What a worker may ask for beside its worklist: whole instances, their metadata, bulk data and frames, of what it has claimed
 * alone; and it may send what it found there.
 */
const OF_WORKERS: ReadonlySet<string> = new Set([
  `POST ${STUDY}`,
  `GET ${INSTANCE}`,
  `GET ${INSTANCE}/metadata`,
  `GET ${INSTANCE}/bulkdata/*`,
  `GET ${INSTANCE}/frames/:frames`,
]);

type Handlers = Record<`${'GET' | 'POST'} ${string}`, unknown>;

/**
 * DICOMweb (PS3.18): STOW-RS, QIDO-RS, WADO-RS, WADO-URI. Who asks is settled before: `request.principal`.
 *
 * @example
 * await app.register(dicomwebDoor({ archive, sightOf: reading.sightOf, log }), { prefix: '/dicom-web' });
 */
export function dicomwebDoor(dependencies: DicomwebDependencies): FastifyPluginAsync {
  return async (app) => {
    takeStreams(app);
    allowOrigins(app, dependencies.corsOrigins ?? []);
    compressText(app);
    const pool = createDecoderPool();
    app.addHook('onClose', () => pool.close());
    // A worker is let in to what it has claimed alone (`mustBeOwnWork`), and of that it may see everything.
    const sightOf: Shared['sightOf'] = (principal) =>
      isWorker(principal) ? SEES_ALL : dependencies.sightOf(principal);
    const handlers = handlersOf({ ...dependencies, sightOf, pool });
    const { ups } = dependencies;
    for (const { method, url, needs } of dicomwebRoutes) {
      const handler = handlers[`${method} ${url}`] as RouteHandlerMethod;
      if (!ups || !OF_WORKERS.has(`${method} ${url}`)) app.route({ method, url, handler });
      else
        app.route({
          method,
          url,
          handler,
          config: { access: needs === 'view' ? [...ROLES, 'worker'] : [...SENDERS, 'worker'] },
          preHandler: mustBeOwnWork(ups),
        });
    }
    if (ups) registerUps(app, { ...dependencies, ups });
    // Says nothing of anyone: a browser asks before it sends a token.
    const capabilities = capabilitiesRoute([...dicomwebRoutes, ...(ups ? upsRoutes : [])]);
    for (const url of ['/', '/*'])
      app.route({ method: 'OPTIONS', url, handler: capabilities, config: { access: 'public' } });
  };
}

function handlersOf(dependencies: Shared): Handlers {
  const store = storeRoute(dependencies);
  const search = searchRoutes(dependencies);
  const { answer, frames } = createFrames(dependencies);
  const retrieve = retrieveRoutes(dependencies, answer);
  const metadata = metadataRoute(dependencies);
  const render = renderRoutes(dependencies);
  const { rendered, thumbnail } = render;
  return {
    'POST /studies': store,
    [`POST ${STUDY}`]: store,
    'GET /studies': search.studies,
    'GET /series': search.series,
    'GET /instances': search.instances,
    [`GET ${STUDY}/series`]: search.series,
    [`GET ${STUDY}/instances`]: search.instances,
    [`GET ${SERIES}/instances`]: search.instances,
    [`GET ${STUDY}`]: retrieve.instances,
    [`GET ${SERIES}`]: retrieve.instances,
    [`GET ${INSTANCE}`]: retrieve.instance,
    [`GET ${STUDY}/metadata`]: metadata,
    [`GET ${SERIES}/metadata`]: metadata,
    [`GET ${INSTANCE}/metadata`]: metadata,
    [`GET ${INSTANCE}/bulkdata/*`]: retrieve.bulk,
    [`GET ${INSTANCE}/frames/:frames`]: frames,
    [`GET ${INSTANCE}/frames/:frames/rendered`]: rendered,
    [`GET ${INSTANCE}/frames/:frames/thumbnail`]: thumbnail,
    [`GET ${INSTANCE}/rendered`]: rendered,
    [`GET ${INSTANCE}/thumbnail`]: thumbnail,
    [`GET ${SERIES}/thumbnail`]: thumbnail,
    [`GET ${STUDY}/thumbnail`]: thumbnail,
    [`GET ${SERIES}/rendered`]: rendered,
    [`GET ${STUDY}/rendered`]: rendered,
    'GET /wado': uriRoute(dependencies, retrieve, render),
  };
}
