/** MPEG transport streams (ISO/IEC 13818-1 2.4) with H.264, HEVC or MPEG-2 video, read once through. */
import { Pictures } from './mpeg.ts';
import {
  type Coding,
  h264Parameters,
  hevcCodingOf,
  type Interlacing,
  isOfField,
  SLICE_HEAD,
} from './parameters.ts';
import { type ByteSource, unreadableVideo, unsupportedVideo, type VideoFacts } from './types.ts';

const PACKET = 188;
const SYNC = 0x47;
/** Read at once, in whole packets. */
const CHUNK = PACKET * 5600;
const START = Buffer.from([0, 0, 1]);
/** Of PTS, 2.4.3.7: 33 bits of a clock of 90 kHz. */
const CLOCK = 90_000;
const WRAP = 2 ** 33;

/** Stream types, table 2-34. */
const VIDEO: Readonly<Record<number, 'mpeg1' | 'mpeg2' | 'h264' | 'hevc' | 'other'>> = {
  0x01: 'mpeg1',
  0x02: 'mpeg2',
  0x10: 'other',
  0x1b: 'h264',
  0x24: 'hevc',
  0x33: 'other',
};

/** Throws `video-unreadable`, `video-unsupported` (422). */
export async function readTransport(source: ByteSource): Promise<VideoFacts> {
  const tables = new Tables();
  const stamps = new Stamps();
  let pictures: Pictures | Units | undefined;
  for (let at = 0; at < source.size; at += CHUNK) {
    const bytes = Buffer.from(await source.read(at, CHUNK));
    const video: Buffer[] = [];
    for (let i = 0; i + PACKET <= bytes.length; i += PACKET) {
      const packet = bytes.subarray(i, i + PACKET);
      if (packet[0] !== SYNC) throw unreadableVideo('it is damaged: packets do not follow each other');
      const payload = payloadOf(packet);
      if (!payload) continue;
      const pid = packet.readUInt16BE(1) & 0x1fff;
      const begins = (packet[1]! & 0x40) !== 0;
      tables.take(pid, begins, payload);
      if (tables.video === undefined || pid !== tables.video.pid) continue;
      pictures ??= tables.video.codec === 'mpeg2' ? new Pictures() : new Units(tables.video.codec);
      video.push(begins ? stamps.elementary(payload) : payload);
    }
    pictures?.push(Buffer.concat(video));
  }
  if (!pictures) throw unreadableVideo('there is no picture track in it');
  if (pictures instanceof Pictures) return { ...pictures.facts(), mediaType: 'video/mp2t' };
  const { coding, frames } = pictures.end();
  const frameTime = stamps.frameTime(frames);
  return { ...coding, mediaType: 'video/mp2t', frames, frameTime };
}

/** What a packet carries behind its adaptation field: 2.4.3.2, 2.4.3.4. Undefined: nothing, or it is scrambled. */
function payloadOf(packet: Buffer): Buffer | undefined {
  const control = packet[3]!;
  if (!(control & 0x10) || control & 0xc0) return undefined;
  const at = control & 0x20 ? 5 + packet[4]! : 4;
  return at < PACKET ? packet.subarray(at) : undefined;
}

/** Which stream is the video: program association and program map, 2.4.4. Their sections fit a packet. */
class Tables {
  video: { pid: number; codec: 'mpeg2' | 'h264' | 'hevc' } | undefined;
  #map: number | undefined;

  take(pid: number, begins: boolean, payload: Buffer): void {
    if (this.video || !begins || (pid !== 0 && pid !== this.#map)) return;
    const section = payload.subarray(1 + payload[0]!); // pointer_field
    if (section.length < 12) return;
    const end = Math.min(section.length, 3 + (section.readUInt16BE(1) & 0xfff) - 4); // without its CRC
    if (pid === 0 && section[0] === 0x00) this.#association(section, end);
    else if (pid === this.#map && section[0] === 0x02) this.#streams(section, end);
  }

  #association(section: Buffer, end: number): void {
    for (let at = 8; at + 4 <= end; at += 4)
      if (section.readUInt16BE(at) !== 0) {
        this.#map ??= section.readUInt16BE(at + 2) & 0x1fff;
        return;
      }
  }

  #streams(section: Buffer, end: number): void {
    for (let at = 12 + (section.readUInt16BE(10) & 0xfff); at + 5 <= end;) {
      const codec = VIDEO[section[at]!];
      if (codec === 'mpeg1') throw unsupportedVideo('MPEG-1 video');
      if (codec === 'other') throw unsupportedVideo(`video of stream type ${section[at]}`);
      if (codec) {
        if (this.video) throw unsupportedVideo('a film with several picture tracks');
        this.video = { pid: section.readUInt16BE(at + 1) & 0x1fff, codec };
      }
      at += 5 + (section.readUInt16BE(at + 3) & 0xfff);
    }
  }
}

/** When frames are shown, from the PES headers: 2.4.3.6. */
class Stamps {
  /** Of the latest one, without the jumps of its clock. */
  #last: number | undefined;
  #earliest = Infinity;
  #latest = -Infinity;
  #count = 0;

  /** The elementary stream behind the header of a PES packet. */
  elementary(payload: Buffer): Buffer {
    if (payload.length < 9 || payload.indexOf(START) !== 0) return payload.subarray(payload.length);
    if (payload[7]! & 0x80 && payload.length >= 14) this.#note(payload.subarray(9, 14));
    return payload.subarray(9 + payload[8]!);
  }

  #note(stamp: Buffer): void {
    const high = (stamp[0]! >> 1) & 7;
    const value = high * 2 ** 30 + (stamp.readUInt16BE(1) >> 1) * 2 ** 15 + (stamp.readUInt16BE(3) >> 1);
    const last = this.#last ?? value;
    // The clock begins anew after 26 hours, and frames are not stored in the order in which they are shown.
    const before = ((last % WRAP) + WRAP) % WRAP;
    this.#last = last + ((value - before + WRAP * 1.5) % WRAP) - WRAP / 2;
    this.#earliest = Math.min(this.#earliest, this.#last);
    this.#latest = Math.max(this.#latest, this.#last);
    this.#count++;
  }

  /** ms */
  frameTime(frames: number): number {
    const span = this.#latest - this.#earliest;
    if (frames < 2 || span <= 0) throw unreadableVideo('it does not say when its frames are shown');
    // Where fields have stamps of their own the latest is that of a second field, half a frame behind its first.
    const behind = this.#count > frames ? frames - 0.5 : frames - 1;
    return (span / CLOCK / behind) * 1000;
  }
}

/**
 * NAL unit types: of the sequence parameter set, of the delimiter that every picture has in a transport stream (2.14.1, 2.17.1), and
 * of slices of H.264 (table 7-1).
 */
const TYPES = {
  h264: { sps: 7, delimiter: 9, slices: [1, 5] },
  // A field of HEVC is a picture like any (field_seq_flag, H.265 E.3.1), and counts as a frame here.
  hevc: { sps: 33, delimiter: 35, slices: [] as number[] },
};
/** A sequence parameter set with everything in it. */
const MAX_SPS = 4096;

/** Counts the frames of H.264 or HEVC, and reads the first sequence parameter set. */
class Units {
  readonly #codec: 'h264' | 'hevc';
  #rest: Buffer = Buffer.alloc(0);
  #coding: Coding | undefined;
  #interlacing: Interlacing | undefined;
  /** In fields: a frame has two. */
  #fields = 0;
  /** A picture has begun, and none of its slices has come. */
  #begun = false;

  constructor(codec: 'h264' | 'hevc') {
    this.#codec = codec;
  }

  push(bytes: Buffer, last = false): void {
    const all = this.#rest.length ? Buffer.concat([this.#rest, bytes]) : bytes;
    const { sps, delimiter, slices } = TYPES[this.#codec];
    let at = all.indexOf(START);
    let done = Math.max(0, all.length - 2);
    while (at >= 0) {
      if (at + 4 > all.length) {
        done = at;
        break;
      }
      const header = all[at + 3]!;
      const type = this.#codec === 'h264' ? header & 31 : (header >> 1) & 63;
      const next = all.indexOf(START, at + 3);
      const needed = type === sps && !this.#coding ? MAX_SPS : slices.includes(type) ? 4 + SLICE_HEAD : 0;
      if (next < 0 && !last && all.length - at < needed) {
        done = at;
        break;
      }
      const nal = all.subarray(at + 3, next < 0 ? all.length : next);
      if (type === delimiter) {
        this.#fields += 2;
        this.#begun = true;
      } else if (type === sps && !this.#coding) this.#read(nal);
      else if (slices.includes(type) && this.#begun) {
        this.#begun = false;
        if (this.#interlacing && isOfField(nal.subarray(1), this.#interlacing)) this.#fields--;
      }
      at = next;
    }
    this.#rest = all.subarray(done);
  }

  #read(nal: Buffer): void {
    if (this.#codec === 'h264') {
      const { coding, interlacing } = h264Parameters(nal.subarray(1));
      this.#coding = coding;
      this.#interlacing = interlacing;
    } else this.#coding = hevcCodingOf(nal.subarray(2));
  }

  end(): { coding: Coding; frames: number } {
    this.push(Buffer.alloc(0), true);
    const frames = this.#fields >> 1;
    if (!this.#coding || frames === 0) throw unreadableVideo('it has no frames');
    return { coding: this.#coding, frames };
  }
}
