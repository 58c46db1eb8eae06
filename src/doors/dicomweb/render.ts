/** Rendered images and thumbnails: PS3.18 10.4.1.1.3, 10.4.1.1.4 and 8.3.5. JPEG or PNG of frames, video as it is stored. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Sight, StoredInstance } from '../../archive/index.ts';
import { isVideo } from '../../dicom/index.ts';
import { renderFrame, type RenderOptions } from '../../dicom/pixels/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { multipartWriter } from '../../wire/multipart.ts';
import { acceptedOf, covers, negotiate, notAcceptable } from './accept.ts';
import { type Get, instancesAt, isFresh, ownerOf, type Shared, storedAt } from './context.ts';
import { decodedFrame, frameNumbers, mediaTypeOf } from './frames.ts';
import { cut, type Piece, rangeOf, sendChunks, sendPieces } from './send.ts';

const TYPES = ['image/jpeg', 'image/png'] as const;
const MAX_SIDE = 8192;
const THUMBNAIL = { width: 128, height: 128 };
/** What the standard knows and we do not draw; a Warning says so (PS3.18 8.3.5.1). */
const NOT_DRAWN = ['annotation', 'iccprofile'] as const;

export type Drawing = Omit<RenderOptions, 'format' | 'frame'>;

const noImage = (): NegatoscopeError =>
  new NegatoscopeError('no-pixel-data', 'There is no image in it.', { status: 404 });

export const badParameter = (name: string): NegatoscopeError =>
  new NegatoscopeError('bad-parameter', `The query parameter ${name} has a value that cannot be used.`, {
    details: { parameter: name },
  });

export const one = (query: Get['query'], name: string): string | undefined => [query[name] ?? []].flat()[0];

export function checkedSide(side: number, name: string): number {
  if (!Number.isInteger(side) || side < 1 || side > MAX_SIDE) throw badParameter(name);
  return side;
}

export function checkedQuality(quality: string, name: string): number {
  if (!/^\d{1,3}$/.test(quality) || Number(quality) < 1 || Number(quality) > 100) throw badParameter(name);
  return Number(quality);
}

/**
 * `viewport=width,height[,left,top,width,height]`; `window=centre,width,function`; `quality`: PS3.18 8.3.5.1. The second half of
 * `viewport` is the part of the image to show, in pixels; without a width it reaches to the edge, a negative one mirrors.
 */
export function renderOptions(
  query: Get['query'],
  { rows, columns }: { rows: number | null; columns: number | null },
): Drawing {
  const options: Drawing = {};
  const viewport = one(query, 'viewport');
  if (viewport !== undefined) {
    const sides = viewport.split(',');
    if (sides.length > 6) throw badParameter('viewport');
    Object.assign(options, {
      width: checkedSide(Number(sides[0] || NaN), 'viewport'),
      height: checkedSide(Number(sides[1] || NaN), 'viewport'),
    });
    if (sides.length > 2) {
      const left = Number(sides[2] || 0);
      const top = Number(sides[3] || 0);
      const width = Number(sides[4] || (columns ?? 0) - left);
      const height = Number(sides[5] || (rows ?? 0) - top);
      options.region = regionOf({ left, top, width, height }, { rows, columns }, 'viewport');
    }
  }
  const window = one(query, 'window');
  if (window !== undefined) {
    const [centre, width, name = 'linear'] = window.split(',');
    const known = { linear: 'LINEAR', 'linear-exact': 'LINEAR_EXACT', sigmoid: 'SIGMOID' } as const;
    const chosen = Object.hasOwn(known, name) ? known[name as keyof typeof known] : undefined;
    const [c, w] = [Number(centre || NaN), Number(width || NaN)];
    if (!Number.isFinite(c) || !(w > 0 && Number.isFinite(w)) || !chosen) throw badParameter('window');
    options.window = { center: c, width: w, function: chosen };
  }
  const quality = one(query, 'quality');
  if (quality !== undefined) options.quality = checkedQuality(quality, 'quality');
  return options;
}

/** The region if it lies within the image; throws `bad-parameter` (400). */
export function regionOf(
  region: NonNullable<Drawing['region']>,
  { rows, columns }: { rows: number | null; columns: number | null },
  name: string,
): NonNullable<Drawing['region']> {
  const { left, top, width, height } = region;
  const within = (from: number, length: number, whole: number | null): boolean =>
    Number.isInteger(from) &&
    Number.isInteger(length) &&
    from >= 0 &&
    length !== 0 &&
    from + Math.abs(length) <= (whole ?? 0);
  if (!within(left, width, columns) || !within(top, height, rows)) throw badParameter(name);
  return region;
}

export function renderRoutes(shared: Shared) {
  const { archive, sightOf, pool } = shared;

  /** Images of a study or series, what AI made only where there is nothing else. */
  const pictures = async (request: Get, sight: Sight) => {
    const images = (await instancesAt(archive, request.params, sight)).filter(({ rows }) => rows !== null);
    const received = images.filter(({ kind }) => kind === 'image');
    const shown = received.length > 0 ? received : images;
    if (shown.length === 0) throw noImage();
    return shown;
  };

  /** The one image that an address means; of many the one in the middle, for the first slice shows little. */
  const representative = async (
    request: Get,
    sight: Sight,
  ): Promise<{ stored: StoredInstance; frame: number }> => {
    if (request.params.instance === undefined) {
      const images = await pictures(request, sight);
      const middle = images[Math.floor((images.length - 1) / 2)];
      const stored = await archive.stored(middle?.sopInstanceUid ?? '', sight);
      if (!stored) throw noImage();
      return { stored, frame: Math.ceil(stored.row.frames / 2) };
    }
    const stored = await storedAt(archive, request.params, sight);
    if (stored.row.rows === null) throw noImage();
    const { frames } = request.params;
    if (frames === undefined) return { stored, frame: Math.ceil(stored.row.frames / 2) };
    const [frame = 1, ...more] = frameNumbers(frames);
    if (more.length > 0) throw badParameter('frames');
    return { stored, frame };
  };

  /** Pictures that are being made: who asks for the same gets the same. */
  const underway = new Map<string, Promise<Buffer>>();

  /** One frame as a picture. Throws `pixels-undecodable` (422), `frame-not-found` (404), `busy` (503). */
  const draw = async (
    stored: StoredInstance,
    frame: number,
    type: string,
    drawing: Drawing,
    request: FastifyRequest,
  ): Promise<Buffer> => {
    const options: RenderOptions = { ...drawing, format: type === 'image/png' ? 'png' : 'jpeg', frame };
    const key = `${stored.row.sopInstanceUid} ${JSON.stringify(options)}`;
    const known = underway.get(key);
    if (known) return known;
    const made = drawn(stored, options, request).finally(() => underway.delete(key));
    underway.set(key, made);
    return made;
  };

  const drawn = async (
    stored: StoredInstance,
    options: RenderOptions,
    request: FastifyRequest,
  ): Promise<Buffer> => {
    const { frame = 1 } = options;
    const owner = ownerOf(request);
    const runs = await stored.runs(frame);
    if (runs) return pool.renderStored(await stored.place(), { header: stored.header, runs }, options, owner);
    const sight = sightOf(request.principal);
    const decoded = await decodedFrame(shared, stored, frame, sight, owner);
    return renderFrame(decoded.frame, decoded.dataset, options);
  };

  /** A frame as a picture of a type that is settled. */
  const picture = async (
    request: FastifyRequest,
    reply: FastifyReply,
    stored: StoredInstance,
    { frame, type, options }: { frame: number; type: string; options: Drawing },
  ): Promise<FastifyReply> => {
    const shown = JSON.stringify(options).replace(/[^\w.,:-]/g, '');
    if (isFresh(request, reply, stored.row, `-r${frame}-${type}-${shown}`)) return reply;
    return reply.type(type).send(await draw(stored, frame, type, options, request));
  };

  /** The stream as it is stored, which a browser may play. */
  const video = async (
    request: FastifyRequest,
    reply: FastifyReply,
    stored: StoredInstance,
  ): Promise<FastifyReply> => {
    if (isFresh(request, reply, stored.row, '-v')) return reply;
    const runs = (await stored.runs(1)) ?? [];
    const pieces: Piece[] = Array.from({ length: runs.length / 2 }, (_, i) => ({
      from: stored,
      offset: runs[2 * i]!,
      length: runs[2 * i + 1]!,
    }));
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const part = rangeOf(request, reply, length);
    return sendPieces(reply.type(mediaTypeOf(stored.row.transferSyntax)), part ? cut(pieces, part) : pieces);
  };

  const warn = (request: Get, reply: FastifyReply): void => {
    const ignored = NOT_DRAWN.filter((name) => {
      const value = one(request.query, name);
      return value !== undefined && value !== 'no';
    });
    if (ignored.length > 0)
      void reply.header('warning', `299 ${request.host} "not supported, not drawn: ${ignored.join(', ')}"`);
  };

  /** All images of a study or series, one part each. */
  const renderedMany = async (request: Get, reply: FastifyReply) => {
    const sight = sightOf(request.principal);
    const type = negotiate(request, TYPES);
    const rows = await pictures(request, sight);
    const options = rows.map((row) => renderOptions(request.query, row));
    const writer = multipartWriter();
    const parts = async function* (): AsyncGenerator<Piece> {
      for (const [i, row] of rows.entries()) {
        const stored = await archive.stored(row.sopInstanceUid, sight);
        if (!stored || isVideo(row.transferSyntax)) continue;
        let bytes: Buffer;
        try {
          bytes = await draw(stored, Math.ceil(row.frames / 2), type, options[i] ?? {}, request);
        } catch (thrown) {
          // One that cannot be shown does not keep back the others.
          if ((thrown as NegatoscopeError).code === 'pixels-undecodable') continue;
          throw thrown;
        }
        yield writer.part({ 'Content-Type': type });
        yield bytes;
      }
      yield writer.end();
    };
    void reply.type(writer.contentType(type)).header('cache-control', 'private, no-store');
    return sendChunks(reply, parts());
  };

  const rendered = async (request: Get, reply: FastifyReply) => {
    warn(request, reply);
    if (request.params.instance === undefined) {
      const multipart = acceptedOf(request).find(({ type }) => TYPES.some((one) => covers(type, one)));
      if (multipart?.outer === 'multipart/related' || multipart?.outer === '*/*')
        return renderedMany(request, reply);
    }
    const { stored, frame } = await representative(request, sightOf(request.principal));
    const { transferSyntax } = stored.row;
    if (isVideo(transferSyntax)) {
      const type = mediaTypeOf(transferSyntax);
      if (!acceptedOf(request).some((range) => covers(range.outer, type))) throw notAcceptable(type);
      return video(request, reply, stored);
    }
    const type = negotiate(request, TYPES);
    return picture(request, reply, stored, {
      frame,
      type,
      options: renderOptions(request.query, stored.row),
    });
  };

  const thumbnail = async (request: Get, reply: FastifyReply) => {
    warn(request, reply);
    const type = negotiate(request, TYPES);
    const { stored, frame } = await representative(request, sightOf(request.principal));
    const options = { ...THUMBNAIL, ...renderOptions(request.query, stored.row) };
    return picture(request, reply, stored, { frame, type, options });
  };

  return { rendered, thumbnail, picture, video };
}
