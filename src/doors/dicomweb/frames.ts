/** Frames: PS3.18 10.4.1.1.6 with the media types of 8.7.3. As stored, or decoded to explicit VR little endian. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { InstanceRow, Sight } from '../../archive/index.ts';
import { type DataSet, EXPLICIT_LE, transferSyntax } from '../../dicom/index.ts';
import {
  type DecodedFrame,
  nativeBytes,
  pixelAttributesOf,
  type PixelAttributes,
} from '../../dicom/pixels/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { multipartWriter } from '../../wire/multipart.ts';
import { acceptedOf, covers, type MediaRange, notAcceptable } from './accept.ts';
import { type Get, instanceAt, isFresh, type Shared } from './context.ts';

const OCTETS = 'application/octet-stream';

/** PS3.18 table 8.7.3-2 to -4: media type of a compressed frame. */
const MEDIA: [RegExp, string][] = [
  [/^1\.2\.840\.10008\.1\.2\.5$/, 'image/dicom-rle'],
  [/^1\.2\.840\.10008\.1\.2\.4\.(50|51|57|70)$/, 'image/jpeg'],
  [/^1\.2\.840\.10008\.1\.2\.4\.8[01]$/, 'image/jls'],
  [/^1\.2\.840\.10008\.1\.2\.4\.9[01]$/, 'image/jp2'],
  [/^1\.2\.840\.10008\.1\.2\.4\.9[23]$/, 'image/jpx'],
  [/^1\.2\.840\.10008\.1\.2\.4\.20[123]$/, 'image/jphc'],
  [/^1\.2\.840\.10008\.1\.2\.4\.10[01](\.1)?$/, 'video/mpeg'],
  [/^1\.2\.840\.10008\.1\.2\.4\.10[2-8](\.1)?$/, 'video/mp4'],
];
const mediaTypeOf = (syntax: string): string =>
  MEDIA.find(([pattern]) => pattern.test(syntax))?.[1] ?? OCTETS;

/** What is sent: the frame as stored under a media type, or decoded. */
interface Choice {
  multipart: boolean;
  mediaType: string;
  transferSyntax: string;
  decode: boolean;
}

export type FrameAnswer = (
  request: Get,
  reply: FastifyReply,
  row: InstanceRow,
  numbers: readonly number[],
) => Promise<FastifyReply>;

/** Little-endian native frames read the same in the four transfer syntaxes that have them. */
export const isNative = (syntax: string): boolean => {
  const known = transferSyntax(syntax);
  return known !== undefined && !known.encapsulated && !known.bigEndian;
};

function choose(
  { outer, type, transferSyntax: asked }: MediaRange,
  stored: string,
  count: number,
): Choice | undefined {
  const multipart = outer === 'multipart/related' || outer === '*/*';
  if (!multipart && count > 1) return undefined;
  if (covers(type, OCTETS)) {
    if (asked === undefined || asked === EXPLICIT_LE) {
      return { multipart, mediaType: OCTETS, transferSyntax: EXPLICIT_LE, decode: !isNative(stored) };
    }
    if (asked === '*' || asked === stored) {
      const syntax = isNative(stored) ? EXPLICIT_LE : stored;
      return { multipart, mediaType: OCTETS, transferSyntax: syntax, decode: false };
    }
  }
  const mediaType = mediaTypeOf(stored);
  if (
    mediaType !== OCTETS &&
    covers(type, mediaType) &&
    (asked === undefined || asked === '*' || asked === stored)
  ) {
    return { multipart, mediaType, transferSyntax: stored, decode: false };
  }
  return undefined;
}

/** `'1,3'` → `[1, 3]`; throws `bad-frame-list` (400). */
export function frameNumbers(list: string): number[] {
  const numbers = list.split(',').map(Number);
  if (numbers.length > 10_000 || numbers.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new NegatoscopeError(
      'bad-frame-list',
      'Frames are asked for by numbers from 1 on, separated by commas.',
    );
  }
  return numbers;
}

export async function decodedFrame(
  { archive, pool }: Shared,
  row: InstanceRow,
  n: number,
  sight: Sight,
): Promise<{ frame: DecodedFrame; attributes: PixelAttributes; dataset: DataSet }> {
  const { bytes, transferSyntax: stored } = await archive.frame(row.sopInstanceUid, n, sight);
  const dataset = await archive.dataset(row.sopInstanceUid, sight);
  const attributes = pixelAttributesOf(dataset);
  return { frame: await pool.decode(bytes, stored, attributes), attributes, dataset };
}

export function createFrames(shared: Shared) {
  const { archive, sightOf } = shared;
  const bytesOf = async (row: InstanceRow, n: number, { decode }: Choice, sight: Sight): Promise<Buffer> => {
    if (!decode) return (await archive.frame(row.sopInstanceUid, n, sight)).bytes;
    const { frame, attributes } = await decodedFrame(shared, row, n, sight);
    return nativeBytes(frame, attributes);
  };

  const answer: FrameAnswer = async (request, reply, row, numbers) => {
    const sight = sightOf(request.principal);
    const choice = acceptedOf(request)
      .map((range) => choose(range, row.transferSyntax, numbers.length))
      .find((found) => found !== undefined);
    if (!choice) throw notAcceptable(`multipart/related; type="${OCTETS}"; transfer-syntax=*`);
    const variant = `-${numbers.join(',')}-${choice.mediaType}-${choice.decode}-${choice.multipart}`;
    // Before the first byte goes out, so that a missing or damaged frame gets a proper answer.
    const first = await bytesOf(row, numbers[0] ?? 1, choice, sight);
    if (isFresh(request, reply, [row], variant)) return reply;
    const type = `${choice.mediaType}; transfer-syntax=${choice.transferSyntax}`;
    if (!choice.multipart) return reply.type(type).send(first);
    const writer = multipartWriter();
    const parts = async function* () {
      for (const [i, n] of numbers.entries()) {
        yield writer.part({ 'Content-Type': type });
        yield i === 0 ? first : await bytesOf(row, n, choice, sight);
      }
      yield writer.end();
    };
    return reply
      .type(writer.contentType(choice.mediaType, choice.transferSyntax))
      .send(Readable.from(parts(), { objectMode: false }));
  };

  return {
    answer,
    async frames(request: Get, reply: FastifyReply) {
      const row = await instanceAt(archive, request.params, sightOf(request.principal));
      return answer(request, reply, row, frameNumbers(request.params.frames ?? ''));
    },
  };
}
