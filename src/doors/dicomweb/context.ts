import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Archive, InstanceRow, Sight, StoredInstance } from '../../archive/index.ts';
import type { Ups } from '../../assist/index.ts';
import type { DicomJson } from '../../dicom/index.ts';
import type { DecoderPool } from '../../dicom/pixels/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Log } from '../../store/types.ts';
import '../principal.ts';
import { addVary } from './cors.ts';

export interface DicomwebDependencies {
  archive: Archive;
  /** `reading.sightOf`: what of AI this request may see. */
  sightOf: (principal: FastifyRequest['principal']) => Sight;
  log: Log;
  /** The worklist of AI work: without it there are no work items and no workers. */
  ups?: Ups;
  /** Origins whose pages may ask, with a token; none unless told. */
  corsOrigins?: readonly string[];
}
/** What the routes share: `pool` decodes off the main thread. */
export type Shared = DicomwebDependencies & { pool: DecoderPool };

export interface Place {
  study?: string;
  series?: string;
  instance?: string;
  frames?: string;
  '*'?: string;
}
export type Get = FastifyRequest<{ Params: Place; Querystring: Record<string, string | string[]> }>;

const absent = (what: string): NegatoscopeError =>
  new NegatoscopeError(`${what}-not-found`, `There is no such ${what} here.`, { status: 404 });

/** The instances at an address, for these eyes; throws `…-not-found` (404) when there are none. */
export async function instancesAt(
  archive: Archive,
  { study, series, instance }: Place,
  sight: Sight,
): Promise<InstanceRow[]> {
  if (instance !== undefined) {
    const row = await archive.instance(instance, sight);
    if (!row || row.studyUid !== study || row.seriesUid !== series) throw absent('instance');
    return [row];
  }
  const limit = 1_000_000;
  const rows = await archive.findInstances(
    {
      match: {},
      limit,
      ...(study === undefined ? {} : { studyUid: study }),
      ...(series === undefined ? {} : { seriesUid: series }),
    },
    sight,
  );
  if (rows.length === 0) throw absent(series === undefined ? 'study' : 'series');
  return rows;
}

/** The instance at an address, for these eyes; throws `instance-not-found` (404). */
export async function storedAt(
  archive: Archive,
  { study, series, instance }: Place,
  sight: Sight,
): Promise<StoredInstance> {
  const stored = instance === undefined ? undefined : await archive.stored(instance, sight);
  if (!stored || stored.row.studyUid !== study || stored.row.seriesUid !== series) throw absent('instance');
  return stored;
}

/** `https://host/dicom-web`: where the client reached us. */
export const baseOf = (request: FastifyRequest): string => {
  const { url } = request.routeOptions;
  const prefix = (url ?? '').slice(0, (url ?? '').search(/\/(studies|series|instances)/));
  return `${request.protocol}://${request.host}${prefix}`;
};
export const studyUrl = (base: string, study: string): string => `${base}/studies/${study}`;
export const seriesUrl = (base: string, study: string, series: string): string =>
  `${studyUrl(base, study)}/series/${series}`;
export const instanceUrl = (
  base: string,
  row: Pick<InstanceRow, 'studyUid' | 'seriesUid' | 'sopInstanceUid'>,
): string => `${seriesUrl(base, row.studyUid, row.seriesUid)}/instances/${row.sopInstanceUid}`;

/**
 * Pixels never change, so a browser may keep them (`for ever`). A file is asked for again, for the patient in it may be corrected
 * (`if unchanged`). What AI made may be hidden again by a change of its stage: that is not kept. True when the client has it
 * already and 304 was sent.
 */
export function isFresh(
  request: FastifyRequest,
  reply: FastifyReply,
  row: InstanceRow,
  variant: string,
  keep: 'for ever' | 'if unchanged' = 'for ever',
): boolean {
  if (row.kind === 'ai') {
    reply.header('cache-control', 'private, no-store');
    return false;
  }
  const tag = `"${row.sha256.slice(0, 32)}${variant}"`;
  reply
    .header(
      'cache-control',
      keep === 'for ever' ? 'private, max-age=31536000, immutable' : 'private, no-cache',
    )
    .header('etag', tag);
  addVary(reply, 'accept');
  const known = request.headers['if-none-match'];
  const matches = (one: string): boolean => one === '*' || one.replace(/^W\//, '') === tag;
  if (known === undefined || !known.split(',').some((one) => matches(one.trim()))) return false;
  void reply.code(304).send();
  return true;
}

/** On whose behalf pixels are worked on: each person and each machine has its turn. */
export const ownerOf = ({ principal, ip }: Pick<FastifyRequest, 'principal' | 'ip'>): string =>
  `${principal.personId ?? principal.name} ${ip}`;

/** Relative BulkDataURIs of the archive as addresses of this door. */
export function withBulkUrls(json: DicomJson, url: string): DicomJson {
  return Object.fromEntries(
    Object.entries(json).map(([key, attribute]) => {
      if (attribute.BulkDataURI !== undefined) {
        return [key, { ...attribute, BulkDataURI: `${url}/${attribute.BulkDataURI}` }];
      }
      if (attribute.vr !== 'SQ' || !attribute.Value) return [key, attribute];
      const items = attribute.Value.map((item) => (item ? withBulkUrls(item as DicomJson, url) : item));
      return [key, { ...attribute, Value: items }];
    }),
  );
}
