/** WADO-URI: PS3.18 9. One object a request, named in the query. */
import type { FastifyReply } from 'fastify';
import { isVideo } from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { MediaRange } from './accept.ts';
import { covers, notAcceptable } from './accept.ts';
import { type Get, type Shared, storedAt } from './context.ts';
import { frameNumbers, mediaTypeOf } from './frames.ts';
import {
  badParameter,
  checkedQuality,
  checkedSide,
  type Drawing,
  one,
  regionOf,
  type renderRoutes,
} from './render.ts';
import { DICOM, givenAs } from './syntax.ts';
import type { retrieveRoutes } from './wado.ts';

const missing = (name: string): NegatoscopeError =>
  new NegatoscopeError('bad-parameter', `The query parameter ${name} is missing.`, {
    details: { parameter: name },
  });

export function uriRoute(
  { archive, sightOf }: Shared,
  { single }: Pick<ReturnType<typeof retrieveRoutes>, 'single'>,
  { picture, video }: Pick<ReturnType<typeof renderRoutes>, 'picture' | 'video'>,
) {
  return async (request: Get, reply: FastifyReply) => {
    const { query } = request;
    const asked = (name: string): string => {
      const value = one(query, name);
      if (value === undefined || value === '') throw missing(name);
      return value;
    };
    if (asked('requestType') !== 'WADO') throw badParameter('requestType');
    const place = { study: asked('studyUID'), series: asked('seriesUID'), instance: asked('objectUID') };
    for (const name of ['anonymize', 'presentationUID', 'presentationSeriesUID'])
      if (one(query, name) !== undefined)
        throw new NegatoscopeError('bad-parameter', `The query parameter ${name} is not supported.`, {
          details: { parameter: name },
        });

    const stored = await storedAt(archive, place, sightOf(request.principal));
    const { row } = stored;
    // PS3.18 9.1.2.2: without a content type a single-frame image is JPEG, everything else the object itself.
    const picturable = row.rows !== null && !isVideo(row.transferSyntax);
    const fallback = picturable && row.frames === 1 ? 'image/jpeg' : DICOM;
    const types = (one(query, 'contentType') ?? fallback).split(',').map((type) => type.trim().toLowerCase());
    const offered = [
      ...(picturable ? ['image/jpeg', 'image/png'] : []),
      ...(isVideo(row.transferSyntax) ? [mediaTypeOf(row.transferSyntax)] : []),
      DICOM,
    ];
    const type = types.map((range) => offered.find((each) => covers(range, each))).find(Boolean);
    if (!type) throw notAcceptable(offered.join(', '));
    if (type === DICOM) return single(request, reply, stored, givenAs([dicomRange(query)], [row]));
    if (isVideo(row.transferSyntax)) return video(request, reply, stored);
    const [frame = 1, ...more] = frameNumbers(one(query, 'frameNumber') ?? '1');
    if (more.length > 0) throw badParameter('frameNumber');
    return picture(request, reply, stored, { frame, type, options: drawing(query, row) });
  };
}

/** PS3.18 9.1.2.2.3: without transferSyntax the object comes in explicit VR little endian where that can be. */
const dicomRange = (query: Get['query']): MediaRange => ({
  outer: DICOM,
  type: DICOM,
  transferSyntax: one(query, 'transferSyntax'),
  q: 1,
});

/** rows, columns, region, windowCenter, windowWidth, imageQuality: PS3.18 9.1.2.3. */
function drawing(query: Get['query'], size: { rows: number | null; columns: number | null }): Drawing {
  const options: Drawing = {};
  const [rows, columns] = [one(query, 'rows'), one(query, 'columns')];
  if (rows !== undefined) options.height = checkedSide(Number(rows || NaN), 'rows');
  if (columns !== undefined) options.width = checkedSide(Number(columns || NaN), 'columns');
  const [centre, width] = [one(query, 'windowCenter'), one(query, 'windowWidth')];
  if (centre !== undefined || width !== undefined) {
    const [c, w] = [Number(centre || NaN), Number(width || NaN)];
    if (!Number.isFinite(c)) throw badParameter('windowCenter');
    if (!Number.isFinite(w) || w <= 0) throw badParameter('windowWidth');
    options.window = { center: c, width: w };
  }
  const quality = one(query, 'imageQuality');
  if (quality !== undefined) options.quality = checkedQuality(quality, 'imageQuality');
  const region = one(query, 'region');
  if (region !== undefined) {
    // Left, top, right, bottom, as parts of the whole.
    const edges = region.split(',').map((edge) => Number(edge || NaN));
    const [left = NaN, top = NaN, right = NaN, bottom = NaN] = edges;
    if (edges.length !== 4 || edges.some((edge) => !(edge >= 0 && edge <= 1))) throw badParameter('region');
    const at = (part: number, whole: number | null): number => Math.round(part * (whole ?? 0));
    const [x, y] = [at(left, size.columns), at(top, size.rows)];
    options.region = regionOf(
      { left: x, top: y, width: at(right, size.columns) - x, height: at(bottom, size.rows) - y },
      size,
      'region',
    );
    if (right <= left || bottom <= top) throw badParameter('region');
  }
  return options;
}
