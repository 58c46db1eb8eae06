/**
 * OHIF as it comes from npm (`@ohif/app`), served on a port of its own and reading from our server. The package (50 MB) is kept
 * in a folder under the system's temporary one, or where `NEGATOSCOPE_PEERS` says, and never becomes a part of this project.
 */
import { execFileSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';
import { type Client, firstAccount, newDir, type Server, startServer } from './harness.ts';

export const OHIF_VERSION = '3.13.2';
const CACHE = join(
  process.env.NEGATOSCOPE_PEERS ?? join(tmpdir(), 'negatoscope-peers'),
  `ohif-${OHIF_VERSION}`,
);
const PACK_SECONDS = 120;

/** The folder of the built app; a string that says why it cannot be had otherwise. */
export function ohifApp(): { dist: string } | { missing: string } {
  const dist = join(CACHE, 'package/dist');
  if (existsSync(join(dist, 'index.html'))) return { dist };
  const fresh = `${CACHE}.${process.pid}`;
  try {
    mkdirSync(fresh, { recursive: true });
    execFileSync('npm', ['pack', `@ohif/app@${OHIF_VERSION}`, '--silent'], {
      cwd: fresh,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PACK_SECONDS * 1000,
    });
    const file = `ohif-app-${OHIF_VERSION}.tgz`;
    execFileSync('tar', ['xzf', file], { cwd: fresh, stdio: 'pipe' });
    rmSync(join(fresh, file));
    renameSync(fresh, CACHE); // another run may have been quicker: then this fails and its copy is taken
  } catch (thrown) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(join(dist, 'index.html')))
      return {
        missing: `@ohif/app ${OHIF_VERSION} could not be fetched: ${String((thrown as Error).message).split('\n')[0]}`,
      };
  }
  return { dist };
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/** What OHIF is told: our DICOMweb as its only source, with a token; what it would ask of other hosts is left out. */
const configOf = (dicomweb: string, token: string): string => `
const { open, send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, url, ...rest) {
  this.ours = String(url).startsWith(${JSON.stringify(dicomweb)});
  return open.call(this, method, url, ...rest);
};
XMLHttpRequest.prototype.send = function (body) {
  if (this.ours) this.setRequestHeader('Authorization', ${JSON.stringify(`Bearer ${token}`)});
  return send.call(this, body);
};
const plainFetch = window.fetch;
window.fetch = (input, init = {}) => {
  const url = typeof input === 'string' ? input : (input.url ?? String(input));
  if (!url.startsWith(${JSON.stringify(dicomweb)})) return plainFetch(input, init);
  const headers = new Headers(init.headers ?? input.headers);
  headers.set('Authorization', ${JSON.stringify(`Bearer ${token}`)});
  return plainFetch(input, { ...init, headers });
};
window.config = {
  routerBasename: '/',
  extensions: [],
  modes: [],
  customizationService: {},
  showStudyList: true,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showErrorDetails: 'always',
  investigationalUseDialog: { option: 'never' },
  maxNumberOfWebWorkers: 3,
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  defaultDataSourceName: 'negatoscope',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: 'negatoscope',
    configuration: {
      friendlyName: 'Negatoscope',
      name: 'negatoscope',
      wadoUriRoot: ${JSON.stringify(dicomweb)},
      qidoRoot: ${JSON.stringify(dicomweb)},
      wadoRoot: ${JSON.stringify(dicomweb)},
      qidoSupportsIncludeField: true,
      imageRendering: 'wadors',
      thumbnailRendering: 'wadors',
      enableStudyLazyLoad: true,
      supportsFuzzyMatching: false,
      supportsWildcard: true,
      bulkDataURI: { enabled: true },
      omitQuotationForMultipartRequest: true,
    },
  }],
};`;

/** The tour for those who come for the first time would lie above the image. */
export const skipTour = (where: Page | BrowserContext): Promise<unknown> =>
  where.addInitScript(() => localStorage.setItem('shownTours', '["basicViewerTour"]'));

export interface Ohif {
  readonly url: string;
  close(): Promise<void>;
}
/**
 * Our server on an empty folder, and OHIF that reads from it with a token of these roles. `compressed`: its files come by Brotli as
 * our pages do, made before and kept beside.
 */
export async function openOhif(
  dist: string,
  roles: readonly string[],
  { compressed = false } = {},
): Promise<{ server: Server; client: Client; ohif: Ohif }> {
  const where = { dicomweb: '', token: '' };
  const ohif = await serve(dist, () => where, compressed);
  const dir = newDir();
  writeFileSync(join(dir, 'negatoscope.json'), JSON.stringify({ corsOrigins: [ohif.url] }));
  const server = await startServer(dir);
  const client = await firstAccount(server);
  const { token } = await client.json<{ token: string }>('POST', '/api/tokens', { name: 'ohif', roles });
  Object.assign(where, { dicomweb: `${server.url}/dicom-web`, token });
  return { server, client, ohif };
}

/**
 * Serves the app on loopback. `of` is asked for our DICOMweb address and a token when the page wants its configuration: the port
 * of OHIF has to be known before our server starts, which is told its origin.
 */
async function serve(
  dist: string,
  of: () => { dicomweb: string; token: string },
  compressed: boolean,
): Promise<Ohif> {
  if (compressed) squeeze(dist);
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname));
    if (path === '/app-config.js') {
      const { dicomweb, token } = of();
      response.writeHead(200, { 'content-type': TYPES['.js']!, 'cache-control': 'no-store' });
      return response.end(configOf(dicomweb, token));
    }
    // A name with a dot is a file; anything else is a page of the app.
    const file = /\.[a-z0-9]+$/i.test(path) ? join(dist, path) : join(dist, 'index.html');
    if (!file.startsWith(dist) || !existsSync(file)) return response.writeHead(404).end();
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    const headers = {
      'content-type': type,
      'cache-control': file.endsWith('.html') ? 'no-store' : 'public, max-age=31536000, immutable',
    };
    if (compressed && SQUEEZED.test(type) && String(request.headers['accept-encoding']).includes('br')) {
      response.writeHead(200, { ...headers, 'content-encoding': 'br' });
      return createReadStream(smaller(file)).pipe(response);
    }
    response.writeHead(200, headers);
    return createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const SQUEEZED = /javascript|css|json|wasm|html/;
/** As the build compresses our pages (vite.config.ts). */
const QUALITY = 9;
const smaller = (file: string): string => `${file}.${QUALITY}.br`;

/** Half a minute once, before anybody asks: the first to ask would be measured with it. */
function squeeze(dist: string): void {
  for (const name of readdirSync(dist, { encoding: 'utf8', recursive: true })) {
    const file = join(dist, name);
    const small = smaller(file);
    if (!SQUEEZED.test(TYPES[extname(file)] ?? '') || existsSync(small)) continue;
    const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY };
    writeFileSync(`${small}.${process.pid}`, brotliCompressSync(readFileSync(file), { params }));
    renameSync(`${small}.${process.pid}`, small);
  }
}
