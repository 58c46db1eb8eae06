/** ISO base media files (ISO/IEC 14496-12), whole or in fragments: the one video track, from the boxes alone. */
import { type Coding, h264Parameters, hevcCoding } from './parameters.ts';
import { type ByteSource, unreadableVideo, unsupportedVideo, type VideoFacts } from './types.ts';

/** The index of an hour of film has about 2 MB. */
const MAX_MOOV = 64 * 1024 ** 2;

interface Box {
  type: string;
  /** What is inside. */
  body: Buffer;
}

const damaged = () => unreadableVideo('its index is damaged');

/** Throws `video-unreadable`, `video-unsupported` (422). */
export async function readMp4(source: ByteSource): Promise<VideoFacts> {
  const index = await findMoov(source);
  const moov = boxes(index.moov);
  const tracks = moov
    .filter(({ type }) => type === 'trak')
    .map(({ body }) => {
      const track = boxes(body);
      return { track, media: boxes(one(track, 'mdia')) };
    });
  const films = tracks.filter(({ media }) => one(media, 'hdlr').toString('latin1', 8, 12) === 'vide');
  const [film] = films;
  if (!film) throw unreadableVideo('there is no picture track in it');
  const { media } = film;
  if (films.length > 1) throw unsupportedVideo('a film with several picture tracks');
  const table = boxes(one(boxes(one(media, 'minf')), 'stbl'));
  const whole = timing(one(table, 'stts'));
  const mvex = moov.find(({ type }) => type === 'mvex');
  const pieces = mvex
    ? await fragments(source, index.end, behindTimes(one(film.track, 'tkhd')), boxes(mvex.body))
    : { frames: 0, duration: 0 };
  const frames = whole.frames + pieces.frames;
  const duration = whole.duration + pieces.duration;
  const timescale = behindTimes(one(media, 'mdhd'));
  if (frames < 1 || duration <= 0 || timescale <= 0) throw unreadableVideo('it has no frames');
  const description = one(table, 'stsd');
  const [entry] = boxes(description.subarray(8));
  if (!entry) throw unreadableVideo('it does not say how it is coded');
  return {
    ...coding(entry),
    mediaType: 'video/mp4',
    frames,
    frameTime: (duration / timescale / frames) * 1000,
  };
}

/** The boxes of a file, one after the other, from `at` on. */
async function* fileBoxes(
  source: ByteSource,
  from: number,
): AsyncGenerator<{ type: string; body: number; end: number }> {
  for (let at = from; at + 8 <= source.size;) {
    const head = Buffer.from(await source.read(at, 16));
    let size = head.readUInt32BE(0);
    const type = head.toString('latin1', 4, 8);
    let header = 8;
    if (size === 1 && head.length === 16) {
      size = Number(head.readBigUInt64BE(8));
      header = 16;
    } else if (size === 0) size = source.size - at;
    if (size < header || at + size > source.size)
      throw unreadableVideo('it ends early, it was not copied whole');
    yield { type, body: at + header, end: at + size };
    at += size;
  }
}

async function held(source: ByteSource, { body, end }: { body: number; end: number }): Promise<Buffer> {
  if (end - body > MAX_MOOV) throw unreadableVideo('its index is too long');
  return Buffer.from(await source.read(body, end - body));
}

async function findMoov(source: ByteSource): Promise<{ moov: Buffer; end: number }> {
  for await (const box of fileBoxes(source, 0))
    if (box.type === 'moov') return { moov: await held(source, box), end: box.end };
  throw unreadableVideo('it has no index, it was not copied whole');
}

/** Frames of one track in the movie fragments behind the index: 8.8. */
async function fragments(
  source: ByteSource,
  from: number,
  track: number,
  mvex: readonly Box[],
): Promise<{ frames: number; duration: number }> {
  const defaults = mvex.find(
    ({ type, body }) => type === 'trex' && body.length >= 24 && body.readUInt32BE(4) === track,
  );
  const usual = defaults?.body.readUInt32BE(12) ?? 0;
  let frames = 0;
  let duration = 0;
  for await (const box of fileBoxes(source, from)) {
    if (box.type !== 'moof') continue;
    for (const { type, body } of boxes(await held(source, box))) {
      if (type !== 'traf') continue;
      const inside = boxes(body);
      const tfhd = one(inside, 'tfhd');
      if (tfhd.readUInt32BE(4) !== track) continue;
      const each = defaultDuration(tfhd) ?? usual;
      for (const { body: trun } of inside.filter((child) => child.type === 'trun')) {
        const run = runOf(trun, each);
        frames += run.frames;
        duration += run.duration;
      }
    }
  }
  return { frames, duration };
}

/** Track fragment header: 8.8.7. */
function defaultDuration(tfhd: Buffer): number | undefined {
  const flags = tfhd.readUInt32BE(0) & 0xffffff;
  if (!(flags & 0x8)) return undefined;
  const at = 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  if (at + 4 > tfhd.length) throw damaged();
  return tfhd.readUInt32BE(at);
}

/** Track fragment run: 8.8.8. */
function runOf(trun: Buffer, usual: number): { frames: number; duration: number } {
  if (trun.length < 8) throw damaged();
  const flags = trun.readUInt32BE(0) & 0xffffff;
  const frames = trun.readUInt32BE(4);
  if (!(flags & 0x100)) return { frames, duration: frames * usual };
  const step = 4 * [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
  const first = 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  if (first + frames * step > trun.length) throw damaged();
  let duration = 0;
  for (let i = 0; i < frames; i++) duration += trun.readUInt32BE(first + i * step);
  return { frames, duration };
}

/** What stands behind the two times of a header, which are longer in version 1: track_ID (8.3.2), timescale (8.4.2). */
function behindTimes(header: Buffer): number {
  const at = header[0] === 1 ? 20 : 12;
  if (header.length < at + 4) throw damaged();
  return header.readUInt32BE(at);
}

function boxes(bytes: Buffer): Box[] {
  const found: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    let size = bytes.readUInt32BE(at);
    let header = 8;
    if (size === 1 && at + 16 <= bytes.length) {
      size = Number(bytes.readBigUInt64BE(at + 8));
      header = 16;
    } else if (size === 0) size = bytes.length - at;
    if (size < header || at + size > bytes.length) throw damaged();
    found.push({
      type: bytes.toString('latin1', at + 4, at + 8),
      body: bytes.subarray(at + header, at + size),
    });
    at += size;
  }
  return found;
}

function one(all: readonly Box[], type: string): Buffer {
  const box = all.find((each) => each.type === type);
  // The shortest of those asked for has 12 bytes before what is read of it.
  if (!box || box.body.length < 8) throw unreadableVideo(`its index has no ${type}`);
  return box.body;
}

/** Decoding time to sample: 8.6.1.2. */
function timing(stts: Buffer): { frames: number; duration: number } {
  const count = stts.readUInt32BE(4);
  if (8 + count * 8 > stts.length) throw damaged();
  let frames = 0;
  let duration = 0;
  for (let i = 0; i < count; i++) {
    const samples = stts.readUInt32BE(8 + i * 8);
    frames += samples;
    duration += samples * stts.readUInt32BE(12 + i * 8);
  }
  return { frames, duration };
}

/** Visual sample entry: 12.1.3. */
function coding({ type, body }: Box): Coding {
  const name = type.replace(/[^\w]/g, '');
  if (!['avc1', 'avc3', 'hvc1', 'hev1'].includes(type))
    throw unsupportedVideo(`video coded as ${name || 'something unknown'}`);
  if (body.length < 78) throw damaged();
  const size = { columns: body.readUInt16BE(24), rows: body.readUInt16BE(26) };
  const inside = boxes(body.subarray(78));
  return type.startsWith('avc') ? h264(one(inside, 'avcC')) : hevc(one(inside, 'hvcC'), size);
}

/** AVCDecoderConfigurationRecord: ISO/IEC 14496-15 5.3.3.1. */
function h264(avcC: Buffer): Coding {
  const length = (avcC[5]! & 31) > 0 ? avcC.readUInt16BE(6) : 0;
  if (length < 4 || 8 + length > avcC.length) throw unreadableVideo('it does not say how it is coded');
  return h264Parameters(avcC.subarray(9, 8 + length)).coding;
}

/** HEVCDecoderConfigurationRecord: ISO/IEC 14496-15 8.3.3.1. */
function hevc(hvcC: Buffer, size: { columns: number; rows: number }): Coding {
  if (hvcC.length < 23) throw unreadableVideo('it does not say how it is coded');
  return hevcCoding({
    profile: hvcC[1]! & 31,
    level: hvcC[12]!,
    chroma: hvcC[16]! & 3,
    depth: 8 + Math.max(hvcC[17]! & 7, hvcC[18]! & 7),
    ...size,
  });
}
