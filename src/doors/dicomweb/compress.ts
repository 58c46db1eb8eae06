/**
 * Compression where it pays: text to whoever is not on this computer, uncompressed frames to whoever comes from outside the local
 * network, for on a wire of a gigabit the compressor is the slower one. Compressed frames are left alone.
 */
import { BlockList, isIPv6 } from 'node:net';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import {
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzip,
  zstdCompress,
} from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addVary } from './cors.ts';

/** Fits into one packet anyway. */
const TOO_SMALL = 1400;
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const FAST = { level: 1 };

const CODINGS = {
  zstd: { whole: promisify(zstdCompress), stream: () => createZstdCompress() },
  br: {
    whole: (bytes: Uint8Array) => promisify(brotliCompress)(bytes, BROTLI),
    stream: () => createBrotliCompress(BROTLI),
  },
  gzip: { whole: (bytes: Uint8Array) => promisify(gzip)(bytes, FAST), stream: () => createGzip(FAST) },
} as const;
type Coding = keyof typeof CODINGS;

/** The coding that the client likes best, ours first among equals; undefined when it takes none: RFC 9110 12.5.3. */
export function codingOf(header: string | undefined): Coding | undefined {
  if (!header) return undefined;
  const weights = new Map(
    header.split(',').map((element) => {
      const [name = '', ...parameters] = element.split(';').map((part) => part.trim().toLowerCase());
      const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [name, q === undefined ? 1 : Number(q) || 0] as const;
    }),
  );
  const weight = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0;
  return (Object.keys(CODINGS) as Coding[])
    .filter((name) => weight(name) > 0)
    .sort((a, b) => weight(b) - weight(a))[0];
}

const here = new BlockList();
here.addSubnet('127.0.0.0', 8);
here.addAddress('::1', 'ipv6');
const near = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const)
  near.addSubnet(net, bits);
near.addSubnet('fc00::', 7, 'ipv6');
near.addSubnet('fe80::', 10, 'ipv6');

const within = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/** How an uncompressed frame is compressed for this client; undefined when it is not. */
export const codingOfFrames = ({
  ip,
  headers,
}: Pick<FastifyRequest, 'ip' | 'headers'>): Coding | undefined => {
  if (within(here, ip) || within(near, ip)) return undefined;
  const coding = codingOf(headers['accept-encoding'] as string | undefined);
  return coding === 'br' ? undefined : coding; // too slow for megabytes
};

/** Chunks as they come, compressed. */
export function compressed(chunks: AsyncIterable<Uint8Array>, coding: Coding): Readable {
  const stream = CODINGS[coding].stream();
  const source = Readable.from(chunks, { objectMode: false });
  source.on('error', (error) => stream.destroy(error));
  stream.on('close', () => source.destroy());
  return source.pipe(stream);
}

const isText = (type: string): boolean =>
  /^application\/(dicom\+)?json|[+/]xml|type="application\/dicom\+xml"/.test(type);

/** How text is compressed for this client, once the type of the answer is set; undefined when it is not. */
export function codingOfText(request: FastifyRequest, reply: FastifyReply): Coding | undefined {
  if (!isText(String(reply.getHeader('content-type') ?? '')) || reply.hasHeader('content-encoding'))
    return undefined;
  addVary(reply, 'accept-encoding');
  if (within(here, request.ip) || request.method === 'HEAD') return undefined;
  return codingOf(request.headers['accept-encoding'] as string | undefined);
}

export const encodedText = (bytes: Uint8Array, coding: Coding): Promise<Buffer> =>
  CODINGS[coding].whole(bytes);

export function compressText(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const coding = codingOfText(request, reply);
    const known = typeof payload === 'string' || payload instanceof Uint8Array;
    if (!coding || (known && payload.length < TOO_SMALL)) return payload;
    if (!known && !(payload instanceof Readable)) return payload;
    void reply.header('content-encoding', coding).removeHeader('content-length');
    if (known) return encodedText(Buffer.from(payload as Uint8Array), coding);
    return compressed(payload, coding);
  });
}
