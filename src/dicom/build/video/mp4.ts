/** ISO base media files (ISO/IEC 14496-12): the one video track, from the boxes alone. */
import { Bits, withoutEmulation } from './bits.ts';
import { type ByteSource, unreadableVideo, unsupportedVideo, type VideoFacts } from './types.ts';

/** The index of an hour of film has about 2 MB. */
const MAX_MOOV = 64 * 1024 ** 2;

interface Box {
  type: string;
  /** What is inside. */
  body: Buffer;
}

/** Throws `video-unreadable`, `video-unsupported` (422). */
export async function readMp4(source: ByteSource): Promise<VideoFacts> {
  const moov = boxes(await findMoov(source));
  if (moov.some(({ type }) => type === 'mvex'))
    throw unsupportedVideo('a film in pieces (fragmented MP4, as screen recorders and streams make them)');
  const tracks = moov
    .filter(({ type }) => type === 'trak')
    .map(({ body }) => boxes(one(boxes(body), 'mdia')));
  const films = tracks.filter((media) => one(media, 'hdlr').toString('latin1', 8, 12) === 'vide');
  const [media] = films;
  if (!media) throw unreadableVideo('there is no picture track in it');
  if (films.length > 1) throw unsupportedVideo('a film with several picture tracks');
  const table = boxes(one(boxes(one(media, 'minf')), 'stbl'));
  const { frames, duration } = timing(one(table, 'stts'));
  const timescale = timescaleOf(one(media, 'mdhd'));
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

async function findMoov(source: ByteSource): Promise<Buffer> {
  for (let at = 0; at + 8 <= source.size;) {
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
    if (type === 'moov') {
      if (size > MAX_MOOV) throw unreadableVideo('its index is too long');
      return Buffer.from(await source.read(at + header, size - header));
    }
    at += size;
  }
  throw unreadableVideo('it has no index, it was not copied whole');
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
    if (size < header || at + size > bytes.length) throw unreadableVideo('its index is damaged');
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
  if (8 + count * 8 > stts.length) throw unreadableVideo('its index is damaged');
  let frames = 0;
  let duration = 0;
  for (let i = 0; i < count; i++) {
    const samples = stts.readUInt32BE(8 + i * 8);
    frames += samples;
    duration += samples * stts.readUInt32BE(12 + i * 8);
  }
  return { frames, duration };
}

function timescaleOf(mdhd: Buffer): number {
  const at = mdhd[0] === 1 ? 20 : 12;
  if (mdhd.length < at + 4) throw unreadableVideo('its index is damaged');
  return mdhd.readUInt32BE(at);
}

type Coding = Pick<VideoFacts, 'codec' | 'columns' | 'rows' | 'bitDepth' | 'transferSyntax'>;

/** Visual sample entry: 12.1.3. */
function coding({ type, body }: Box): Coding {
  const name = type.replace(/[^\w]/g, '');
  if (!['avc1', 'avc3', 'hvc1', 'hev1'].includes(type))
    throw unsupportedVideo(`video coded as ${name || 'something unknown'}`);
  if (body.length < 78) throw unreadableVideo('its index is damaged');
  const size = { columns: body.readUInt16BE(24), rows: body.readUInt16BE(26) };
  const inside = boxes(body.subarray(78));
  return type.startsWith('avc') ? h264(one(inside, 'avcC')) : hevc(one(inside, 'hvcC'), size);
}

/** AVCDecoderConfigurationRecord: ISO/IEC 14496-15 5.3.3.1. */
function h264(avcC: Buffer): Coding {
  const length = (avcC[5]! & 31) > 0 ? avcC.readUInt16BE(6) : 0;
  if (length < 4 || 8 + length > avcC.length) throw unreadableVideo('it does not say how it is coded');
  const sps = withoutEmulation(avcC.subarray(9, 8 + length));
  const profile = sps[0]!;
  const level = sps[2]!;
  const read = new Bits(sps.subarray(3));
  read.unsigned(); // seq_parameter_set_id
  let chroma = 1;
  let depth = 8;
  if ([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].includes(profile)) {
    chroma = read.unsigned();
    if (chroma === 3) read.bits(1);
    depth = 8 + Math.max(read.unsigned(), read.unsigned());
    read.bits(1);
    if (read.bits(1))
      for (let i = 0; i < (chroma === 3 ? 12 : 8); i++) if (read.bits(1)) skipScaling(read, i < 6 ? 16 : 64);
  }
  read.unsigned(); // log2_max_frame_num_minus4
  const order = read.unsigned();
  if (order === 0) read.unsigned();
  else if (order === 1) {
    read.bits(1);
    read.signed();
    read.signed();
    for (let left = Math.min(255, read.unsigned()); left > 0; left--) read.signed();
  }
  read.unsigned(); // max_num_ref_frames
  read.bits(1);
  const width = 16 * (read.unsigned() + 1);
  const units = read.unsigned() + 1;
  const progressive = read.bits(1);
  if (!progressive) read.bits(1);
  read.bits(1);
  const crop = read.bits(1)
    ? [read.unsigned(), read.unsigned(), read.unsigned(), read.unsigned()]
    : [0, 0, 0, 0];
  const step = chroma === 1 ? 2 : 1;
  const columns = width - step * (crop[0]! + crop[1]!);
  const rows = 16 * units * (2 - progressive) - step * (2 - progressive) * (crop[2]! + crop[3]!);
  // 66, 77 and 100: what a decoder of High Profile plays (A.3). 9.8 is level 1b of the old profiles.
  if (![66, 77, 100].includes(profile)) throw unsupportedVideo(`H.264 of profile ${profile}`);
  if (chroma !== 1 || depth !== 8) throw unsupportedVideo('H.264 with other than 8 bits and 4:2:0');
  if (level > 42)
    throw unsupportedVideo(`H.264 of level ${level / 10}, which is more than 1920 × 1080 at 60 frames/s`);
  return {
    codec: 'h264',
    columns,
    rows,
    bitDepth: 8,
    transferSyntax: level > 41 ? '1.2.840.10008.1.2.4.104' : '1.2.840.10008.1.2.4.102',
  };
}

/** 7.3.2.1.1.1; only to get past it. */
function skipScaling(read: Bits, size: number): void {
  let next = 8;
  for (let i = 0, last = 8; i < size && next !== 0; i++) {
    next = (last + read.signed() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** HEVCDecoderConfigurationRecord: ISO/IEC 14496-15 8.3.3.1. */
function hevc(hvcC: Buffer, size: { columns: number; rows: number }): Coding {
  if (hvcC.length < 23) throw unreadableVideo('it does not say how it is coded');
  const profile = hvcC[1]! & 31;
  const level = hvcC[12]!;
  const chroma = hvcC[16]! & 3;
  const depth = 8 + Math.max(hvcC[17]! & 7, hvcC[18]! & 7);
  if ((profile !== 1 && profile !== 2) || chroma !== 1 || depth > 10)
    throw unsupportedVideo('HEVC of a profile other than Main and Main 10');
  if (level > 153) throw unsupportedVideo(`HEVC of level ${level / 30}`);
  const ten = profile === 2;
  return {
    codec: 'hevc',
    ...size,
    bitDepth: depth > 8 ? 10 : 8,
    transferSyntax: ten ? '1.2.840.10008.1.2.4.108' : '1.2.840.10008.1.2.4.107',
  };
}
