/** Retrieve Capabilities: PS3.18 8.9. What this door does, as WADL or JSON; nothing of any patient. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { negotiate } from './accept.ts';
import { answerPreflight } from './cors.ts';

const WADL = 'application/vnd.sun.wadl+xml';
const TYPES = ['application/json', WADL, 'application/xml'] as const;

interface Route {
  readonly method: string;
  readonly url: string;
}

/** What each kind of resource is given or taken in. */
function mediaTypesOf({ method, url }: Route): string[] {
  if (/^\/(workitems|subscribers)/.test(url))
    return url.includes('subscribers') ? [] : ['application/dicom+json', 'application/dicom+xml'];
  if (method === 'POST')
    return ['application/dicom', 'application/dicom+json', 'application/dicom+xml'].flatMap((type) =>
      type === 'application/dicom'
        ? [`multipart/related; type="${type}"`, type]
        : [`multipart/related; type="${type}"`],
    );
  if (/\/(rendered|thumbnail)$/.test(url)) return ['image/jpeg', 'image/png'];
  if (url === '/wado') return ['image/jpeg', 'image/png', 'application/dicom'];
  if (url.includes('/bulkdata'))
    return ['multipart/related; type="application/octet-stream"', 'application/octet-stream'];
  if (url.includes('/frames')) return ['multipart/related; type="application/octet-stream"'];
  if (/\/metadata$/.test(url) || /(studies|series|instances)$/.test(url))
    return ['application/dicom+json', 'application/json', 'multipart/related; type="application/dicom+xml"'];
  return ['multipart/related; type="application/dicom"', 'application/dicom'];
}

const escaped = (text: string): string => text.replace(/[<>&"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

export function capabilitiesRoute(routes: readonly Route[]) {
  const paths = [...new Set(routes.map(({ url }) => url))];
  const templated = (url: string): string => url.replace(/:(\w+)/g, '{$1}').replace('*', '{path}');
  const json = JSON.stringify({
    service: 'DICOMweb (PS3.18)',
    resources: paths.map((url) => ({
      path: templated(url),
      methods: Object.fromEntries(
        routes.filter((route) => route.url === url).map((route) => [route.method, mediaTypesOf(route)]),
      ),
    })),
  });
  const wadl = (base: string): string => {
    const method = (route: Route): string => {
      const types = mediaTypesOf(route)
        .map((type) => `<representation mediaType="${escaped(type)}"/>`)
        .join('');
      const inside = route.method !== 'GET' ? `<request>${types}</request>` : `<response>${types}</response>`;
      return `<method name="${route.method}">${inside}</method>`;
    };
    const resources = paths.map((url) => {
      const methods = routes.filter((route) => route.url === url).map(method);
      return `<resource path="${escaped(templated(url).slice(1))}">${methods.join('')}</resource>`;
    });
    return (
      '<?xml version="1.0" encoding="UTF-8"?>' +
      `<application xmlns="http://wadl.dev.java.net/2009/02"><resources base="${escaped(base)}">` +
      `${resources.join('')}</resources></application>`
    );
  };

  return async (request: FastifyRequest, reply: FastifyReply) => {
    const methods = ['GET', 'HEAD', ...new Set(routes.map(({ method }) => method)), 'OPTIONS']
      .filter((each, at, all) => all.indexOf(each) === at)
      .join(', ');
    void reply.header('allow', methods);
    if (answerPreflight(request, reply, methods)) return reply;
    const type = negotiate(request, TYPES);
    const prefix = request.url.slice(0, request.url.indexOf('/dicom-web') + '/dicom-web'.length);
    return reply
      .type(type)
      .send(type === 'application/json' ? json : wadl(`${request.protocol}://${request.host}${prefix}/`));
  };
}
