/** The trial of a web service: whether it answers, lets us in, and is one of DICOM. */
import { createWebClient, multipartWriter } from '../wire/index.ts';
import type { WebAnswer, WebClient, WebService } from '../wire/index.ts';
import { codeOf } from './trial.ts';
import type { RemoteSystem, ThereCode, Trial } from './types.ts';
import { webText } from './words.ts';

const CONNECT_MS = 6_000;
const ANSWER_MS = 20_000;

/** What an answer that is no success means. */
export function codeOfStatus(status: number): ThereCode {
  if (status === 401) return 'web-credentials';
  if (status === 403) return 'web-forbidden';
  if (status === 404 || status === 405 || status === 501) return 'web-path';
  if (status >= 300 && status < 400) return 'web-moved';
  if (status === 429 || status === 503 || status === 507) return 'web-busy';
  return status >= 500 ? 'web-fails' : 'web-other';
}

const isStudies = ({ status, type, body }: WebAnswer): boolean => {
  if (status === 204) return true;
  if (status !== 200) return false;
  try {
    return /\bjson$/.test(type) && Array.isArray(JSON.parse(body.toString('utf8')));
  } catch {
    return false;
  }
};

async function probe(client: WebClient): Promise<ThereCode> {
  const limits = { connectMs: CONNECT_MS, silenceMs: ANSWER_MS };
  // One study of the search (PS3.18 10.6): nothing is changed, and a page of another program does not look like it.
  const found = await client.request({
    method: 'GET',
    path: '/studies?limit=1',
    headers: { accept: 'application/dicom+json' },
    ...limits,
  });
  if (isStudies(found)) return 'ok';
  if (found.status < 300) return 'web-other';
  if (codeOfStatus(found.status) !== 'web-path') return codeOfStatus(found.status);
  // It may take what is sent and search nothing: a delivery with nothing in it is refused for that, and for nothing else.
  const frames = multipartWriter();
  const empty = await client.request({
    method: 'POST',
    path: '/studies',
    headers: { 'content-type': frames.contentType('application/dicom'), accept: 'application/dicom+json' },
    body: (async function* () {
      yield frames.end();
    })(),
    ...limits,
  });
  return empty.status < 300 || [400, 409, 415, 422].includes(empty.status)
    ? 'ok'
    : codeOfStatus(empty.status);
}

/** Never throws: what went wrong is the result. */
export async function tryWeb(system: RemoteSystem, service: () => Promise<WebService>): Promise<Trial> {
  const started = performance.now();
  let code: ThereCode;
  let client: WebClient | undefined;
  try {
    client = createWebClient(await service());
    code = await probe(client);
  } catch (error) {
    code = codeOf(error);
  } finally {
    client?.close();
  }
  const ms = Math.round(performance.now() - started);
  return { there: { code, ok: code === 'ok', ms, text: webText(code, { ...system, ms }) }, here: null };
}
