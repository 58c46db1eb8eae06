/** Frames: PS3.18 10.4.1.1.6 with the media types of 8.7.3. As stored, or decoded to explicit VR little endian. */
import type { FastifyReply } from 'fastify';
import type { Sight, StoredInstance } from '../../archive/index.ts';
import { type DataSet, EXPLICIT_LE, transferSyntax } from '../../dicom/index.ts';
import {
  type DecodedFrame,
  ENCODABLE,
  nativeBytes,
  pixelAttributesOf,
  type PixelAttributes,
} from '../../dicom/pixels/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { multipartWriter } from '../../wire/multipart.ts';
import { acceptedOf, covers, type MediaRange, notAcceptable } from './accept.ts';
import { codingOfFrames, compressed } from './compress.ts';
import { type Get, isFresh, ownerOf, type Shared, storedAt } from './context.ts';
import { addVary } from './cors.ts';
import { chunksOf, type Piece, sendChunks, sendPieces } from './send.ts';

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
export const mediaTypeOf = (syntax: string): string =>
  MEDIA.find(([pattern]) => pattern.test(syntax))?.[1] ?? OCTETS;

/** What is sent: the frame as stored under a media type, decoded, or compressed anew. */
interface Choice {
  multipart: boolean;
  mediaType: string;
  transferSyntax: string;
  how: 'stored' | 'decode' | 'encode';
}

export type FrameAnswer = (
  request: Get,
  reply: FastifyReply,
  stored: StoredInstance,
  numbers: readonly number[],
) => Promise<FastifyReply>;

/** Little-endian native frames read the same in the four transfer syntaxes that have them. */
export const isNative = (syntax: string): boolean => {
  const known = transferSyntax(syntax);
  return known !== undefined && !known.encapsulated && !known.bigEndian;
};

function choose(
  { outer, type, transferSyntax: asked }: MediaRange,
  { row }: StoredInstance,
  count: number,
): Choice | undefined {
  const stored = row.transferSyntax;
  const multipart = outer === 'multipart/related' || outer === '*/*';
  if (!multipart && count > 1) return undefined;
  if (covers(type, OCTETS)) {
    if (asked === undefined || asked === EXPLICIT_LE) {
      const how = isNative(stored) ? 'stored' : 'decode';
      return { multipart, mediaType: OCTETS, transferSyntax: EXPLICIT_LE, how };
    }
    if (asked === '*' || asked === stored) {
      const transferSyntax = isNative(stored) ? EXPLICIT_LE : stored;
      return { multipart, mediaType: OCTETS, transferSyntax, how: 'stored' };
    }
  }
  const mediaType = mediaTypeOf(stored);
  if (
    mediaType !== OCTETS &&
    covers(type, mediaType) &&
    (asked === undefined || asked === '*' || asked === stored)
  ) {
    return { multipart, mediaType, transferSyntax: stored, how: 'stored' };
  }
  const target = ENCODABLE.find(
    (syntax) =>
      (asked === syntax || ((asked === undefined || asked === '*') && type === mediaTypeOf(syntax))) &&
      covers(type, covers(type, OCTETS) ? OCTETS : mediaTypeOf(syntax)),
  );
  if (
    target === undefined ||
    row.photometric === '' ||
    !/^(MONOCHROME[12]|PALETTE COLOR)$/.test(row.photometric)
  )
    return undefined;
  return {
    multipart,
    mediaType: covers(type, OCTETS) ? OCTETS : mediaTypeOf(target),
    transferSyntax: target,
    how: 'encode',
  };
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

/** In words of an Accept header, what there is. */
const offered = (stored: string): string =>
  [
    `multipart/related; type="${OCTETS}"`,
    ...(isNative(stored)
      ? []
      : [`multipart/related; type="${mediaTypeOf(stored)}"; transfer-syntax=${stored}`]),
    ...ENCODABLE.map(
      (syntax) => `multipart/related; type="${mediaTypeOf(syntax)}"; transfer-syntax=${syntax}`,
    ),
  ].join(', ');

export async function decodedFrame(
  { archive, pool }: Shared,
  stored: StoredInstance,
  n: number,
  sight: Sight,
  owner: string,
): Promise<{ frame: DecodedFrame; attributes: PixelAttributes; dataset: DataSet }> {
  await stored.runs(n); // whether there is such a frame
  const dataset = await archive.dataset(stored.row.sopInstanceUid, sight);
  const attributes = pixelAttributesOf(dataset);
  const { transferSyntax } = stored.row;
  const frame = await pool.decode(() => stored.frame(n), transferSyntax, attributes, owner);
  return { frame, attributes, dataset };
}

export function createFrames(shared: Shared) {
  const { archive, sightOf, pool } = shared;

  /** A part of the file where the frame lies in it as it is asked for. */
  const piecesOf = async (
    stored: StoredInstance,
    n: number,
    { how, transferSyntax }: Choice,
    sight: Sight,
    owner: string,
  ): Promise<Piece[]> => {
    if (how === 'encode') {
      const { row } = stored;
      const attributes = pixelAttributesOf(await archive.dataset(row.sopInstanceUid, sight));
      const bytes = () => stored.frame(n);
      return [await pool.transcode(bytes, row.transferSyntax, transferSyntax, attributes, owner)];
    }
    if (how === 'decode') {
      const { frame, attributes } = await decodedFrame(shared, stored, n, sight, owner);
      return [nativeBytes(frame, attributes)];
    }
    const runs = await stored.runs(n);
    if (!runs) return [await stored.frame(n)];
    return Array.from({ length: runs.length / 2 }, (_, i) => ({
      from: stored,
      offset: runs[2 * i]!,
      length: runs[2 * i + 1]!,
    }));
  };

  const answer: FrameAnswer = async (request, reply, stored, numbers) => {
    const sight = sightOf(request.principal);
    const owner = ownerOf(request);
    const choice = acceptedOf(request)
      .map((range) => choose(range, stored, numbers.length))
      .find((found) => found !== undefined);
    if (!choice) throw notAcceptable(offered(stored.row.transferSyntax));
    const variant = `-${numbers.join(',')}-${choice.mediaType}-${choice.transferSyntax}-${choice.multipart}`;
    // Before the first byte goes out, so that a missing or damaged frame gets a proper answer.
    const first = await piecesOf(stored, numbers[0] ?? 1, choice, sight, owner);
    const others = numbers.slice(1);
    if (choice.how === 'stored') for (const n of others) await stored.runs(n);
    const coding = choice.transferSyntax === EXPLICIT_LE ? codingOfFrames(request) : undefined;
    if (isFresh(request, reply, stored.row, `${variant}${coding ? `-${coding}` : ''}`)) return reply;
    if (choice.transferSyntax === EXPLICIT_LE) addVary(reply, 'accept-encoding');
    const type = `${choice.mediaType}; transfer-syntax=${choice.transferSyntax}`;
    if (!choice.multipart && !coding) return sendPieces(reply.type(type), first);
    const writer = multipartWriter();
    void reply.type(choice.multipart ? writer.contentType(choice.mediaType, choice.transferSyntax) : type);
    const head = () => (choice.multipart ? writer.part({ 'Content-Type': type }) : Buffer.alloc(0));
    if (!coding && others.length === 0) return sendPieces(reply, [head(), ...first, writer.end()]);
    const parts = async function* (): AsyncGenerator<Piece> {
      yield head();
      yield* first;
      for (const n of others) {
        yield head();
        yield* await piecesOf(stored, n, choice, sight, owner);
      }
      if (choice.multipart) yield writer.end();
    };
    if (coding) return reply.header('content-encoding', coding).send(compressed(chunksOf(parts()), coding));
    return sendChunks(reply, parts());
  };

  return {
    answer,
    async frames(request: Get, reply: FastifyReply) {
      const numbers = frameNumbers(request.params.frames ?? '');
      return answer(
        request,
        reply,
        await storedAt(archive, request.params, sightOf(request.principal)),
        numbers,
      );
    },
  };
}
