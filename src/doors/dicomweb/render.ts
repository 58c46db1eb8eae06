/** Rendered images and thumbnails: PS3.18 10.4.1.1.3 and 8.3.5. JPEG or PNG of one frame. */
import type { FastifyReply } from 'fastify';
import type { Sight, StoredInstance } from '../../archive/index.ts';
import { renderFrame, type RenderOptions } from '../../dicom/pixels/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { negotiate } from './accept.ts';
import { type Get, instancesAt, isFresh, type Shared, storedAt } from './context.ts';
import { decodedFrame, frameNumbers } from './frames.ts';

const TYPES = ['image/jpeg', 'image/png'] as const;
const MAX_SIDE = 8192;
/** A file that goes to the pool whole; of a longer one the frame alone. */
const MAX_WHOLE = 64 * 1024 * 1024;
const noImage = (): NegatoscopeError =>
  new NegatoscopeError('no-pixel-data', 'There is no image in it.', { status: 404 });
const THUMBNAIL = { width: 128, height: 128 };

const bad = (name: string): NegatoscopeError =>
  new NegatoscopeError('bad-parameter', `The query parameter ${name} has a value that cannot be used.`, {
    details: { parameter: name },
  });

/** `viewport=width,height`; `window=centre,width,function`; `quality`: PS3.18 8.3.5.1. */
export function renderOptions(query: Record<string, string | string[]>): Omit<RenderOptions, 'format'> {
  const one = (name: string): string | undefined => [query[name] ?? []].flat()[0];
  const options: Omit<RenderOptions, 'format'> = {};
  const viewport = one('viewport');
  if (viewport !== undefined) {
    const [width = NaN, height = NaN] = viewport.split(',').map(Number);
    const usable = (side: number): boolean => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE;
    if (!usable(width) || !usable(height)) throw bad('viewport');
    Object.assign(options, { width, height });
  }
  const window = one('window');
  if (window !== undefined) {
    const [centre, width, name = 'linear'] = window.split(',');
    const known = { linear: 'LINEAR', 'linear-exact': 'LINEAR_EXACT', sigmoid: 'SIGMOID' } as const;
    const chosen = Object.hasOwn(known, name) ? known[name as keyof typeof known] : undefined;
    const [c, w] = [Number(centre), Number(width)];
    if (!Number.isFinite(c) || !(w > 0 && Number.isFinite(w)) || !chosen) throw bad('window');
    options.window = { center: c, width: w, function: chosen };
  }
  const quality = one('quality');
  if (quality !== undefined) {
    if (!/^\d{1,3}$/.test(quality) || Number(quality) < 1 || Number(quality) > 100) throw bad('quality');
    options.quality = Number(quality);
  }
  return options;
}

export function renderRoutes(shared: Shared) {
  const { archive, sightOf, pool } = shared;
  /** The image in the middle: the first slice shows little. */
  const representative = async (
    request: Get,
    sight: Sight,
  ): Promise<{ stored: StoredInstance; frame: number }> => {
    if (request.params.instance !== undefined) {
      const stored = await storedAt(archive, request.params, sight);
      if (stored.row.rows === null) throw noImage();
      const { frames } = request.params;
      if (frames === undefined) return { stored, frame: Math.ceil(stored.row.frames / 2) };
      const [frame = 1, ...more] = frameNumbers(frames);
      if (more.length > 0) throw bad('frames');
      return { stored, frame };
    }
    const rows = await instancesAt(archive, request.params, sight);
    const pictures = rows.filter(({ rows: height }) => height !== null);
    // What AI made stands for a study only where there is nothing else.
    const received = pictures.filter(({ kind }) => kind === 'image');
    const images = received.length > 0 ? received : pictures;
    const row = images[Math.floor((images.length - 1) / 2)];
    const stored = row && (await archive.stored(row.sopInstanceUid, sight));
    if (!stored) throw noImage();
    return { stored, frame: Math.ceil(stored.row.frames / 2) };
  };

  const render = async (request: Get, reply: FastifyReply, fallback: { width?: number; height?: number }) => {
    const type = negotiate(request, TYPES);
    const sight = sightOf(request.principal);
    const options = { ...fallback, ...renderOptions(request.query) };
    const { stored, frame } = await representative(request, sight);
    const { row } = stored;
    if (
      isFresh(request, reply, row, `-r${frame}-${type}-${JSON.stringify(options).replace(/[^\w.,:-]/g, '')}`)
    ) {
      return reply;
    }
    const format = type === 'image/png' ? 'png' : 'jpeg';
    if (row.frames === 1 && row.size <= MAX_WHOLE) {
      const file = Buffer.allocUnsafeSlow(row.size);
      await stored.read(file, 0);
      return reply.type(type).send(await pool.render(file, { ...options, format, frame }));
    }
    const decoded = await decodedFrame(shared, stored, frame, sight);
    return reply
      .type(type)
      .send(await renderFrame(decoded.frame, decoded.dataset, { ...options, format, frame }));
  };

  return {
    rendered: (request: Get, reply: FastifyReply) => render(request, reply, {}),
    thumbnail: (request: Get, reply: FastifyReply) => render(request, reply, THUMBNAIL),
  };
}
