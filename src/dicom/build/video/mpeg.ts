/** MPEG-2 video: the elementary stream (ISO/IEC 13818-2), alone or in a program stream (13818-1 2.5), read once through. */
import { type ByteSource, unreadableVideo, unsupportedVideo, type VideoFacts } from './types.ts';

const CHUNK = 1024 * 1024;

/** Throws `video-unreadable`, `video-unsupported` (422). */
export async function readMpeg(source: ByteSource): Promise<VideoFacts> {
  const pictures = new Pictures();
  const head = Buffer.from(await source.read(0, 4));
  const take =
    head.readUInt32BE(0) === 0x1ba ? programStream(pictures) : (bytes: Buffer) => pictures.push(bytes);
  for (let at = 0; at < source.size; at += CHUNK) take(Buffer.from(await source.read(at, CHUNK)));
  return pictures.facts();
}

/** Frames per second by frame_rate_code: 13818-2 table 6-4. */
const RATES = [0, 24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60000 / 1001, 60];
const START = Buffer.from([0, 0, 1]);
/** No header that is read here is longer. */
const LONGEST = 16;

/** Counts the pictures of an elementary stream and reads its first headers. */
export class Pictures {
  #rest: Buffer = Buffer.alloc(0);
  #sequence: { columns: number; rows: number; rate: number } | undefined;
  #extension: { profile: number; level: number; chroma: number; rateFactor: number } | undefined;
  /** In fields: a frame has two. */
  #fields = 0;

  push(bytes: Buffer, last = false): void {
    const all = Buffer.concat([this.#rest, bytes]);
    let at = all.indexOf(START);
    let done = Math.max(0, all.length - 2);
    while (at >= 0) {
      if (at + LONGEST > all.length && !last) {
        done = at;
        break;
      }
      this.#header(all.subarray(at + 3, at + LONGEST));
      at = all.indexOf(START, at + 3);
    }
    this.#rest = all.subarray(done);
  }

  #header(bytes: Buffer): void {
    const code = bytes[0];
    if (code === 0x00) this.#fields += 2;
    else if (code === 0xb3 && bytes.length >= 8) {
      this.#sequence ??= {
        columns: (bytes[1]! << 4) | (bytes[2]! >> 4),
        rows: ((bytes[2]! & 15) << 8) | bytes[3]!,
        rate: RATES[bytes[4]! & 15] ?? 0,
      };
    } else if (code === 0xb5 && bytes.length >= 7) {
      const kind = bytes[1]! >> 4;
      if (kind === 1 && !this.#extension && this.#sequence) {
        this.#extension = {
          profile: bytes[1]! & 7,
          level: bytes[2]! >> 4,
          chroma: (bytes[2]! >> 1) & 3,
          rateFactor: (((bytes[6]! >> 5) & 3) + 1) / ((bytes[6]! & 31) + 1),
        };
        this.#sequence.columns |= (((bytes[2]! & 1) << 1) | (bytes[3]! >> 7)) << 12;
        this.#sequence.rows |= ((bytes[3]! >> 5) & 3) << 12;
      }
      // Picture coding extension: picture_structure, 3 for a frame (6.3.10).
      if (kind === 8 && (bytes[3]! & 3) !== 3) this.#fields -= 1;
    }
  }

  facts(): VideoFacts {
    this.push(Buffer.alloc(0), true);
    const sequence = this.#sequence;
    const extension = this.#extension;
    if (!sequence || sequence.rate === 0 || this.#fields < 2)
      throw unreadableVideo('there is no MPEG-2 video in it');
    if (!extension) throw unsupportedVideo('MPEG-1 video');
    const { profile, level, chroma, rateFactor } = extension;
    // 13818-2 table 8-2: 5 Simple, 4 Main; table 8-3: 10 Low, 8 Main, 6 High 1440, 4 High.
    if ((profile !== 4 && profile !== 5) || chroma !== 1 || ![4, 6, 8, 10].includes(level))
      throw unsupportedVideo('MPEG-2 of a profile other than Main');
    return {
      codec: 'mpeg2',
      mediaType: 'video/mpeg',
      columns: sequence.columns,
      rows: sequence.rows,
      frames: this.#fields >> 1,
      frameTime: 1000 / (sequence.rate * rateFactor),
      bitDepth: 8,
      transferSyntax: level >= 8 ? '1.2.840.10008.1.2.4.100' : '1.2.840.10008.1.2.4.101',
    };
  }
}

/** Gives what the first video stream of a program stream carries to `pictures`. */
function programStream(pictures: Pictures): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let stream: number | undefined;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    let at = 0;
    for (;;) {
      // Between packs there is nothing; after damage the next start code is looked for.
      at = rest.indexOf(START, at);
      if (at < 0 || at + LONGEST > rest.length) break;
      const code = rest[at + 3]!;
      if (code < 0xba) {
        at += 3;
        continue;
      }
      const end = at + packetLength(rest, at, code);
      if (end > rest.length) break;
      if (code >= 0xe0 && code <= 0xef) {
        stream ??= code;
        if (code === stream) pictures.push(payload(rest.subarray(at + 6, end)));
      }
      at = end;
    }
    rest = rest.subarray(at < 0 ? Math.max(0, rest.length - 2) : at);
  };
}

/** 2.5.3.3: a pack header of MPEG-2, or of MPEG-1; 2.4.3.6: a packet says its length. */
function packetLength(bytes: Buffer, at: number, code: number): number {
  if (code === 0xba) return bytes[at + 4]! >> 6 === 1 ? 14 + (bytes[at + 13]! & 7) : 12;
  return code === 0xb9 ? 4 : 6 + bytes.readUInt16BE(at + 4);
}

/** What a PES packet carries: 13818-1 2.4.3.7; of MPEG-1 (11172-1 2.4.3.3) stuffing, buffer size and time stamps go before. */
function payload(packet: Buffer): Buffer {
  if (packet[0]! >> 6 === 2) return packet.subarray(3 + packet[2]!);
  let at = 0;
  while (packet[at] === 0xff) at++;
  if (packet[at]! >> 6 === 1) at += 2;
  const stamps = packet[at]! >> 4;
  return packet.subarray(at + (stamps === 2 ? 5 : stamps === 3 ? 10 : 1));
}
